//! No operation on one message costs more in a large mailbox than in a small one: counted, not timed.

use std::sync::atomic::Ordering;

use hongyan_kv::Backend;
use hongyan_mailbox::*;
use hongyan_types::{Uid, UidSet};

use crate::harness::{Bench, flags, with_mailbox};

const HELLO: &str = "Subject: hello\r\nMessage-ID: <1@x>\r\n\r\nhello\r\n";

fn one(uid: u32) -> UidSet {
    let uid = Uid::new(uid).unwrap();
    UidSet::from_range(uid, uid)
}

/// Copies INBOX into itself until it has `messages`.
async fn grow(bench: &Bench, messages: usize) {
    for _ in 0..100 {
        bench.deliver(HELLO, None).await.unwrap();
    }
    loop {
        let view = bench.view(FolderRef::INBOX).await;
        let missing = messages - view.len();
        if missing == 0 {
            return;
        }
        let last = Uid::new(missing.min(view.len()) as u32).unwrap();
        let request = CopyMessages {
            from: FolderId::INBOX,
            uids: UidSet::from_range(Uid::new(1).unwrap(), last),
            to: FolderRef::INBOX,
        };
        bench.ask(request).await.unwrap();
    }
}

/// Reads, writes, octets and commits of a delivery, a change of flags, a copy, a move, an expunge; checkpoints included.
async fn costs(bench: &Bench, uid: u32) -> Vec<[u64; 4]> {
    let mut costs = Vec::new();
    let rounds = 16;
    // A reply leaves before the checkpoint that it made due; the next request waits for it.
    let settled = async || {
        bench.ask(GetQuota).await.unwrap();
        bench.counts.take()
    };
    settled().await;
    for _ in 0..rounds {
        bench.deliver(HELLO, None).await.unwrap();
    }
    costs.push(settled().await);
    for round in 0..rounds {
        let request = StoreFlags {
            folder: FolderId::INBOX,
            uids: one(uid + round),
            action: FlagAction::Add,
            flags: flags(&["\\Seen"]),
            unchanged_since: None,
        };
        bench.ask(request).await.unwrap();
    }
    costs.push(settled().await);
    for round in 0..rounds {
        let request = CopyMessages {
            from: FolderId::INBOX,
            uids: one(uid + round),
            to: SpecialUse::Archive.into(),
        };
        bench.ask(request).await.unwrap();
    }
    costs.push(settled().await);
    for round in 0..rounds {
        let request = MoveMessages {
            from: FolderId::INBOX,
            uids: one(uid + round),
            to: SpecialUse::Trash.into(),
        };
        bench.ask(request).await.unwrap();
    }
    costs.push(settled().await);
    for round in 0..rounds {
        let request = Expunge {
            folder: FolderId::INBOX,
            uids: Some(one(uid + 100 + round)),
            deleted_only: false,
        };
        bench.ask(request).await.unwrap();
    }
    costs.push(settled().await);
    costs
}

fn costs_at(messages: usize) -> Vec<[u64; 4]> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let options = MailboxOptions {
        checkpoint_commits: 2,
        ..MailboxOptions::default()
    };
    with_mailbox(options, async |bench| {
        grow(&bench, messages).await;
        bench.view(SpecialUse::Archive.into()).await;
        bench.view(SpecialUse::Trash.into()).await;
        sender.send(costs(&bench, messages as u32 / 2).await).unwrap();
    });
    receiver.recv().unwrap()
}

#[test]
fn one_message_costs_the_same_among_a_thousand_and_a_hundred_thousand() {
    let (small, large) = (costs_at(1_024), costs_at(102_400));
    for (small, large) in small.iter().zip(&large) {
        for (small, large) in small.iter().zip(large) {
            assert!(*large <= small * 3 / 2 + 4, "{small:?} {large:?}");
        }
    }
    // A delivery of a small mail is one commit of few keys, checkpoints (here every second commit) aside.
    let [_, writes, octets, commits] = large[0];
    assert!(commits <= 16 + 9 && writes <= 16 * 8 + 9 * 6, "{large:?}");
    assert!(octets < 16 * 3_000 + 9 * 20_000, "{large:?}");
}

#[test]
fn what_is_known_is_not_read_again() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        bench.deliver(HELLO, None).await.unwrap();
        bench.view(FolderRef::INBOX).await;
        for seen in [FlagAction::Add, FlagAction::Remove] {
            bench.counts.take();
            let request = StoreFlags {
                folder: FolderId::INBOX,
                uids: one(1),
                action: seen,
                flags: flags(&["\\Seen"]),
                unchanged_since: None,
            };
            bench.ask(request).await.unwrap();
            let [reads, _, _, commits] = bench.counts.take();
            assert_eq!((reads, commits), (0, 1));
        }
        // Others have written so much since that the store no longer has that state.
        for n in 0..20u8 {
            let mut transaction = bench.store.begin();
            transaction.set(vec![b'x', n].into(), bytes::Bytes::new());
            transaction.commit().await.unwrap();
        }
        let before = bench.counts.fences.load(Ordering::SeqCst);
        bench.deliver(HELLO, None).await.unwrap();
        assert_eq!(bench.counts.fences.load(Ordering::SeqCst) - before, 1);
    });
}

#[test]
fn the_fence_costs_one_read_a_commit() {
    let options = MailboxOptions {
        checkpoint_commits: 3,
        ..MailboxOptions::default()
    };
    with_mailbox(options, async |bench| {
        bench.store.keep(0);
        bench.view(FolderRef::INBOX).await;
        bench.counts.take();
        let before = bench.counts.fences.load(Ordering::SeqCst);
        for _ in 0..20 {
            // Something else is written, so that what the mailbox knows is not the present.
            let mut transaction = bench.store.begin();
            transaction.set("x".into(), bytes::Bytes::new());
            transaction.commit().await.unwrap();
            bench.deliver(HELLO, None).await.unwrap();
            bench.view(FolderRef::INBOX).await;
        }
        bench.ask(GetQuota).await.unwrap();
        let [_, _, _, commits] = bench.counts.take();
        assert!(commits > 20, "checkpoints are commits too");
        assert_eq!(bench.counts.fences.load(Ordering::SeqCst) - before, commits);
    });
}
