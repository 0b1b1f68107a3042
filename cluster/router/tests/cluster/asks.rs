//! One ask at a time: here, there, moved, lost.

use std::time::Duration;

use hongyan_router::{AskError, Located};

use crate::world::*;

const WITHIN: Duration = Duration::from_secs(5);
const LEDGER: LedgerId = LedgerId(1);

#[test]
fn an_entity_answers_from_every_node() {
    run(async {
        let world = World::new(1, 3);
        world.give(LEDGER, 1, 1);
        for (at, line) in [(0, 10), (1, 11), (2, 12)] {
            let reply = world.nodes[at].router.ask(&LEDGER, Write(line), WITHIN).await;
            assert_eq!(reply, Ok(line - 9));
        }
        assert_eq!(world.disk.lock().lines[&LEDGER], [10, 11, 12]);
        assert_eq!(world.nodes[1].host.active_count(), 1);
        assert_eq!(
            world.nodes[0].host.active_count() + world.nodes[2].host.active_count(),
            0
        );
    });
}

#[test]
fn a_node_that_is_behind_is_told_who_has_it() {
    run(async {
        let world = World::new(2, 3);
        world.give(LEDGER, 1, 1);
        world.raise(LEDGER, 2);
        world.tell(LEDGER, 2, 2, 1);
        world.tell(LEDGER, 2, 2, 2);
        let start = world.nodes[0].env.now_micros();
        assert_eq!(world.nodes[0].router.ask(&LEDGER, Write(1), WITHIN).await, Ok(1));
        // Two calls and no pause.
        assert!(world.nodes[0].env.now_micros() - start < 10_000);
    });
}

#[test]
fn an_ask_waits_for_an_owner_and_ends_with_its_deadline() {
    run(async {
        let world = World::new(3, 2);
        let asker = &world.nodes[0].router;
        let start = world.nodes[0].env.now_micros();
        let early = asker.ask(&LEDGER, Write(1), WITHIN).await;
        assert_eq!(early, Err(AskError::Unavailable));
        let waited = world.nodes[0].env.now_micros() - start;
        assert!((4_900_000..=5_100_000).contains(&waited), "{waited}");
        let give = async {
            world.nodes[0].env.sleep(Duration::from_secs(1)).await;
            world.give(LEDGER, 1, 1);
            world.nodes[0].env.now_micros()
        };
        let ask = async {
            let reply = asker.ask(&LEDGER, Write(2), WITHIN).await;
            (reply, world.nodes[0].env.now_micros())
        };
        let (given, (reply, answered)) = tokio::join!(give, ask);
        assert_eq!(reply, Ok(1));
        // The change ended the pause.
        assert!(answered - given < 10_000);
    });
}

#[test]
fn two_nodes_that_each_take_the_other_for_the_owner_do_not_spin() {
    run(async {
        let world = World::new(4, 3);
        world.tell(LEDGER, 1, 1, 0);
        world.nodes[1]
            .belief
            .set(LEDGER.partition(), Located::There(world.nodes[2].id));
        world.nodes[2]
            .belief
            .set(LEDGER.partition(), Located::There(world.nodes[1].id));
        let reply = world.nodes[0]
            .router
            .ask(&LEDGER, Write(1), Duration::from_secs(1))
            .await;
        assert_eq!(reply, Err(AskError::Unavailable));
        assert!(world.disk.lock().attempts.is_empty());
    });
}

#[test]
fn a_lost_reply_is_asked_for_again_and_the_request_is_not_done_again() {
    run(async {
        let world = World::new(5, 2);
        world.give(LEDGER, 1, 1);
        let (asker, owner) = (world.nodes[0].id, world.nodes[1].id);
        let mut answers = 0;
        for line in 1..20 {
            world.network.cut(owner, asker);
            world.disk.lock().attempts.clear();
            let heal = async {
                while world.disk.lock().attempts.is_empty() {
                    world.nodes[0].env.sleep(Duration::from_millis(1)).await;
                }
                world.network.heal_all();
            };
            let ask = world.nodes[0].router.ask(&LEDGER, Write(line), WITHIN);
            // A lost reply is noticed, or it is not before the deadline.
            if tokio::join!(ask, heal).0.is_ok() {
                answers += 1;
            }
            assert_eq!(world.disk.lock().lines[&LEDGER].len() as u64, line);
        }
        assert!(answers > 0);
    });
}

#[test]
fn a_deposed_owner_answers_nothing_and_the_asker_finds_the_next_one() {
    run(async {
        let world = World::new(6, 3);
        world.give(LEDGER, 1, 1);
        world.nodes[0].router.ask(&LEDGER, Write(1), WITHIN).await.unwrap();
        // Node 1 was not told.
        world.raise(LEDGER, 2);
        world.tell(LEDGER, 2, 2, 2);
        let tell = async {
            world.nodes[0].env.sleep(Duration::from_millis(300)).await;
            world.tell(LEDGER, 2, 2, 0);
        };
        let ask = world.nodes[0].router.ask(&LEDGER, Write(2), WITHIN);
        assert_eq!(tokio::join!(ask, tell).0, Ok(2));
        assert_eq!(world.disk.lock().lines[&LEDGER], [1, 2]);
    });
}

#[test]
fn a_node_that_stands_still_is_not_waited_for_when_another_owns_its_entities() {
    run(async {
        let world = World::new(8, 3);
        world.give(LEDGER, 1, 1);
        world.nodes[0].router.ask(&LEDGER, Write(1), WITHIN).await.unwrap();
        // It hears and does not answer.
        world.network.cut(world.nodes[1].id, world.nodes[0].id);
        let take_over = async {
            world.nodes[0].env.sleep(Duration::from_millis(300)).await;
            world.give(LEDGER, 2, 2);
            world.nodes[0].env.now_micros()
        };
        let ask = async {
            let reply = world.nodes[0].router.ask(&LEDGER, Write(2), WITHIN).await;
            (reply, world.nodes[0].env.now_micros())
        };
        let (taken, (reply, answered)) = tokio::join!(take_over, ask);
        assert_eq!(reply, Ok(2));
        assert!(answered - taken < 100_000, "{} us", answered - taken);
    });
}

#[test]
fn what_is_no_ask_is_answered_so() {
    run(async {
        let world = World::new(7, 2);
        world.give(LEDGER, 1, 1);
        let payload = bytes::Bytes::from_static(b"\0\x01\xffnonsense");
        let transport = world.network.join_local(hongyan_transport::NodeId(9));
        let service = hongyan_transport::ServiceId::ENTITIES;
        let reply = hongyan_transport::Transport::call(&*transport, world.nodes[1].id, service, payload, WITHIN).await;
        // Not understood, said so, and nothing broken.
        assert_eq!(reply.unwrap(), &b"\0\x01\x05"[..]);
        assert_eq!(world.nodes[0].router.ask(&LEDGER, Write(1), WITHIN).await, Ok(1));
    });
}
