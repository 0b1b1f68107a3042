//! What a mailbox does, request by request.

use std::pin::pin;
use std::time::Duration;

use crate::harness::{Bench, ID, flags, with_mailbox};
use futures_util::FutureExt;
use hongyan_kv::RangeQuery;
use hongyan_mailbox::*;
use hongyan_types::{Flag, ModSeq, Timestamp, Uid, UidSet};

const HELLO: &str = "From: a@x.example\r\nSubject: hello\r\nMessage-ID: <1@x>\r\n\r\nhello\r\n";

fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap()
}
fn uids(numbers: &[u32]) -> UidSet {
    let mut set = UidSet::new();
    numbers.iter().for_each(|number| set.insert(uid(*number)));
    set
}
fn path(text: &str) -> FolderPath {
    FolderPath::try_from(text).unwrap()
}
fn names(view: &FolderView, number: u32) -> Vec<String> {
    let entry = view.get(uid(number)).unwrap();
    let system = entry.flags.iter().map(|flag| Flag::System(flag).to_string());
    let keywords = entry
        .keywords
        .ids()
        .iter()
        .map(|id| view.keywords().name(*id).unwrap().to_string());
    system.chain(keywords).collect()
}
async fn create(bench: &Bench, name: &str) -> Result<FolderInfo, MailboxError> {
    let request = CreateFolder {
        path: path(name),
        special_use: None,
    };
    Ok(bench.ask(request).await?.folder)
}
async fn rename(bench: &Bench, from: &str, to: &str) -> Result<RenameFolderReply, MailboxError> {
    let (from, to) = (path(from), path(to));
    bench.ask(RenameFolder { from, to }).await
}
async fn paths(bench: &Bench) -> Vec<String> {
    let folders = bench.ask(ListFolders).await.unwrap().folders;
    folders.iter().map(|folder| folder.path.as_str().to_owned()).collect()
}
async fn expunge(bench: &Bench, folder: FolderId, uids: Option<UidSet>) -> ExpungeReply {
    let request = Expunge {
        folder,
        uids,
        deleted_only: false,
    };
    bench.ask(request).await.unwrap()
}

#[test]
fn a_new_mailbox_has_its_folders() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        assert_eq!(
            paths(&bench).await,
            ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"]
        );
        let sent = bench.view(SpecialUse::Sent.into()).await;
        assert!(sent.is_empty());
        assert!(
            bench
                .ask(ListFolders)
                .await
                .unwrap()
                .folders
                .iter()
                .all(|folder| folder.subscribed)
        );
    });
}

#[test]
fn a_delivery_is_there_once_and_its_repeat_changes_nothing() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        let mut hints = bench.router.subscribe(&ID);
        let first = bench.deliver(HELLO, Some(1)).await.unwrap();
        assert_eq!(
            (first.uid, first.folder, first.is_repeat),
            (uid(1), FolderId::INBOX, false)
        );
        assert_eq!(hints.changed().await, 2);
        let again = bench.deliver(HELLO, Some(1)).await.unwrap();
        assert_eq!((again.uid, again.is_repeat), (uid(1), true));
        let other = bench.deliver(HELLO, Some(2)).await.unwrap();
        assert_eq!(other.uid, uid(2));
        let view = bench.view(FolderRef::INBOX).await;
        assert_eq!(view.len(), 2);
        let email = read_email(&bench.database, ID, first.email).await.unwrap().unwrap();
        assert_eq!(email.structure.envelope.subject.as_deref(), Some("hello"));
        let mut blob = bench.blobs.open_blob(1, &email.blob).await.unwrap();
        assert_eq!(blob.read(0, 1000).await.unwrap(), HELLO.as_bytes());
        // Old delivery ids are forgotten at a checkpoint.
        bench.clock.advance(DELIVERY_ID_KEPT + Duration::from_secs(1));
        for _ in 0..256 {
            bench.deliver(HELLO, None).await.unwrap();
        }
        assert!(!bench.deliver(HELLO, Some(1)).await.unwrap().is_repeat);
    });
}

#[test]
fn replies_join_the_conversation_even_when_they_come_first() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        let mail = |id: &str, refs: &str, subject: &str| {
            format!("Message-ID: <{id}>\r\nReferences: {refs}\r\nSubject: {subject}\r\n\r\nx\r\n")
        };
        let check = async |text: String, expect: u64| {
            let reply = bench.deliver(&text, None).await.unwrap();
            let view = bench.view(FolderRef::INBOX).await;
            assert_eq!(view.get(reply.uid).unwrap().thread, ThreadId(expect), "{text}");
        };
        check(mail("2@x", "<1@x>", "Re: plan"), 1).await;
        check(mail("1@x", "", "plan"), 1).await;
        check(mail("3@x", "<1@x> <2@x>", "RE: plan"), 1).await;
        check(mail("4@x", "<1@x>", "another matter"), 4).await;
        check(mail("5@x", "", "plan"), 5).await;
    });
}

#[test]
fn flags_are_set_added_and_removed_and_refused_when_changed_since() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        for _ in 0..3 {
            bench.deliver(HELLO, None).await.unwrap();
        }
        let store = async |numbers: &[u32], action, names: &[&str], unchanged_since| {
            let request = StoreFlags {
                folder: FolderId::INBOX,
                uids: uids(numbers),
                action,
                flags: flags(names),
                unchanged_since,
            };
            bench.ask(request).await.unwrap()
        };
        let reply = store(&[1, 2, 9], FlagAction::Add, &["\\Seen", "$Work"], None).await;
        assert_eq!(names(&reply.view, 1), ["\\Seen", "$Work"]);
        let modseq = reply.view.highest_modseq();
        let reply = store(&[1, 3], FlagAction::Set, &["\\Flagged"], Some(ModSeq(4))).await;
        assert_eq!(reply.modified, uids(&[1]));
        assert_eq!(names(&reply.view, 3), ["\\Flagged"]);
        assert!(reply.view.highest_modseq() > modseq);
        let before = reply.view;
        let reply = store(&[2], FlagAction::Remove, &["$work", "$unknown"], None).await;
        assert_eq!(names(&reply.view, 2), ["\\Seen"]);
        assert_eq!(reply.view.keywords().len(), 1);
        let difference = before.difference(&reply.view);
        assert_eq!(
            difference.changed.iter().map(|entry| entry.uid).collect::<Vec<_>>(),
            [uid(2)]
        );
        // What changes nothing makes no modseq.
        let same = store(&[2], FlagAction::Add, &["\\Seen"], None).await;
        assert_eq!(same.view.modseq(), reply.view.modseq());
        let info = bench
            .ask(OpenFolder {
                folder: FolderRef::INBOX,
            })
            .await
            .unwrap()
            .info;
        assert_eq!((info.messages, info.unseen, info.deleted), (3, 1, 0));
    });
}

#[test]
fn a_message_has_as_many_keywords_as_the_setting_allows() {
    let options = MailboxOptions {
        checkpoint_commits: 2,
        keywords_of_message_max: 900,
        ..MailboxOptions::default()
    };
    with_mailbox(options, async |mut bench| {
        let names: Vec<String> = (0..=900).map(|n| format!("k{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (most, one) = (&names[..900], &names[900..]);
        let refused = bench.append(FolderRef::INBOX, HELLO, &names).await;
        assert_eq!(refused.unwrap_err(), MailboxError::TooManyKeywords);
        bench.append(FolderRef::INBOX, HELLO, most).await.unwrap();
        for _ in 0..39 {
            bench.deliver(HELLO, None).await.unwrap();
        }
        let store = |action, names: &[&str]| StoreFlags {
            folder: FolderId::INBOX,
            uids: UidSet::from_range(uid(1), uid(40)),
            action,
            flags: flags(names),
            unchanged_since: None,
        };
        bench.ask(store(FlagAction::Add, most)).await.unwrap();
        let refused = bench.ask(store(FlagAction::Add, one)).await;
        assert_eq!(refused.unwrap_err(), MailboxError::TooManyKeywords);
        // 40 messages of 900 keywords are more than one stored value.
        for _ in 0..3 {
            bench.deliver(HELLO, None).await.unwrap();
        }
        let before = bench.view(FolderRef::INBOX).await;
        assert!(
            before
                .range(uid(1), uid(40))
                .all(|entry| entry.keywords.ids().len() == 900)
        );
        bench.take_over().await;
        let after = bench.view(FolderRef::INBOX).await;
        assert!(before.difference(&after).is_empty());
        assert!(parts(&bench).await > 1);
        bench.ask(store(FlagAction::Remove, &most[1..])).await.unwrap();
        for _ in 0..3 {
            bench.deliver(HELLO, None).await.unwrap();
        }
        bench.ask(GetQuota).await.unwrap();
        assert_eq!(parts(&bench).await, 1, "what is no longer needed is gone");
        bench.take_over().await;
        let view = bench.view(FolderRef::INBOX).await;
        assert_eq!(names_of(&view), [most[0]]);
        assert_eq!(view.len(), 46);
    });
}

/// Stored values that hold INBOX's messages.
async fn parts(bench: &Bench) -> usize {
    let mailbox = hongyan_kv::Tuple::new()
        .string("mbx")
        .int(ID.tenant.0)
        .int(ID.account.0);
    let range = mailbox.int(6u8).int(1u8).range();
    let read = bench.database.begin().get_range_all(RangeQuery::all(range)).await;
    read.unwrap().len()
}

/// The keywords that the first message has.
fn names_of(view: &FolderView) -> Vec<String> {
    let first = view.get(uid(1)).unwrap();
    let names = first.keywords.ids().iter().map(|id| view.keywords().name(*id).unwrap());
    names.map(ToString::to_string).collect()
}

#[test]
fn copies_share_the_mail_and_the_last_one_takes_it_along() {
    let options = MailboxOptions {
        purged_kept: Duration::ZERO,
        ..MailboxOptions::default()
    };
    with_mailbox(options, async |bench| {
        let first = bench.deliver(HELLO, None).await.unwrap();
        bench.deliver(HELLO, None).await.unwrap();
        let request = CopyMessages {
            from: FolderId::INBOX,
            uids: uids(&[1, 2]),
            to: SpecialUse::Archive.into(),
        };
        let copied = bench.ask(request).await.unwrap();
        assert_eq!(copied.uids, [(uid(1), uid(1)), (uid(2), uid(2))]);
        let request = MoveMessages {
            from: FolderId::INBOX,
            uids: uids(&[1]),
            to: SpecialUse::Trash.into(),
        };
        let moved = bench.ask(request).await.unwrap();
        assert_eq!(
            (moved.moved.uids, moved.view.uids()),
            (vec![(uid(1), uid(1))], uids(&[2]))
        );
        let quota = bench.ask(GetQuota).await.unwrap().quota;
        assert_eq!((quota.messages, quota.octets), (4, 2 * HELLO.len() as u64));
        let archive = bench.view(SpecialUse::Archive.into()).await;
        expunge(&bench, archive.folder(), Some(uids(&[1]))).await;
        assert!(read_email(&bench.database, ID, first.email).await.unwrap().is_some());
        let trash = bench.view(SpecialUse::Trash.into()).await;
        assert_eq!(trash.get(uid(1)).unwrap().email, first.email);
        let gone = expunge(&bench, trash.folder(), None).await;
        assert_eq!(gone.expunged, uids(&[1]));
        assert!(read_email(&bench.database, ID, first.email).await.unwrap().is_none());
        // The other mail has the same bytes, so they stay.
        let email = read_email(&bench.database, ID, EmailId(2)).await.unwrap().unwrap();
        assert!(bench.blobs.open_blob(1, &email.blob).await.is_ok());
        let quota = bench.ask(GetQuota).await.unwrap().quota;
        assert_eq!((quota.messages, quota.octets), (2, HELLO.len() as u64));
    });
}

#[test]
fn fld_6_refuses_one_folder_too_many() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        for number in 0..FOLDERS_MAX {
            create(&bench, &format!("f{number}")).await.unwrap();
        }
        assert_eq!(create(&bench, "more").await.unwrap_err(), MailboxError::TooManyFolders);
        assert_eq!(
            rename(&bench, "f1", "a/f1").await.unwrap_err(),
            MailboxError::TooManyFolders
        );
        rename(&bench, "f1", "g1").await.unwrap();
    });
}

#[test]
fn folders_are_made_renamed_and_deleted() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        let made = create(&bench, "Work/2026/June").await.unwrap();
        assert_eq!(create(&bench, "Work").await.unwrap_err(), MailboxError::FolderExists);
        let subscribe = |name: &str, subscribed| SubscribeFolder {
            path: path(name),
            subscribed,
        };
        bench.ask(subscribe("Work/2026", true)).await.unwrap();
        assert_eq!(
            bench.ask(subscribe("none", true)).await.unwrap_err(),
            MailboxError::NoSuchFolder
        );
        rename(&bench, "Work", "Old/Work").await.unwrap();
        let all = paths(&bench).await;
        assert!(all.contains(&"Old/Work/2026/June".to_owned()), "{all:?}");
        let info = bench
            .ask(OpenFolder {
                folder: path("Old/Work/2026").into(),
            })
            .await
            .unwrap()
            .info;
        assert!(info.subscribed && info.has_children);
        assert_eq!(
            rename(&bench, "Old", "Old/Work/x").await.unwrap_err(),
            MailboxError::InvalidName(FolderPathError::Inside)
        );
        assert_eq!(
            rename(&bench, "Sent", "Gone").await.unwrap_err(),
            MailboxError::SystemFolder
        );
        let delete = |name: &str| DeleteFolder {
            folder: path(name).into(),
        };
        assert_eq!(bench.ask(delete("Old")).await.unwrap_err(), MailboxError::HasChildren);
        assert_eq!(
            bench.ask(delete("INBOX")).await.unwrap_err(),
            MailboxError::SystemFolder
        );
        bench.append(made.id.into(), HELLO, &[]).await.unwrap();
        bench.ask(delete("Old/Work/2026/June")).await.unwrap();
        assert_eq!(bench.ask(GetQuota).await.unwrap().quota.messages, 0);
        let again = create(&bench, "Old/Work/2026/June").await.unwrap();
        assert!(again.uid_validity > made.uid_validity && again.id != made.id);
        bench.ask(delete("Old/Work/2026/June")).await.unwrap();
        bench.ask(delete("Old/Work/2026")).await.unwrap();
        assert_eq!(
            bench.ask(ListFolders).await.unwrap().subscribed_missing,
            [path("Old/Work/2026")]
        );
        let used = CreateFolder {
            path: path("Bin"),
            special_use: Some(SpecialUse::Trash),
        };
        assert_eq!(bench.ask(used).await.unwrap_err(), MailboxError::UseTaken);
    });
}

#[test]
fn renaming_inbox_moves_its_messages() {
    with_mailbox(
        MailboxOptions {
            copy_step_messages: 2,
            ..MailboxOptions::default()
        },
        async |bench| {
            for _ in 0..5 {
                bench.deliver(HELLO, None).await.unwrap();
            }
            rename(&bench, "INBOX", "Was").await.unwrap();
            assert!(bench.view(FolderRef::INBOX).await.is_empty());
            assert_eq!(bench.view(path("Was").into()).await.len(), 5);
            assert_eq!(bench.deliver(HELLO, None).await.unwrap().uid, uid(6));
        },
    );
}

#[test]
fn a_full_mailbox_refuses_and_warns() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        let limits = QuotaLimits {
            octets_max: 1000,
            messages_max: 3,
            warning_percent: 60,
        };
        bench.ask(SetQuota { limits }).await.unwrap();
        bench.deliver(HELLO, None).await.unwrap();
        assert!(!bench.ask(GetQuota).await.unwrap().quota.is_warning());
        bench.deliver(HELLO, None).await.unwrap();
        assert!(bench.ask(GetQuota).await.unwrap().quota.is_warning());
        bench.deliver(HELLO, None).await.unwrap();
        assert_eq!(bench.deliver(HELLO, None).await.unwrap_err(), MailboxError::OverQuota);
        let request = CopyMessages {
            from: FolderId::INBOX,
            uids: uids(&[1]),
            to: FolderRef::INBOX,
        };
        assert_eq!(bench.ask(request).await.unwrap_err(), MailboxError::OverQuota);
        let notice = Deliver {
            message: bench.message(HELLO).await,
            folder: path("nowhere").into(),
            flags: flags(&["\\Seen"]),
            internal_date: Some(Timestamp::from_secs(5)),
            delivery_id: None,
            ignore_quota: true,
        };
        assert_eq!(bench.ask(notice).await.unwrap().folder, FolderId::INBOX);
        let view = bench.view(FolderRef::INBOX).await;
        assert_eq!(view.last().unwrap().internal_date, Timestamp::from_secs(5));
    });
}

#[test]
fn what_vanished_is_told_as_far_back_as_the_log_goes() {
    let options = MailboxOptions {
        history_commits_max: 20,
        checkpoint_commits: 4,
        ..MailboxOptions::default()
    };
    with_mailbox(options, async |bench| {
        for _ in 0..6 {
            bench.deliver(HELLO, None).await.unwrap();
        }
        let since = bench.view(FolderRef::INBOX).await.modseq();
        expunge(&bench, FolderId::INBOX, Some(uids(&[2]))).await;
        expunge(&bench, FolderId::INBOX, Some(uids(&[4, 5]))).await;
        let ask = async || {
            let folder = FolderId::INBOX;
            bench.ask(Vanished { folder, since }).await.unwrap().uids
        };
        assert_eq!(ask().await, Some(uids(&[2, 4, 5])));
        for _ in 0..30 {
            bench.deliver(HELLO, None).await.unwrap();
        }
        assert_eq!(ask().await, None);
    });
}

#[test]
fn replace_and_multiappend_are_all_or_nothing() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        let first = bench
            .append(SpecialUse::Drafts.into(), HELLO, &["\\Draft"])
            .await
            .unwrap();
        let append = async || AppendMessage {
            message: bench.message(HELLO).await,
            flags: flags(&["\\Draft"]),
            internal_date: None,
        };
        let request = |number, message| Replace {
            folder: first.folder,
            uid: uid(number),
            to: first.folder.into(),
            message,
        };
        let replaced = bench.ask(request(1, append().await)).await.unwrap();
        assert_eq!(replaced.appended.uids, [uid(2)]);
        assert_eq!(
            bench.ask(request(1, append().await)).await.unwrap_err(),
            MailboxError::NoSuchMessage
        );
        assert_eq!(bench.view(first.folder.into()).await.uids(), uids(&[2]));
        // Ten of 200,000 incompressible octets do not fit into one transaction.
        let mut messages = Vec::new();
        for _ in 0..10 {
            let mut noise = vec![0; 100_000];
            bench.env.fill_random(&mut noise);
            let text: String = noise.iter().map(|byte| format!("{byte:02x}")).collect();
            messages.push(AppendMessage {
                message: bench.message(&format!("Subject: n\r\n\r\n{text}\r\n")).await,
                flags: Vec::new(),
                internal_date: None,
            });
        }
        bench.counts.take();
        let folder = FolderRef::INBOX;
        let appended = bench.ask(Append { folder, messages }).await.unwrap();
        assert_eq!(appended.uids.len(), 10);
        assert!(bench.counts.take()[3] >= 2);
    });
}

#[test]
fn bulk_work_goes_in_steps() {
    let options = MailboxOptions {
        expunge_step_messages: 7,
        copy_step_messages: 7,
        flag_step_messages: 7,
        ..MailboxOptions::default()
    };
    with_mailbox(options, async |bench| {
        for _ in 0..50 {
            bench.deliver(HELLO, None).await.unwrap();
        }
        let everything = UidSet::from_range(uid(1), uid(u32::MAX));
        let request = CopyMessages {
            from: FolderId::INBOX,
            uids: everything.clone(),
            to: FolderRef::INBOX,
        };
        assert_eq!(bench.ask(request).await.unwrap().uids.len(), 50);
        let request = StoreFlags {
            folder: FolderId::INBOX,
            uids: everything.clone(),
            action: FlagAction::Add,
            flags: flags(&["\\Deleted"]),
            unchanged_since: None,
        };
        let view = bench.ask(request).await.unwrap().view;
        assert!(view.iter().all(|entry| !entry.flags.is_empty()));
        let request = Expunge {
            folder: FolderId::INBOX,
            uids: Some(everything),
            deleted_only: true,
        };
        assert_eq!(bench.ask(request).await.unwrap().expunged.count(), 100);
    });
}

#[test]
fn the_maildrop_is_exclusive_until_the_lock_ends() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        let lock = |session, secs| LockMaildrop {
            session,
            span: Duration::from_secs(secs),
        };
        bench.ask(lock(1, 60)).await.unwrap();
        bench.ask(lock(1, 60)).await.unwrap();
        assert_eq!(bench.ask(lock(2, 60)).await.unwrap_err(), MailboxError::Locked);
        bench.ask(lock(1, 0)).await.unwrap();
        bench.ask(lock(2, 60)).await.unwrap();
        bench.clock.advance(Duration::from_secs(61));
        bench.ask(lock(1, 60)).await.unwrap();
    });
}

#[test]
fn an_erased_mailbox_leaves_no_key() {
    with_mailbox(
        MailboxOptions {
            expunge_step_messages: 3,
            ..MailboxOptions::default()
        },
        async |bench| {
            for number in 0..10 {
                bench.deliver(HELLO, Some(number)).await.unwrap();
            }
            bench.ask(Erase).await.unwrap();
            let range = hongyan_kv::tuple::Tuple::new().string("mbx").range();
            let left = bench
                .database
                .begin()
                .get_range_all(RangeQuery::all(range))
                .await
                .unwrap();
            assert!(left.is_empty(), "{left:?}");
            assert_eq!(bench.view(FolderRef::INBOX).await.uid_next(), 1);
        },
    );
}

#[test]
fn long_work_lets_others_in_between() {
    let options = MailboxOptions {
        expunge_step_messages: 1,
        ..MailboxOptions::default()
    };
    with_mailbox(options, async |bench| {
        for _ in 0..60 {
            bench.deliver(HELLO, None).await.unwrap();
        }
        bench.gate.shut();
        let long = expunge(&bench, FolderId::INBOX, None);
        let short = async {
            // Each delivery arrives while a step of the long work is being committed.
            bench.gate.arrival().await;
            for _ in 0..5 {
                let message = bench.message(HELLO).await;
                let mut delivery = pin!(bench.deliver_message(message, None));
                let mut commits = 0;
                let reply = loop {
                    match delivery.as_mut().now_or_never() {
                        Some(reply) => break reply,
                        None => bench.gate.pass(),
                    }
                    bench.gate.arrival().await;
                    commits += 1;
                };
                reply.unwrap();
                assert!(
                    commits <= 2,
                    "a delivery waits for the step under way and for its own commit"
                );
            }
            bench.gate.open();
        };
        assert_eq!(tokio::join!(long, short).0.expunged.count(), 60);
        assert_eq!(bench.view(FolderRef::INBOX).await.len(), 5);
    });
}

#[test]
fn a_reply_has_all_of_its_commit_in_view() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        bench.deliver(HELLO, None).await.unwrap();
        bench.view(FolderRef::INBOX).await;
        let hints = bench.router.subscribe(&ID);
        let message = bench.message(HELLO).await;
        bench.gate.shut();
        let blocking = bench.append(SpecialUse::Sent.into(), HELLO, &[]);
        let together = async {
            bench.gate.arrival().await;
            // Both wait for the commit under way, and go into the next one together.
            let store = StoreFlags {
                folder: FolderId::INBOX,
                uids: uids(&[1]),
                action: FlagAction::Add,
                flags: flags(&["\\Seen"]),
                unchanged_since: None,
            };
            let both = async { tokio::join!(bench.ask(store), bench.deliver_message(message, None)) };
            let mut both = pin!(both);
            assert!(both.as_mut().now_or_never().is_none());
            bench.gate.open();
            both.await
        };
        let (_, (stored, delivered)) = tokio::join!(blocking, together);
        delivered.unwrap();
        let view = stored.unwrap().view;
        assert_eq!(view.len(), 2, "no hint beyond this view will tell of the delivery");
        assert_eq!(view.modseq().0, hints.latest());
        view.check();
    });
}

#[test]
fn a_thousand_messages_are_appended_together_with_a_few_keywords_each() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        let message = bench.message(HELLO).await;
        let append = async |keywords: usize| {
            let names: Vec<String> = (0..keywords).map(|number| format!("keyword{number}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let one = AppendMessage {
                message: message.clone(),
                flags: flags(&names),
                internal_date: Some(Timestamp::from_secs(i64::from(u32::MAX))),
            };
            let messages = vec![one; 1000];
            let folder = FolderRef::INBOX;
            bench.ask(Append { folder, messages }).await
        };
        assert_eq!(append(64).await.unwrap_err(), MailboxError::TooManyKeywords);
        assert_eq!(append(4).await.unwrap().uids.len(), 1000);
        assert_eq!(bench.view(FolderRef::INBOX).await.len(), 1000);
    });
}
