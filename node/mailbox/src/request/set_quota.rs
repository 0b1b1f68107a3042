//! New limits, by an administrator.

use crate::QuotaLimits;

/// Sets the limits. What is over them stays; nothing more comes in.
#[derive(Debug, Clone)]
pub struct SetQuota {
    /// The limits.
    pub limits: QuotaLimits,
}

/// Set.
#[derive(Debug, Clone)]
pub struct SetQuotaReply;
