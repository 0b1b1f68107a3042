//! What one direction between two nodes is like.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// One direction between two nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkOptions {
    /// The shortest delay.
    pub latency_min: Duration,
    /// The longest ordinary delay; those between are equally likely.
    pub latency_max: Duration,
    /// One of a thousand calls takes ten times the longest delay.
    pub has_outliers: bool,
    /// How many of a million calls are lost.
    pub loss_per_million: u32,
    /// Octets a second; none means no bound.
    pub octets_per_second: Option<u64>,
}

impl Default for LinkOptions {
    fn default() -> Self {
        Self {
            latency_min: Duration::from_micros(100),
            latency_max: Duration::from_micros(500),
            has_outliers: false,
            loss_per_million: 0,
            octets_per_second: None,
        }
    }
}

/// Seeded choices.
pub(super) struct Dice(StdRng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }
    /// A number below `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64() % bound.max(1)
    }
    pub(super) fn delay(&mut self, link: &LinkOptions, octets: usize) -> Duration {
        let spread = link.latency_max.saturating_sub(link.latency_min);
        let spread = u64::try_from(spread.as_nanos()).unwrap_or(u64::MAX);
        let mut delay = link.latency_min + Duration::from_nanos(self.below(spread.saturating_add(1)));
        if link.has_outliers && self.below(1000) == 0 {
            delay = link.latency_max * 10;
        }
        if let Some(rate) = link.octets_per_second {
            let micros = (octets as u64).saturating_mul(1_000_000) / rate.max(1);
            delay += Duration::from_micros(micros);
        }
        delay
    }
    pub(super) fn is_lost(&mut self, link: &LinkOptions) -> bool {
        link.loss_per_million > 0 && self.below(1_000_000) < u64::from(link.loss_per_million)
    }
}
