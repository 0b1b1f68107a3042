//! Nothing acknowledged is lost and nothing happens twice, whatever storage answers.

use std::time::Duration;

use hongyan_actor::HostError;
use hongyan_mailbox::*;
use hongyan_memory::{Fault, Faults};

use hongyan_types::{Uid, UidSet};

use crate::harness::{Bench, delivery, flags, with_mailbox};

const HELLO: &str = "Subject: hello\r\n\r\nhello\r\n";

async fn count(bench: &Bench) -> usize {
    bench.view(FolderRef::INBOX).await.len()
}

#[test]
fn a_commit_of_unknown_result_happens_once() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        bench.deliver(HELLO, None).await.unwrap();
        for (at, fault) in [Fault::UnknownApplied, Fault::UnknownNotApplied, Fault::Conflict]
            .into_iter()
            .enumerate()
        {
            bench.store.fail_next(fault);
            let reply = bench.deliver(HELLO, None).await.unwrap();
            assert_eq!(reply.uid.get() as usize, at + 2, "{fault:?}");
            assert_eq!(count(&bench).await, at + 2, "{fault:?}");
        }
        // The question itself may fail.
        bench.store.fail_next(Fault::UnknownNotApplied);
        bench.store.fail_next(Fault::UnknownApplied);
        bench.deliver(HELLO, None).await.unwrap();
        assert_eq!(count(&bench).await, 5);
    });
}

#[test]
fn a_store_that_cannot_write_is_an_answer_and_passes() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        bench.deliver(HELLO, None).await.unwrap();
        let view = bench.view(FolderRef::INBOX).await;
        bench.store.fail_next(Fault::Unavailable);
        let refused = bench.deliver(HELLO, None).await.unwrap_err();
        assert_eq!(refused, MailboxError::Unavailable);
        assert!(refused.is_temporary());
        assert!(view.difference(&bench.view(FolderRef::INBOX).await).is_empty());
        assert_eq!(bench.deliver(HELLO, None).await.unwrap().uid.get(), 2);
    });
}

#[test]
fn deliveries_repeated_through_chaos_arrive_once() {
    for seed in 1..=10 {
        let options = MailboxOptions {
            checkpoint_commits: 8,
            ..MailboxOptions::default()
        };
        with_mailbox(options, async |mut bench| {
            bench.deliver(HELLO, Some(200)).await.unwrap();
            bench.store.set_faults(Faults {
                seed,
                conflict_per_mille: 50,
                commit_too_old_per_mille: 20,
                read_too_old_per_mille: 10,
                unknown_applied_per_mille: 80,
                unknown_not_applied_per_mille: 80,
                unavailable_per_mille: 50,
                delay_micros_max: 0,
            });
            for number in 0..60 {
                while bench.deliver(HELLO, Some(number)).await.is_err() {}
                if number % 13 == 5 {
                    bench.take_over().await;
                }
            }
            bench.store.set_faults(Faults::default());
            assert_eq!(count(&bench).await, 61, "seed {seed}");
        });
    }
}

#[test]
fn a_writer_that_was_replaced_cannot_write_over_its_successor() {
    with_mailbox(MailboxOptions::default(), async |mut bench| {
        bench.deliver(HELLO, None).await.unwrap();
        let old = bench.node.clone();
        bench.intrude();
        assert_eq!(bench.deliver(HELLO, None).await.unwrap().uid.get(), 2);
        let new = std::mem::replace(&mut bench.node, old);
        assert_eq!(bench.deliver(HELLO, None).await.unwrap().uid.get(), 3);
        bench.node = new;
        assert_eq!(bench.deliver(HELLO, None).await.unwrap().uid.get(), 4);
        assert_eq!(count(&bench).await, 4);
    });
}

#[test]
fn a_deposed_owner_writes_nothing_and_ends() {
    with_mailbox(MailboxOptions::default(), async |mut bench| {
        bench.deliver(HELLO, None).await.unwrap();
        let old = bench.node.clone();
        bench.take_over().await;
        assert_eq!(bench.deliver(HELLO, None).await.unwrap().uid.get(), 2);
        let new = std::mem::replace(&mut bench.node, old.clone());
        for _ in 0..3 {
            // A new activation finds the fence too.
            let message = bench.message(HELLO).await;
            let asked = bench.node.ask(delivery(message, None)).await;
            assert_eq!(asked.unwrap_err(), HostError::Unavailable);
        }
        let store = StoreFlags {
            folder: FolderId::INBOX,
            uids: UidSet::from_range(Uid::new(1).unwrap(), Uid::new(9).unwrap()),
            action: FlagAction::Add,
            flags: flags(&["\\Seen"]),
            unchanged_since: None,
        };
        assert!(bench.node.ask(store).await.is_err());
        while old.host.active_count() > 0 {
            bench.clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
        bench.node = new;
        assert_eq!(bench.deliver(HELLO, None).await.unwrap().uid.get(), 3);
        assert!(
            bench
                .view(FolderRef::INBOX)
                .await
                .iter()
                .all(|entry| entry.flags.is_empty())
        );
    });
}

#[test]
fn a_commit_under_way_fails_when_the_fence_rises() {
    with_mailbox(MailboxOptions::default(), async |mut bench| {
        bench.deliver(HELLO, None).await.unwrap();
        let (old, message) = (bench.node.clone(), bench.message(HELLO).await);
        bench.gate.shut();
        let late = old.ask(delivery(message, None));
        let taking_over = async {
            bench.gate.arrival().await;
            bench.take_over().await;
            bench.gate.open();
        };
        assert_eq!(tokio::join!(late, taking_over).0.unwrap_err(), HostError::Unavailable);
        assert_eq!(count(&bench).await, 1);
    });
}

#[test]
fn a_passivated_mailbox_comes_back_as_it_was() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        for _ in 0..40 {
            bench.deliver(HELLO, None).await.unwrap();
        }
        let before = bench.view(FolderRef::INBOX).await;
        let mut passivating = std::pin::pin!(bench.node.host.passivate_all(Duration::from_secs(60)));
        // Until it says so itself: it may sleep once more after the last entity has gone.
        loop {
            tokio::select! {
                biased;
                () = &mut passivating => break,
                () = tokio::task::yield_now() => bench.clock.advance(Duration::from_millis(5)),
            }
        }
        bench.counts.take();
        bench.ask(GetQuota).await.unwrap();
        assert!(
            bench.counts.take()[0] <= 5,
            "a start reads the fence, the state and the tail, no messages"
        );
        let after = bench.view(FolderRef::INBOX).await;
        assert!(before.difference(&after).is_empty());
        assert_eq!(before.modseq(), after.modseq());
    });
}
