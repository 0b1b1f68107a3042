//! What one commit changed: the content of a log entry.

use hongyan_types::{ModSeq, SystemFlag, SystemFlags, UidSet};

use crate::view::{CHUNK_UIDS, chunk_of};
use crate::{EmailId, FlagAction, FolderId, KeywordId, MessageEntry, ThreadId};

/// One commit of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogEntry {
    pub(crate) modseq: ModSeq,
    /// Tells this attempt from every other, when the result of a commit is unknown.
    pub(crate) nonce: u64,
    /// The next email id, after it.
    pub(crate) email_next: u64,
    /// Use of the quota, after it.
    pub(crate) octets: u64,
    pub(crate) messages: u64,
    pub(crate) changes: Vec<Change>,
    /// Folders that came, went, or have another name, place, use or subscription.
    pub(crate) folders: Vec<FolderChange>,
}

/// What happened to a folder beside its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FolderChange {
    pub(crate) folder: FolderId,
    pub(crate) kind: FolderChangeKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FolderChangeKind {
    Made,
    Changed,
    Gone,
}

/// A change of one folder's messages, and by how much it moves the folder's counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Messages came; their modseq is the commit's.
    Added {
        folder: FolderId,
        entries: Vec<MessageEntry>,
    },
    /// Flags changed in the same way.
    Flagged {
        folder: FolderId,
        uids: UidSet,
        operation: FlagOperation,
        delta: Delta,
    },
    /// Messages went.
    Expunged {
        folder: FolderId,
        uids: UidSet,
        delta: Delta,
        /// The mails, by UID; none in entries of before they were noted.
        mails: Vec<(EmailId, ThreadId)>,
    },
}

/// What happens to flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FlagOperation {
    pub(crate) action: FlagAction,
    pub(crate) flags: SystemFlags,
    pub(crate) keywords: Vec<KeywordId>,
}

impl FlagOperation {
    /// Changes `entry`; says whether that made a difference.
    pub(crate) fn apply(&self, entry: &mut MessageEntry) -> bool {
        let (flags, keywords) = match self.action {
            FlagAction::Add => (entry.flags.union(self.flags), entry.keywords.with(&self.keywords)),
            FlagAction::Remove => (
                entry.flags.difference(self.flags),
                entry.keywords.without(&self.keywords),
            ),
            FlagAction::Set => (self.flags, crate::KeywordSet::new(self.keywords.clone())),
        };
        let differs = flags != entry.flags || keywords != entry.keywords;
        entry.flags = flags;
        entry.keywords = keywords;
        differs
    }
}

/// A difference of counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Delta {
    pub(crate) messages: i64,
    pub(crate) unseen: i64,
    pub(crate) deleted: i64,
    pub(crate) octets: i64,
}

impl Delta {
    /// Counts `entry` in.
    pub(crate) fn add(&mut self, entry: &MessageEntry) {
        self.count(entry, 1);
    }
    /// Counts `entry` out.
    pub(crate) fn remove(&mut self, entry: &MessageEntry) {
        self.count(entry, -1);
    }
    fn count(&mut self, entry: &MessageEntry, sign: i64) {
        self.messages += sign;
        self.unseen += sign * i64::from(!entry.flags.contains(SystemFlag::Seen));
        self.deleted += sign * i64::from(entry.flags.contains(SystemFlag::Deleted));
        self.octets += sign * i64::try_from(entry.octets.0).unwrap_or(i64::MAX);
    }
}

impl Change {
    pub(crate) fn folder(&self) -> FolderId {
        match self {
            Self::Added { folder, .. } | Self::Flagged { folder, .. } | Self::Expunged { folder, .. } => *folder,
        }
    }
    pub(crate) fn delta(&self) -> Delta {
        match self {
            Self::Added { entries, .. } => {
                let mut delta = Delta::default();
                entries.iter().for_each(|entry| delta.add(entry));
                delta
            }
            Self::Flagged { delta, .. } | Self::Expunged { delta, .. } => *delta,
        }
    }
    /// How many messages it touches.
    pub(crate) fn message_count(&self) -> usize {
        match self {
            Self::Added { entries, .. } => entries.len(),
            Self::Flagged { uids, .. } | Self::Expunged { uids, .. } => {
                usize::try_from(uids.count()).unwrap_or(usize::MAX)
            }
        }
    }
    /// The chunks it touches.
    pub(crate) fn chunks(&self) -> Vec<u32> {
        let mut chunks: Vec<u32> = match self {
            Self::Added { entries, .. } => entries.iter().map(|entry| chunk_of(entry.uid)).collect(),
            Self::Flagged { uids, .. } | Self::Expunged { uids, .. } => {
                let spans = uids
                    .ranges()
                    .map(|range| range.first / CHUNK_UIDS..=range.last / CHUNK_UIDS);
                spans.flatten().collect()
            }
        };
        chunks.dedup();
        chunks
    }
}
