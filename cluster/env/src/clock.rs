//! Two clocks behind one face: the machine's, and one that stands still until a test moves it.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// Wall time at which a manual clock starts: 2026-01-01T00:00:00Z, in milliseconds since the Unix epoch.
const MANUAL_START_WALL_MILLIS: i64 = 1_767_225_600_000;

/// A clock that moves only when told to. Clones show the same time.
#[derive(Clone)]
pub struct ManualClock(Arc<watch::Sender<u64>>);

impl ManualClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
    /// Moves both clocks forward by `span` and wakes the sleepers whose time has come.
    pub fn advance(&self, span: Duration) {
        self.0.send_modify(|micros| *micros += as_micros(span));
    }
    fn micros(&self) -> u64 {
        *self.0.borrow()
    }
    async fn sleep(&self, span: Duration) {
        let end = self.micros() + as_micros(span);
        let mut time = self.0.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = time.wait_for(|micros| *micros >= end).await;
    }
}

pub(crate) enum Clock {
    Real { start: Instant },
    Manual(ManualClock),
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the seam itself")]
    pub(crate) fn real() -> Self {
        Self::Real { start: Instant::now() }
    }
    pub(crate) fn micros(&self) -> u64 {
        match self {
            Self::Real { start } => as_micros(start.elapsed()),
            Self::Manual(clock) => clock.micros(),
        }
    }
    #[expect(clippy::disallowed_methods, reason = "the seam itself")]
    pub(crate) fn wall_millis(&self) -> i64 {
        match self {
            Self::Real { .. } => {
                let now = SystemTime::now();
                let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
                match now.duration_since(UNIX_EPOCH) {
                    Ok(since) => millis(since),
                    Err(before) => -millis(before.duration()),
                }
            }
            Self::Manual(clock) => {
                MANUAL_START_WALL_MILLIS.saturating_add(i64::try_from(clock.micros() / 1000).unwrap_or(i64::MAX))
            }
        }
    }
    pub(crate) async fn sleep(&self, span: Duration) {
        match self {
            Self::Real { .. } => tokio::time::sleep(span).await,
            Self::Manual(clock) => clock.sleep(span).await,
        }
    }
}

fn as_micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
