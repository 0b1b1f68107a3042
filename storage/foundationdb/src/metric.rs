//! What the store counts. Names that other backends share mean the same there.

use hongyan_telemetry::{Counter, Gauge, Histogram, counter_vec, gauge_vec, histogram_vec};

/// What the label `store` says: this one holds the data.
const STORE: &str = "data";

pub(crate) struct Metrics {
    pub(crate) commits: Counter,
    pub(crate) conflicts: Counter,
    pub(crate) failures: Counter,
    pub(crate) retries: Counter,
    pub(crate) unknown: Counter,
    pub(crate) octets: Counter,
    pub(crate) commit_latency: Histogram,
    pub(crate) get_latency: Histogram,
    pub(crate) range_latency: Histogram,
    pub(crate) version_latency: Histogram,
    pub(crate) watches: Gauge,
    pub(crate) busyness: Gauge,
}

impl Metrics {
    pub(crate) fn register() -> Self {
        let counter = |name, help| counter_vec(name, help, &["store"]).with_label_values(&[STORE]);
        let gauge = |name, help| gauge_vec(name, help, &["store"]).with_label_values(&[STORE]);
        let histogram = |name, help| histogram_vec(name, help, &["store"]).with_label_values(&[STORE]);
        let of = |kind: &str| read_latency(kind);
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
            retries: counter(
                "hongyan_storage_retries_total",
                "Transactions to be run again: too old, recovery of the cluster, throttling.",
            ),
            unknown: counter(
                "hongyan_storage_unknown_commits_total",
                "Commits whose result is unknown; whoever asked for them finds out.",
            ),
            octets: counter(
                "hongyan_storage_committed_octets_total",
                "Octets of keys and values committed.",
            ),
            commit_latency: histogram(
                "hongyan_storage_commit_seconds",
                "Time from a commit's request to its answer.",
            ),
            get_latency: of("key"),
            range_latency: of("range"),
            version_latency: of("version"),
            watches: gauge("hongyan_storage_watches", "Watches that wait for a change."),
            busyness: gauge(
                "hongyan_storage_client_busy_per_mille",
                "How busy the FoundationDB client's one thread is, of 1000.",
            ),
        }
    }
}

fn read_latency(kind: &str) -> Histogram {
    let reads = histogram_vec(
        "hongyan_storage_read_seconds",
        "Time of one read from the cluster, by kind.",
        &["store", "kind"],
    );
    reads.with_label_values(&[STORE, kind])
}
