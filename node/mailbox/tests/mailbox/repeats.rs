//! A request that is repeated under its id has one effect and one answer, whoever answers; one that is cut off leaves
//! nothing behind.

use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use hongyan_actor::{HostError, RequestId};
use hongyan_kv::RangeQuery;
use hongyan_kv::tuple::Tuple;
use hongyan_mailbox::*;
use hongyan_memory::{Fault, Faults};
use hongyan_router::Ask;
use hongyan_types::{Uid, UidSet};

use crate::harness::{Bench, ID, delivery, flags, with_mailbox};

const HELLO: &str = "Subject: hello\r\n\r\nhello\r\n";

fn all() -> UidSet {
    UidSet::from_range(Uid::new(1).unwrap(), Uid::new(u32::MAX).unwrap())
}

fn path(name: &str) -> FolderPath {
    FolderPath::try_from(name).unwrap()
}

/// Asks twice: the first reply is lost, and perhaps the owner changes before the second time.
async fn twice<R, T>(bench: &mut Bench, id: u128, request: R) -> (T, T)
where
    R: Ask<Entity = MailboxEntity, Reply = Result<T, MailboxError>> + Clone,
{
    let first = bench
        .node
        .ask_as(RequestId(id), request.clone())
        .await
        .unwrap()
        .unwrap();
    if id % 2 == 1 {
        bench.take_over().await;
    }
    let second = bench.node.ask_as(RequestId(id), request).await.unwrap().unwrap();
    (first, second)
}

async fn message(bench: &Bench) -> AppendMessage {
    AppendMessage {
        message: bench.message(HELLO).await,
        flags: flags(&["$One"]),
        internal_date: None,
    }
}

/// Keys of one kind that the mailbox has.
async fn keys(bench: &Bench, kind: u8) -> usize {
    let range = Tuple::new()
        .string("mbx")
        .int(ID.tenant.0)
        .int(ID.account.0)
        .int(kind)
        .range();
    let read = bench.database.begin().get_range_all(RangeQuery::all(range)).await;
    read.unwrap().len()
}

#[test]
fn a_repeat_has_no_second_effect_and_the_first_answer() {
    with_mailbox(MailboxOptions::default(), async |mut bench| {
        for round in 0..2u128 {
            // Even ids are repeated to the same owner, odd ones to the next.
            let id = |number: u128| 2 * number + 100 * round + (round + 1) % 2 + 2;
            let before = bench.view(FolderRef::INBOX).await.len();
            let append = Append {
                folder: FolderRef::INBOX,
                messages: vec![message(&bench).await, message(&bench).await],
            };
            let (one, two) = twice(&mut bench, id(1), append).await;
            assert_eq!((one.uids, one.emails), (two.uids, two.emails));
            let deliver = delivery(bench.message(HELLO).await, None);
            let (one, two) = twice(&mut bench, id(2), deliver).await;
            assert_eq!(one.uid, two.uid);
            assert!(!one.is_repeat && two.is_repeat);
            assert_eq!(bench.view(FolderRef::INBOX).await.len(), before + 3);

            let copy = CopyMessages {
                from: FolderId::INBOX,
                uids: all(),
                to: SpecialUse::Archive.into(),
            };
            let (one, two) = twice(&mut bench, id(3), copy).await;
            assert_eq!(one.uids, two.uids);
            assert_eq!(bench.view(SpecialUse::Archive.into()).await.len(), before + 3);
            let archive = one.to;

            let store = StoreFlags {
                folder: FolderId::INBOX,
                uids: all(),
                action: FlagAction::Add,
                flags: flags(&["\\Deleted", "$Two"]),
                unchanged_since: Some(bench.view(FolderRef::INBOX).await.modseq()),
            };
            let (one, two) = twice(&mut bench, id(4), store).await;
            assert!(
                one.modified.is_empty() && two.modified.is_empty(),
                "its own change is none of another"
            );
            assert_eq!(two.view.len(), before + 3);

            let moving = MoveMessages {
                from: archive,
                uids: all(),
                to: SpecialUse::Trash.into(),
            };
            let (one, two) = twice(&mut bench, id(5), moving).await;
            assert_eq!(one.moved.uids, two.moved.uids);
            assert_eq!(one.moved.uids.len(), before + 3);

            let old = bench.view(FolderRef::INBOX).await.last().unwrap().uid;
            let replace = Replace {
                folder: FolderId::INBOX,
                uid: old,
                to: FolderRef::INBOX,
                message: message(&bench).await,
            };
            let (one, two) = twice(&mut bench, id(6), replace).await;
            assert_eq!(one.appended.uids, two.appended.uids);

            let expunge = Expunge {
                folder: FolderId::INBOX,
                uids: None,
                deleted_only: true,
            };
            let (one, two) = twice(&mut bench, id(7), expunge).await;
            assert_eq!((one.expunged, one.modseq), (two.expunged, two.modseq));
            assert_eq!(two.view.len(), 1);

            let name = format!("New{round}");
            let create = CreateFolder {
                path: path(&name),
                special_use: None,
            };
            let (one, two) = twice(&mut bench, id(8), create).await;
            assert_eq!(one.folder.id, two.folder.id);
            let rename = RenameFolder {
                from: path(&name),
                to: path("Renamed"),
            };
            twice(&mut bench, id(9), rename).await;
            let subscribe = SubscribeFolder {
                path: path("Renamed"),
                subscribed: true,
            };
            twice(&mut bench, id(10), subscribe).await;
            let folder = path("Renamed").into();
            twice(&mut bench, id(11), DeleteFolder { folder }).await;
            let trash = bench.view(SpecialUse::Trash.into()).await.folder();
            let empty = Expunge {
                folder: trash,
                uids: None,
                deleted_only: false,
            };
            twice(&mut bench, id(12), empty).await;
        }
    });
}

#[test]
fn long_work_that_is_cut_off_is_carried_on_by_the_next_owner() {
    let options = MailboxOptions {
        copy_step_messages: 7,
        ..MailboxOptions::default()
    };
    for commits in 1..=7 {
        with_mailbox(options.clone(), async |mut bench| {
            for _ in 0..50 {
                bench.deliver(HELLO, None).await.unwrap();
            }
            bench.view(SpecialUse::Archive.into()).await;
            let copy = CopyMessages {
                from: FolderId::INBOX,
                uids: all(),
                to: SpecialUse::Archive.into(),
            };
            let cut_off = bench.cut_off(commits, RequestId(9), copy.clone()).await;
            assert_eq!(cut_off.unwrap_err(), HostError::Unavailable);
            if commits > 1 {
                // What came after it was begun is none of its business.
                bench.deliver(HELLO, None).await.unwrap();
            }
            let copied = bench.node.ask_as(RequestId(9), copy).await.unwrap().unwrap();
            let froms: Vec<u32> = copied.uids.iter().map(|(from, _)| from.get()).collect();
            assert_eq!(froms, (1..=50).collect::<Vec<_>>(), "after {commits} commits");
            assert_eq!(bench.view(SpecialUse::Archive.into()).await.len(), 50);
        });
    }
}

#[test]
fn requests_repeated_through_chaos_happen_once() {
    for seed in 1..=6 {
        let options = MailboxOptions {
            checkpoint_commits: 8,
            copy_step_messages: 3,
            ..MailboxOptions::default()
        };
        with_mailbox(options, async |mut bench| {
            bench.deliver(HELLO, None).await.unwrap();
            bench.store.set_faults(Faults {
                seed,
                conflict_per_mille: 50,
                unknown_applied_per_mille: 80,
                unknown_not_applied_per_mille: 80,
                unavailable_per_mille: 50,
                ..Faults::default()
            });
            for number in 0..30u128 {
                let append = Append {
                    folder: FolderRef::INBOX,
                    messages: vec![message(&bench).await],
                };
                let copy = CopyMessages {
                    from: FolderId::INBOX,
                    uids: all(),
                    to: SpecialUse::Archive.into(),
                };
                while !matches!(
                    bench.node.ask_as(RequestId(2 * number + 1), append.clone()).await,
                    Ok(Ok(_))
                ) {
                    if seed % 2 == 0 {
                        bench.take_over().await;
                    }
                }
                if number % 10 == 3 {
                    while !matches!(
                        bench.node.ask_as(RequestId(2 * number + 2), copy.clone()).await,
                        Ok(Ok(_))
                    ) {
                        bench.take_over().await;
                    }
                }
            }
            bench.store.set_faults(Faults::default());
            assert_eq!(bench.view(FolderRef::INBOX).await.len(), 31, "seed {seed}");
            let copies = (1 + 4) + (1 + 14) + (1 + 24);
            assert_eq!(
                bench.view(SpecialUse::Archive.into()).await.len(),
                copies,
                "seed {seed}"
            );
        });
    }
}

#[test]
fn requests_are_forgotten_after_minutes() {
    let options = MailboxOptions {
        checkpoint_commits: 4,
        ..MailboxOptions::default()
    };
    with_mailbox(options, async |bench| {
        for _ in 0..3 {
            bench.append(FolderRef::INBOX, HELLO, &[]).await.unwrap();
        }
        let append = Append {
            folder: FolderRef::INBOX,
            messages: vec![message(&bench).await],
        };
        bench.node.ask_as(RequestId::ONCE, append).await.unwrap().unwrap();
        assert_eq!(
            keys(&bench, 10).await,
            3,
            "one that is never repeated is not remembered"
        );
        bench.clock.advance(Duration::from_secs(3600));
        for _ in 0..4 {
            bench.append(FolderRef::INBOX, HELLO, &[]).await.unwrap();
        }
        bench.ask(GetQuota).await.unwrap();
        assert_eq!(keys(&bench, 10).await, 4);
    });
}

/// Messages of which each transaction takes a few.
async fn long_messages(bench: &Bench) -> Append {
    let mut messages = Vec::new();
    for number in 0..24 {
        let mut noise = vec![0; 100_000];
        bench.env.fill_random(&mut noise);
        let text: String = noise.iter().map(|byte| format!("{byte:02x}")).collect();
        let mail = format!("Subject: n\r\nMessage-ID: <{number}@x>\r\n\r\n{text}\r\n");
        messages.push(AppendMessage {
            message: bench.message(&mail).await,
            flags: Vec::new(),
            internal_date: None,
        });
    }
    Append {
        folder: FolderRef::INBOX,
        messages,
    }
}

/// Every key of the store but the log, and the numbers that only grow.
async fn keys_but_the_log(bench: &Bench) -> Vec<Vec<u8>> {
    let log = Tuple::new()
        .string("mbx")
        .int(ID.tenant.0)
        .int(ID.account.0)
        .int(4u8)
        .range();
    let query = RangeQuery::all(hongyan_kv::KeyRange::prefix(b""));
    let pairs = bench.database.begin().get_range_all(query).await.unwrap();
    let keys = pairs.iter().map(|pair| &pair.key).filter(|key| !log.contains(key));
    keys.filter(|key| !key.starts_with(b"\x02fence"))
        .map(|key| key.to_vec())
        .collect()
}

#[test]
fn messages_appended_together_that_are_cut_off_leave_nothing() {
    // RFC 3502 §3: all or none, whenever the owner dies.
    for commits in 1..=4 {
        with_mailbox(MailboxOptions::default(), async |mut bench| {
            bench.append(SpecialUse::Sent.into(), HELLO, &[]).await.unwrap();
            let (before, quota) = (keys_but_the_log(&bench).await, bench.ask(GetQuota).await.unwrap().quota);
            let append = long_messages(&bench).await;
            let cut_off = bench.cut_off(commits, RequestId::ONCE, append.clone()).await;
            assert_eq!(cut_off.unwrap_err(), HostError::Unavailable);
            assert_eq!(bench.view(FolderRef::INBOX).await.len(), 0);
            // The sweep follows the first request; the next one waits for it.
            bench.ask(GetQuota).await.unwrap();
            assert_eq!(
                bench.ask(GetQuota).await.unwrap().quota,
                quota,
                "after {commits} commits"
            );
            bench.clock.advance(Duration::from_secs(48 * 3600));
            while bench.blobs.collect_step().await.unwrap().more {}
            assert_eq!(keys_but_the_log(&bench).await, before, "after {commits} commits");
            assert_eq!(bench.ask(append).await.unwrap().uids.len(), 24);
            assert_eq!(keys(&bench, 0).await, 0, "nothing is staged any more");
        });
    }
}

#[test]
fn messages_appended_together_that_storage_refuses_leave_nothing() {
    for commits in 1..=4 {
        with_mailbox(MailboxOptions::default(), async |bench| {
            bench.ask(GetQuota).await.unwrap();
            let append = long_messages(&bench).await;
            bench.gate.shut();
            let refused = bench.ask(append);
            let failing = async {
                for _ in 1..commits {
                    bench.gate.arrival().await;
                    bench.gate.pass();
                }
                bench.gate.arrival().await;
                bench.store.fail_next(Fault::Unavailable);
                bench.gate.open();
            };
            assert_eq!(tokio::join!(refused, failing).0.unwrap_err(), MailboxError::Unavailable);
            for _ in 0..3 {
                bench.ask(GetQuota).await.unwrap();
            }
            assert_eq!(bench.ask(GetQuota).await.unwrap().quota.octets, 0);
            assert_eq!((keys(&bench, 0).await, keys(&bench, 5).await), (0, 0));
            assert_eq!(bench.view(FolderRef::INBOX).await.len(), 0);
        });
    }
}

#[test]
fn an_erased_mailbox_takes_along_what_was_being_appended() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        bench.ask(GetQuota).await.unwrap();
        let append = long_messages(&bench).await;
        bench.gate.shut();
        let appending = bench.node.ask_as(RequestId::ONCE, append);
        let erasing = async {
            bench.gate.arrival().await;
            let mut erased = pin!(bench.node.ask_as(RequestId::ONCE, Erase));
            assert!(erased.as_mut().now_or_never().is_none());
            bench.gate.open();
            erased.await.unwrap().unwrap();
        };
        let (appended, ()) = tokio::join!(appending, erasing);
        assert_eq!(appended.unwrap().unwrap_err(), MailboxError::Unavailable);
        assert_eq!(bench.view(FolderRef::INBOX).await.len(), 0);
        assert_eq!((keys(&bench, 0).await, keys(&bench, 5).await), (0, 0));
        bench.clock.advance(Duration::from_secs(48 * 3600));
        while bench.blobs.collect_step().await.unwrap().more {}
        let blobs = Tuple::new().string("blob").string("head").range();
        let left = bench.database.begin().get_range_all(RangeQuery::all(blobs)).await;
        assert!(left.unwrap().is_empty());
    });
}
