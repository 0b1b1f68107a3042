//! Named settings of the store.

use std::sync::Arc;

use hongyan_telemetry::Health;

/// A clock in microseconds from any start, that never goes back.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Settings of the store; `EmbeddedOptions::default()` suits a node with some gigabytes of memory.
#[derive(Clone)]
pub struct EmbeddedOptions {
    /// What metrics call it, among the stores of this process.
    pub store: &'static str,
    /// What transactions age by.
    pub clock: Clock,
    /// Memory for blocks read from disk, in octets.
    pub cache_octets: u64,
    /// Size in octets at which recent writes move from memory to disk files; it also bounds what a reopening replays.
    pub memtable_octets_max: u64,
    /// Values from this size on lie outside the tree, so that compaction does not move them; in octets.
    pub separate_octets_min: u32,
    /// Free space of the disk in octets below which writes are refused, so that what is under way can end. What
    /// removes keys is taken down to a quarter of it.
    pub free_octets_min: u64,
    /// How many commits may wait for the disk; more are refused.
    pub waiting_max: usize,
    /// How much of waiting commits goes into one batch, in octets.
    pub batch_octets_max: usize,
    /// Time between two attempts to recover from a failed write, in milliseconds.
    pub recover_interval_millis: u64,
    /// Told as `storage` while commits are refused.
    pub health: Health,
    /// Threads that flush and compact in the background. With two the engine's first one spins while the second
    /// compacts; with one a flush waits for compaction.
    pub worker_threads: usize,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            store: "data",
            clock: monotonic(),
            cache_octets: 32 << 20,
            memtable_octets_max: 16 << 20,
            separate_octets_min: 1024,
            free_octets_min: 512 << 20,
            waiting_max: 20_000,
            batch_octets_max: 8 << 20,
            recover_interval_millis: 200,
            health: Health::default(),
            worker_threads: 3,
        }
    }
}

/// The machine's monotonic clock, for those who bring none.
#[allow(
    clippy::disallowed_methods,
    reason = "a backend that simulation replaces; tests bring their own clock"
)]
fn monotonic() -> Clock {
    let start = std::time::Instant::now();
    Arc::new(move || u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX))
}
