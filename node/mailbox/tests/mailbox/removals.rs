//! LOG-7: what is deleted or goes to Trash is noted with when, by what and which.

use crate::harness::*;
use hongyan_mailbox::*;
use hongyan_types::{AccountId, Timestamp, Uid, UidSet};

const BEGINNING: Timestamp = Timestamp { millis: 0 };

fn mail(number: u32) -> String {
    format!("From: A <a@b.test>\r\nSubject: mail {number}\r\nMessage-ID: <{number}@x>\r\n\r\nx\r\n")
}

async fn removals(bench: &Bench) -> Vec<Removal> {
    read_removals(&bench.database, ID, BEGINNING, None, 100).await.unwrap()
}

#[test]
fn log_7_a_move_to_trash_and_a_deletion_are_told_and_other_moves_are_not() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        for number in 1..=4 {
            bench.append(FolderRef::INBOX, &mail(number), &[]).await.unwrap();
        }
        let move_to = |uid: u32, to: SpecialUse| MoveMessages {
            from: FolderId::INBOX,
            uids: UidSet::from_range(Uid::new(uid).unwrap(), Uid::new(uid).unwrap()),
            to: to.into(),
        };
        bench.ask(move_to(1, SpecialUse::Archive)).await.unwrap();
        assert!(removals(&bench).await.is_empty(), "it is in another folder");
        let trashed = Acting::new(move_to(2, SpecialUse::Trash), None).through(Client::Jmap);
        bench.ask(trashed).await.unwrap();
        bench.clock.advance(std::time::Duration::from_secs(1));
        let expunge = Expunge {
            folder: FolderId::INBOX,
            uids: None,
            deleted_only: false,
        };
        let by = Acting::new(expunge, Some(AccountId(9))).through(Client::Imap);
        bench.ask(by).await.unwrap();
        let found = removals(&bench).await;
        assert_eq!(found.len(), 2);
        let (deleted, trashed) = (&found[0], &found[1]);
        assert_eq!(
            (
                deleted.client,
                deleted.person,
                deleted.to_trash,
                deleted.messages,
                deleted.path.as_str()
            ),
            (Client::Imap, Some(AccountId(9)), false, 2, "INBOX")
        );
        let subjects: Vec<_> = deleted.mails.iter().map(|mail| mail.subject.as_str()).collect();
        assert_eq!(subjects, ["mail 3", "mail 4"]);
        assert_eq!(
            (
                trashed.client,
                trashed.person,
                trashed.to_trash,
                trashed.mails[0].from.as_str()
            ),
            (Client::Jmap, None, true, "a@b.test")
        );
        for removal in &found {
            let email = removal.mails[0].email;
            assert!(is_recoverable(&bench.database, ID, removal, email).await.unwrap());
        }
        // Drafts come and go.
        bench.append(SpecialUse::Drafts.into(), &mail(5), &[]).await.unwrap();
        let drafts = bench.view(SpecialUse::Drafts.into()).await.folder();
        let expunge = Expunge {
            folder: drafts,
            uids: None,
            deleted_only: false,
        };
        bench.ask(expunge).await.unwrap();
        assert_eq!(removals(&bench).await.len(), 2);
    });
}

#[test]
fn log_7_a_folder_that_goes_is_named_with_its_mails() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        let path = FolderPath::try_from("Old").unwrap();
        let made = CreateFolder {
            path,
            special_use: None,
        };
        let folder: FolderRef = bench.ask(made).await.unwrap().folder.id.into();
        bench.append(folder.clone(), &mail(1), &[]).await.unwrap();
        let delete = Acting::new(DeleteFolder { folder }, None).through(Client::Imap);
        bench.ask(delete).await.unwrap();
        let found = removals(&bench).await;
        let told: Vec<_> = found.iter().map(|gone| (gone.path.as_str(), gone.messages)).collect();
        assert_eq!(told, [("Old", 1)]);
    });
}
