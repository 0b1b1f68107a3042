//! Nodes die, stop for a while, or are cut off.

use std::collections::BTreeMap;
use std::time::Duration;

use hongyan_membership::NodeId;
use hongyan_metadata::NodeState;

use crate::harness::{Cluster, simulate};

/// What the design promises: everything answers again within two seconds of a death.
const RECOVERY: Duration = Duration::from_secs(2);
/// When the leader dies, an election comes first, but its heartbeats are missed meanwhile.
const LEADER_RECOVERY: Duration = Duration::from_millis(1500);

#[test]
fn a_dead_nodes_partitions_are_served_again_within_two_seconds() {
    simulate(async {
        for seed in 1..=3 {
            let mut cluster = Cluster::of(seed, 4).await;
            let leader = cluster.leader().unwrap();
            let victim = *cluster.ids().iter().find(|id| **id != leader).unwrap();
            cluster.crash(victim).await;
            let took = cluster.until("all is served", Cluster::is_all_served).await;
            assert!(took < RECOVERY, "seed {seed}: {took:?}");
            assert_eq!(cluster.map().nodes[&victim].state, NodeState::Down);
            cluster.start(victim).await;
            cluster.settle().await;
        }
    });
}

#[test]
fn a_dead_leaders_partitions_are_served_again_within_two_seconds() {
    simulate(async {
        for seed in 11..=16 {
            let mut cluster = Cluster::of(seed, 3).await;
            // Long enough for all to know that the voters stay the same.
            tokio::time::sleep(Duration::from_secs(2)).await;
            let leader = cluster.leader().unwrap();
            cluster.crash(leader).await;
            let took = cluster.until("all is served", Cluster::is_all_served).await;
            assert!(took < LEADER_RECOVERY, "seed {seed}: {took:?}");
        }
    });
}

#[test]
fn a_node_that_is_cut_off_stops_answering_before_others_start() {
    simulate(async {
        for seed in 21..=22 {
            let cluster = Cluster::of(seed, 3).await;
            for victim in cluster.ids() {
                cluster.network.isolate(NodeId(victim));
                let took = cluster
                    .until("the others serve all", |cluster| {
                        cluster.is_all_served() && cluster.shares()[&victim] == 0
                    })
                    .await;
                assert!(took < RECOVERY, "seed {seed}, node {victim}: {took:?}");
                cluster.network.heal_all();
                cluster.settle().await;
            }
        }
    });
}

#[test]
fn one_way_cuts_never_make_two_owners() {
    simulate(async {
        for seed in 31..=32 {
            let cluster = Cluster::of(seed, 3).await;
            for (from, to) in [(1, 2), (2, 3), (3, 1), (2, 1)] {
                cluster.network.cut(NodeId(from), NodeId(to));
                tokio::time::sleep(Duration::from_secs(4)).await;
                cluster.network.heal_all();
                cluster.settle().await;
            }
        }
    });
}

#[test]
fn clocks_that_differ_in_rate_never_make_two_owners() {
    simulate(async {
        // One node's clock is 5 % slow: its lease seems longer to the others. Another's is 5 % fast.
        let rates = BTreeMap::from([(1, -50_000), (2, 50_000), (3, 0)]);
        for seed in 41..=42 {
            let cluster = Cluster::with_rates(seed, 3, rates.clone()).await;
            for victim in [1, 2, 3, 1] {
                cluster.network.isolate(NodeId(victim));
                tokio::time::sleep(Duration::from_secs(3)).await;
                assert!(cluster.is_all_served());
                cluster.network.heal_all();
                cluster.settle().await;
            }
        }
    });
}

#[test]
fn without_a_majority_nobody_answers_and_nobody_is_buried() {
    simulate(async {
        let mut cluster = Cluster::of(51, 3).await;
        let epochs: Vec<u64> = cluster.map().partitions.iter().map(|slot| slot.epoch).collect();
        cluster.crash(2).await;
        cluster.crash(3).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(cluster.shares()[&1], 0);
        assert_eq!(
            cluster
                .map()
                .partitions
                .iter()
                .map(|slot| slot.epoch)
                .collect::<Vec<_>>(),
            epochs
        );
        cluster.start(2).await;
        cluster.start(3).await;
        cluster.settle().await;
    });
}

#[test]
fn a_store_that_is_away_delays_a_takeover_and_no_more() {
    simulate(async {
        let mut cluster = Cluster::of(52, 3).await;
        cluster.store.down.store(true, std::sync::atomic::Ordering::Release);
        let victim = cluster.ids()[2];
        cluster.crash(victim).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!cluster.is_all_served());
        cluster.store.down.store(false, std::sync::atomic::Ordering::Release);
        let took = cluster.until("all is served", Cluster::is_all_served).await;
        assert!(took < Duration::from_millis(200), "{took:?}");
    });
}

#[test]
fn the_last_node_serves_what_is_left_of_a_cluster_of_one() {
    simulate(async {
        let mut cluster = Cluster::of(53, 1).await;
        cluster.crash(1).await;
        cluster.start(1).await;
        let took = cluster.settle().await;
        assert!(took < Duration::from_secs(3), "{took:?}");
    });
}

#[test]
fn a_lease_that_outlasts_a_death_is_caught_by_the_watcher() {
    simulate(async {
        let mut cluster = Cluster::new(54);
        cluster.options.lease = Duration::from_secs(4);
        cluster.found(3).await;
        cluster.network.isolate(NodeId(cluster.ids()[2]));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(cluster.violation.lock().take().is_some());
    });
}

#[test]
fn a_restarted_node_is_not_taken_for_a_copy_of_itself() {
    simulate(async {
        let mut cluster = Cluster::of(41, 3).await;
        // Whichever of its first words is the first to come through.
        for step in 0..24 {
            cluster.crash(3).await;
            let buried = |cluster: &Cluster| cluster.map().nodes[&3].state == NodeState::Down;
            cluster.until("it is missed", buried).await;
            cluster.network.isolate(NodeId(3));
            cluster.start(3).await;
            tokio::time::sleep(Duration::from_millis(500 + 17 * step)).await;
            cluster.network.heal_all();
            cluster.settle().await;
            assert_eq!(*cluster.node(3).metadata.refusal().borrow(), None, "step {step}");
        }
    });
}
