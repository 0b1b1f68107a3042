//! What changes do to a map, and when they are refused.

use super::*;
use crate::{HandOver, NodeRecord};

const PROTOCOLS: Protocols = Protocols { oldest: 2, newest: 3 };

fn incarnation(number: u64) -> Incarnation {
    Incarnation { number, nonce: 5 }
}

fn arrival(node: u64, number: u64) -> Arrival {
    Arrival {
        node,
        incarnation: incarnation(number),
        address: "a".to_owned(),
        release: "1".to_owned(),
        protocols: PROTOCOLS,
    }
}

/// Nodes 1 to 3, up; partitions 0 and 1 are node 1's, 2 is node 2's, 3 is nobody's.
fn cluster() -> ClusterMap {
    let mut map = ClusterMap::default();
    let founding = Founding {
        cluster: 9,
        partitions: 4,
        authority: Vec::new(),
        node: 1,
        record: NodeRecord::default(),
    };
    make(&mut map, Change::Found(founding));
    for node in 2..=3 {
        let token = [7; 32];
        make(
            &mut map,
            Change::Invite {
                token,
                expires_millis: 10,
            },
        );
        let record = NodeRecord {
            key: [node; 32],
            ..NodeRecord::default()
        };
        let admit = Change::Admit {
            token,
            now_millis: 0,
            record,
        };
        assert_eq!(make(&mut map, admit).number, u64::from(node));
    }
    for node in 1..=3 {
        make(&mut map, Change::Arrive(arrival(node, 1)));
    }
    make(&mut map, Change::Assign(vec![to(0, 0, 1), to(1, 0, 1), to(2, 0, 2)]));
    map
}

fn to(partition: u16, epoch: u64, to: u64) -> Assignment {
    Assignment { partition, epoch, to }
}

fn fail(node: u64, number: u64) -> Change {
    Change::Fail {
        node,
        incarnation: incarnation(number),
        assignments: Vec::new(),
    }
}

fn hand(partition: u16, epoch: u64, begun: u64) -> Hand {
    Hand {
        partition,
        epoch,
        begun,
    }
}

fn make(map: &mut ClusterMap, change: Change) -> Applied {
    let before = map.version;
    let applied = map.apply(change).unwrap();
    assert_eq!(map.version, before + 1);
    map.check();
    applied
}

fn refuse(map: &mut ClusterMap, change: Change) -> Refusal {
    let before = map.clone();
    let refusal = map.apply(change).unwrap_err();
    assert_eq!(*map, before, "a refused change changes nothing");
    refusal
}

fn owners(map: &ClusterMap) -> Vec<(u64, u64)> {
    map.partitions.iter().map(|slot| (slot.owner, slot.epoch)).collect()
}

#[test]
fn a_cluster_is_founded_once_and_before_anything_else() {
    let mut map = ClusterMap::default();
    assert_eq!(refuse(&mut map, Change::Prepare(Vec::new())), Refusal::NotFounded);
    let mut map = cluster();
    let founding = Founding {
        cluster: 1,
        partitions: 1,
        authority: Vec::new(),
        node: 1,
        record: NodeRecord::default(),
    };
    assert_eq!(refuse(&mut map, Change::Found(founding)), Refusal::Founded);
}

#[test]
fn a_dead_nodes_partitions_go_to_living_ones_in_a_new_epoch() {
    let mut map = cluster();
    let fail = |assignments| Change::Fail {
        node: 1,
        incarnation: incarnation(1),
        assignments,
    };
    // One to a living node, one to nobody who serves, one that is not its own.
    make(&mut map, fail(vec![to(0, 1, 2), to(1, 1, 9), to(2, 1, 3)]));
    assert_eq!(owners(&map), [(2, 2), (1, 1), (2, 1), (0, 0)]);
    assert_eq!(map.nodes[&1].state, NodeState::Down);
    assert_eq!(map.nodes[&1].revoked, map.version);
    assert_eq!(refuse(&mut map, fail(Vec::new())), Refusal::Outdated);
    make(&mut map, Change::Assign(vec![to(1, 1, 3), to(2, 1, 3)]));
    assert_eq!(owners(&map), [(2, 2), (3, 2), (2, 1), (0, 0)]);
}

#[test]
fn failing_means_one_process_not_the_next() {
    let mut map = cluster();
    make(&mut map, fail(1, 1));
    make(&mut map, Change::Arrive(arrival(1, 2)));
    assert_eq!(refuse(&mut map, fail(1, 1)), Refusal::Outdated);
}

#[test]
fn a_new_process_owns_in_a_new_epoch_and_an_old_one_is_refused() {
    let mut map = cluster();
    make(&mut map, Change::Prepare(vec![to(0, 1, 3)]));
    assert_eq!(refuse(&mut map, Change::Arrive(arrival(1, 2))), Refusal::Running(1));
    make(&mut map, fail(1, 1));
    assert_eq!(map.partitions[0].next, None);
    make(&mut map, Change::Arrive(arrival(1, 2)));
    assert_eq!(owners(&map), [(1, 2), (1, 2), (2, 1), (0, 0)]);
    assert_eq!(map.nodes[&1].revoked, map.version);
    let stale = Refusal::StaleDisk {
        node: 1,
        known: 2,
        shown: 1,
    };
    assert_eq!(refuse(&mut map, Change::Arrive(arrival(1, 1))), stale);
    let mut clone = arrival(1, 2);
    clone.incarnation.nonce = 6;
    assert!(matches!(
        refuse(&mut map, Change::Arrive(clone)),
        Refusal::StaleDisk { .. }
    ));
    assert_eq!(refuse(&mut map, Change::Arrive(arrival(8, 1))), Refusal::UnknownNode(8));
    // The answer was lost: the same process again is no new one.
    make(&mut map, Change::Arrive(arrival(1, 2)));
    assert_eq!(owners(&map), [(1, 2), (1, 2), (2, 1), (0, 0)]);
}

#[test]
fn a_release_without_common_words_is_refused() {
    let mut map = cluster();
    make(&mut map, fail(3, 1));
    let mut old = arrival(3, 2);
    old.release = "0.1".to_owned();
    old.protocols = Protocols { oldest: 1, newest: 1 };
    let refusal = refuse(&mut map, Change::Arrive(old.clone()));
    assert_eq!(
        refusal.to_string(),
        "release 0.1 speaks protocols 1 to 1, node 1 2 to 3: upgrade one version at a time"
    );
    old.protocols = Protocols { oldest: 1, newest: 2 };
    make(&mut map, Change::Arrive(old));
}

#[test]
fn a_planned_move_is_one_attempt() {
    let mut map = cluster();
    let begun = make(&mut map, Change::Prepare(vec![to(0, 1, 2)])).version;
    assert_eq!(map.partitions[0].next, Some(HandOver { to: 2, begun }));
    assert_eq!(refuse(&mut map, Change::Prepare(vec![to(0, 1, 3)])), Refusal::Outdated);
    make(&mut map, Change::Abandon(vec![hand(0, 1, begun)]));
    assert_eq!(
        refuse(&mut map, Change::Move(vec![hand(0, 1, begun)])),
        Refusal::Outdated
    );
    let again = make(&mut map, Change::Prepare(vec![to(0, 1, 2)])).version;
    assert_eq!(
        refuse(&mut map, Change::Move(vec![hand(0, 1, begun)])),
        Refusal::Outdated
    );
    make(&mut map, Change::Move(vec![hand(0, 1, again)]));
    assert_eq!(owners(&map)[0], (2, 2));
}

#[test]
fn a_move_towards_a_node_that_fails_or_drains_is_given_up() {
    let mut map = cluster();
    make(&mut map, Change::Prepare(vec![to(0, 1, 3), to(1, 1, 2)]));
    make(
        &mut map,
        Change::Fail {
            node: 3,
            incarnation: incarnation(1),
            assignments: Vec::new(),
        },
    );
    assert_eq!(map.partitions[0].next, None);
    make(
        &mut map,
        Change::SetState {
            node: 2,
            state: NodeState::Draining,
        },
    );
    assert_eq!(map.partitions[1].next, None);
    assert_eq!(refuse(&mut map, Change::Prepare(vec![to(0, 1, 2)])), Refusal::Outdated);
}

#[test]
fn a_node_leaves_when_it_owns_nothing() {
    let mut map = cluster();
    let set = |node, state| Change::SetState { node, state };
    assert!(matches!(refuse(&mut map, set(1, NodeState::Left)), Refusal::Invalid(_)));
    make(&mut map, set(3, NodeState::Draining));
    make(&mut map, set(3, NodeState::Up));
    make(&mut map, set(3, NodeState::Left));
    assert_eq!(refuse(&mut map, set(3, NodeState::Up)), Refusal::Left(3));
    assert_eq!(refuse(&mut map, Change::Arrive(arrival(3, 2))), Refusal::Left(3));
    assert!(matches!(
        refuse(&mut map, set(2, NodeState::Joining)),
        Refusal::Invalid(_)
    ));
}

#[test]
fn a_draining_node_that_says_so_again_goes_on_draining() {
    let mut map = cluster();
    make(
        &mut map,
        Change::SetState {
            node: 1,
            state: NodeState::Draining,
        },
    );
    make(&mut map, Change::Arrive(arrival(1, 1)));
    assert_eq!(map.nodes[&1].state, NodeState::Draining);
}

#[test]
fn settings_are_bounded() {
    let mut map = cluster();
    let set = |key: &str, value: String| Change::Set {
        key: key.to_owned(),
        value: Some(value),
    };
    make(&mut map, set("a", "1".to_owned()));
    assert!(matches!(
        refuse(&mut map, set("a", "x".repeat(5000))),
        Refusal::Invalid(_)
    ));
    let replace = |present: &str, value: &str| Change::Replace {
        key: "a".to_owned(),
        present: present.to_owned(),
        value: value.to_owned(),
    };
    assert_eq!(refuse(&mut map, replace("2", "3")), Refusal::Outdated);
    make(&mut map, replace("1", "3"));
    assert_eq!(map.settings["a"], "3");
    make(
        &mut map,
        Change::Set {
            key: "a".to_owned(),
            value: None,
        },
    );
    assert!(map.settings.is_empty());
    assert_eq!(refuse(&mut map, replace("3", "4")), Refusal::Outdated);
}

#[test]
fn what_nobody_owned_begins_after_the_epochs_of_the_store() {
    let mut map = cluster();
    assert_eq!(make(&mut map, Change::BeginAfter { epoch: 7 }).number, 1);
    assert_eq!(owners(&map), [(1, 1), (1, 1), (2, 1), (0, 7)]);
    make(&mut map, Change::Assign(vec![to(3, 7, 1)]));
    assert_eq!(owners(&map)[3], (1, 8));
}
