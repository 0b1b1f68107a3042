//! What a run is made of. A seed draws what a plan leaves open, so that seeds differ in kind and not only in detail.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Deserialize;

use crate::Mutant;

/// One run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// Nodes. One is alone; more are a cluster.
    pub nodes: usize,
    /// Partitions of a cluster.
    pub partitions: usize,
    /// Accounts.
    pub mailboxes: usize,
    /// Clients that work at the same time.
    pub clients: usize,
    /// What all clients do together.
    pub steps: usize,
    /// What goes wrong meanwhile.
    pub faults: Faults,
    /// A planted bug.
    pub mutant: Option<Mutant>,
}

/// What goes wrong: faults of the store in cases of a thousand, the others by how often they happen.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Commits that conflict.
    pub conflict_per_mille: u16,
    /// Commits and reads that are too old.
    pub too_old_per_mille: u16,
    /// Commits of unknown result, half of which happened.
    pub unknown_per_mille: u16,
    /// Commits that the store cannot do now.
    pub unavailable_per_mille: u16,
    /// Longest delay of a read or commit in the store.
    pub store_delay_micros_max: u64,
    /// Longest way of a commit to the store, and back; on it a commit outlives its node.
    pub commit_delay_micros_max: u64,
    /// Longest way of a segment.
    pub network_delay_micros_max: u64,
    /// Reads of a socket that get only a part.
    pub fragment_per_mille: u32,
    /// Mean time between two events of the kinds below, in milliseconds; 0 is never.
    pub event_millis: u64,
    /// How likely each kind is, against the others.
    pub kill: u32,
    /// As [`Faults::kill`], with notice and time to stop.
    pub restart: u32,
    /// A node stands still for a while.
    pub pause: u32,
    /// All connections of a node are reset.
    pub cut: u32,
    /// A link is blocked for a while, one way or both.
    pub block: u32,
    /// A node does not reach the store for a while.
    pub store_cut: u32,
    /// The store takes long for every read and commit for a while.
    pub slow_store: u32,
    /// A node is killed and starts again with an older copy of its disk; then the right disk is put back.
    pub stale_disk: u32,
    /// A copy of a node's disk is started elsewhere while the node lives.
    pub clone: u32,
    /// The disk on which a node keeps its part of the metadata is full for a while.
    pub full_disk: u32,
    /// The way between nodes is blocked for a while: between two, one of them and all others, one way or both.
    pub part: u32,
    /// Two nodes do not reach each other for a while, one way or both, while all others reach both.
    pub sever: u32,
    /// All ways between nodes become slow and lose calls for a while.
    pub slow: u32,
    /// A node hands over what it owns, stops, starts as the next release, and takes its share again.
    pub roll: u32,
    /// Longest way of a call between nodes.
    pub node_delay_micros_max: u64,
    /// How many of a million calls between nodes are lost.
    pub node_loss_per_million: u32,
    /// Only one thing goes wrong at a time, the next one after all is at rest. How long each mailbox takes to answer after a kill is
    /// measured; without kills no command may fail.
    pub is_vigil: bool,
    /// How far a clock's rate may be off, in millionths.
    pub clock_rate_ppm_max: i32,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            nodes: 1,
            partitions: 32,
            mailboxes: 3,
            clients: 5,
            steps: 120,
            faults: Faults::default(),
            mutant: None,
        }
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            conflict_per_mille: 0,
            too_old_per_mille: 0,
            unknown_per_mille: 0,
            unavailable_per_mille: 0,
            store_delay_micros_max: 3_000,
            commit_delay_micros_max: 3_000,
            network_delay_micros_max: 2_000,
            fragment_per_mille: 0,
            event_millis: 0,
            kill: 0,
            restart: 0,
            pause: 0,
            cut: 0,
            block: 0,
            store_cut: 0,
            slow_store: 0,
            stale_disk: 0,
            clone: 0,
            full_disk: 0,
            part: 0,
            sever: 0,
            slow: 0,
            roll: 0,
            node_delay_micros_max: 500,
            node_loss_per_million: 0,
            is_vigil: false,
            clock_rate_ppm_max: 0,
        }
    }
}

impl Plan {
    /// What `seed` draws: each kind of fault is in about half of the runs.
    #[must_use]
    pub fn draw(seed: u64, steps: usize) -> Self {
        let mut random = StdRng::seed_from_u64(seed ^ 0x706c_616e);
        let mut sometimes = |most: u64| -> u64 {
            if random.random_bool(0.5) {
                random.random_range(1..=most)
            } else {
                0
            }
        };
        let mut per_mille = |most: u64| u16::try_from(sometimes(most)).unwrap_or(0);
        let (conflict, too_old, unknown, unavailable) = (per_mille(200), per_mille(30), per_mille(60), per_mille(20));
        let mut weight = || u32::try_from(sometimes(4)).unwrap_or(0);
        let (kill, restart, pause, cut, block, store_cut) =
            (weight(), weight(), weight(), weight(), weight(), weight());
        let faults = Faults {
            conflict_per_mille: conflict,
            too_old_per_mille: too_old,
            unknown_per_mille: unknown,
            unavailable_per_mille: unavailable,
            store_delay_micros_max: 1_000 + sometimes(50_000),
            commit_delay_micros_max: 1_000 + sometimes(500_000),
            network_delay_micros_max: 1_000 + sometimes(100_000),
            fragment_per_mille: u32::try_from(sometimes(300)).unwrap_or(0),
            event_millis: 300 + sometimes(5_000),
            kill,
            restart,
            pause,
            cut,
            block,
            store_cut,
            clock_rate_ppm_max: i32::try_from(sometimes(1_000)).unwrap_or(0),
            ..Faults::default()
        };
        Self {
            mailboxes: random.random_range(1..=4),
            clients: random.random_range(2..=7),
            steps,
            faults,
            ..Self::default()
        }
    }

    /// What `seed` draws for a cluster of `nodes`.
    #[must_use]
    pub fn draw_cluster(seed: u64, steps: usize, nodes: usize) -> Self {
        let alone = Self::draw(seed, steps);
        let mut random = StdRng::seed_from_u64(seed ^ 0x636c_7573);
        let mut weight = |most: u32| {
            if random.random_bool(0.5) {
                random.random_range(1..=most)
            } else {
                0
            }
        };
        let (part, slow, roll) = (weight(4), weight(3), weight(2));
        let (delay, loss) = (weight(20_000), weight(5_000));
        let partitions = if weight(1) == 1 { 16 } else { 64 };
        let (slow_store, stale_disk, clone, full_disk) = (weight(2), weight(2), weight(2), weight(2));
        Self {
            nodes,
            partitions,
            faults: Faults {
                part,
                slow,
                roll,
                slow_store,
                stale_disk,
                clone,
                full_disk,
                node_delay_micros_max: 500 + u64::from(delay),
                node_loss_per_million: loss,
                event_millis: alone.faults.event_millis.max(1_000),
                ..alone.faults
            },
            ..alone
        }
    }
    /// A rolling upgrade, one node at a time and nothing else, in which no command may fail.
    #[must_use]
    pub fn rolling(steps: usize, nodes: usize) -> Self {
        let vigil = Self::vigil(steps, nodes);
        Self {
            faults: Faults {
                event_millis: 500,
                kill: 0,
                roll: 1,
                ..vigil.faults
            },
            ..vigil
        }
    }
    /// Cuts between two nodes at a time and nothing else, with the time measured that each mailbox takes to answer at both.
    #[must_use]
    pub fn severing(steps: usize, nodes: usize) -> Self {
        let vigil = Self::vigil(steps, nodes);
        Self {
            faults: Faults {
                kill: 0,
                sever: 1,
                ..vigil.faults
            },
            ..vigil
        }
    }
    /// Kills of one node at a time and nothing else, with the time measured that each mailbox takes to answer again.
    #[must_use]
    pub fn vigil(steps: usize, nodes: usize) -> Self {
        Self {
            nodes,
            partitions: 64,
            mailboxes: 12,
            steps,
            faults: Faults {
                event_millis: 2_000,
                kill: 1,
                is_vigil: true,
                ..Faults::default()
            },
            ..Self::default()
        }
    }
}
