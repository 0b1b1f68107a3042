//! When a message is tried again, when its sender hears of the delay, and when it is given up.

/// Settings of retrying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySchedule {
    /// Wait after the first failed attempt, in seconds. Default 60.
    pub first_secs: u64,
    /// Longest wait, in seconds; each wait is twice the one before until then. Default 2 hours.
    pub wait_secs_max: u64,
    /// When the sender is told of a delay, in seconds after acceptance. Default 4 hours (RFC 5321 §4.5.4.1 leaves it open).
    pub delay_report_secs: u64,
    /// When it is given up, in seconds after acceptance. Default 5 days (RFC 5321 §4.5.4.1: at least 4-5 days).
    pub expire_secs: u64,
}

impl Default for RetrySchedule {
    fn default() -> Self {
        Self {
            first_secs: 60,
            wait_secs_max: 2 * 3600,
            delay_report_secs: 4 * 3600,
            expire_secs: 5 * 24 * 3600,
        }
    }
}

impl RetrySchedule {
    /// The wait in milliseconds after the failed attempt number `attempts`, from 1.
    #[must_use]
    pub fn wait_millis(&self, attempts: u32) -> i64 {
        let doublings = attempts.saturating_sub(1).min(32);
        let secs = self.first_secs.saturating_mul(1 << doublings).min(self.wait_secs_max);
        millis(secs)
    }
    /// The lifetime in milliseconds.
    #[must_use]
    pub fn expire_millis(&self) -> i64 {
        millis(self.expire_secs)
    }
    /// The patience before a delay report in milliseconds.
    #[must_use]
    pub fn delay_report_millis(&self) -> i64 {
        millis(self.delay_report_secs)
    }
}

fn millis(secs: u64) -> i64 {
    i64::try_from(secs.saturating_mul(1000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::RetrySchedule;

    #[test]
    fn waits_double_up_to_a_bound() {
        let schedule = RetrySchedule::default();
        let waits: Vec<i64> = [1, 2, 3, 7, 8, 9, 1000]
            .map(|n| schedule.wait_millis(n) / 1000)
            .to_vec();
        assert_eq!(waits, [60, 120, 240, 3840, 7200, 7200, 7200]);
    }
}
