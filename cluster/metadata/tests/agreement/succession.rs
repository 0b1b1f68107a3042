//! A leader that is about to end.

use std::time::Duration;

use hongyan_metadata::Change;

use crate::harness::{Cluster, env, simulate};

#[test]
fn a_leader_lets_another_one_lead_before_it_ends() {
    simulate(async {
        for seed in 41..=46 {
            let cluster = Cluster::of(seed, 3).await;
            let before = cluster.leader().unwrap();
            let clock = env(0);
            assert!(cluster.nodes[&before].stand_down(Duration::from_secs(2)).await);
            assert!(clock.now_micros() < 500_000, "seed {seed}: {}", clock.now_micros());
            let after = cluster.leader().unwrap();
            assert_ne!(before, after, "seed {seed}");
            // It still has a say, and whoever leads is the one to ask.
            let change = Change::Set {
                key: "x".to_owned(),
                value: None,
            };
            cluster.propose(before, change).await.unwrap();
            cluster.settle().await;
        }
    });
}

#[test]
fn who_does_not_lead_has_nothing_to_hand_over_and_who_is_alone_leads_on() {
    simulate(async {
        let cluster = Cluster::of(47, 3).await;
        let leader = cluster.leader().unwrap();
        let follower = *cluster.nodes.keys().find(|id| **id != leader).unwrap();
        assert!(cluster.nodes[&follower].stand_down(Duration::from_secs(2)).await);
        assert_eq!(cluster.leader(), Some(leader));
        let alone = Cluster::of(48, 1).await;
        assert!(!alone.nodes[&1].stand_down(Duration::from_millis(100)).await);
        alone.set(1, "still").await.unwrap();
    });
}
