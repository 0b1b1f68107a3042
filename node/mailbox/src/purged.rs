//! Mails that were purged and can be had back (RS-12), for whoever lists them, without asking the mailbox.

use hongyan_kv::{Database, Error, KeyRange, RangeQuery, ReadMode};
use hongyan_types::Timestamp;

use crate::record::{key, purged};
use crate::{Email, EmailId, MailboxId, read_emails_in};

/// Which purged mail. In order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PurgedId {
    /// When it was purged.
    pub at: Timestamp,
    /// What it was.
    pub email: EmailId,
}

/// A purged mail.
#[derive(Debug, Clone)]
pub struct Purged {
    /// Which.
    pub id: PurgedId,
    /// When it had come.
    pub internal_date: Timestamp,
    /// The path of the folder it was in.
    pub path: String,
    /// The mail.
    pub email: Email,
}

/// The mails purged at `since` or later, the latest first: at most `limit` of those before `before`.
///
/// # Errors
/// What storage says.
pub async fn read_purged(
    database: &Database,
    mailbox: MailboxId,
    since: Timestamp,
    before: Option<PurgedId>,
    limit: usize,
) -> Result<Vec<Purged>, Error> {
    let mut transaction = database.begin();
    let all = key::all_purged(mailbox);
    let query = RangeQuery {
        range: KeyRange {
            begin: key::purged_from(mailbox, since),
            end: before.map_or(all.end, |before| key::purged(mailbox, before)),
        },
        limit,
        reverse: true,
        mode: ReadMode::Snapshot,
    };
    let pairs = transaction.get_range_all(query).await?;
    let mut found = Vec::with_capacity(pairs.len());
    for pair in &pairs {
        let id = key::read_purged(mailbox, &pair.key);
        let id = id.ok_or_else(|| Error::Corrupt("key of a purged mail".into()))?;
        found.push((id, purged::decode(&pair.value)?));
    }
    let emails: Vec<EmailId> = found.iter().map(|(id, _)| id.email).collect();
    let records = read_emails_in(&mut transaction, mailbox, &emails).await?;
    let all = found.into_iter().zip(records);
    Ok(all
        .filter_map(|((id, kept), email)| {
            Some(Purged {
                id,
                internal_date: kept.internal_date,
                path: kept.path,
                email: email?,
            })
        })
        .collect())
}
