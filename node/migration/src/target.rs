//! The mailbox that gets the mail: its folders, what is in it already, and messages put into it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hongyan_actor::RequestId;
use hongyan_kv::Database;
use hongyan_mailbox::{
    Append, AppendMessage, CreateFolder, EmailId, FOLDERS_MAX, FolderId, FolderInfo, FolderPath, FolderRef,
    ListFolders, MailboxError, MailboxId, NewMessage, OpenFolder, SpecialUse, read_email,
};
use hongyan_message::Envelope;
use hongyan_router::{Ask, AskError, Router};
use hongyan_types::{Flag, Timestamp};

use crate::failure::Failure;
use crate::mapping::{Place, Room};

const WITHIN: Duration = Duration::from_secs(30);

/// By what a message is known again: with its size these make it the same (MIG).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Likeness {
    pub(crate) octets: u64,
    message_id: Option<String>,
    date: Option<String>,
}

impl Likeness {
    pub(crate) fn new(octets: u64, envelope: &Envelope) -> Self {
        let text = |field: &Option<String>| {
            let field = field.as_deref().map(str::trim).filter(|field| !field.is_empty());
            field.map(str::to_owned)
        };
        Self {
            octets,
            message_id: text(&envelope.message_id),
            date: text(&envelope.date),
        }
    }
}

/// A message that is here.
struct Known {
    email: EmailId,
    folder: FolderId,
    internal_secs: i64,
    /// It was here before the migration began.
    is_older: bool,
}

/// A message to be put here.
pub(crate) struct Incoming {
    pub(crate) message: NewMessage,
    pub(crate) flags: Vec<Flag>,
    pub(crate) date: Option<Timestamp>,
    /// Names it: put twice under one name, it is here once.
    pub(crate) name: [u8; 16],
}

/// Where a message is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search {
    pub(crate) folder: FolderId,
    /// Anywhere, and not only there or among what was here before.
    pub(crate) everywhere: bool,
    pub(crate) internal_secs: Option<i64>,
}

pub(crate) struct Target {
    router: Router,
    database: Database,
    mailbox: MailboxId,
    folders: Vec<FolderInfo>,
    known: BTreeMap<u64, Vec<Known>>,
}

fn unanswered(error: AskError) -> Failure {
    Failure::Target(error.to_string())
}

fn refused(error: MailboxError) -> Failure {
    match error {
        MailboxError::OverQuota => Failure::Full,
        error => Failure::Target(error.to_string()),
    }
}

impl Target {
    /// Looks over what is there. What came into it before `since` counts as older.
    pub(crate) async fn open(
        router: &Router,
        database: &Database,
        mailbox: MailboxId,
        since: Timestamp,
    ) -> Result<Self, Failure> {
        let mut target = Self {
            router: router.clone(),
            database: database.clone(),
            mailbox,
            folders: Vec::new(),
            known: BTreeMap::new(),
        };
        target.list().await?;
        for folder in target.folders.clone() {
            if folder.messages == 0 {
                continue;
            }
            let open = OpenFolder {
                folder: folder.id.into(),
            };
            let reply = target.router.ask(&mailbox, open, WITHIN).await.map_err(unanswered)?;
            for entry in reply.map_err(refused)?.view.iter() {
                target.known.entry(entry.octets.0).or_default().push(Known {
                    email: entry.email,
                    folder: folder.id,
                    internal_secs: entry.internal_date.secs(),
                    is_older: entry.save_date < since,
                });
            }
        }
        Ok(target)
    }

    async fn list(&mut self) -> Result<(), Failure> {
        let reply = self.ask(ListFolders).await?;
        self.folders = reply.map_err(refused)?.folders.to_vec();
        Ok(())
    }

    async fn ask<R: Ask<Entity = hongyan_mailbox::MailboxEntity>>(&self, request: R) -> Result<R::Reply, Failure> {
        self.router
            .ask(&self.mailbox, request, WITHIN)
            .await
            .map_err(unanswered)
    }

    /// What there is, and how many folders may be made.
    pub(crate) fn room(&self) -> Room {
        let own = self.folders.len().saturating_sub(SpecialUse::ALL.len() + 1);
        let paths: BTreeSet<String> = self
            .folders
            .iter()
            .map(|folder| folder.path.as_str().to_owned())
            .collect();
        Room {
            paths,
            more: FOLDERS_MAX.saturating_sub(own),
        }
    }

    /// The folder at a place; made when it is missing.
    pub(crate) async fn folder(&mut self, place: &Place) -> Result<FolderId, Failure> {
        let find = |folders: &[FolderInfo]| {
            let found = folders.iter().find(|folder| match place {
                Place::Inbox => folder.path.is_inbox(),
                Place::Use(special_use) => folder.special_use == Some(*special_use),
                Place::Path(path) => *folder.path == *path,
            });
            found.map(|folder| folder.id)
        };
        if let Some(id) = find(&self.folders) {
            return Ok(id);
        }
        let create = match place {
            Place::Inbox => return Err(Failure::Target("it has no inbox".to_owned())),
            Place::Use(special_use) => CreateFolder {
                path: FolderPath::try_from(special_use.default_name())
                    .map_err(|error| Failure::Target(error.to_string()))?,
                special_use: Some(*special_use),
            },
            Place::Path(path) => CreateFolder {
                path: path.clone(),
                special_use: None,
            },
        };
        match self.ask(create).await? {
            Ok(_) | Err(MailboxError::FolderExists) => {}
            // Somebody else made folders meanwhile.
            Err(MailboxError::TooManyFolders) => return Ok(FolderId::INBOX),
            Err(error) => return Err(refused(error)),
        }
        self.list().await?;
        find(&self.folders).ok_or_else(|| Failure::Target("a folder was not made".to_owned()))
    }

    /// Whether a message like that is here already.
    pub(crate) async fn has(&self, likeness: &Likeness, search: Search) -> Result<bool, Failure> {
        for known in self.known.get(&likeness.octets).into_iter().flatten() {
            if !(known.is_older || search.everywhere || known.folder == search.folder) {
                continue;
            }
            let found = read_email(&self.database, self.mailbox, known.email).await?;
            let Some(email) = found else { continue };
            let is_same = Likeness::new(email.octets.0, &email.structure.envelope) == *likeness;
            // What has no name of its own is the same only if it came at the same time too.
            let is_named = likeness.message_id.is_some();
            if is_same && (is_named || search.internal_secs.is_none_or(|secs| secs == known.internal_secs)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts a message into a folder.
    pub(crate) async fn put(&mut self, folder: FolderId, incoming: &Incoming) -> Result<(), Failure> {
        let reply = match self.append(folder, incoming, incoming.flags.clone()).await? {
            Err(MailboxError::TooManyKeywords) => {
                let mut flags = incoming.flags.clone();
                flags.retain(|flag| matches!(flag, Flag::System(_)));
                self.append(folder, incoming, flags).await?
            }
            reply => reply,
        };
        let reply = reply.map_err(refused)?;
        let known = &mut self.known.entry(incoming.message.octets().0).or_default();
        known.extend(reply.emails.iter().map(|email| Known {
            email: *email,
            folder,
            internal_secs: incoming.date.map_or(i64::MIN, Timestamp::secs),
            is_older: false,
        }));
        Ok(())
    }

    async fn append(
        &self,
        folder: FolderId,
        incoming: &Incoming,
        flags: Vec<Flag>,
    ) -> Result<Result<hongyan_mailbox::AppendReply, MailboxError>, Failure> {
        let request = Append {
            folder: FolderRef::Id(folder),
            messages: vec![AppendMessage {
                message: incoming.message.clone(),
                flags,
                internal_date: incoming.date,
            }],
        };
        let id = RequestId(u128::from_be_bytes(incoming.name));
        let asked = self.router.ask_as(id, &self.mailbox, request, WITHIN).await;
        asked.map_err(unanswered)
    }
}
