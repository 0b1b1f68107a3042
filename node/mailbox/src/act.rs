//! What others did in a mailbox: noted in the very transaction that did it, kept for [`ACTS_KEPT`], read by whoever it is
//! shown to (SBX, DLG).

use std::sync::Arc;

use hongyan_kv::{Database, Error, KeyRange, RangeQuery, ReadMode};
use hongyan_router::Ask;
use hongyan_types::{AccountId, Timestamp};

use crate::record::{act, key};
use crate::request::{Reply, Request};
use crate::{Client, EmailId, MailboxEntity, MailboxId, Permit};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActKind {
    /// Mail was sent in the mailbox's name; the copy is in the folder.
    Sent,
    /// Mails were put into the folder.
    Added,
    /// Mails were moved out of the folder.
    Moved,
    /// Mails of the folder were deleted for good.
    Deleted,
    /// A mail was had back after it was deleted for good.
    Restored,
    /// The folder was renamed or moved.
    FolderMoved,
    /// The folder was deleted with all in it.
    FolderDeleted,
}

impl ActKind {
    /// All there are, in the order of their numbers in storage.
    pub const ALL: [Self; 7] = [
        Self::Sent,
        Self::Added,
        Self::Moved,
        Self::Deleted,
        Self::Restored,
        Self::FolderMoved,
        Self::FolderDeleted,
    ];
    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Added => "added",
            Self::Moved => "moved",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
            Self::FolderMoved => "folder-moved",
            Self::FolderDeleted => "folder-deleted",
        }
    }
}

/// Which act. In order of time, and of one moment in the order in which they were done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActId {
    /// When.
    pub at: Timestamp,
    /// Tells those of one moment apart; grows with each that is done.
    pub number: u64,
}

/// What someone did in a mailbox that is not theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Which.
    pub id: ActId,
    /// Who.
    pub person: AccountId,
    /// What.
    pub kind: ActKind,
    /// In which folder.
    pub path: String,
    /// How many messages it was about; 0 for a folder as a whole.
    pub messages: u64,
    /// The mail, where it is a single one that was put there.
    pub email: Option<EmailId>,
}

/// The acts at `since` or later, the latest first: at most `limit` of those before `before`.
///
/// # Errors
/// What storage says.
pub async fn read_acts(
    database: &Database,
    mailbox: MailboxId,
    since: Timestamp,
    before: Option<ActId>,
    limit: usize,
) -> Result<Vec<Act>, Error> {
    let query = RangeQuery {
        range: KeyRange {
            begin: key::acts_from(mailbox, since),
            end: before.map_or(key::all_acts(mailbox).end, |before| key::act(mailbox, before)),
        },
        limit,
        reverse: true,
        mode: ReadMode::Snapshot,
    };
    let mut acts = Vec::new();
    for pair in database.begin().get_range_all(query).await? {
        let id = key::read_act(mailbox, &pair.key);
        let id = id.ok_or_else(|| Error::Corrupt("key of an act".into()))?;
        acts.push(act::decode(id, &pair.value)?);
    }
    Ok(acts)
}

/// A request of someone to a mailbox that is not theirs; of the mailbox's own person, where there is none.
#[derive(Debug, Clone)]
pub struct Acting<R> {
    request: R,
    person: Option<AccountId>,
    client: Client,
    permit: Option<Arc<Permit>>,
}

impl<R> Acting<R> {
    /// The request of `person`.
    #[must_use]
    pub fn new(request: R, person: Option<AccountId>) -> Self {
        Self {
            request,
            person,
            client: Client::Server,
            permit: None,
        }
    }
    /// The same through `client`.
    #[must_use]
    pub fn through(self, client: Client) -> Self {
        Self { client, ..self }
    }
    /// The same of someone who may do no more than `permit` says; everything, without one.
    #[must_use]
    pub fn within(self, permit: Option<Arc<Permit>>) -> Self {
        Self { permit, ..self }
    }
}

impl<R: Ask<Entity = MailboxEntity>> Ask for Acting<R> {
    type Entity = MailboxEntity;
    type Reply = R::Reply;

    fn into_request(self) -> Request {
        Request {
            acting: self.person,
            client: self.client,
            permit: self.permit,
            ..self.request.into_request()
        }
    }
    fn from_reply(reply: Reply) -> Option<R::Reply> {
        R::from_reply(reply)
    }
}
