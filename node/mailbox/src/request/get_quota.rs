//! Use and limits: GETQUOTA (RFC 9208).

use crate::Quota;

/// Asks for the quota.
#[derive(Debug, Clone)]
pub struct GetQuota;

/// The quota.
#[derive(Debug, Clone)]
pub struct GetQuotaReply {
    /// Use and limits.
    pub quota: Quota,
}
