//! A mail as JMAP changes it, and what the log tells of it.

use std::collections::BTreeSet;

use crate::harness::{Bench, ID, flags, with_mailbox};
use hongyan_mailbox::*;
use hongyan_types::{ModSeq, SystemFlag, Uid, UidSet};

const MAIL: &str = "Subject: hello\r\nMessage-ID: <1@x>\r\n\r\nhello\r\n";
const INBOX: FolderId = FolderId::INBOX;

fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap()
}

async fn folder(bench: &Bench, name: &str) -> FolderId {
    let path = FolderPath::try_from(name).unwrap();
    bench.view(FolderRef::Path(path)).await.folder()
}

async fn modseq(bench: &Bench) -> ModSeq {
    bench.ask(ListFolders).await.unwrap().modseq
}

async fn changes(bench: &Bench, since: ModSeq) -> Changes {
    let span = ChangesSpan {
        since,
        until: modseq(bench).await,
        objects_max: u64::MAX,
    };
    read_changes(&bench.database, ID, span, None).await.unwrap().unwrap()
}

fn unchanged(email: EmailId, places: &[(FolderId, u32)]) -> UpdateEmail {
    UpdateEmail {
        email,
        places: places.iter().map(|(folder, number)| (*folder, uid(*number))).collect(),
        add: Vec::new(),
        remove: Vec::new(),
        put_into: Vec::new(),
        take_from: Vec::new(),
    }
}

#[test]
fn a_mail_changes_flags_and_folders_in_one_commit() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        let email = bench.append(INBOX.into(), MAIL, &["\\Draft"]).await.unwrap().emails[0];
        let archive = folder(&bench, "Archive").await;
        let before = modseq(&bench).await;
        let request = UpdateEmail {
            add: flags(&["\\Seen", "work"]),
            remove: flags(&["\\Draft", "unknown"]),
            put_into: vec![archive],
            take_from: vec![INBOX],
            ..unchanged(email, &[(INBOX, 1)])
        };
        bench.ask(request.clone()).await.unwrap();
        assert_eq!(modseq(&bench).await.0, before.0 + 1);
        assert!(bench.view(INBOX.into()).await.is_empty());
        let view = bench.view(archive.into()).await;
        let entry = view.get(uid(1)).unwrap();
        assert_eq!(entry.email, email);
        assert!(entry.flags.contains(SystemFlag::Seen) && !entry.flags.contains(SystemFlag::Draft));
        assert_eq!(entry.keywords.ids().len(), 1);
        // It is not where it was: the asker looks again.
        assert_eq!(bench.ask(request).await.unwrap_err(), MailboxError::NoSuchMessage);
        // Gone from its last folder, it is in none, and can be had back.
        let request = UpdateEmail {
            take_from: vec![archive],
            ..unchanged(email, &[(archive, 1)])
        };
        bench.ask(request).await.unwrap();
        let beginning = hongyan_types::Timestamp { millis: 0 };
        let purged = read_purged(&bench.database, ID, beginning, None, 10).await.unwrap();
        assert_eq!((purged.len(), purged[0].id.email), (1, email));
        assert_eq!(bench.ask(GetQuota).await.unwrap().quota.octets, 0);
    });
}

#[test]
fn a_mail_in_two_folders_is_one_and_goes_with_the_second() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        let email = bench.append(INBOX.into(), MAIL, &[]).await.unwrap().emails[0];
        let (archive, trash) = (folder(&bench, "Archive").await, folder(&bench, "Trash").await);
        let request = UpdateEmail {
            put_into: vec![archive, trash],
            ..unchanged(email, &[(INBOX, 1)])
        };
        bench.ask(request).await.unwrap();
        let places = [(INBOX, 1), (archive, 1), (trash, 1)];
        let request = UpdateEmail {
            take_from: vec![INBOX, trash],
            add: flags(&["\\Flagged"]),
            ..unchanged(email, &places)
        };
        bench.ask(request).await.unwrap();
        assert!(read_email(&bench.database, ID, email).await.unwrap().is_some());
        let view = bench.view(archive.into()).await;
        assert!(view.get(uid(1)).unwrap().flags.contains(SystemFlag::Flagged));
        let nowhere = UpdateEmail {
            put_into: vec![FolderId(999)],
            ..unchanged(email, &[(archive, 1)])
        };
        assert_eq!(bench.ask(nowhere).await.unwrap_err(), MailboxError::NoSuchFolder);
    });
}

#[test]
fn the_log_tells_what_changed_since_a_moment() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        let begin = modseq(&bench).await;
        let first = bench.append(INBOX.into(), MAIL, &[]).await.unwrap().emails[0];
        let one = modseq(&bench).await;
        let told = changes(&bench, begin).await;
        assert_eq!((told.email_next_before, told.until, told.has_more), (first, one, false));
        assert_eq!(told.moved.keys().copied().collect::<Vec<_>>(), [first]);
        assert_eq!(told.counted, BTreeSet::from([INBOX]));

        let store = StoreFlags {
            folder: INBOX,
            uids: UidSet::from_range(uid(1), uid(1)),
            action: FlagAction::Add,
            flags: flags(&["\\Seen"]),
            unchanged_since: None,
        };
        bench.ask(store).await.unwrap();
        let told = changes(&bench, one).await;
        assert!(told.moved.is_empty() && told.deleted.is_empty());
        assert!(told.flagged[&INBOX].contains(uid(1)));

        let two = modseq(&bench).await;
        let expunge = Expunge {
            folder: INBOX,
            uids: None,
            deleted_only: false,
        };
        bench.ask(expunge).await.unwrap();
        let create = CreateFolder {
            path: FolderPath::try_from("a/b").unwrap(),
            special_use: None,
        };
        let made = bench.ask(create).await.unwrap().folder.id;
        let told = changes(&bench, two).await;
        assert!(told.moved.contains_key(&first) && first < told.email_next_before);
        assert_eq!(told.made, BTreeSet::from([FolderId(made.0 - 1), made]));

        let three = modseq(&bench).await;
        let subscribe = SubscribeFolder {
            path: FolderPath::try_from("a").unwrap(),
            subscribed: true,
        };
        bench.ask(subscribe).await.unwrap();
        let order = |folder, order| OrderFolder { folder, order };
        bench.ask(order(INBOX, Some(3))).await.unwrap();
        let at_inbox = modseq(&bench).await;
        bench.ask(order(INBOX, Some(3))).await.unwrap();
        assert_eq!(modseq(&bench).await, at_inbox, "nothing changed");
        bench.ask(DeleteFolder { folder: made.into() }).await.unwrap();
        assert!(bench.ask(order(made, None)).await.is_err());
        let told = changes(&bench, three).await;
        assert_eq!(told.changed, BTreeSet::from([INBOX, FolderId(made.0 - 1)]));
        assert_eq!(told.gone, BTreeSet::from([made]));
        assert!(changes(&bench, modseq(&bench).await).await.moved.is_empty());
    });
}

#[test]
fn the_log_is_told_in_pieces_that_end_with_a_commit() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        for _ in 0..3 {
            bench.append(INBOX.into(), MAIL, &[]).await.unwrap();
        }
        let until = modseq(&bench).await;
        let span = |since, objects_max| ChangesSpan {
            since,
            until,
            objects_max,
        };
        let first = read_changes(&bench.database, ID, span(ModSeq(0), 2), None)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (first.moved.len(), first.has_more, first.until),
            (2, true, ModSeq(until.0 - 1))
        );
        let rest = read_changes(&bench.database, ID, span(first.until, 2), None)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((rest.moved.len(), rest.has_more, rest.until), (1, false, until));
        let future = read_changes(&bench.database, ID, span(ModSeq(until.0 + 1), 2), None)
            .await
            .unwrap();
        assert_eq!(future, None);
    });
}
