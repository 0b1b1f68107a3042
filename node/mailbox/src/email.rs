//! What is stored of one mail beside its bytes, for whoever reads it: any session, without asking the mailbox.

use hongyan_blob::BlobAddress;
use hongyan_kv::{Database, Error, Transaction};
use hongyan_message::Structure;
use hongyan_types::Octets;

use crate::record::{email, key, thread};
use crate::work::hash;
use crate::{EmailId, MailboxId, ThreadId};

/// One mail. Never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// Where its bytes are.
    pub blob: BlobAddress,
    /// How many they are.
    pub octets: Octets,
    /// Its conversation.
    pub thread: ThreadId,
    /// What is in it: all that FETCH needs but the bytes.
    pub structure: Structure,
}

/// What of a mail is needed to read its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmailBytes {
    /// Where they are.
    pub blob: BlobAddress,
    /// How many they are.
    pub octets: Octets,
}

/// Reads one mail; `None` when the mailbox no longer has it.
///
/// # Errors
/// What storage says.
pub async fn read_email(database: &Database, mailbox: MailboxId, id: EmailId) -> Result<Option<Email>, Error> {
    let stored = database.get_lasting(&key::email(mailbox, id)).await?;
    stored.as_deref().map(email::decode).transpose()
}

/// The conversation in which a mail of this `Message-ID` is, or one that refers to it; the id is without angle brackets.
///
/// # Errors
/// What storage says.
pub async fn read_conversation(database: &Database, mailbox: MailboxId, id: &str) -> Result<Option<ThreadId>, Error> {
    let stored = database
        .begin_recent()
        .get_snapshot(&key::thread(mailbox, &hash(id)))
        .await?;
    Ok(stored
        .as_deref()
        .map(thread::decode)
        .transpose()?
        .map(|(thread, _)| thread))
}

/// Reads several mails, in the order of `ids`, as of one moment. Keep the list short: all of them are in memory together.
///
/// # Errors
/// What storage says.
pub async fn read_emails(
    database: &Database,
    mailbox: MailboxId,
    ids: &[EmailId],
) -> Result<Vec<Option<Email>>, Error> {
    match read_emails_in(&mut database.begin_recent(), mailbox, ids).await {
        Ok(emails) if emails.iter().all(Option::is_some) => return Ok(emails),
        Err(error) if !error.is_retryable() => return Err(error),
        // Younger than that state, or gone.
        _ => {}
    }
    read_emails_in(&mut database.begin(), mailbox, ids).await
}

/// As [`read_emails`], in a transaction that reads other things too.
///
/// # Errors
/// What storage says.
pub async fn read_emails_in(
    transaction: &mut Transaction,
    mailbox: MailboxId,
    ids: &[EmailId],
) -> Result<Vec<Option<Email>>, Error> {
    look_ahead_at_emails(transaction, mailbox, ids);
    let mut emails = Vec::with_capacity(ids.len());
    for id in ids {
        let stored = transaction.get_lasting(&key::email(mailbox, *id)).await?;
        emails.push(stored.as_deref().map(email::decode).transpose()?);
    }
    Ok(emails)
}

/// Has the records of mails on their way.
pub fn look_ahead_at_emails(transaction: &mut Transaction, mailbox: MailboxId, ids: &[EmailId]) {
    if transaction.is_far() && ids.len() > 1 {
        for id in ids {
            transaction.look_ahead_lasting(&key::email(mailbox, *id));
        }
    }
}

/// Where the bytes of a mail are, for who wants nothing else of it; `None` when the mailbox no longer has it.
///
/// # Errors
/// What storage says.
pub async fn read_email_bytes_in(
    transaction: &mut Transaction,
    mailbox: MailboxId,
    id: EmailId,
) -> Result<Option<EmailBytes>, Error> {
    let stored = transaction.get_lasting(&key::email(mailbox, id)).await?;
    stored.as_deref().map(email::decode_bytes).transpose()
}
