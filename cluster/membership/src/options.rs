//! The times that leases and deaths go by, and how much moves at once.

use std::time::Duration;

/// Times and bounds. The same on all nodes of a cluster.
#[derive(Debug, Clone)]
pub struct MembershipOptions {
    /// How often a node shows that it lives.
    pub heartbeat: Duration,
    /// How long it may answer for its partitions after a heartbeat that was acknowledged, from when it was sent.
    pub lease: Duration,
    /// How long the leader hears nothing of a node before it gives its partitions away. Longer than the lease by more
    /// than clocks can differ in rate; also how long after the last acknowledgement of an earlier leader a new one judges
    /// anybody.
    pub death: Duration,
    /// How long nodes have to find a new leader before it judges anybody.
    pub arrive: Duration,
    /// How often the controller looks, besides after each change of the map.
    pub control: Duration,
    /// Planned moves under way at once, unless the cluster's setting says otherwise.
    pub moves_at_once: usize,
    /// How long a planned move may take before it is given up and planned anew.
    pub move_within: Duration,
    /// How long the entities of a partition may take to write down what they have.
    pub release_within: Duration,
}

impl Default for MembershipOptions {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(200),
            lease: Duration::from_millis(800),
            death: Duration::from_millis(1000),
            arrive: Duration::from_millis(600),
            control: Duration::from_millis(100),
            moves_at_once: 16,
            move_within: Duration::from_secs(10),
            release_within: Duration::from_secs(3),
        }
    }
}
