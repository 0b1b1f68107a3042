//! A mailbox of the recycle bin into a folder of somebody who has one (MEM-16): its folders become folders there, its messages keep
//! flags and dates.
//!
//! The source does not change while it is in the bin, so its messages have an order, and a task that goes on elsewhere knows
//! where it is. A message's delivery id is made of the two mailboxes and the message: what was brought and not noted, before
//! a node died or in a task before, is not brought again within [`hongyan_mailbox::DELIVERY_ID_KEPT`].

use std::time::Duration;

use futures_util::future::join_all;
use hongyan_directory::Error;
use hongyan_mailbox::{
    CreateFolder, Deliver, DeliveryId, FolderId, FolderPath, FolderRef, FolderView, ListFolders, MailboxError,
    MailboxId, MessageEntry, MessageWriter, OpenFolder, read_email,
};
use hongyan_router::{Ask, AskError};
use hongyan_types::{AccountId, Flag, SystemFlag};

use crate::entity::MailServices;
use crate::step::Steps;
use crate::{MergeMailbox, TaskState};

/// Messages brought at a time; they are in memory together, and are one commit there.
const MESSAGES_AT_ONCE: usize = 50;
/// How long a mailbox may take to answer.
const WITHIN: Duration = Duration::from_secs(60);

/// A mailbox that is merged.
pub(crate) struct Merging {
    /// Its folders with mail, and where their mail goes.
    folders: Vec<(FolderView, FolderId)>,
    /// Folders whose mail goes into the outermost, as there is no room for them.
    flattened: usize,
}

/// Why a step was not done.
enum Halt {
    /// It is for a person to do something about.
    Over(String),
    /// It may go later.
    Later(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Later(error)
    }
}

impl From<hongyan_kv::Error> for Halt {
    fn from(error: hongyan_kv::Error) -> Self {
        Self::Later(Error::Storage(error))
    }
}

impl From<hongyan_blob::BlobError> for Halt {
    fn from(error: hongyan_blob::BlobError) -> Self {
        Self::Later(Error::Refused(format!("a mail cannot be read: {error}")))
    }
}

impl From<AskError> for Halt {
    fn from(error: AskError) -> Self {
        Self::Later(Error::Refused(format!("a mailbox does not answer: {error}")))
    }
}

impl From<MailboxError> for Halt {
    fn from(error: MailboxError) -> Self {
        match error {
            MailboxError::OverQuota => Self::Over(
                "the mailbox is full: give it more room and begin again, what was brought is not brought twice"
                    .to_owned(),
            ),
            error => Self::Later(Error::Refused(format!("a mailbox refuses: {error}"))),
        }
    }
}

/// The two mailboxes of a task.
struct Way<'a> {
    mail: MailServices,
    merge: &'a MergeMailbox,
    source: MailboxId,
    target: MailboxId,
}

impl Steps {
    /// Brings some messages.
    pub(crate) async fn merge(&mut self, merge: &MergeMailbox) -> Result<(), Error> {
        match self.try_merge(merge).await {
            Ok(()) => Ok(()),
            Err(Halt::Over(words)) => self.end(TaskState::Failed, &words).await,
            Err(Halt::Later(error)) => Err(error),
        }
    }

    async fn try_merge(&mut self, merge: &MergeMailbox) -> Result<(), Halt> {
        let Some(mail) = self.services.mail.clone() else {
            return Err(Halt::Over("there are no mailboxes here".to_owned()));
        };
        self.check_both(merge).await?;
        let mailbox = |account| MailboxId {
            tenant: self.task.tenant,
            account: AccountId(account),
        };
        let way = Way {
            mail,
            merge,
            source: mailbox(merge.source),
            target: mailbox(merge.target),
        };
        let merging = match self.merging.take() {
            Some(merging) => merging,
            None => way.look().await?,
        };
        let position = usize::try_from(self.task.position).unwrap_or(usize::MAX);
        let some: Vec<_> = merging.messages().skip(position).take(MESSAGES_AT_ONCE).collect();
        let (count, total, flattened) = (some.len() as u64, merging.count(), merging.flattened);
        let brought = way.bring(&some).await?;
        drop(some);
        self.merging = Some(merging);
        self.commit(async |_, task| {
            task.total = total;
            task.position += count;
            task.good += brought;
            Ok(())
        })
        .await?;
        if self.task.position < total {
            return Ok(());
        }
        let note = match flattened {
            0 => String::new(),
            some => format!("{some} folders had no room: their mail is in {} itself", merge.folder),
        };
        Ok(self.end(TaskState::Done, &note).await?)
    }

    /// Whether both are still what they were when it was asked for.
    async fn check_both(&self, merge: &MergeMailbox) -> Result<(), Halt> {
        let (tenant, source) = (self.task.tenant, AccountId(merge.source));
        let recycled = self.directory.recycled_one(tenant, source).await?;
        let waits = recycled.is_some_and(|recycled| !recycled.purging && recycled.since.millis == merge.since_millis);
        if !waits {
            return Err(Halt::Over("the mailbox is no longer in the recycle bin".to_owned()));
        }
        let target = self.directory.account(AccountId(merge.target)).await?;
        let takes = target.is_some_and(|target| target.tenant == tenant && target.state.takes_mail());
        match takes {
            true => Ok(()),
            false => Err(Halt::Over("who gets the mail has gone or is disabled".to_owned())),
        }
    }
}

impl Merging {
    /// All messages, each with where it goes, in an order that stays.
    fn messages(&self) -> impl Iterator<Item = (&FolderView, FolderId, &MessageEntry)> {
        let folders = self.folders.iter();
        folders.flat_map(|(view, into)| view.iter().map(move |entry| (view, *into, entry)))
    }
    fn count(&self) -> u64 {
        self.folders.iter().map(|(view, _)| view.len() as u64).sum()
    }
}

impl Way<'_> {
    async fn ask<R, T>(&self, mailbox: MailboxId, request: R) -> Result<T, Halt>
    where
        R: Ask<Entity = hongyan_mailbox::MailboxEntity, Reply = Result<T, MailboxError>>,
    {
        Ok(self.mail.router.ask(&mailbox, request, WITHIN).await??)
    }

    /// Looks at what is to be brought, and makes the folders for it.
    async fn look(&self) -> Result<Merging, Halt> {
        let root = FolderPath::try_from(self.merge.folder.as_str());
        let root = root.map_err(|error| Halt::Over(format!("folder: {error}")))?;
        let outermost = self.folder(&root).await?;
        let mut found = self.ask(self.source, ListFolders).await?.folders.as_ref().clone();
        found.retain(|folder| folder.messages > 0);
        found.sort_by_key(|folder| folder.id);
        let mut merging = Merging {
            folders: Vec::with_capacity(found.len()),
            flattened: 0,
        };
        for folder in found {
            let opened = self
                .ask(
                    self.source,
                    OpenFolder {
                        folder: FolderRef::Id(folder.id),
                    },
                )
                .await?;
            let into = match folder.path.is_inbox() {
                true => outermost,
                false => match self.inside(&root, &folder.path).await? {
                    Some(into) => into,
                    None => {
                        merging.flattened += 1;
                        outermost
                    }
                },
            };
            merging.folders.push((opened.view, into));
        }
        Ok(merging)
    }

    /// The folder inside `root` for one of the source's; none when there is no room for it.
    async fn inside(&self, root: &FolderPath, path: &FolderPath) -> Result<Option<FolderId>, Halt> {
        let Ok(path) = FolderPath::try_from(format!("{}/{}", root.as_str(), path.as_str()).as_str()) else {
            return Ok(None);
        };
        self.made(&path).await
    }

    async fn folder(&self, path: &FolderPath) -> Result<FolderId, Halt> {
        let words = "the mailbox has no room for another folder";
        self.made(path).await?.ok_or_else(|| Halt::Over(words.to_owned()))
    }

    /// The folder of that path, new or not.
    async fn made(&self, path: &FolderPath) -> Result<Option<FolderId>, Halt> {
        let known = self.ask(self.target, ListFolders).await?;
        if let Some(folder) = known.folders.iter().find(|folder| *folder.path == *path) {
            return Ok(Some(folder.id));
        }
        let new = CreateFolder {
            path: path.clone(),
            special_use: None,
        };
        match self.mail.router.ask(&self.target, new, WITHIN).await? {
            Ok(made) => Ok(Some(made.folder.id)),
            Err(MailboxError::TooManyFolders | MailboxError::InvalidName(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Brings these messages; how many were not there before or are there now.
    async fn bring(&self, some: &[(&FolderView, FolderId, &MessageEntry)]) -> Result<u64, Halt> {
        let mut requests = Vec::with_capacity(some.len());
        for (view, into, entry) in some {
            requests.extend(self.deliver(view, *into, entry).await?);
        }
        // Asked together, they become one commit.
        let asked = requests.into_iter().map(|request| self.ask(self.target, request));
        let mut brought = 0;
        for outcome in join_all(asked).await {
            outcome?;
            brought += 1;
        }
        Ok(brought)
    }

    async fn deliver(&self, view: &FolderView, into: FolderId, entry: &MessageEntry) -> Result<Option<Deliver>, Halt> {
        let (database, blobs) = (&self.mail.database, &self.mail.blobs);
        let Some(email) = read_email(database, self.source, entry.email).await? else {
            return Ok(None);
        };
        let mut reader = blobs.open_blob(self.source.tenant.0, &email.blob).await?;
        let mut writer = MessageWriter::new(blobs, self.target.tenant);
        while let Some(chunk) = reader.next_chunk().await? {
            writer.push(&chunk).await?;
        }
        let system = SystemFlag::ALL.into_iter().filter(|flag| entry.flags.contains(*flag));
        let keywords = entry.keywords.ids().iter().filter_map(|id| view.keywords().name(*id));
        Ok(Some(Deliver {
            message: writer.finish().await?,
            folder: FolderRef::Id(into),
            flags: system
                .map(Flag::System)
                .chain(keywords.cloned().map(Flag::Keyword))
                .collect(),
            internal_date: Some(entry.internal_date),
            delivery_id: Some(self.delivery_id(view.folder(), entry)),
            ignore_quota: false,
        }))
    }

    fn delivery_id(&self, folder: FolderId, entry: &MessageEntry) -> DeliveryId {
        let mut hasher = blake3::Hasher::new_derive_key("hongyan 2026 a message of a merged mailbox");
        for number in [
            self.merge.source,
            self.merge.target,
            u64::from(folder.0),
            u64::from(entry.uid.get()),
        ] {
            hasher.update(&number.to_le_bytes());
        }
        hasher.update(&self.merge.since_millis.to_le_bytes());
        hasher.update(self.merge.folder.as_bytes());
        let mut id = [0; 16];
        hasher.finalize_xof().fill(&mut id);
        DeliveryId(id)
    }
}
