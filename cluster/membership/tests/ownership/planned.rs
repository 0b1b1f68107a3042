//! Drains, joins, settings: partitions move in order.

use std::time::Duration;

use hongyan_membership::settings;
use hongyan_metadata::{Change, NodeState};

use crate::harness::{Cluster, PARTITIONS, simulate};

#[test]
fn a_drain_leaves_no_gap_longer_than_milliseconds() {
    simulate(async {
        for seed in 61..=64 {
            let cluster = Cluster::of(seed, 4).await;
            let leader = cluster.leader().unwrap();
            for node in [leader, cluster.ids()[3]] {
                cluster.forget_gaps();
                cluster
                    .propose(Change::SetState {
                        node,
                        state: NodeState::Draining,
                    })
                    .await;
                cluster
                    .until("it is drained", |cluster| {
                        cluster.map().owned_by(hongyan_membership::NodeId(node)) == 0 && cluster.is_all_served()
                    })
                    .await;
                assert!(
                    cluster.gap() < Duration::from_millis(50),
                    "seed {seed}: {:?}",
                    cluster.gap()
                );
                cluster
                    .propose(Change::SetState {
                        node,
                        state: NodeState::Up,
                    })
                    .await;
                cluster.settle().await;
                assert!(
                    cluster.gap() < Duration::from_millis(50),
                    "seed {seed}: {:?}",
                    cluster.gap()
                );
            }
        }
    });
}

#[test]
fn a_node_that_joins_gets_its_share_a_few_at_a_time() {
    simulate(async {
        let mut cluster = Cluster::of(65, 2).await;
        let setting = Change::Set {
            key: settings::MOVES_AT_ONCE.to_owned(),
            value: Some("2".to_owned()),
        };
        cluster.propose(setting).await;
        cluster.forget_gaps();
        let new = cluster.join().await;
        cluster
            .until("it has its share", |cluster| {
                let under_way = cluster
                    .map()
                    .partitions
                    .iter()
                    .filter(|slot| slot.next.is_some())
                    .count();
                assert!(under_way <= 2, "{under_way} at once");
                cluster.shares().get(&new).is_some_and(|share| *share > 0)
            })
            .await;
        cluster.settle().await;
        assert!(cluster.shares()[&new] >= usize::from(PARTITIONS) / 8);
        assert!(cluster.gap() < Duration::from_millis(50), "{:?}", cluster.gap());
    });
}

#[test]
fn without_rebalance_a_node_that_joins_gets_nothing() {
    simulate(async {
        let mut cluster = Cluster::of(66, 2).await;
        let off = |value: &str| Change::Set {
            key: settings::REBALANCE.to_owned(),
            value: Some(value.to_owned()),
        };
        cluster.propose(off("manual")).await;
        let new = cluster.join().await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(cluster.shares()[&new], 0);
        cluster.propose(off("automatic")).await;
        cluster.settle().await;
        assert!(cluster.shares()[&new] > 0);
    });
}

#[test]
fn a_rebalance_once_ends_by_itself_and_never_overrules_the_operator() {
    simulate(async {
        let mut cluster = Cluster::of(68, 2).await;
        let mode = |value: &str| Change::Set {
            key: settings::REBALANCE.to_owned(),
            value: Some(value.to_owned()),
        };
        cluster.propose(mode("manual")).await;
        let new = cluster.join().await;
        cluster
            .until("it is up", |cluster| cluster.map().nodes[&new].state == NodeState::Up)
            .await;
        cluster.propose(mode("once")).await;
        cluster
            .until("it is done", |cluster| {
                settings::Rebalance::of(&cluster.map()) == settings::Rebalance::Manual
            })
            .await;
        assert!(cluster.shares()[&new] > 0);
        cluster.settle().await;

        let again = cluster.join().await;
        cluster.propose(mode("once")).await;
        cluster.propose(mode("automatic")).await;
        cluster.settle().await;
        assert!(cluster.shares()[&again] > 0);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(settings::Rebalance::of(&cluster.map()), settings::Rebalance::Automatic);
    });
}

#[test]
fn a_move_whose_target_dies_goes_elsewhere() {
    simulate(async {
        let mut cluster = Cluster::of(67, 3).await;
        let new = cluster.join().await;
        cluster
            .until("a move is under way", |cluster| {
                cluster
                    .map()
                    .partitions
                    .iter()
                    .any(|slot| slot.next.is_some_and(|next| next.to == new))
            })
            .await;
        cluster.crash(new).await;
        cluster
            .until("all is served by others and nothing moves", |cluster| {
                let map = cluster.map();
                cluster.is_all_served()
                    && map
                        .partitions
                        .iter()
                        .all(|slot| slot.next.is_none() && slot.owner != new)
            })
            .await;
    });
}

#[test]
fn an_owner_that_dies_in_the_middle_of_a_move_is_replaced() {
    simulate(async {
        for seed in 71..=74 {
            let mut cluster = Cluster::of(seed, 3).await;
            let owner = cluster.ids()[2];
            cluster
                .propose(Change::SetState {
                    node: owner,
                    state: NodeState::Draining,
                })
                .await;
            tokio::time::sleep(Duration::from_millis(seed % 4 * 3)).await;
            cluster.crash(owner).await;
            let took = cluster.until("all is served", Cluster::is_all_served).await;
            assert!(took < Duration::from_secs(2), "{took:?}");
        }
    });
}
