//! When a way is taken for cut, what is done then, and when it is taken again.

use super::*;

const TWO: NodeId = NodeId(2);
const THREE: NodeId = NodeId(3);
const MILLI: u64 = 1000;

/// Ways to two nodes that know of relaying, both heard of at the start; one call waits for the first.
fn pair() -> Ways {
    let mut ways = Ways::new(RelayOptions::default(), 0);
    for node in [TWO, THREE] {
        ways.route(node, 0);
        ways.heard(node, Some(true), 0);
    }
    ways.wait(TWO, 0);
    ways
}

/// Looks every 25 ms from after `from` to `to`, while the third node keeps being heard of; gives what was to be done.
fn watch(ways: &mut Ways, from: u64, to: u64) -> Vec<(u64, Task)> {
    let mut tasks = Vec::new();
    for at in (from / 25 + 1..=to / 25).map(|step| step * 25) {
        ways.heard(THREE, None, at * MILLI);
        tasks.extend(ways.tick(at * MILLI).into_iter().map(|task| (at, task)));
    }
    tasks
}

fn search() -> Task {
    Task::Search {
        target: TWO,
        candidates: vec![THREE],
    }
}

#[test]
fn a_node_that_owes_an_answer_is_asked_then_sought_then_given_up() {
    let mut ways = pair();
    let route = ways.route(TWO, 0);
    assert_eq!(route.first, TWO);
    let tasks = watch(&mut ways, 0, 250);
    assert_eq!(tasks, [(100, Task::Ask(TWO)), (200, Task::Ask(TWO)), (250, search())]);
    assert_eq!(ways.found(TWO, Some(THREE), 251 * MILLI), Some(Turn::Detour(THREE)));
    assert_eq!((ways.route(TWO, 251 * MILLI).first, ways.detours()), (THREE, 1));
    assert!(ways.is_cut(TWO) && !ways.is_reached(TWO, 251 * MILLI));
    let tasks = watch(&mut ways, 250, 500);
    let given_up: Vec<u64> = tasks
        .iter()
        .filter(|(_, task)| *task == Task::GiveUp(TWO))
        .map(|(at, _)| *at)
        .collect();
    assert_eq!(given_up, [500], "{tasks:?}");
}

#[test]
fn a_node_that_nobody_reaches_is_waited_for() {
    let mut ways = pair();
    for at in (0..10_000).step_by(25) {
        ways.heard(THREE, None, at * MILLI);
        for task in ways.tick(at * MILLI) {
            match task {
                Task::Search { .. } => assert_eq!(ways.found(TWO, None, at * MILLI), None),
                Task::Ask(_) => {}
                Task::GiveUp(_) | Task::BreakDetours(_) => panic!("{task:?} at {at}"),
            }
        }
        ways.route(TWO, at * MILLI);
    }
    assert_eq!(ways.route(TWO, 10_000 * MILLI).first, TWO);
    let searches = watch(&mut ways, 10_000, 20_000);
    let searches = searches.iter().filter(|(_, task)| *task == search()).count();
    assert!(searches <= 1, "one is under way, or the pauses have grown");
}

#[test]
fn the_direct_way_is_taken_again_after_some_signs_of_life() {
    let mut ways = pair();
    watch(&mut ways, 0, 250);
    ways.found(TWO, Some(THREE), 251 * MILLI);
    watch(&mut ways, 250, 500);
    ways.unwait(TWO);
    assert_eq!(ways.heard(TWO, Some(true), 600 * MILLI), None);
    assert_eq!(ways.heard(TWO, Some(true), 700 * MILLI), None);
    let turn = ways.heard(TWO, Some(true), 800 * MILLI);
    assert_eq!(turn, Some(Turn::Direct { was_given_up: true }));
    assert_eq!((ways.route(TWO, 800 * MILLI).first, ways.detours()), (TWO, 0));
    let mut back = Vec::new();
    for at in (825..4_000).step_by(25) {
        ways.heard(TWO, None, at * MILLI);
        ways.heard(THREE, None, at * MILLI);
        back.extend(ways.tick(at * MILLI).into_iter().map(|task| (at, task)));
    }
    assert_eq!(back, [(2_800, Task::BreakDetours(TWO))]);
}

#[test]
fn a_silence_in_between_counts_the_signs_of_life_anew() {
    let mut ways = pair();
    watch(&mut ways, 0, 250);
    ways.found(TWO, Some(THREE), 251 * MILLI);
    watch(&mut ways, 250, 500);
    ways.heard(TWO, None, 600 * MILLI);
    ways.heard(TWO, None, 625 * MILLI);
    watch(&mut ways, 625, 1_000);
    assert_eq!(ways.heard(TWO, None, 1_000 * MILLI), None);
    assert!(ways.is_cut(TWO));
}

#[test]
fn a_hiccup_is_over_with_the_first_sign_of_life() {
    let mut ways = pair();
    watch(&mut ways, 0, 250);
    ways.found(TWO, Some(THREE), 251 * MILLI);
    let turn = ways.heard(TWO, None, 300 * MILLI);
    assert_eq!(turn, Some(Turn::Direct { was_given_up: false }));
    // One that is heard of while others are still asked needs none of them.
    watch(&mut ways, 300, 550);
    ways.heard(TWO, None, 551 * MILLI);
    assert_eq!(ways.found(TWO, Some(THREE), 552 * MILLI), None);
}

#[test]
fn who_does_not_reach_it_any_more_is_left_for_another() {
    const FOUR: NodeId = NodeId(4);
    let mut ways = pair();
    watch(&mut ways, 0, 250);
    ways.found(TWO, Some(THREE), 251 * MILLI);
    assert_eq!(
        ways.unreached(TWO, FOUR, 300 * MILLI),
        None,
        "it is not the one in between"
    );
    assert_eq!(ways.unreached(TWO, THREE, 300 * MILLI), Some(Turn::Lost));
    ways.route(FOUR, 300 * MILLI);
    ways.heard(FOUR, Some(true), 300 * MILLI);
    ways.heard(THREE, Some(false), 310 * MILLI);
    let searched = ways.tick(320 * MILLI).into_iter().any(|task| {
        task == Task::Search {
            target: TWO,
            candidates: vec![FOUR],
        }
    });
    assert!(searched, "one that does not know of relaying is not asked");
    assert_eq!(ways.found(TWO, Some(FOUR), 330 * MILLI), Some(Turn::Detour(FOUR)));
}

#[test]
fn one_in_between_that_falls_silent_is_replaced_at_once() {
    const FOUR: NodeId = NodeId(4);
    let mut ways = pair();
    watch(&mut ways, 0, 250);
    ways.found(TWO, Some(THREE), 251 * MILLI);
    ways.wait(THREE, 251 * MILLI);
    ways.route(FOUR, 251 * MILLI);
    let mut sought = None;
    for at in (275..1_000).step_by(25) {
        ways.heard(FOUR, Some(true), at * MILLI);
        for task in ways.tick(at * MILLI) {
            if let Task::Search {
                target: TWO,
                candidates,
            } = task
            {
                sought = sought.or(Some((at, candidates)));
            }
        }
    }
    assert_eq!(sought, Some((500, vec![FOUR])));
    assert_eq!(ways.found(TWO, Some(FOUR), 510 * MILLI), Some(Turn::Detour(FOUR)));
}

#[test]
fn a_node_that_stood_still_itself_judges_nobody_for_it() {
    let mut ways = pair();
    watch(&mut ways, 0, 125);
    assert_eq!(ways.tick(5_000 * MILLI), [], "answers wait to be read");
    assert_eq!(ways.next_tick(), Duration::from_millis(25));
    ways.heard(TWO, None, 5_010 * MILLI);
    ways.heard(THREE, None, 5_010 * MILLI);
    assert_eq!(ways.tick(5_025 * MILLI), []);
    // One that gets no processor at all looks all the same, every other time.
    assert_eq!(ways.tick(9_000 * MILLI), []);
    assert!(!ways.tick(14_000 * MILLI).is_empty());
}

#[test]
fn a_node_that_nobody_calls_is_forgotten() {
    let mut ways = pair();
    ways.unwait(TWO);
    for at in (0..9_975).step_by(25) {
        ways.heard(TWO, None, at * MILLI);
        ways.tick(at * MILLI);
    }
    assert!(ways.is_reached(TWO, 9_975 * MILLI));
    ways.tick(10_000 * MILLI);
    assert!(!ways.is_reached(TWO, 10_000 * MILLI));
    assert_eq!(ways.detours(), 0);
}
