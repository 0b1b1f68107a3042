//! Nodes come and go while the cluster runs.

use std::time::Duration;

use hongyan_metadata::{Change, Members, NodeState, ProposeError, Refusal};

use crate::harness::{Cluster, simulate};

#[test]
fn one_node_is_a_cluster_and_remembers_it() {
    simulate(async {
        let mut cluster = Cluster::of(1, 1).await;
        cluster.set(1, "a").await.unwrap();
        let before = cluster.map(1);
        cluster.crash(1).await;
        cluster.start(1).await.unwrap();
        cluster
            .until("its map is back", |cluster| cluster.map(1) == before)
            .await;
        cluster.arrive(1).await.unwrap();
        assert_eq!(cluster.map(1).nodes[&1].incarnation.number, 2);
        cluster.set(1, "b").await.unwrap();
    });
}

#[test]
fn voters_grow_to_seven_and_the_others_learn() {
    simulate(async {
        let cluster = Cluster::of(2, 9).await;
        let Members { voters, learners, .. } = cluster.nodes[&cluster.leader().unwrap()].members();
        assert_eq!((voters.len(), learners.len()), (7, 2));
        // A learner proposes as well as any.
        let learner = *learners.first().unwrap();
        cluster.set(learner, "from a learner").await.unwrap();
        cluster.settle().await;
        assert!(cluster.map(learner).settings.contains_key("from a learner"));
    });
}

#[test]
fn a_node_that_restarts_deposes_no_leader() {
    simulate(async {
        for seed in 60..64 {
            let mut cluster = Cluster::of(seed, 3).await;
            let leader = cluster.leader().unwrap();
            let term = cluster.nodes[&leader].leadership().borrow().term;
            for id in (1..=3).filter(|id| *id != leader) {
                cluster.crash(id).await;
                tokio::time::sleep(Duration::from_secs(2)).await;
                cluster.start(id).await.unwrap();
                tokio::time::sleep(Duration::from_secs(2)).await;
                let present = *cluster.nodes[&leader].leadership().borrow();
                assert!(present.here && present.term == term, "seed {seed}: {present:?}");
            }
        }
    });
}

#[test]
fn a_node_that_leaves_is_no_member_any_more() {
    simulate(async {
        let mut cluster = Cluster::of(3, 4).await;
        let leave = Change::SetState {
            node: 3,
            state: NodeState::Left,
        };
        cluster.propose(1, leave).await.unwrap();
        cluster.crash(3).await;
        cluster.settle().await;
        let Members { voters, learners, .. } = cluster.nodes[&cluster.leader().unwrap()].members();
        assert!(!voters.contains(&3) && !learners.contains(&3));
        assert_eq!(voters.len(), 3);
        // Its id is not given again, and it cannot come back under it.
        assert_eq!(cluster.join().await, 5);
        cluster.start(3).await.unwrap();
        assert_eq!(cluster.arrive(3).await, Err(ProposeError::Refused(Refusal::Left(3))));
    });
}

#[test]
fn a_new_leader_follows_a_dead_one() {
    simulate(async {
        let mut cluster = Cluster::of(4, 3).await;
        for _ in 0..3 {
            let leader = cluster.leader().unwrap();
            let term = cluster.nodes[&leader].leadership().borrow().term;
            cluster.crash(leader).await;
            let clock = crate::harness::env(0);
            cluster
                .until("another leads", |cluster| cluster.leader().is_some())
                .await;
            assert!(clock.now_micros() < 900_000, "{}", clock.now_micros());
            let next = cluster.leader().unwrap();
            assert!(cluster.nodes[&next].leadership().borrow().term > term);
            for by in cluster.nodes.keys() {
                cluster.set(*by, &format!("{term} by {by}")).await.unwrap();
            }
            cluster.start(leader).await.unwrap();
            cluster.settle().await;
        }
        assert_eq!(cluster.map(1).settings.len(), 6);
    });
}

#[test]
fn who_lags_far_behind_gets_a_snapshot() {
    simulate(async {
        let mut cluster = Cluster::new(5);
        cluster.options.snapshot_entries = 20;
        cluster.options.kept_entries = 5;
        cluster.found().await;
        cluster.join().await;
        cluster.join().await;
        cluster.settle().await;
        cluster.crash(3).await;
        for number in 0..100 {
            cluster.set(1, &format!("key {number}")).await.unwrap();
        }
        cluster.start(3).await.unwrap();
        cluster.settle().await;
        assert_eq!(cluster.map(3).settings.len(), 100);
        // The snapshot lasts: restarted alone it still knows them, before it hears from anybody.
        cluster.crash(3).await;
        cluster.crash(1).await;
        cluster.crash(2).await;
        cluster.start(3).await.unwrap();
        assert!(cluster.map(3).settings.len() > 80);
        cluster.start(1).await.unwrap();
        cluster.start(2).await.unwrap();
        cluster.settle().await;
        assert_eq!(cluster.map(3).settings.len(), 100);
        let new = cluster.join().await;
        cluster.settle().await;
        assert_eq!(cluster.map(new).settings.len(), 100);
    });
}

#[test]
fn a_token_admits_one_node_before_it_expires() {
    simulate(async {
        let cluster = Cluster::of(6, 1).await;
        let invite = |token, expires_millis| Change::Invite { token, expires_millis };
        let admit = |token, now_millis, key| Change::Admit {
            token,
            now_millis,
            record: hongyan_metadata::NodeRecord {
                key,
                ..crate::harness::record(9)
            },
        };
        cluster.propose(1, invite([1; 32], 100)).await.unwrap();
        let refused = Err(ProposeError::Refused(Refusal::Token));
        assert_eq!(cluster.propose(1, admit([1; 32], 100, [1; 32])).await, refused);
        assert_eq!(cluster.propose(1, admit([2; 32], 0, [1; 32])).await, refused);
        let id = cluster.propose(1, admit([1; 32], 99, [1; 32])).await.unwrap().number;
        // The answer was lost: the same key asks again and gets the same id; another key gets none.
        assert_eq!(
            cluster.propose(1, admit([1; 32], 99, [1; 32])).await.unwrap().number,
            id
        );
        assert_eq!(cluster.propose(1, admit([1; 32], 99, [3; 32])).await, refused);
        cluster.propose(1, invite([4; 32], 100)).await.unwrap();
        cluster.propose(1, Change::Sweep { now_millis: 101 }).await.unwrap();
        assert!(cluster.map(1).tokens.is_empty());
    });
}
