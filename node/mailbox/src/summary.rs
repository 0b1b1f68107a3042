//! Summaries of mails, made of their records so that a mailbox that was not in memory is sorted at once: packed by
//! [`SUMMARY_EMAILS`] ids. The mailbox makes them once all these ids are given, or else whoever lists mails; what is in them is
//! the business of the latter, who lends the mailbox a [`Sum`]. Mails never change, so a summary is right as long as its mails
//! are there; the mailbox clears it with the first that goes, and a maker that missed that stores nothing.

use bytes::Bytes;
use hongyan_kv::{Database, Error, KeyRange, RangeQuery, ReadMode, Transaction};

use crate::record::{email, key};
use crate::{Email, EmailId, MailboxId};

/// Ids of mails whose summaries lie together.
pub const SUMMARY_EMAILS: u64 = 256;
/// Longer summaries are not stored.
pub const SUMMARY_OCTETS_MAX: usize = 90_000;
/// Mails read together.
const MAILS: usize = 64;

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

/// Mails being summed up.
pub trait Sum: Send {
    /// Takes in a mail; they come by id.
    fn add(&mut self, id: EmailId, mail: &Email);
    /// The summaries of all of them; nothing when there is nothing to store.
    fn finish(self: Box<Self>) -> Option<Bytes>;
}

/// Begins a [`Sum`].
pub type BeginSum = fn() -> Box<dyn Sum>;

/// Summaries being made.
pub struct SummaryDraft {
    transaction: Transaction,
    mailbox: MailboxId,
    number: u64,
    is_stored: bool,
}

impl SummaryDraft {
    /// Begins to make those of a number.
    ///
    /// # Errors
    /// What storage says.
    pub async fn begin(database: &Database, mailbox: MailboxId, number: u64) -> Result<Self, Error> {
        let mut transaction = database.begin();
        // Who has read it is told when the mailbox clears it.
        let stored = transaction.get(&key::summary(mailbox, number)).await?;
        Ok(Self {
            transaction,
            mailbox,
            number,
            is_stored: stored.is_some(),
        })
    }
    /// Hands over all mails that they are made of, by id: those too that no folder shows any more.
    ///
    /// # Errors
    /// What storage says.
    pub async fn each_mail(&mut self, mut each: impl FnMut(EmailId, &Email)) -> Result<(), Error> {
        let mut next = EmailId(self.number * SUMMARY_EMAILS);
        let end = key::email(self.mailbox, EmailId(next.0 + SUMMARY_EMAILS));
        loop {
            let query = RangeQuery {
                range: KeyRange {
                    begin: key::email(self.mailbox, next),
                    end: end.clone(),
                },
                limit: MAILS,
                reverse: false,
                mode: ReadMode::Snapshot,
            };
            let pairs = self.transaction.get_range_all(query).await?;
            for pair in &pairs {
                let id = key::read_email(self.mailbox, &pair.key);
                let id = id.ok_or_else(|| Error::Corrupt("key of a mail".into()))?;
                each(id, &email::decode(&pair.value)?);
                next = EmailId(id.0 + 1);
            }
            if pairs.len() < MAILS {
                return Ok(());
            }
        }
    }
    /// Stores them.
    ///
    /// # Errors
    /// What storage says; a conflict when a mail has gone since.
    pub async fn store(mut self, summaries: Bytes) -> Result<(), Error> {
        let key = key::summary(self.mailbox, self.number);
        self.transaction.set(key, summaries);
        self.transaction.commit().await.map(|_| ())
    }
}

/// Has the summaries of a number stored, if they are not.
pub(crate) async fn sum_up(database: &Database, mailbox: MailboxId, number: u64, begin: BeginSum) -> Result<(), Error> {
    let mut draft = SummaryDraft::begin(database, mailbox, number).await?;
    if draft.is_stored {
        return Ok(());
    }
    let mut sum = begin();
    draft.each_mail(|id, mail| sum.add(id, mail)).await?;
    match sum.finish() {
        Some(stored) if stored.len() <= SUMMARY_OCTETS_MAX => draft.store(stored).await,
        _ => Ok(()),
    }
}
