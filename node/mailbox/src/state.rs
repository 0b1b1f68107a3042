//! A mailbox in memory. Cloning shares everything, so a batch works on a clone and becomes the state once it is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hongyan_actor::RequestId;
use hongyan_kv::CommitVersion;
use hongyan_types::{ModSeq, Timestamp, UidSet, UidValidity};

use crate::change::{Change, LogEntry};
use crate::{
    EmailId, FolderId, FolderInfo, FolderPath, FolderRef, FolderView, INBOX, KeywordTable, Quota, QuotaLimits,
    SpecialUse,
};

/// Where a mailbox stands that nobody has used: what an empty folder shows is above 0, and every change is above what was
/// shown (RFC 7162 §7).
pub(crate) const UNUSED: ModSeq = ModSeq(1);

#[derive(Debug, Clone)]
pub(crate) struct State {
    /// The last commit.
    pub(crate) modseq: ModSeq,
    /// Chunks and counters are stored as of here, at least.
    pub(crate) snapshot: ModSeq,
    /// Commits after `snapshot`.
    pub(crate) tail: Arc<Vec<Arc<LogEntry>>>,
    pub(crate) email_next: u64,
    pub(crate) folder_next: u32,
    pub(crate) uid_validity_next: u32,
    pub(crate) quota: Quota,
    pub(crate) keywords: Arc<KeywordTable>,
    pub(crate) folders: Arc<BTreeMap<FolderId, Arc<Folder>>>,
    pub(crate) subscribed: Arc<BTreeSet<FolderPath>>,
    pub(crate) history: Arc<History>,
    /// Where the next look for old delivery ids begins.
    pub(crate) delivery_cursor: [u8; 16],
    /// Mails whose summaries have a lower number are summed up, or left to who lists them.
    pub(crate) summed: u64,
    /// Mails kept by requests that need more transactions.
    pub(crate) staged: Arc<BTreeSet<EmailId>>,
    /// What is remembered of requests: the minute under which.
    pub(crate) requests: Arc<BTreeMap<RequestId, u32>>,
    /// The version of the store at which this is all there is, and the fence stands for its owner. In memory only.
    pub(crate) as_of: Option<CommitVersion>,
    /// Who has the maildrop, and until when on the monotonic clock. In memory only.
    pub(crate) maildrop: Option<(u64, u64)>,
}

/// How far back the log goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct History {
    /// Entries up to here have been removed.
    pub(crate) start: ModSeq,
    /// Which modseq was reached when, oldest first, thin.
    pub(crate) marks: Vec<(ModSeq, Timestamp)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) path: Arc<FolderPath>,
    pub(crate) special_use: Option<SpecialUse>,
    pub(crate) uid_validity: UidValidity,
    pub(crate) uid_next: u32,
    pub(crate) highest_modseq: ModSeq,
    pub(crate) messages: u64,
    pub(crate) unseen: u64,
    pub(crate) deleted: u64,
    pub(crate) octets: u64,
    pub(crate) sort_order: Option<u32>,
    /// Its messages, once somebody has opened it.
    pub(crate) view: Option<FolderView>,
}

impl Folder {
    pub(crate) fn new(path: FolderPath, special_use: Option<SpecialUse>, uid_validity: UidValidity) -> Self {
        Self {
            path: Arc::new(path),
            special_use,
            uid_validity,
            uid_next: 1,
            highest_modseq: ModSeq(0),
            messages: 0,
            unseen: 0,
            deleted: 0,
            octets: 0,
            sort_order: None,
            view: None,
        }
    }
    /// Moves the counters by `change`, made at `modseq`.
    pub(crate) fn count(&mut self, change: &Change, modseq: ModSeq) {
        let delta = change.delta();
        self.messages = self.messages.saturating_add_signed(delta.messages);
        self.unseen = self.unseen.saturating_add_signed(delta.unseen);
        self.deleted = self.deleted.saturating_add_signed(delta.deleted);
        self.octets = self.octets.saturating_add_signed(delta.octets);
        self.highest_modseq = self.highest_modseq.max(modseq);
        if let Change::Added { entries, .. } = change
            && let Some(last) = entries.last()
        {
            self.uid_next = self.uid_next.max(last.uid.get().saturating_add(1));
        }
    }
}

/// Applies `change`, made at `modseq`, to a view: to those messages only whose chunk `has` it not yet.
pub(crate) fn apply_to_view(view: &mut FolderView, change: &Change, modseq: ModSeq, has: impl Fn(u32) -> bool) {
    let missing = |uids: &UidSet| {
        let mut missing = UidSet::new();
        for entry in view.select(uids).filter(|entry| !has(crate::view::chunk_of(entry.uid))) {
            missing.insert(entry.uid);
        }
        missing
    };
    match change {
        Change::Added { entries, .. } => {
            for entry in entries.iter().filter(|entry| !has(crate::view::chunk_of(entry.uid))) {
                view.push(entry.clone());
            }
        }
        Change::Flagged { uids, operation, .. } => {
            let uids = missing(uids);
            view.update(&uids, modseq, |entry| {
                operation.apply(entry);
                entry.modseq = modseq;
            });
        }
        Change::Expunged { uids, .. } => {
            let uids = missing(uids);
            view.remove(&uids, modseq);
        }
    }
}

impl State {
    /// A mailbox nobody has used yet.
    pub(crate) fn new(now: Timestamp, limits: QuotaLimits) -> Self {
        let mut state = Self {
            modseq: UNUSED,
            snapshot: ModSeq(0),
            tail: Arc::default(),
            email_next: 1,
            folder_next: 1,
            // RFC 9051 §2.3.1.1 suggests a time, so that a mailbox erased and made again never repeats one.
            uid_validity_next: u32::try_from(now.secs()).unwrap_or(1).max(1),
            quota: Quota {
                limits,
                octets: 0,
                messages: 0,
            },
            keywords: Arc::default(),
            folders: Arc::default(),
            subscribed: Arc::default(),
            history: Arc::default(),
            delivery_cursor: [0; 16],
            summed: 0,
            staged: Arc::default(),
            requests: Arc::default(),
            as_of: None,
            maildrop: None,
        };
        let uses = SpecialUse::ALL.map(|kind| (kind.default_name(), Some(kind)));
        for (name, kind) in std::iter::once((INBOX, None)).chain(uses) {
            let path = FolderPath::try_from(name).expect("names of default folders are valid");
            Arc::make_mut(&mut state.subscribed).insert(path.clone());
            state.add_folder(path, kind);
        }
        state
    }
    /// Adds an empty folder.
    pub(crate) fn add_folder(&mut self, path: FolderPath, special_use: Option<SpecialUse>) -> FolderId {
        let id = FolderId(self.folder_next);
        self.folder_next += 1;
        let uid_validity = UidValidity::new(self.uid_validity_next).expect("UIDVALIDITY starts above 0");
        self.uid_validity_next = self
            .uid_validity_next
            .checked_add(1)
            .expect("UIDVALIDITY lasts to 2106");
        let mut folder = Folder::new(path, special_use, uid_validity);
        folder.view = Some(FolderView::empty(id, uid_validity, Arc::clone(&self.keywords)));
        folder.highest_modseq = self.modseq;
        Arc::make_mut(&mut self.folders).insert(id, Arc::new(folder));
        id
    }
    pub(crate) fn folder_mut(&mut self, id: FolderId) -> Option<&mut Folder> {
        Arc::make_mut(&mut self.folders).get_mut(&id).map(Arc::make_mut)
    }
    pub(crate) fn find(&self, path: &FolderPath) -> Option<FolderId> {
        let mut folders = self.folders.iter();
        folders.find(|(_, folder)| *folder.path == *path).map(|(id, _)| *id)
    }
    pub(crate) fn resolve(&self, folder: &FolderRef) -> Option<FolderId> {
        match folder {
            FolderRef::Id(id) => self.folders.contains_key(id).then_some(*id),
            FolderRef::Path(path) => self.find(path),
            FolderRef::Use(kind) => {
                let mut folders = self.folders.iter();
                folders
                    .find(|(_, folder)| folder.special_use == Some(*kind))
                    .map(|(id, _)| *id)
            }
        }
    }
    /// Applies a change of the commit `modseq` to the live state.
    pub(crate) fn apply(&mut self, change: &Change, modseq: ModSeq) {
        if let Some(folder) = self.folder_mut(change.folder()) {
            folder.count(change, modseq);
            if let Some(view) = &mut folder.view {
                apply_to_view(view, change, modseq, |_| false);
            }
        }
    }
    /// The view of a folder, if it is loaded, as sessions get it.
    pub(crate) fn view(&self, id: FolderId) -> Option<FolderView> {
        let folder = self.folders.get(&id)?;
        let mut view = folder.view.clone()?;
        view.uid_next = folder.uid_next;
        view.highest_modseq = folder.highest_modseq;
        view.modseq = self.modseq.max(folder.highest_modseq);
        view.as_of = self.modseq;
        view.keywords = Arc::clone(&self.keywords);
        Some(view)
    }
    pub(crate) fn info(&self, id: FolderId) -> Option<FolderInfo> {
        let folder = self.folders.get(&id)?;
        let has_children = self.folders.values().any(|other| other.path.is_inside(&folder.path));
        Some(self.describe(id, folder, has_children))
    }
    /// All folders, by id.
    pub(crate) fn infos(&self) -> Vec<FolderInfo> {
        // Whatever lies inside a folder has a folder right inside it on its way.
        let parents: BTreeSet<FolderPath> = self
            .folders
            .values()
            .filter_map(|folder| folder.path.parent())
            .collect();
        let folders = self.folders.iter();
        folders
            .map(|(id, folder)| self.describe(*id, folder, parents.contains(&*folder.path)))
            .collect()
    }
    fn describe(&self, id: FolderId, folder: &Folder, has_children: bool) -> FolderInfo {
        FolderInfo {
            id,
            path: Arc::clone(&folder.path),
            special_use: folder.special_use,
            subscribed: self.subscribed.contains(&*folder.path),
            has_children,
            uid_validity: folder.uid_validity,
            uid_next: folder.uid_next,
            highest_modseq: folder.highest_modseq,
            messages: folder.messages,
            unseen: folder.unseen,
            deleted: folder.deleted,
            octets: folder.octets,
        }
    }
    /// The number of the next summaries to make: no mail will come among those mails.
    pub(crate) fn sums_due(&self) -> Option<u64> {
        (self.summed < crate::summary_of(EmailId(self.email_next))).then_some(self.summed)
    }
    /// Where folders stand of which somebody has said so.
    pub(crate) fn folder_orders(&self) -> Vec<(FolderId, u32)> {
        let said = self.folders.iter();
        said.filter_map(|(id, folder)| Some((*id, folder.sort_order?)))
            .collect()
    }
    /// Roughly what it holds, in octets.
    pub(crate) fn memory_octets(&self) -> usize {
        let entries = |folder: &Arc<Folder>| folder.view.as_ref().map_or(0, FolderView::len);
        let messages: usize = self.folders.values().map(entries).sum();
        let tail: usize = self.tail.iter().map(|entry| 96 + entry.changes.len() * 128).sum();
        let requests = self.requests.len() * 48;
        1024 + requests + self.folders.len() * 256 + self.keywords.len() * 64 + messages * 72 + tail
    }
    /// Checks what must always hold.
    pub(crate) fn check(&self) {
        let mut total = 0;
        let mut paths = BTreeSet::new();
        for (id, folder) in self.folders.iter() {
            assert!(id.0 < self.folder_next, "folder ids are given in order");
            assert!(folder.uid_validity.get() < self.uid_validity_next);
            assert!(folder.highest_modseq <= self.modseq, "modseq of a folder is not ahead");
            assert!(paths.insert(Arc::clone(&folder.path)), "paths are unique");
            total += folder.messages;
            let Some(view) = self.view(*id) else { continue };
            view.check();
            let mut count = crate::change::Delta::default();
            view.iter().for_each(|entry| count.add(entry));
            let counters = [folder.messages, folder.unseen, folder.deleted, folder.octets];
            let recount = [count.messages, count.unseen, count.deleted, count.octets];
            assert_eq!(
                counters.map(|number| number as i64),
                recount,
                "counters equal a recount"
            );
            assert!(view.iter().all(|entry| entry.email.0 < self.email_next));
        }
        assert_eq!(total, self.quota.messages, "quota counts all messages");
        assert!(self.snapshot <= self.modseq && self.history.start <= self.modseq);
        assert!(self.folders.contains_key(&FolderId::INBOX));
        assert!(self.summed <= crate::summary_of(EmailId(self.email_next)));
        assert!(self.staged.last().is_none_or(|email| email.0 < self.email_next));
    }
}
