//! SBX, LOG-7: what is done is told in the order in which it was done, however fast that was.

use hongyan_mailbox::*;
use hongyan_types::{AccountId, Timestamp, UidSet};

use crate::harness::*;

const BEGINNING: Timestamp = Timestamp { millis: 0 };
const MAILS: usize = 12;

fn mail(number: usize) -> String {
    format!("Message-ID: <{number}@x>\r\n\r\nx\r\n")
}

#[test]
fn sbx_acts_of_one_moment_are_told_in_their_order() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        let mut done = Vec::new();
        for number in 0..MAILS {
            let message = bench.message(&mail(number)).await;
            let append = Append {
                folder: FolderRef::INBOX,
                messages: vec![AppendMessage {
                    message,
                    flags: Vec::new(),
                    internal_date: None,
                }],
            };
            done.push(Acting::new(append, Some(AccountId(9))));
        }
        // Half of them one by one, the others as they come: in commits that several share.
        let together = done.split_off(MAILS / 2);
        let mut emails = Vec::new();
        for one in done {
            emails.push(bench.ask(one).await.unwrap().emails[0]);
        }
        let together = together.into_iter().map(|one| bench.ask(one));
        for reply in futures_util::future::join_all(together).await {
            emails.push(reply.unwrap().emails[0]);
        }
        emails.sort_unstable();
        emails.reverse();
        let acts = read_acts(&bench.database, ID, BEGINNING, None, 2 * MAILS)
            .await
            .unwrap();
        let told: Vec<_> = acts.iter().filter_map(|act| act.email).collect();
        assert_eq!(told, emails);
        // By pages as well.
        let (mut paged, mut before) = (Vec::new(), None);
        while let [act] = &*read_acts(&bench.database, ID, BEGINNING, before, 1).await.unwrap() {
            paged.extend(act.email);
            before = Some(act.id);
        }
        assert_eq!(paged, emails);
    });
}

#[test]
fn log_7_removals_of_one_moment_are_told_in_their_order() {
    with_mailbox(MailboxOptions::default(), async |bench| {
        let mut gone = Vec::new();
        for number in 0..MAILS {
            let added = bench.append(FolderRef::INBOX, &mail(number), &[]).await.unwrap();
            let expunge = Expunge {
                folder: FolderId::INBOX,
                uids: Some(UidSet::from_range(added.uids[0], added.uids[0])),
                deleted_only: false,
            };
            bench.ask(expunge).await.unwrap();
            gone.insert(0, added.emails[0]);
        }
        let removals = read_removals(&bench.database, ID, BEGINNING, None, 2 * MAILS)
            .await
            .unwrap();
        let told: Vec<_> = removals.iter().map(|removal| removal.mails[0].email).collect();
        assert_eq!(told, gone);
    });
}
