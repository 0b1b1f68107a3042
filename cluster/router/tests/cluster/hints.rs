//! Hints between nodes: quick, only where somebody listens, and never the only source.

use std::sync::Arc;
use std::time::Duration;

use hongyan_router::{Hint, Located};
use parking_lot::Mutex;

use crate::world::*;

const WITHIN: Duration = Duration::from_secs(5);
const LEDGER: LedgerId = LedgerId(1);

/// Lets everything under way arrive.
async fn settle(world: &World) {
    world.nodes[0].env.sleep(Duration::from_millis(500)).await;
}

#[test]
fn a_session_hears_of_a_change_on_another_node() {
    run(async {
        let world = World::new(1, 3);
        world.give(LEDGER, 2, 1);
        let mut ear = world.nodes[0].router.subscribe(&LEDGER);
        settle(&world).await;
        // It is told to look once it is subscribed: what came before was not told.
        assert_eq!(ear.changed().await, 0);
        let start = world.nodes[0].env.now_micros();
        let written = world.nodes[1].router.ask(&LEDGER, Write(7), WITHIN);
        let (heard, written) = tokio::join!(ear.changed(), written);
        assert_eq!((heard, written), (1, Ok(1)));
        assert!(world.nodes[0].env.now_micros() - start < 10_000);
        let version = Hint {
            number: 9,
            commit_version: 77,
        };
        let heard = Arc::<Mutex<Vec<Hint>>>::default();
        let list = Arc::clone(&heard);
        world.nodes[0]
            .router
            .hints()
            .when_heard(move |hint| list.lock().push(hint));
        world.nodes[2].router.hints().publish_hint(&LEDGER, version);
        assert_eq!(ear.changed().await, 9);
        assert_eq!(ear.hint(), version);
        assert_eq!(*heard.lock(), [version]);
    });
}

#[test]
fn nodes_without_a_listener_are_told_nothing() {
    run(async {
        let world = World::new(2, 3);
        world.give(LEDGER, 2, 1);
        let ears = [
            world.nodes[0].router.subscribe(&LEDGER),
            world.nodes[0].router.subscribe(&LEDGER),
        ];
        settle(&world).await;
        let counts = |world: &World| -> Vec<usize> {
            let count = |node: &Node| node.router.hints().subscribed_count();
            world.nodes.iter().map(count).collect()
        };
        assert_eq!(counts(&world), [1, 0, 1]);
        let [one, other] = ears;
        drop(one);
        settle(&world).await;
        assert_eq!(counts(&world), [1, 0, 1]);
        drop(other);
        settle(&world).await;
        assert_eq!(counts(&world), [0, 0, 0]);
    });
}

#[test]
fn a_change_of_owner_tells_listeners_to_look_and_then_goes_on() {
    run(async {
        let world = World::new(3, 3);
        world.give(LEDGER, 1, 1);
        let mut ear = world.nodes[0].router.subscribe(&LEDGER);
        settle(&world).await;
        ear.changed().await;
        // While nobody owns it, and its first change on the new owner comes before anybody has subscribed there.
        world.nodes[0].belief.set(LEDGER.partition(), Located::Unknown);
        world.raise(LEDGER, 2);
        world.tell(LEDGER, 2, 2, 2);
        world.nodes[2].router.ask(&LEDGER, Write(1), WITHIN).await.unwrap();
        settle(&world).await;
        assert!(!ear.has_changed());
        world.tell(LEDGER, 2, 2, 0);
        // The number is not known here, but that one must look is.
        assert_eq!(ear.changed().await, 0);
        world.nodes[2].router.ask(&LEDGER, Write(2), WITHIN).await.unwrap();
        assert_eq!(ear.changed().await, 2);
        // To this very node.
        world.give(LEDGER, 0, 3);
        ear.changed().await;
        world.nodes[2].router.ask(&LEDGER, Write(3), WITHIN).await.unwrap();
        assert_eq!(ear.changed().await, 3);
    });
}

#[test]
fn a_move_there_and_back_that_nobody_told_of_ends_with_a_look() {
    run(async {
        let world = World::new(6, 3);
        world.give(LEDGER, 1, 1);
        let mut ear = world.nodes[0].router.subscribe(&LEDGER);
        settle(&world).await;
        ear.changed().await;
        // Nodes 1 and 2 know of both moves, the listening one of none.
        world.raise(LEDGER, 2);
        world.tell(LEDGER, 2, 2, 1);
        world.tell(LEDGER, 2, 2, 2);
        settle(&world).await;
        while ear.has_changed() {
            ear.changed().await;
        }
        world.nodes[2].router.ask(&LEDGER, Write(1), WITHIN).await.unwrap();
        settle(&world).await;
        assert!(!ear.has_changed());
        world.raise(LEDGER, 3);
        world.tell(LEDGER, 1, 3, 2);
        world.tell(LEDGER, 1, 3, 1);
        ear.changed().await;
        world.nodes[2].router.ask(&LEDGER, Write(2), WITHIN).await.unwrap();
        assert_eq!(ear.changed().await, 2);
    });
}

#[test]
fn a_cut_that_swallows_hints_ends_with_a_look() {
    run(async {
        let world = World::new(4, 2);
        world.give(LEDGER, 1, 1);
        let mut ear = world.nodes[0].router.subscribe(&LEDGER);
        settle(&world).await;
        ear.changed().await;
        world.network.isolate(world.nodes[1].id);
        world.nodes[1].router.ask(&LEDGER, Write(1), WITHIN).await.unwrap();
        world.nodes[0].env.sleep(Duration::from_secs(10)).await;
        assert!(!ear.has_changed());
        world.network.heal_all();
        let looked = world.nodes[0].env.timeout(Duration::from_secs(10), ear.changed()).await;
        assert!(looked.is_some());
    });
}

#[test]
fn an_owner_that_restarts_is_subscribed_again() {
    run(async {
        let mut world = World::new(5, 2);
        world.give(LEDGER, 1, 1);
        let mut ear = world.nodes[0].router.subscribe(&LEDGER);
        settle(&world).await;
        ear.changed().await;
        world.restart(1);
        world.give(LEDGER, 1, 2);
        ear.changed().await;
        world.nodes[0].router.ask(&LEDGER, Write(1), WITHIN).await.unwrap();
        assert_eq!(ear.changed().await, 1);
    });
}
