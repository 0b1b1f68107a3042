//! RS-12: what was purged can be had back for a while, and then it is gone.

use std::time::Duration;

use crate::harness::*;
use hongyan_kv::{RangeQuery, Tuple};
use hongyan_mailbox::*;
use hongyan_types::{SystemFlag, Timestamp, Uid, UidSet};

const MAIL: &str = "Subject: hello\r\nMessage-ID: <1@x>\r\n\r\nhello\r\n";
const DAY: Duration = Duration::from_secs(86_400);
const BEGINNING: Timestamp = Timestamp { millis: 0 };

async fn purged(bench: &Bench) -> Vec<Purged> {
    read_purged(&bench.database, ID, BEGINNING, None, 100).await.unwrap()
}

async fn expunge_all(bench: &Bench, folder: FolderId) {
    let request = Expunge {
        folder,
        uids: None,
        deleted_only: false,
    };
    bench.ask(request).await.unwrap();
}

async fn restore(bench: &Bench, purged: PurgedId) -> Result<AppendReply, MailboxError> {
    let folder = SpecialUse::Archive.into();
    Ok(bench.ask(Restore { purged, folder }).await?.message)
}

/// Blobs that are left once nobody waits for any.
async fn blobs(bench: &Bench) -> usize {
    bench.clock.advance(2 * DAY);
    while bench.blobs.collect_step().await.unwrap().more {}
    let heads = Tuple::new().string("blob").string("head").range();
    let left = bench.database.begin().get_range_all(RangeQuery::all(heads)).await;
    left.unwrap().len()
}

#[test]
fn rs_12_a_purged_mail_comes_back_with_its_flags_as_a_mail_of_its_own() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        let old = bench
            .append(FolderRef::INBOX, MAIL, &["\\Seen", "work", "\\Deleted"])
            .await;
        let old = old.unwrap().emails[0];
        expunge_all(&bench, FolderId::INBOX).await;
        let quota = bench.ask(GetQuota).await.unwrap().quota;
        assert_eq!((quota.messages, quota.octets), (0, 0), "it counts no more");
        let listed = purged(&bench).await;
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].id.email, listed[0].path.as_str()), (old, "INBOX"));
        assert_eq!(listed[0].email.structure.envelope.subject.as_deref(), Some("hello"));
        let before = bench.ask(ListFolders).await.unwrap().modseq;
        let back = restore(&bench, listed[0].id).await.unwrap();
        assert_ne!(back.emails[0], old, "clients were told that the old one is gone");
        let view = bench.view(SpecialUse::Archive.into()).await;
        let entry = view.get(Uid::new(1).unwrap()).unwrap();
        assert!(entry.flags.contains(SystemFlag::Seen) && !entry.flags.contains(SystemFlag::Deleted));
        assert_eq!(
            (entry.keywords.ids().len(), entry.internal_date),
            (1, listed[0].internal_date)
        );
        let email = read_email(&bench.database, ID, back.emails[0]).await.unwrap().unwrap();
        assert_eq!(email.octets.0, MAIL.len() as u64);
        assert_eq!(bench.ask(GetQuota).await.unwrap().quota.octets, MAIL.len() as u64);
        let span = ChangesSpan {
            since: before,
            until: bench.ask(ListFolders).await.unwrap().modseq,
            objects_max: 10,
        };
        let told = read_changes(&bench.database, ID, span, None).await.unwrap().unwrap();
        assert!(back.emails[0] >= told.email_next_before, "it is told as a new one");
        // Once.
        assert!(purged(&bench).await.is_empty());
        assert_eq!(
            restore(&bench, listed[0].id).await.unwrap_err(),
            MailboxError::NoSuchMessage
        );
        assert_eq!(blobs(&bench).await, 1);
        let known = read_conversation(&bench.database, ID, "1@x").await.unwrap();
        assert_eq!(known, Some(email.thread));
    });
}

#[test]
fn rs_12_copies_drafts_and_what_there_is_no_room_for() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        bench.append(FolderRef::INBOX, MAIL, &["\\Draft"]).await.unwrap();
        expunge_all(&bench, FolderId::INBOX).await;
        assert!(purged(&bench).await.is_empty(), "drafts come and go");
        bench.append(FolderRef::INBOX, MAIL, &[]).await.unwrap();
        let copy = CopyMessages {
            from: FolderId::INBOX,
            uids: UidSet::from_range(Uid::new(2).unwrap(), Uid::new(2).unwrap()),
            to: SpecialUse::Trash.into(),
        };
        let trash = bench.ask(copy).await.unwrap().to;
        expunge_all(&bench, FolderId::INBOX).await;
        assert!(purged(&bench).await.is_empty(), "it is in another folder still");
        expunge_all(&bench, trash).await;
        let listed = purged(&bench).await;
        assert_eq!((listed.len(), listed[0].path.as_str()), (1, "Trash"));
        let full = QuotaLimits {
            octets_max: 10,
            ..QuotaLimits::default()
        };
        bench.ask(SetQuota { limits: full }).await.unwrap();
        assert_eq!(
            restore(&bench, listed[0].id).await.unwrap_err(),
            MailboxError::OverQuota
        );
        assert_eq!(purged(&bench).await.len(), 1, "it waits for room");
    });
}

#[test]
fn rs_12_after_fourteen_days_it_is_gone() {
    let options = MailboxOptions {
        checkpoint_commits: 4,
        ..MailboxOptions::default()
    };
    with_mailbox(options, async |bench| {
        bench.append(FolderRef::INBOX, MAIL, &[]).await.unwrap();
        expunge_all(&bench, FolderId::INBOX).await;
        let listed = purged(&bench).await;
        let draft = SummaryDraft::begin(&bench.database, ID, 0).await.unwrap();
        draft.store("its subject".into()).await.unwrap();
        bench.clock.advance(13 * DAY);
        assert_eq!(blobs(&bench).await, 1, "blobs wait as long");
        assert_eq!(
            restore(&bench, listed[0].id).await.unwrap_err(),
            MailboxError::NoSuchMessage
        );
        for _ in 0..8 {
            bench
                .append(FolderRef::INBOX, "Subject: b\r\n\r\nb\r\n", &[])
                .await
                .unwrap();
        }
        assert!(purged(&bench).await.is_empty());
        let summaries = read_summaries(&bench.database, ID, (0, 9), 10).await.unwrap();
        assert!(summaries.is_empty(), "what was summed up of it goes too");
        assert_eq!(blobs(&bench).await, 1, "the others'");
        assert_eq!(read_email(&bench.database, ID, listed[0].id.email).await.unwrap(), None);
    });
}

#[test]
fn rs_12_an_erased_mailbox_leaves_nothing_to_be_had_back() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        for _ in 0..3 {
            bench.append(FolderRef::INBOX, MAIL, &[]).await.unwrap();
        }
        expunge_all(&bench, FolderId::INBOX).await;
        bench.append(FolderRef::INBOX, MAIL, &[]).await.unwrap();
        assert_eq!(purged(&bench).await.len(), 3);
        bench.ask(Erase).await.unwrap();
        assert!(purged(&bench).await.is_empty());
        assert_eq!(blobs(&bench).await, 0);
    });
}

#[test]
fn rs_12_nothing_is_kept_where_nothing_shall_be() {
    let options = MailboxOptions {
        purged_kept: Duration::ZERO,
        ..MailboxOptions::default()
    };
    with_mailbox(options, async |bench| {
        let email = bench.append(FolderRef::INBOX, MAIL, &[]).await.unwrap().emails[0];
        expunge_all(&bench, FolderId::INBOX).await;
        assert!(purged(&bench).await.is_empty());
        assert_eq!(read_email(&bench.database, ID, email).await.unwrap(), None);
        assert_eq!(blobs(&bench).await, 0);
    });
}

#[test]
fn what_was_summed_up_of_a_mail_goes_with_it() {
    let options = MailboxOptions {
        purged_kept: Duration::ZERO,
        ..MailboxOptions::default()
    };
    with_mailbox(options, async |bench| {
        let email = bench.append(FolderRef::INBOX, MAIL, &[]).await.unwrap().emails[0];
        let draft = async || {
            let number = summary_of(email);
            let mut draft = SummaryDraft::begin(&bench.database, ID, number).await.unwrap();
            let mut mails = Vec::new();
            draft.each_mail(|id, _| mails.push(id)).await.unwrap();
            (draft, mails)
        };
        let stored = async || read_summaries(&bench.database, ID, (0, 9), 10).await.unwrap();
        let (first, mails) = draft().await;
        assert_eq!(mails, [email]);
        first.store("a".into()).await.unwrap();
        assert_eq!(stored().await, [(summary_of(email), "a".into())]);
        let (late, _) = draft().await;
        expunge_all(&bench, FolderId::INBOX).await;
        assert!(stored().await.is_empty());
        late.store("b".into()).await.unwrap_err();
        assert!(
            stored().await.is_empty(),
            "what was made of a mail that is gone is not stored"
        );
        assert!(draft().await.1.is_empty());
    });
}
