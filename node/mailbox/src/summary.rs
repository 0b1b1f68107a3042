//! Summaries of mails, which whoever lists mails makes of their records so that a mailbox that was not in memory is sorted at
//! once: packed by [`SUMMARY_EMAILS`] ids. What is in them is their maker's business. Mails never change, so a summary is right
//! as long as its mails are there; the mailbox clears it with the first that goes, and a maker that missed that stores nothing.

use bytes::Bytes;
use hongyan_kv::{Database, Error, KeyRange, RangeQuery, ReadMode, Transaction};

use crate::record::key;
use crate::{Email, EmailId, MailboxId, read_emails_in};

/// Ids of mails whose summaries lie together.
pub const SUMMARY_EMAILS: u64 = 256;
/// Longer summaries are not stored.
pub const SUMMARY_OCTETS_MAX: usize = 90_000;

/// Which summaries lie together with that of a mail.
#[must_use]
pub fn summary_of(email: EmailId) -> u64 {
    email.0 / SUMMARY_EMAILS
}

/// Stored summaries by number, from `first` to `last`, some at a time: the rest is asked for behind the last one.
///
/// # Errors
/// What storage says.
pub async fn read_summaries(
    database: &Database,
    mailbox: MailboxId,
    (first, last): (u64, u64),
    limit: usize,
) -> Result<Vec<(u64, Bytes)>, Error> {
    let query = RangeQuery {
        range: KeyRange {
            begin: key::summary(mailbox, first),
            end: key::summary(mailbox, last.saturating_add(1)),
        },
        limit,
        reverse: false,
        mode: ReadMode::Snapshot,
    };
    let pairs = database.begin().get_range_all(query).await?.into_iter();
    pairs
        .map(|pair| {
            let number = key::read_summary(mailbox, &pair.key);
            Ok((
                number.ok_or_else(|| Error::Corrupt("key of summaries".into()))?,
                pair.value,
            ))
        })
        .collect()
}

/// Summaries being made.
pub struct SummaryDraft {
    transaction: Transaction,
    mailbox: MailboxId,
    key: Bytes,
}

impl SummaryDraft {
    /// Begins to make those of a number.
    ///
    /// # Errors
    /// What storage says.
    pub async fn begin(database: &Database, mailbox: MailboxId, number: u64) -> Result<Self, Error> {
        let mut transaction = database.begin();
        let key = key::summary(mailbox, number);
        // Who has read it is told when the mailbox clears it.
        transaction.get(&key).await?;
        Ok(Self {
            transaction,
            mailbox,
            key,
        })
    }
    /// The mails that they are made of.
    ///
    /// # Errors
    /// What storage says.
    pub async fn emails(&mut self, ids: &[EmailId]) -> Result<Vec<Option<Email>>, Error> {
        read_emails_in(&mut self.transaction, self.mailbox, ids).await
    }
    /// Stores them.
    ///
    /// # Errors
    /// What storage says; a conflict when a mail has gone since.
    pub async fn store(mut self, summaries: Bytes) -> Result<(), Error> {
        self.transaction.set(self.key, summaries);
        self.transaction.commit().await.map(|_| ())
    }
}
