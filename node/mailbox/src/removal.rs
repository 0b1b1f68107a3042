//! What was deleted in a mailbox or moved to Trash, and by what (LOG-7): noted in the transaction that did it, kept for
//! [`ACTS_KEPT`](crate::ACTS_KEPT), read by the mailbox's person.

use hongyan_kv::{Database, Error, KeyRange, RangeQuery, ReadMode};
use hongyan_types::{AccountId, Timestamp};

use crate::record::{key, removal};
use crate::{ActId, EmailId, MailboxId, PurgedId};

/// Through what someone asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Client {
    /// The server itself, or nobody said.
    #[default]
    Server,
    /// A mail client over IMAP.
    Imap,
    /// One over POP3.
    Pop3,
    /// One over JMAP: the web client too.
    Jmap,
    /// The sender, who has taken the mail back.
    Recall,
    /// A phone over ActiveSync.
    ActiveSync,
}

impl Client {
    /// All there are, in the order of their numbers in storage and on the wire.
    pub const ALL: [Self; 6] = [
        Self::Server,
        Self::Imap,
        Self::Pop3,
        Self::Jmap,
        Self::Recall,
        Self::ActiveSync,
    ];
    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Jmap => "jmap",
            Self::Recall => "recall",
            Self::ActiveSync => "active-sync",
        }
    }
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Server => 0,
            Self::Imap => 1,
            Self::Pop3 => 2,
            Self::Jmap => 3,
            Self::Recall => 4,
            Self::ActiveSync => 5,
        }
    }
    /// What a later release knew is the server here.
    pub(crate) fn of(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or_default()
    }
}

/// A mail that went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedMail {
    /// The mail.
    pub email: EmailId,
    /// Its subject, as the header has it.
    pub subject: String,
    /// The first address in its `From`.
    pub from: String,
}

/// Mails that went together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// When, and which of that moment.
    pub id: ActId,
    /// Who, where the mailbox is not theirs.
    pub person: Option<AccountId>,
    /// Through what.
    pub client: Client,
    /// They are in Trash, and not gone for good.
    pub to_trash: bool,
    /// The folder they were in.
    pub path: String,
    /// How many.
    pub messages: u64,
    /// The first of them.
    pub mails: Vec<RemovedMail>,
}

/// Removals at `since` or later, the latest first: at most `limit` of those before `before`.
///
/// # Errors
/// What storage says.
pub async fn read_removals(
    database: &Database,
    mailbox: MailboxId,
    since: Timestamp,
    before: Option<ActId>,
    limit: usize,
) -> Result<Vec<Removal>, Error> {
    let query = RangeQuery {
        range: KeyRange {
            begin: key::removals_from(mailbox, since),
            end: before.map_or(key::all_removals(mailbox).end, |before| key::removal(mailbox, before)),
        },
        limit,
        reverse: true,
        mode: ReadMode::Snapshot,
    };
    let mut removals = Vec::new();
    for pair in database.begin().get_range_all(query).await? {
        let id = key::read_removal(mailbox, &pair.key);
        let id = id.ok_or_else(|| Error::Corrupt("key of a removal".into()))?;
        removals.push(removal::decode(id, &pair.value)?);
    }
    Ok(removals)
}

/// Whether a mail that went can be had back: it is still kept as purged, or, of one that went to Trash, it is still there.
///
/// # Errors
/// What storage says.
pub async fn is_recoverable(
    database: &Database,
    mailbox: MailboxId,
    removal: &Removal,
    email: EmailId,
) -> Result<bool, Error> {
    let key = if removal.to_trash {
        key::email(mailbox, email)
    } else {
        let at = removal.id.at;
        key::purged(mailbox, PurgedId { at, email })
    };
    Ok(database.begin().get_snapshot(&key).await?.is_some())
}
