//! New limits, by an administrator.

use crate::QuotaLimits;
use crate::work::{Progress, Step, Stop, Work};

/// Sets the limits. What is over them stays; nothing more comes in.
#[derive(Debug, Clone)]
pub struct SetQuota {
    /// The limits.
    pub limits: QuotaLimits,
}

/// Set.
#[derive(Debug, Clone)]
pub struct SetQuotaReply;

impl SetQuota {
    pub(crate) async fn handle(&self, work: &mut Work<'_>, _: &mut Progress) -> Result<Step<SetQuotaReply>, Stop> {
        if work.state.quota.limits != self.limits {
            work.state.quota.limits = self.limits;
            work.touch_meta();
        }
        Ok(Step::Done(SetQuotaReply))
    }
}
