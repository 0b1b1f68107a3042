//! Two clocks: one that only goes forward, one that people read.

use std::time::Duration;

/// A moment of the monotonic clock, handed into protocol sessions; microseconds since an arbitrary start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant {
    /// Microseconds since the clock's start.
    pub micros: u64,
}

impl Instant {
    /// The moment `span` later; saturates at the end of time.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self {
            micros: self
                .micros
                .saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)),
        }
    }
    /// How long after `earlier` this is; zero when it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.micros.saturating_sub(earlier.micros))
    }
}

/// A moment of the wall clock: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    /// Milliseconds since the Unix epoch; negative before it.
    pub millis: i64,
}

impl Timestamp {
    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub fn secs(self) -> i64 {
        self.millis.div_euclid(1000)
    }
    /// The moment `secs` seconds after the Unix epoch; saturates.
    #[must_use]
    pub fn from_secs(secs: i64) -> Self {
        Self {
            millis: secs.saturating_mul(1000),
        }
    }
}
