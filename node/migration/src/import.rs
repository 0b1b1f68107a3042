//! Mails from files (MIG-13): they stream in, and nothing comes twice. Who has files of another kind converts them first.

use hongyan_blob::BlobStore;
use hongyan_directory::AccountRecord;
use hongyan_mailbox::{FolderId, MailboxId, MessageWriter};
use hongyan_message::mbox::{Event, Splitter};
use hongyan_types::{Flag, Timestamp};

use crate::failure::Failure;
use crate::imap::store;
use crate::mapping::{Place, place_named};
use crate::target::{Incoming, Likeness, Search, Target};
use crate::{Migrations, Trouble};

/// Failures that are listed.
const TROUBLES_MAX: usize = 100;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFormat {
    /// Many mails (RFC 4155).
    Mbox,
    /// One.
    Eml,
}

/// What is to be done with the mails of a file.
#[derive(Debug, Clone, Default)]
pub struct NewImport {
    /// Where they go; the inbox when it is empty.
    pub folder: String,
    /// Their flags.
    pub flags: Vec<Flag>,
    /// When they came, where the file does not say so.
    pub received: Option<Timestamp>,
    /// The import began here: what was in the mailbox before counts as the same wherever it is. Now, when absent.
    pub since: Option<Timestamp>,
}

/// What became of the mails of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// They came.
    pub imported: u64,
    /// They were there already.
    pub present: u64,
    /// They did not come.
    pub failed: u64,
    /// Why, the first of them.
    pub troubles: Vec<Trouble>,
}

/// Why an import cannot go on. What came stays; the same file again brings the rest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The mailbox is full.
    #[error("the mailbox is full: {0} messages came")]
    Full(u64),
    /// It does not answer.
    #[error("{0}")]
    Unavailable(String),
}

/// A file on its way in.
pub struct Import {
    blobs: BlobStore,
    mailbox: MailboxId,
    target: Target,
    folder: FolderId,
    new: NewImport,
    splitter: Splitter,
    mail: Option<Mail>,
    octets_max: u64,
    env: hongyan_env::Env,
    number: u64,
    done: Imported,
}

struct Mail {
    writer: Option<MessageWriter>,
    received: Option<Timestamp>,
    octets: u64,
}

impl Import {
    fn failed(&self, failure: Failure) -> ImportError {
        match failure {
            Failure::Full => ImportError::Full(self.done.imported),
            failure => ImportError::Unavailable(failure.to_string()),
        }
    }

    /// The next octets of the file.
    ///
    /// # Errors
    /// When it cannot go on.
    pub async fn push(&mut self, octets: &[u8]) -> Result<(), ImportError> {
        let mut events = Vec::new();
        self.splitter.push(octets, &mut events);
        self.take(events).await
    }

    /// The end of the file.
    ///
    /// # Errors
    /// When it cannot go on.
    pub async fn finish(mut self) -> Result<Imported, ImportError> {
        let mut events = Vec::new();
        std::mem::replace(&mut self.splitter, Splitter::single()).finish(&mut events);
        self.take(events).await?;
        Ok(self.done)
    }

    async fn take(&mut self, events: Vec<Event>) -> Result<(), ImportError> {
        for event in events {
            let taken = self.take_one(event).await;
            taken.map_err(|failure| self.failed(failure))?;
        }
        Ok(())
    }

    async fn take_one(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Begin { received } => {
                self.number += 1;
                self.mail = Some(Mail {
                    writer: Some(MessageWriter::new(&self.blobs, self.mailbox.tenant)),
                    received,
                    octets: 0,
                });
            }
            Event::Data(octets) => {
                if let Some(mail) = &mut self.mail {
                    mail.octets += octets.len() as u64;
                    if mail.octets > self.octets_max {
                        mail.writer = None;
                    }
                    if let Some(writer) = &mut mail.writer {
                        writer.push(&octets).await.map_err(store)?;
                    }
                }
            }
            Event::End => {
                if let Some(mail) = self.mail.take() {
                    self.put(mail).await?;
                }
            }
        }
        Ok(())
    }

    async fn put(&mut self, mail: Mail) -> Result<(), Failure> {
        let Some(writer) = mail.writer else {
            let reason = format!("it is larger than message_octets_max ({})", self.octets_max);
            self.note(Some(mail.octets), reason);
            return Ok(());
        };
        let message = writer.finish().await.map_err(store)?;
        let envelope = &message.structure.envelope;
        if envelope.from.is_empty() && envelope.date.is_none() && envelope.message_id.is_none() {
            self.note(
                Some(mail.octets),
                "it has neither sender nor date: it is no mail".to_owned(),
            );
            return Ok(());
        }
        let sent = message.structure.sent.map(|sent| sent.timestamp);
        let date = mail.received.or(self.new.received).or(sent);
        let likeness = Likeness::new(message.octets().0, envelope);
        let search = Search {
            folder: self.folder,
            everywhere: false,
            internal_secs: date.map(Timestamp::secs),
        };
        if self.target.has(&likeness, search).await? {
            self.done.present += 1;
            return Ok(());
        }
        let mut name = [0; 16];
        self.env.fill_random(&mut name);
        let incoming = Incoming {
            message,
            flags: self.new.flags.clone(),
            date,
            name,
        };
        self.target.put(self.folder, &incoming).await?;
        self.done.imported += 1;
        Ok(())
    }

    fn note(&mut self, octets: Option<u64>, reason: String) {
        self.done.failed += 1;
        if self.done.troubles.len() < TROUBLES_MAX {
            self.done.troubles.push(Trouble {
                folder: self.new.folder.clone(),
                message: self.number.to_string(),
                octets,
                reason,
            });
        }
    }
}

impl Migrations {
    /// Begins to take mails from a file into the mailbox of an account.
    ///
    /// # Errors
    /// When the mailbox does not answer.
    pub async fn import(
        &self,
        account: &AccountRecord,
        format: ImportFormat,
        new: NewImport,
    ) -> Result<Import, ImportError> {
        let unavailable = |failure: Failure| ImportError::Unavailable(failure.to_string());
        let blobs = self.blobs.clone();
        let blobs = blobs.ok_or_else(|| ImportError::Unavailable("this node takes no files".to_owned()))?;
        let mailbox = MailboxId {
            tenant: account.tenant,
            account: account.id,
        };
        let since = new.since.unwrap_or_else(|| self.directory.now());
        let target = Target::open(&self.router, self.directory.database(), mailbox, since).await;
        let mut target = target.map_err(unavailable)?;
        let place = match new.folder.as_str() {
            "" => Place::Inbox,
            name => place_named(name, target.room()),
        };
        let folder = target.folder(&place).await.map_err(unavailable)?;
        Ok(Import {
            blobs,
            mailbox,
            target,
            folder,
            new,
            splitter: match format {
                ImportFormat::Mbox => Splitter::mbox(),
                ImportFormat::Eml => Splitter::single(),
            },
            mail: None,
            octets_max: self.dialer.options.message_octets_max,
            env: self.env.clone(),
            number: 0,
            done: Imported::default(),
        })
    }
}
