//! TRK-5: what its sender wants back goes from wherever it is, and a notice stands there.

use crate::harness::*;
use hongyan_mailbox::*;
use hongyan_types::{SystemFlag, Timestamp};

const MAIL: &str = "From: Ann <Ann@x.test>\r\nSubject: hello\r\nMessage-ID: <1@x>\r\n\r\nsecret\r\n";
const NOTICE: &str = "From: a@x.test\r\nSubject: Recalled: hello\r\nMessage-ID: <2@x>\r\n\r\nrecalled\r\n";

async fn recall(bench: &Bench, from: &str, takes_read: bool) -> Result<RecallReply, MailboxError> {
    let request = Recall {
        message_id: "1@x".to_owned(),
        from: from.to_owned(),
        takes_read,
        notice: bench.message(NOTICE).await,
    };
    bench.ask(request).await
}

async fn subjects(bench: &Bench, folder: FolderRef) -> Vec<String> {
    let view = bench.view(folder).await;
    let mut subjects = Vec::new();
    for entry in view.iter() {
        assert!(!entry.flags.contains(SystemFlag::Seen));
        let email = read_email(&bench.database, ID, entry.email).await.unwrap().unwrap();
        subjects.push(email.structure.envelope.subject.unwrap_or_default());
    }
    subjects
}

#[test]
fn trk_5_an_unread_mail_becomes_a_notice_wherever_it_is() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        bench.append(FolderRef::INBOX, MAIL, &[]).await.unwrap();
        let copy = CopyMessages {
            from: FolderId::INBOX,
            uids: bench.view(FolderRef::INBOX).await.uids(),
            to: SpecialUse::Archive.into(),
        };
        bench.ask(copy).await.unwrap();
        let reply = recall(&bench, "ann@x.test", false).await.unwrap();
        assert!(!reply.was_read);
        assert_eq!(subjects(&bench, FolderRef::INBOX).await, ["Recalled: hello"]);
        assert!(subjects(&bench, SpecialUse::Archive.into()).await.is_empty());
        let beginning = Timestamp { millis: 0 };
        let purged = read_purged(&bench.database, ID, beginning, None, 10).await.unwrap();
        assert!(purged.is_empty(), "it cannot be had back");
        let quota = bench.ask(GetQuota).await.unwrap().quota;
        assert_eq!((quota.messages, quota.octets), (1, NOTICE.len() as u64));
        let again = recall(&bench, "ann@x.test", false).await;
        assert_eq!(again, Err(MailboxError::NoSuchMessage));
    });
}

#[test]
fn trk_5_what_was_read_stays_unless_the_rules_say_otherwise() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        bench.append(FolderRef::INBOX, MAIL, &["\\Seen"]).await.unwrap();
        assert!(recall(&bench, "ann@x.test", false).await.unwrap().was_read);
        assert_eq!(bench.view(FolderRef::INBOX).await.len(), 1);
        assert!(!recall(&bench, "ann@x.test", true).await.unwrap().was_read);
        assert_eq!(subjects(&bench, FolderRef::INBOX).await, ["Recalled: hello"]);
    });
}

#[test]
fn trk_5_the_senders_own_copies_stay() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        bench.append(FolderRef::INBOX, MAIL, &[]).await.unwrap();
        bench.append(FolderRef::INBOX, MAIL, &["\\Draft"]).await.unwrap();
        bench.append(SpecialUse::Sent.into(), MAIL, &[]).await.unwrap();
        recall(&bench, "ann@x.test", false).await.unwrap();
        assert_eq!(subjects(&bench, FolderRef::INBOX).await, ["hello", "Recalled: hello"]);
        assert_eq!(subjects(&bench, SpecialUse::Sent.into()).await, ["hello"]);
    });
}

#[test]
fn trk_5_nobody_takes_back_the_mail_of_another() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        bench.append(FolderRef::INBOX, MAIL, &[]).await.unwrap();
        let foreign = recall(&bench, "bob@x.test", true).await;
        assert_eq!(foreign, Err(MailboxError::NoSuchMessage));
        assert_eq!(subjects(&bench, FolderRef::INBOX).await, ["hello"]);
    });
}
