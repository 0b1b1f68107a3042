//! Named settings of the store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A clock in microseconds from any start, that never goes back.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Where FoundationDB's packages put the cluster file.
pub const CLUSTER_FILE_DEFAULT: &str = "/etc/foundationdb/fdb.cluster";
/// The first element of all our keys.
pub const KEY_SPACE_DEFAULT: &str = "hongyan";
/// Longest prefix of keys, in octets: what `hongyan_kv::KEY_OCTETS_MAX` leaves of FoundationDB's own limit of 10,000.
pub const KEY_PREFIX_OCTETS_MAX: usize = 100;

const _: () = assert!(hongyan_kv::KEY_OCTETS_MAX + KEY_PREFIX_OCTETS_MAX <= 10_000);

/// Settings of the store.
#[derive(Clone)]
pub struct FoundationOptions {
    /// What latencies are measured by.
    pub clock: Clock,
    /// The client library; `None` for the one that the system's loader finds.
    pub library: Option<PathBuf>,
    /// The file that says where the cluster is. The library writes it when the coordinators move.
    pub cluster_file: PathBuf,
    /// All keys lie under the tuple of this one string; at most [`KEY_PREFIX_OCTETS_MAX`] octets encoded.
    pub key_space: String,
    /// Name of this machine's data centre, so that reads go to servers nearby.
    pub data_center: Option<String>,
    /// Name of this machine, for the same.
    pub machine: Option<String>,
    /// How long opening waits for the cluster.
    pub open_within: Duration,
    /// After this a transaction fails; an unreachable cluster would hold it for ever.
    pub transaction_timeout: Duration,
    /// How many watches may be open at once.
    pub watches_max: u32,
    /// Where the library writes its traces; `None` for nowhere.
    pub trace_folder: Option<PathBuf>,
}

impl Default for FoundationOptions {
    fn default() -> Self {
        Self {
            clock: monotonic(),
            library: None,
            cluster_file: CLUSTER_FILE_DEFAULT.into(),
            key_space: KEY_SPACE_DEFAULT.to_owned(),
            data_center: None,
            machine: None,
            open_within: Duration::from_secs(15),
            transaction_timeout: Duration::from_secs(10),
            watches_max: 100_000,
            trace_folder: None,
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
