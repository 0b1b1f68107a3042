//! How much a mailbox holds and may hold.

/// Limits; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QuotaLimits {
    /// Octets of all mails, each counted once however many folders it is in.
    pub octets_max: u64,
    /// Messages in all folders.
    pub messages_max: u64,
    /// Per cent of either limit from which the member is warned; 0 is never.
    pub warning_percent: u8,
}

/// What is used, beside what may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quota {
    /// The limits.
    pub limits: QuotaLimits,
    /// Octets in use.
    pub octets: u64,
    /// Messages in use.
    pub messages: u64,
}

impl Quota {
    /// Whether the warning level is reached.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        let over = |used: u64, max: u64| {
            max > 0 && u128::from(used) * 100 >= u128::from(max) * u128::from(self.limits.warning_percent)
        };
        self.limits.warning_percent > 0
            && (over(self.octets, self.limits.octets_max) || over(self.messages, self.limits.messages_max))
    }
    /// Whether `octets` and `messages` more would go over a limit.
    #[must_use]
    pub fn would_exceed(&self, octets: u64, messages: u64) -> bool {
        let over = |used: u64, more: u64, max: u64| max > 0 && used.saturating_add(more) > max;
        over(self.octets, octets, self.limits.octets_max) || over(self.messages, messages, self.limits.messages_max)
    }
}
