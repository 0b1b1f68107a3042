//! The network fails.

use std::time::Duration;

use hongyan_metadata::{Change, NodeId, ProposeError};

use crate::harness::{Cluster, simulate};

fn set(key: &str) -> Change {
    Change::Set {
        key: key.to_owned(),
        value: Some("x".to_owned()),
    }
}

#[test]
fn a_minority_never_commits() {
    simulate(async {
        let cluster = Cluster::of(11, 5).await;
        let leader = cluster.leader().unwrap();
        let other = *cluster.nodes.keys().find(|id| **id != leader).unwrap();
        let minority = [leader, other];
        for ours in minority {
            for theirs in cluster.nodes.keys().filter(|id| !minority.contains(id)) {
                cluster.network.cut(NodeId(ours), NodeId(*theirs));
                cluster.network.cut(NodeId(*theirs), NodeId(ours));
            }
        }
        for by in minority {
            let outcome = cluster.nodes[&by].propose(set("lost"), Duration::from_secs(5)).await;
            assert_eq!(outcome, Err(ProposeError::NoLeader));
        }
        assert!(!cluster.nodes[&leader].confirm_leadership().await);
        let majority = *cluster.nodes.keys().find(|id| !minority.contains(id)).unwrap();
        cluster.set(majority, "kept").await.unwrap();
        for by in minority {
            assert!(!cluster.map(by).settings.contains_key("kept"));
            assert!(!cluster.map(by).settings.contains_key("lost"));
        }
        cluster.network.heal_all();
        cluster.settle().await;
        for id in cluster.nodes.keys() {
            let map = cluster.map(*id);
            assert!(map.settings.contains_key("kept"));
            assert!(!map.settings.contains_key("lost"), "what the minority wrote is cut off");
        }
    });
}

#[test]
fn a_leader_that_hears_nobody_is_replaced() {
    simulate(async {
        let cluster = Cluster::of(12, 3).await;
        let leader = cluster.leader().unwrap();
        // It can still speak, but no answer reaches it.
        for other in cluster.nodes.keys().filter(|id| **id != leader) {
            cluster.network.cut(NodeId(*other), NodeId(leader));
        }
        let follower = *cluster.nodes.keys().find(|id| **id != leader).unwrap();
        assert!(!cluster.nodes[&leader].confirm_leadership().await);
        cluster.network.heal_all();
        cluster.settle().await;
        cluster.set(follower, "after").await.unwrap();
    });
}

#[test]
fn a_lossy_network_only_costs_time() {
    simulate(async {
        let cluster = Cluster::of(13, 3).await;
        cluster.network.set_ordinary_link(hongyan_transport::LinkOptions {
            loss_per_million: 50_000,
            has_outliers: true,
            ..hongyan_transport::LinkOptions::default()
        });
        for number in 0..40 {
            let by = 1 + number % 3;
            cluster.nodes[&by]
                .propose(set(&number.to_string()), Duration::from_secs(60))
                .await
                .unwrap();
        }
        cluster
            .network
            .set_ordinary_link(hongyan_transport::LinkOptions::default());
        cluster.settle().await;
        assert_eq!(cluster.map(1).settings.len(), 40);
    });
}
