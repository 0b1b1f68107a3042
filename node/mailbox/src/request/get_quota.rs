//! Use and limits: GETQUOTA (RFC 9208).

use crate::Quota;
use crate::work::{Progress, Step, Stop, Work};

/// Asks for the quota.
#[derive(Debug, Clone)]
pub struct GetQuota;

/// The quota.
#[derive(Debug, Clone)]
pub struct GetQuotaReply {
    /// Use and limits.
    pub quota: Quota,
}

impl GetQuota {
    pub(crate) async fn handle(&self, work: &mut Work<'_>, _: &mut Progress) -> Result<Step<GetQuotaReply>, Stop> {
        let quota = work.state.quota;
        Ok(Step::Done(GetQuotaReply { quota }))
    }
}
