//! Three clocks behind one face: the machine's, one that stands still until a test moves it, and a simulated host's.

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
    Simulated(SimulatedClock),
}

/// The clock of a simulated host: tokio's, which the simulation pauses, running a little too fast or too slow.
pub(crate) struct SimulatedClock {
    start: tokio::time::Instant,
    rate_ppm: i32,
    wall_start_millis: i64,
}

/// The longest sleep that tokio's clock is asked for: ten years.
const SLEEP_SECS_MAX: u64 = 10 * 365 * 24 * 3600;

impl SimulatedClock {
    #[expect(clippy::disallowed_methods, reason = "the seam itself")]
    fn new(rate_ppm: i32, wall_ahead_millis: i64) -> Self {
        Self {
            start: tokio::time::Instant::now(),
            rate_ppm,
            wall_start_millis: MANUAL_START_WALL_MILLIS.saturating_add(wall_ahead_millis),
        }
    }
    fn rate(&self) -> f64 {
        1.0 + f64::from(self.rate_ppm) / 1e6
    }
    fn micros(&self) -> u64 {
        as_micros(self.start.elapsed().mul_f64(self.rate()))
    }
    async fn sleep(&self, span: Duration) {
        let end = self.micros().saturating_add(as_micros(span));
        // Rounding may wake it a moment early by this clock.
        loop {
            let left = Duration::from_micros(end.saturating_sub(self.micros()));
            if left.is_zero() {
                return;
            }
            let left = left.min(Duration::from_secs(SLEEP_SECS_MAX));
            tokio::time::sleep(left.div_f64(self.rate()).max(Duration::from_micros(1))).await;
        }
    }
}

impl Clock {
    pub(crate) fn simulated(rate_ppm: i32, wall_ahead_millis: i64) -> Self {
        Self::Simulated(SimulatedClock::new(rate_ppm, wall_ahead_millis))
    }
    #[expect(clippy::disallowed_methods, reason = "the seam itself")]
    pub(crate) fn real() -> Self {
        Self::Real { start: Instant::now() }
    }
    pub(crate) fn micros(&self) -> u64 {
        match self {
            Self::Real { start } => as_micros(start.elapsed()),
            Self::Manual(clock) => clock.micros(),
            Self::Simulated(clock) => clock.micros(),
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
            Self::Simulated(clock) => {
                let passed = i64::try_from(clock.micros() / 1000).unwrap_or(i64::MAX);
                clock.wall_start_millis.saturating_add(passed)
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
            Self::Simulated(clock) => clock.sleep(span).await,
        }
    }
}

fn as_micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
