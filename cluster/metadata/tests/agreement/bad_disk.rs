//! Disks that are full, torn, old, copied or damaged.

use std::time::Duration;

use hongyan_metadata::{NodeId, Refusal, StartError};

use crate::harness::{Cluster, simulate};

#[test]
fn a_follower_with_a_full_disk_waits_and_catches_up() {
    simulate(async {
        let mut cluster = Cluster::of(21, 3).await;
        let leader = cluster.leader().unwrap();
        let follower = *cluster.nodes.keys().find(|id| **id != leader).unwrap();
        cluster.disk(follower).set_full(true);
        for number in 0..5 {
            cluster.set(leader, &number.to_string()).await.unwrap();
        }
        assert!(cluster.map(follower).settings.len() < 5);
        cluster.disk(follower).set_full(false);
        cluster.settle().await;
        assert_eq!(cluster.map(follower).settings.len(), 5);
    });
}

#[test]
fn a_leader_with_a_full_disk_is_replaced() {
    simulate(async {
        let mut cluster = Cluster::of(22, 3).await;
        let leader = cluster.leader().unwrap();
        let follower = *cluster.nodes.keys().find(|id| **id != leader).unwrap();
        cluster.disk(leader).set_full(true);
        // The proposal meets the full disk first, then the new leader.
        cluster.set(follower, "kept").await.unwrap();
        assert_ne!(cluster.leader(), Some(leader));
        cluster.disk(leader).set_full(false);
        cluster.settle().await;
        assert!(cluster.map(leader).settings.contains_key("kept"));
    });
}

#[test]
fn a_node_does_not_start_on_a_full_disk() {
    simulate(async {
        let mut cluster = Cluster::of(26, 3).await;
        cluster.crash(2).await;
        cluster.disk(2).set_full(true);
        assert!(matches!(cluster.start(2).await, Err(StartError::Store(_))));
        cluster.disk(2).set_full(false);
        cluster.start(2).await.unwrap();
        cluster.settle().await;
    });
}

#[test]
fn power_lost_in_the_middle_of_writes_loses_nothing_acknowledged() {
    simulate(async {
        let mut cluster = Cluster::of(23, 3).await;
        for id in 1..=3 {
            cluster.disk(id).set_latency(Duration::from_millis(7));
        }
        let mut acknowledged = Vec::new();
        for round in 0..10 {
            let key = format!("round {round}");
            let by = 1 + round % 3;
            let node = cluster.nodes[&by].clone();
            let change = hongyan_metadata::Change::Set {
                key: key.clone(),
                value: Some("x".to_owned()),
            };
            let proposal = tokio::spawn(async move { node.propose(change, Duration::from_secs(20)).await });
            tokio::time::sleep(Duration::from_millis(round * 3)).await;
            let victim = 1 + (round + 1) % 3;
            cluster.crash(victim).await;
            if proposal.await.unwrap().is_ok() {
                acknowledged.push(key);
            }
            cluster.start(victim).await.unwrap();
            cluster.disk(victim).set_latency(Duration::from_millis(7));
        }
        cluster.settle().await;
        assert!(acknowledged.len() >= 8, "{acknowledged:?}");
        for id in 1..=3 {
            for key in &acknowledged {
                assert!(cluster.map(id).settings.contains_key(key), "{key} on {id}");
            }
        }
    });
}

#[test]
fn an_old_copy_of_a_disk_is_refused() {
    simulate(async {
        let mut cluster = Cluster::of(24, 3).await;
        let backup = cluster.disk(3).copy();
        cluster.crash(3).await;
        cluster.start(3).await.unwrap();
        cluster.arrive(3).await.unwrap();
        cluster.set(1, "after the backup").await.unwrap();
        cluster.crash(3).await;
        cluster.disks.insert(3, backup);
        cluster.start(3).await.unwrap();
        cluster
            .until("it is refused", |cluster| {
                cluster.nodes[&3].refusal().borrow().is_some()
            })
            .await;
        let refusal = cluster.nodes[&3].refusal().borrow().clone();
        assert_eq!(
            refusal,
            Some(Refusal::StaleDisk {
                node: 3,
                known: 2,
                shown: 2
            })
        );
        // It votes for nobody: with another node down there is no quorum.
        let leader = cluster.leader().unwrap();
        cluster.crash(leader).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(cluster.leader(), None);
    });
}

#[test]
fn a_disk_put_back_while_its_node_was_down_is_refused_though_nobody_started_on_it_since() {
    simulate(async {
        let mut cluster = Cluster::of(27, 3).await;
        let leader = cluster.leader().unwrap();
        let follower = *cluster.nodes.keys().find(|id| **id != leader).unwrap();
        let backup = cluster.disk(follower).copy();
        // Acknowledged by this follower and the leader alone.
        let third = *cluster
            .nodes
            .keys()
            .find(|id| ![leader, follower].contains(id))
            .unwrap();
        cluster.crash(third).await;
        cluster.set(leader, "acknowledged").await.unwrap();
        cluster.crash(follower).await;
        cluster.disks.insert(follower, backup);
        cluster.start(follower).await.unwrap();
        cluster
            .until("it is refused", |cluster| {
                cluster.nodes[&follower].refusal().borrow().is_some()
            })
            .await;
        let refusal = cluster.nodes[&follower].refusal().borrow().clone();
        assert_eq!(
            refusal,
            Some(Refusal::ForgetfulDisk {
                node: follower,
                witness: leader
            })
        );
        let text = refusal.unwrap().to_string();
        assert!(text.contains(&format!("`hongyan cluster leave {follower}`")), "{text}");
        // With the third one it would have a majority that does not know of the change.
        cluster.crash(leader).await;
        cluster.start(third).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(cluster.leader(), None);
        cluster.start(leader).await.unwrap();
        cluster
            .until("it is led again", |cluster| cluster.leader().is_some())
            .await;
        cluster.set(third, "after").await.unwrap();
        assert!(cluster.map(third).settings.contains_key("acknowledged"));
    });
}

#[test]
fn a_disk_that_forgot_what_only_an_absent_leader_knows_is_refused_or_repaired_later() {
    simulate(async {
        let mut cluster = Cluster::of(28, 3).await;
        let leader = cluster.leader().unwrap();
        let others: Vec<u64> = cluster.nodes.keys().copied().filter(|id| *id != leader).collect();
        let backup = cluster.disk(others[0]).copy();
        cluster.set(leader, "acknowledged").await.unwrap();
        cluster.settle().await;
        cluster.crash(others[0]).await;
        cluster.disks.insert(others[0], backup);
        // The leader hears it, and it does not hear the leader's answers.
        cluster.network.cut(NodeId(leader), NodeId(others[0]));
        cluster.start(others[0]).await.unwrap();
        let trusted = cluster.nodes[&others[0]].clone();
        trusted.trusted().await;
        cluster.network.heal_all();
        let knows = |cluster: &Cluster| cluster.map(others[0]).settings.contains_key("acknowledged");
        cluster
            .until("it is refused or repaired", |cluster| {
                cluster.nodes[&others[0]].refusal().borrow().is_some() || knows(cluster)
            })
            .await;
        cluster.set(others[1], "after").await.unwrap();
        assert!(cluster.map(leader).settings.contains_key("acknowledged"));
    });
}

#[test]
fn an_emptied_disk_is_refused() {
    simulate(async {
        let mut cluster = Cluster::of(29, 3).await;
        cluster.set(1, "a").await.unwrap();
        cluster.crash(3).await;
        cluster.disks.remove(&3);
        cluster.start(3).await.unwrap();
        cluster
            .until("it is refused", |cluster| {
                cluster.nodes[&3].refusal().borrow().is_some()
            })
            .await;
        let refusal = cluster.nodes[&3].refusal().borrow().clone();
        assert!(
            matches!(
                refusal,
                Some(Refusal::StaleDisk {
                    node: 3,
                    known: 1,
                    shown: 1
                })
            ),
            "{refusal:?}"
        );
        let leader = cluster.leader().unwrap();
        cluster.crash(leader).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(cluster.leader(), None, "it votes for nobody");
    });
}

#[test]
fn a_leader_that_restarts_on_an_old_disk_does_not_go_on_where_the_disk_ends() {
    simulate(async {
        let mut cluster = Cluster::of(30, 3).await;
        let leader = cluster.leader().unwrap();
        let term = cluster.nodes[&leader].leadership().borrow().term;
        let backup = cluster.disk(leader).copy();
        cluster.set(leader, "acknowledged").await.unwrap();
        cluster.settle().await;
        cluster.crash(leader).await;
        cluster.disks.insert(leader, backup);
        // At once, before the others miss it.
        cluster.start(leader).await.unwrap();
        let shown = cluster.nodes[&leader].leadership();
        assert!(!shown.borrow().here);
        cluster
            .until("it is refused", |cluster| {
                cluster.nodes[&leader].refusal().borrow().is_some()
            })
            .await;
        cluster
            .until("another one leads", |cluster| {
                cluster.leader().is_some_and(|now| now != leader)
            })
            .await;
        let next = cluster.leader().unwrap();
        assert!(cluster.nodes[&next].leadership().borrow().term > term);
        cluster.set(next, "after").await.unwrap();
        assert!(cluster.map(next).settings.contains_key("acknowledged"));
    });
}

#[test]
fn damage_is_found_at_the_start() {
    simulate(async {
        let mut cluster = Cluster::of(25, 3).await;
        cluster.set(1, "a").await.unwrap();
        cluster.settle().await;
        for (prefix, lose) in [
            ("vote", false),
            ("entry/", false),
            ("identity", false),
            ("entry/", true),
        ] {
            cluster.crash(2).await;
            let good = cluster.disk(2).copy();
            if lose {
                cluster.disk(2).lose(prefix.as_bytes(), 3);
            } else {
                cluster.disk(2).damage(prefix.as_bytes());
            }
            let error = cluster.start(2).await.err();
            assert!(matches!(error, Some(StartError::Damaged(_))), "{prefix}: {error:?}");
            cluster.disks.insert(2, good);
            cluster.start(2).await.unwrap();
            cluster.settle().await;
        }
        let disk = cluster.disk(2);
        cluster.crash(2).await;
        cluster.disks.insert(3, disk.copy());
        cluster.crash(3).await;
        let error = cluster.start(3).await.err();
        assert!(
            matches!(error, Some(StartError::OtherNode { found: 2, expected: 3 })),
            "{error:?}"
        );
    });
}
