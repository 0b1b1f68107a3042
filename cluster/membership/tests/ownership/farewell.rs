//! Nodes that end in order and say so.

use std::time::Duration;

use hongyan_metadata::NodeState;

use crate::harness::{Cluster, simulate};

const WITHIN: Duration = Duration::from_secs(2);
/// Far less than it takes to miss a node.
const PROMPT: Duration = Duration::from_millis(600);

async fn leave(cluster: &mut Cluster, id: u64) {
    cluster.node(id).membership.say_goodbye(WITHIN).await;
    cluster.crash(id).await;
}

#[test]
fn who_says_goodbye_is_followed_at_once_and_comes_back_at_once() {
    simulate(async {
        for seed in 61..=63 {
            let mut cluster = Cluster::of(seed, 3).await;
            let leader = cluster.leader().unwrap();
            let leaving = *cluster.ids().iter().find(|id| **id != leader).unwrap();
            cluster.forget_gaps();
            leave(&mut cluster, leaving).await;
            cluster.until("all is served", Cluster::is_all_served).await;
            assert!(cluster.gap() < PROMPT, "seed {seed}: {:?}", cluster.gap());
            assert_eq!(cluster.map().nodes[&leaving].state, NodeState::Down);
            cluster.start(leaving).await;
            let is_back = |cluster: &Cluster| cluster.map().nodes[&leaving].state == NodeState::Up;
            let took = cluster.until("it is back", is_back).await;
            assert!(took < PROMPT, "seed {seed}: {took:?}");
            cluster.settle().await;
        }
    });
}

#[test]
fn a_leader_that_says_goodbye_leaves_no_time_without_one() {
    simulate(async {
        for seed in 71..=76 {
            let mut cluster = Cluster::of(seed, 3).await;
            let leaving = cluster.leader().unwrap();
            cluster.forget_gaps();
            leave(&mut cluster, leaving).await;
            assert!(cluster.leader().is_some(), "seed {seed}");
            cluster.until("all is served", Cluster::is_all_served).await;
            assert!(cluster.gap() < PROMPT, "seed {seed}: {:?}", cluster.gap());
            cluster.start(leaving).await;
            cluster.settle().await;
        }
    });
}

#[test]
fn the_last_node_says_nothing_and_comes_back() {
    simulate(async {
        let mut cluster = Cluster::of(81, 1).await;
        leave(&mut cluster, 1).await;
        cluster.start(1).await;
        cluster.settle().await;
    });
}
