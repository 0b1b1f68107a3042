//! How long a server that ended is let rest before it is started again. Pure.

use std::time::Duration;

/// Pause before a server that ended is started again; doubled with each end in a row.
pub(crate) const PAUSE_MIN: Duration = Duration::from_secs(1);
/// Longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Who has run for so long has not ended in a row.
const STEADY: Duration = Duration::from_secs(60);

/// How this machine's server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerState {
    /// It runs.
    Running,
    /// It has ended, and will be started again.
    Ended {
        /// Why, for people.
        why: String,
        /// How often in a row.
        times: u32,
        /// The pause before the next start.
        pause: Duration,
    },
    /// It is stopped, because it holds nothing any more.
    Stopped,
}

impl std::fmt::Display for ServerState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Running => f.write_str("this machine's fdbserver runs"),
            Self::Ended { why, times, pause } => write!(
                f,
                "this machine's fdbserver has ended ({times} in a row, started every {} s): {why}",
                pause.as_secs()
            ),
            Self::Stopped => f.write_str("this machine's fdbserver holds nothing and is stopped"),
        }
    }
}

/// The pauses of one server.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    times: u32,
}

impl Pauses {
    /// The server has ended after so long: how often that was in a row, and the pause before the next start.
    pub(crate) fn ended(&mut self, ran: Duration) -> (u32, Duration) {
        if ran >= STEADY {
            self.times = 0;
        }
        self.times = self.times.saturating_add(1);
        let doubled = 2_u32.saturating_pow(self.times - 1);
        (self.times, PAUSE_MIN.saturating_mul(doubled).min(PAUSE_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_a_server_has_run_for_a_while() {
        let mut pauses = Pauses::default();
        let mut ended = |secs| pauses.ended(Duration::from_secs(secs)).1.as_secs();
        assert_eq!([3600, 1, 1, 1].map(&mut ended), [1, 2, 4, 8]);
        assert_eq!([59, 0, 0].map(&mut ended), [16, 30, 30]);
        assert_eq!([60, 2].map(&mut ended), [1, 2]);
        for _ in 0..100 {
            ended(0);
        }
        assert_eq!(ended(0), 30);
    }
}
