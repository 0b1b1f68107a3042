//! An account over POP3: the inbox alone.

use hongyan_mailbox::{FolderId, MailboxId, MessageWriter};
use hongyan_types::Timestamp;

use super::{Arrived, Job};
use crate::failure::Failure;
use crate::ledger::{Entry, hash};
use crate::pop3::{Pop3Source, Read};
use crate::target::Target;
use crate::{Moving, Trouble};

impl Job {
    pub(super) async fn run_pop3(&self, moving: &Moving, mailbox: MailboxId, since: Timestamp) -> Result<(), Failure> {
        let mut source = Pop3Source::open(&self.dialer, &self.migration.source, &self.sign_in(moving)).await?;
        let messages = source.messages().await?;
        let mut target = Target::open(&self.router, self.directory.database(), mailbox, since).await?;
        self.ledger.note_folders(messages.len() as u64, &[]).await?;
        for message in &messages {
            let name = hash(&message.name);
            if self.ledger.is_seen(&name).await? {
                continue;
            }
            let mut entry = Entry {
                seen: vec![name],
                ..Entry::default()
            };
            let max = self.dialer.options.message_octets_max;
            let mut failed = |octets, reason| {
                entry.failed.push(Trouble {
                    folder: "INBOX".to_owned(),
                    message: String::from_utf8_lossy(&message.name).into_owned(),
                    octets,
                    reason,
                });
            };
            let too_long = || format!("it is larger than message_octets_max ({max})");
            if message.octets.is_some_and(|octets| octets > max) {
                failed(message.octets, too_long());
            } else {
                let writer = MessageWriter::new(&self.blobs, self.migration.tenant);
                match source.read(message, writer).await? {
                    Read::Whole(mail) => {
                        let date = mail.structure.sent.map(|sent| sent.timestamp);
                        let arrived = Arrived {
                            message: *mail,
                            flags: Vec::new(),
                            date,
                            name: &name,
                            folder: FolderId::INBOX,
                            everywhere: true,
                        };
                        self.take(&mut target, arrived, &mut entry).await?;
                    }
                    Read::TooLong(octets) => failed(Some(octets), too_long()),
                    Read::Refused(reason) => failed(message.octets, reason),
                }
            }
            self.ledger.note(&entry).await?;
        }
        source.close().await;
        Ok(())
    }
}
