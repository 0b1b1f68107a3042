//! One transaction of a mailbox in the making: the state it would lead to, and what it writes.
//!
//! Handlers in `request/` check first and then change; a refusal leaves nothing behind. Nothing here is seen by anyone
//! until the commit has happened.

mod act;
mod mail;
pub(crate) mod permit;
mod purged;
mod removal;
mod repeat;
mod sent;

pub use permit::right_to;

pub(crate) use mail::{MAIL_OCTETS, hash, own_id};
pub(crate) use repeat::minute;
pub(crate) use sent::SentBy;

use std::sync::Arc;

use hongyan_kv::fence::Fence;
use hongyan_kv::{Error as StorageError, KeyRange, Transaction};
use hongyan_types::{Flag, ModSeq, SystemFlag, SystemFlags, Timestamp, Uid, UidSet};

use crate::change::{Change, Delta, FlagOperation, FolderChange, FolderChangeKind, LogEntry};
use crate::entity::MailboxServices;
use crate::options::KEYWORD_OCTETS;
use crate::record::{folder, key, log, meta};
use crate::state::{Folder, State};
use crate::{
    EmailId, FolderId, FolderPath, FolderRef, FolderView, KeywordId, KeywordSet, MailboxError, MailboxId,
    MailboxOptions, MessageEntry,
};

/// The lowest UID.
pub(crate) const FIRST_UID: Uid = Uid(std::num::NonZeroU32::MIN);
/// Octets after which a transaction takes no further request.
const TRANSACTION_OCTETS: usize = 600_000;
/// Octets of a log entry that a message takes that went, beside its UID.
pub(crate) const MAIL_GONE_OCTETS: usize = 19;
/// Octets of a log entry after which a transaction takes no further request; a value holds 100,000.
pub(crate) const LOG_OCTETS: usize = 40_000;

/// Why a handler stopped.
pub(crate) enum Stop {
    /// The answer is no; nothing was changed.
    Refused(MailboxError),
    /// This folder's messages must be loaded first; then the whole batch begins again.
    NeedView(FolderId),
    /// Storage failed; the whole batch begins again.
    Storage(StorageError),
}

impl From<StorageError> for Stop {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}
impl From<MailboxError> for Stop {
    fn from(error: MailboxError) -> Self {
        Self::Refused(error)
    }
}

/// How far a handler came with its request in this transaction.
pub(crate) enum Step<T> {
    /// To its end.
    Done(T),
    /// The rest goes into the next transaction, from what it noted in its progress.
    More,
}

impl<T> Step<T> {
    pub(crate) fn map<U>(self, map: impl FnOnce(T) -> U) -> Step<U> {
        match self {
            Self::Done(value) => Step::Done(map(value)),
            Self::More => Step::More,
        }
    }
}

/// What a request that takes several transactions has done so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    /// What is left to look at, once the first step has found out.
    pub(crate) rest: Option<UidSet>,
    /// A request that is carried on: nothing outside of these UIDs is left to look at.
    pub(crate) span: Option<(Uid, Uid)>,
    pub(crate) expunged: UidSet,
    pub(crate) modified: UidSet,
    pub(crate) pairs: Vec<(Uid, Uid)>,
    pub(crate) mails: Vec<(EmailId, crate::ThreadId)>,
    pub(crate) folder: Option<FolderId>,
}

impl Progress {
    /// What there is to look at, of what the request names: all, or what an earlier life of the request has left.
    pub(crate) fn left_of(&self, uids: UidSet) -> UidSet {
        match self.span {
            Some((first, last)) => uids.intersection(&UidSet::from_range(first, last)),
            None => uids,
        }
    }
}

/// Where the transaction of a mailbox reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadFrom {
    /// Where the mailbox's knowledge ends, if it may: nothing is asked of the store that is known.
    Known,
    /// At present: after a failure, or for an answer that says how things stand.
    Present,
}

pub(crate) struct Work<'a> {
    pub(crate) services: &'a MailboxServices,
    pub(crate) id: MailboxId,
    fence: Fence,
    pub(crate) state: State,
    pub(crate) transaction: Transaction,
    /// Whether the transaction begins where `state` is known to be all there is: then the fence and the log's end need not
    /// be read, and the commit fails when somebody else has written them since.
    is_current: bool,
    /// The modseq of this commit.
    pub(crate) modseq: ModSeq,
    pub(crate) now: Timestamp,
    pub(crate) nonce: u64,
    changes: Vec<Change>,
    /// Whether there is anything to commit.
    writes: bool,
    /// Whether numbers changed that the log does not carry.
    meta: bool,
    folders: Vec<FolderId>,
    /// The id that the next folder had got before it.
    folder_next_before: u32,
    octets: usize,
    log_octets: usize,
    /// How many acts and removals are noted so far.
    acts: u64,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        services: &'a MailboxServices,
        id: MailboxId,
        fence: Fence,
        state: State,
        reading: ReadFrom,
    ) -> Self {
        let known = state.as_of.filter(|_| reading == ReadFrom::Known);
        let known = known.and_then(|as_of| services.database.begin_at(as_of));
        Self {
            id,
            fence,
            is_current: known.is_some(),
            transaction: known.unwrap_or_else(|| services.database.begin()),
            modseq: ModSeq(state.modseq.0 + 1),
            now: Timestamp {
                millis: services.env.wall_millis(),
            },
            nonce: services.env.random_u64(),
            services,
            folder_next_before: state.folder_next,
            state,
            changes: Vec::new(),
            writes: false,
            meta: false,
            folders: Vec::new(),
            octets: 0,
            log_octets: 0,
            acts: 0,
        }
    }
    /// Has what every commit reads on its way.
    pub(crate) fn look_ahead(&mut self) {
        if self.is_current {
            return;
        }
        self.fence.look_ahead(&mut self.transaction);
        self.transaction.look_ahead(&key::log(self.id, self.modseq));
    }
    /// Fails if another node owns the mailbox: for what answers from storage. What commits is checked by [`Self::seal`].
    pub(crate) async fn check_fence(&mut self) -> Result<(), StorageError> {
        self.fence.check(&mut self.transaction).await
    }
    /// Fails if somebody else has written for the mailbox since `state`.
    pub(crate) async fn check_not_overtaken(&mut self) -> Result<(), StorageError> {
        self.check_fence().await?;
        let next = key::log(self.id, self.modseq);
        match self.transaction.get(&next).await? {
            Some(_) => Err(StorageError::Conflict),
            None => Ok(()),
        }
    }
    pub(crate) fn options(&self) -> &MailboxOptions {
        &self.services.options
    }
    /// Whether another request of `octets` still fits.
    pub(crate) fn has_room(&self, octets: usize) -> bool {
        !self.writes || (self.octets + octets < TRANSACTION_OCTETS && self.log_octets < LOG_OCTETS)
    }
    /// Octets the log entry may still grow by.
    pub(crate) fn log_room(&self) -> usize {
        (2 * LOG_OCTETS).saturating_sub(self.log_octets)
    }
    pub(crate) fn has_writes(&self) -> bool {
        self.writes
    }
    /// Octets the transaction writes so far, about.
    pub(crate) fn octets(&self) -> usize {
        self.octets
    }
    /// Notes that the transaction writes, `octets` more.
    pub(crate) fn wrote(&mut self, octets: usize) {
        self.writes = true;
        self.octets += octets;
    }
    /// Notes that numbers of the whole mailbox changed.
    pub(crate) fn touch_meta(&mut self) {
        self.wrote(200);
        self.meta = true;
    }
    /// Notes that a folder's properties changed.
    pub(crate) fn touch_folder(&mut self, id: FolderId) {
        self.wrote(400);
        self.folders.push(id);
        let modseq = self.modseq;
        if let Some(folder) = self.state.folder_mut(id) {
            folder.highest_modseq = folder.highest_modseq.max(modseq);
        }
    }

    pub(crate) fn resolve(&self, folder: &FolderRef) -> Result<FolderId, MailboxError> {
        self.state.resolve(folder).ok_or(MailboxError::NoSuchFolder)
    }
    pub(crate) fn folder(&self, id: FolderId) -> Result<&Folder, MailboxError> {
        let folder = self.state.folders.get(&id);
        folder.map(|folder| &**folder).ok_or(MailboxError::NoSuchFolder)
    }
    pub(crate) fn path(&self, id: FolderId) -> Result<Arc<FolderPath>, MailboxError> {
        Ok(Arc::clone(&self.folder(id)?.path))
    }
    /// The folder's messages as this transaction leaves them so far.
    pub(crate) fn view(&self, id: FolderId) -> Result<FolderView, Stop> {
        self.folder(id)?;
        self.state.view(id).ok_or(Stop::NeedView(id))
    }
    /// Refuses what would not fit into the mailbox.
    pub(crate) fn check_quota(&self, octets: u64, messages: u64) -> Result<(), MailboxError> {
        if self.state.quota.would_exceed(octets, messages) {
            return Err(MailboxError::OverQuota);
        }
        Ok(())
    }
    /// Refuses what would use up the folder's UIDs.
    pub(crate) fn check_uids(&self, folder: FolderId, messages: usize) -> Result<(), MailboxError> {
        let more = u32::try_from(messages).map_err(|_| MailboxError::UidsExhausted)?;
        self.folder(folder)?
            .uid_next
            .checked_add(more)
            .ok_or(MailboxError::UidsExhausted)?;
        Ok(())
    }

    /// Splits flags into system flags and keyword numbers, naming new keywords.
    pub(crate) fn flags(&mut self, flags: &[Flag]) -> Result<(SystemFlags, Vec<KeywordId>), MailboxError> {
        let mut system = SystemFlags::NONE;
        let mut keywords = Vec::new();
        if flags.len() > self.options().keywords_of_message_max() + SystemFlag::ALL.len() {
            return Err(MailboxError::TooManyKeywords);
        }
        for flag in flags {
            match flag {
                Flag::System(flag) => system = system.with(*flag),
                Flag::Keyword(keyword) => {
                    let known = self.state.keywords.id(keyword);
                    let id = known.unwrap_or_else(|| {
                        let id = Arc::make_mut(&mut self.state.keywords).add(keyword.clone());
                        let name = keyword.as_str().as_bytes().to_vec();
                        self.transaction.set(key::keyword(self.id, id), name);
                        self.wrote(64);
                        id
                    });
                    keywords.push(id);
                }
            }
        }
        Ok((system, keywords))
    }
    /// The keyword set of `ids`, unless they are too many for one message.
    pub(crate) fn keyword_set(&self, ids: Vec<KeywordId>) -> Result<KeywordSet, MailboxError> {
        let set = KeywordSet::new(ids);
        if set.ids().len() > self.options().keywords_of_message_max() {
            return Err(MailboxError::TooManyKeywords);
        }
        Ok(set)
    }
    /// As [`Self::flags`], for flags to be taken away: unknown keywords stay unknown.
    pub(crate) fn known_flags(&self, flags: &[Flag]) -> (SystemFlags, Vec<KeywordId>) {
        let mut system = SystemFlags::NONE;
        let mut keywords = Vec::new();
        for flag in flags {
            match flag {
                Flag::System(flag) => system = system.with(*flag),
                Flag::Keyword(keyword) => keywords.extend(self.state.keywords.id(keyword)),
            }
        }
        (system, keywords)
    }

    /// Gives the next UIDs of `folder` to `entries`, whose UIDs do not count, and adds them.
    pub(crate) fn add(&mut self, folder: FolderId, mut entries: Vec<MessageEntry>) -> Result<Vec<Uid>, MailboxError> {
        self.check_uids(folder, entries.len())?;
        let first = self.folder(folder)?.uid_next;
        let mut uids = Vec::with_capacity(entries.len());
        for (uid, entry) in (first..).zip(&mut entries) {
            entry.uid = Uid::new(uid).ok_or(MailboxError::UidsExhausted)?;
            entry.modseq = self.modseq;
            entry.save_date = self.now;
            uids.push(entry.uid);
        }
        let keywords: usize = entries.iter().map(|entry| entry.keywords.ids().len()).sum();
        self.change(
            Change::Added { folder, entries },
            uids.len() * 56 + keywords * KEYWORD_OCTETS,
        );
        Ok(uids)
    }
    /// Removes the messages `uids`, all of which are there, from `folder`; their mails are the caller's business.
    pub(crate) fn remove(&mut self, folder: FolderId, view: &FolderView, uids: UidSet) {
        let mut delta = Delta::default();
        let mut mails = Vec::new();
        for entry in view.select(&uids) {
            delta.remove(entry);
            mails.push((entry.email, entry.thread));
        }
        let octets = uids.ranges().len() * 10 + mails.len() * MAIL_GONE_OCTETS + 32;
        let change = Change::Expunged {
            folder,
            uids,
            delta,
            mails,
        };
        self.change(change, octets);
    }
    /// Changes the flags of `uids`, for all of which that makes a difference.
    pub(crate) fn flag(&mut self, folder: FolderId, view: &FolderView, uids: UidSet, operation: FlagOperation) {
        let mut delta = Delta::default();
        for entry in view.select(&uids) {
            let mut changed = entry.clone();
            operation.apply(&mut changed);
            delta.remove(entry);
            delta.add(&changed);
        }
        let octets = uids.ranges().len() * 10 + operation.keywords.len() * KEYWORD_OCTETS;
        let change = Change::Flagged {
            folder,
            uids,
            operation,
            delta,
        };
        self.change(change, octets + 40);
    }
    fn change(&mut self, change: Change, octets: usize) {
        let messages = change.delta().messages;
        self.state.quota.messages = self.state.quota.messages.saturating_add_signed(messages);
        self.state.apply(&change, self.modseq);
        self.changes.push(change);
        self.log_octets += octets;
        self.wrote(octets);
    }

    /// What this transaction does to a folder that it touches. Ids are given in order.
    fn folder_change(&self, folder: FolderId) -> FolderChange {
        let kind = if !self.state.folders.contains_key(&folder) {
            FolderChangeKind::Gone
        } else if folder.0 >= self.folder_next_before {
            FolderChangeKind::Made
        } else {
            FolderChangeKind::Changed
        };
        FolderChange { folder, kind }
    }
    /// Writes the log entry and what goes with it; then the transaction is ready to commit, and the state is what it leads to.
    pub(crate) async fn seal(mut self) -> Result<(Transaction, State), StorageError> {
        let log_key = key::log(self.id, self.modseq);
        // Whoever else wrote for this mailbox has written this key: then this commit fails.
        if self.is_current {
            self.fence.rely(&mut self.transaction);
            self.transaction.add_read_conflict(KeyRange::key(&log_key));
        } else {
            self.check_not_overtaken().await?;
        }
        self.folders.sort_unstable();
        self.folders.dedup();
        let entry = LogEntry {
            modseq: self.modseq,
            nonce: self.nonce,
            email_next: self.state.email_next,
            octets: self.state.quota.octets,
            messages: self.state.quota.messages,
            folders: self.folders.iter().map(|folder| self.folder_change(*folder)).collect(),
            changes: self.changes,
        };
        self.transaction.set(log_key, log::encode(&entry));
        self.state.modseq = self.modseq;
        for id in &self.folders {
            match self.state.folders.get(id) {
                Some(found) => self
                    .transaction
                    .set(key::folder(self.id, *id), folder::encode(self.modseq, found)),
                None => self.transaction.clear(&key::folder(self.id, *id)),
            }
        }
        if self.meta {
            self.transaction.set(key::meta(self.id), meta::encode(&self.state));
        }
        Arc::make_mut(&mut self.state.tail).push(Arc::new(entry));
        Ok((self.transaction, self.state))
    }
}
