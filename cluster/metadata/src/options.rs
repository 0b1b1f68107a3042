//! What may be set about the agreement.

use std::time::Duration;

/// How a node takes part.
#[derive(Debug, Clone)]
pub struct MetadataOptions {
    /// How often a leader shows itself.
    pub heartbeat: Duration,
    /// A follower stands for election after twice this silence. Each node takes a random time between this and
    /// one and a half of it, so that seldom two stand at once.
    pub election: Duration,
    /// Entries between two snapshots.
    pub snapshot_entries: u64,
    /// Entries kept before the snapshot, for members that lag a little.
    pub kept_entries: u64,
    /// The most members that vote; the others learn.
    pub voters_max: usize,
    /// How often the leader looks whether the voters are still the right ones, besides after each change.
    pub reconcile: Duration,
}

impl Default for MetadataOptions {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(100),
            election: Duration::from_millis(200),
            snapshot_entries: 1000,
            kept_entries: 200,
            voters_max: 7,
            reconcile: Duration::from_secs(1),
        }
    }
}
