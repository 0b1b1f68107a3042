//! What the store counts.

use hongyan_telemetry::{Counter, Gauge, Histogram, counter_vec, gauge_vec, histogram_vec};

pub(crate) struct Metrics {
    pub(crate) commits: Counter,
    pub(crate) conflicts: Counter,
    pub(crate) failures: Counter,
    pub(crate) syncs: Counter,
    pub(crate) recoveries: Counter,
    pub(crate) octets: Counter,
    pub(crate) waiting: Gauge,
    pub(crate) free: Gauge,
    pub(crate) batch_transactions: Histogram,
    pub(crate) latency: Histogram,
    pub(crate) sync_latency: Histogram,
}

impl Metrics {
    /// Those of the store of this name.
    pub(crate) fn register(store: &str) -> Self {
        let counter = |name, help| counter_vec(name, help, &["store"]).with_label_values(&[store]);
        let gauge = |name, help| gauge_vec(name, help, &["store"]).with_label_values(&[store]);
        let histogram = |name, help| histogram_vec(name, help, &["store"]).with_label_values(&[store]);
        Self {
            commits: counter("hongyan_storage_commits_total", "Transactions committed durably."),
            conflicts: counter(
                "hongyan_storage_conflicts_total",
                "Commits refused because another one wrote first.",
            ),
            failures: counter(
                "hongyan_storage_failures_total",
                "Reads and commits that failed and are not just to be repeated.",
            ),
            syncs: counter("hongyan_storage_syncs_total", "Syncs of the journal."),
            recoveries: counter(
                "hongyan_storage_recoveries_total",
                "Reopenings after a failed write or sync.",
            ),
            octets: counter(
                "hongyan_storage_committed_octets_total",
                "Octets of keys and values committed.",
            ),
            waiting: gauge("hongyan_storage_waiting_commits", "Commits that wait for the disk."),
            free: gauge(
                "hongyan_storage_free_octets",
                "Free space of the disk, as of the newest commit.",
            ),
            batch_transactions: histogram_of_counts(),
            latency: histogram(
                "hongyan_storage_commit_seconds",
                "Time from a commit's request to its answer.",
            ),
            sync_latency: histogram("hongyan_storage_sync_seconds", "Time of one sync of the journal."),
        }
    }
}

fn histogram_of_counts() -> Histogram {
    hongyan_telemetry::histogram_with(
        "hongyan_storage_batch_transactions",
        "Transactions that shared one sync.",
        &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0],
    )
}
