//! Nodes that live and do not reach the data store.

use std::time::Duration;

use hongyan_membership::settings;
use hongyan_metadata::{Change, NodeState};

use crate::harness::{Cluster, simulate};

/// From when a node says that it does not reach the store.
const RECOVERY: Duration = Duration::from_millis(1500);

fn epochs(cluster: &Cluster) -> Vec<u64> {
    cluster.map().partitions.iter().map(|slot| slot.epoch).collect()
}

async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[test]
fn a_node_cut_off_from_the_store_alone_is_followed_and_comes_back_with_the_store() {
    simulate(async {
        for (seed, count) in [(61, 3), (62, 4), (63, 2)] {
            let mut cluster = Cluster::of(seed, count).await;
            // The leader too: it then judges itself.
            for victim in cluster.ids() {
                cluster.set_able(victim, false);
                let took = cluster
                    .until("the others serve all", |cluster| {
                        cluster.is_all_served() && cluster.shares()[&victim] == 0
                    })
                    .await;
                assert!(took < RECOVERY, "seed {seed}, node {victim}: {took:?}");
                pause(3000).await;
                assert_eq!(cluster.map().nodes[&victim].state, NodeState::Down);
                assert!(cluster.is_all_served());
                cluster.set_able(victim, true);
                cluster.settle().await;
            }
        }
    });
}

#[test]
fn a_store_that_is_away_for_everybody_is_waited_for() {
    simulate(async {
        let mut cluster = Cluster::of(64, 3).await;
        let before = epochs(&cluster);
        cluster.forget_gaps();
        for id in cluster.ids() {
            cluster.set_able(id, false);
            pause(150).await;
        }
        pause(10_000).await;
        for id in cluster.ids() {
            cluster.set_able(id, true);
            pause(150).await;
        }
        pause(3000).await;
        assert_eq!(epochs(&cluster), before);
        assert_eq!(cluster.gap(), Duration::ZERO);
    });
}

#[test]
fn nothing_moves_while_the_store_is_away_for_everybody() {
    simulate(async {
        let mut cluster = Cluster::of(69, 2).await;
        let setting = Change::Set {
            key: settings::MOVES_AT_ONCE.to_owned(),
            value: Some("1".to_owned()),
        };
        cluster.propose(setting).await;
        let new = cluster.join().await;
        cluster
            .until("it gets its first share", |cluster| {
                cluster.shares().get(&new).is_some_and(|share| *share > 0)
            })
            .await;
        for id in cluster.ids() {
            cluster.set_able(id, false);
        }
        // What was begun is ended.
        pause(1000).await;
        let (before, share) = (epochs(&cluster), cluster.shares()[&new]);
        pause(10_000).await;
        assert_eq!(epochs(&cluster), before);
        for id in cluster.ids() {
            cluster.set_able(id, true);
        }
        cluster.settle().await;
        assert!(cluster.shares()[&new] > share, "the rest follows");
    });
}

#[test]
fn a_store_that_is_away_for_a_moment_costs_a_node_nothing() {
    simulate(async {
        let mut cluster = Cluster::of(65, 3).await;
        let before = epochs(&cluster);
        cluster.forget_gaps();
        for _ in 0..5 {
            for id in cluster.ids() {
                cluster.set_able(id, false);
                pause(500).await;
                cluster.set_able(id, true);
                pause(100).await;
            }
        }
        pause(3000).await;
        assert_eq!(epochs(&cluster), before);
        assert_eq!(cluster.gap(), Duration::ZERO);
    });
}

#[test]
fn a_node_without_the_store_is_given_nothing_and_does_not_arrive() {
    simulate(async {
        let mut cluster = Cluster::of(66, 4).await;
        let leader = cluster.leader().unwrap();
        let others: Vec<u64> = cluster.ids().into_iter().filter(|id| *id != leader).collect();
        let (dead, unable) = (others[0], others[1]);
        cluster.crash(dead).await;
        pause(500).await;
        let owned = |cluster: &Cluster| {
            let map = cluster.map();
            map.partitions.iter().filter(|slot| slot.owner == unable).count()
        };
        let before = owned(&cluster);
        cluster.set_able(unable, false);
        cluster
            .until("the dead node is buried", |cluster| {
                cluster.map().nodes[&dead].state == NodeState::Down
            })
            .await;
        assert!(cluster.map().nodes[&unable].state.is_alive());
        assert_eq!(owned(&cluster), before);
        cluster.until("the others serve all", Cluster::is_all_served).await;

        let new = cluster.admit().await;
        cluster.set_able(new, false);
        cluster.start(new).await;
        pause(3000).await;
        assert_eq!(cluster.map().nodes[&new].state, NodeState::Joining);
        cluster.set_able(new, true);
        cluster.set_able(unable, true);
        cluster.start(dead).await;
        cluster.settle().await;
    });
}

#[test]
fn a_silent_node_that_was_able_is_nobody_to_follow_one_that_is_not() {
    simulate(async {
        let mut cluster = Cluster::of(67, 3).await;
        let leader = cluster.leader().unwrap();
        let silent = *cluster.ids().iter().find(|id| **id != leader).unwrap();
        for id in cluster.ids() {
            if id != silent {
                cluster.set_able(id, false);
            }
        }
        cluster.crash(silent).await;
        pause(5000).await;
        for id in cluster.ids() {
            assert_eq!(cluster.map().nodes[&id].state, NodeState::Up, "node {id}");
        }
        assert_eq!(cluster.map().nodes[&silent].state, NodeState::Down);
    });
}
