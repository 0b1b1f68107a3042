//! What changed since a modseq, from the log: read straight from storage, by any node.

use std::collections::{BTreeMap, BTreeSet};

use hongyan_kv::{Database, Error, RangeQuery, ReadMode};
use hongyan_types::{ModSeq, SystemFlag, SystemFlags, UidSet};

use crate::change::{Change, FlagOperation, FolderChangeKind, LogEntry};
use crate::record::{key, log};
use crate::state::UNUSED;
use crate::{EmailId, FlagAction, FolderId, MailboxId, Permit, ThreadId};

/// Log entries read at once.
const PAGE: usize = 500;

/// A stretch of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// What is told goes up to here.
    pub until: ModSeq,
    /// Whether the log goes on behind it.
    pub has_more: bool,
    /// Mails from this id on did not exist before.
    pub email_next_before: EmailId,
    /// Mails that came into a folder or went from one.
    pub moved: BTreeMap<EmailId, ThreadId>,
    /// Messages whose flags changed; those that are gone since are not found any more.
    pub flagged: BTreeMap<FolderId, UidSet>,
    /// Those of them that may have had `\Deleted` before and have no more, or the other way round.
    pub deleted: BTreeMap<FolderId, UidSet>,
    /// Folders that were made.
    pub made: BTreeSet<FolderId>,
    /// Folders that were renamed, moved, subscribed.
    pub changed: BTreeSet<FolderId>,
    /// Folders that were deleted.
    pub gone: BTreeSet<FolderId>,
    /// Folders whose messages changed.
    pub counted: BTreeSet<FolderId>,
}

/// How much of the log is looked at.
#[derive(Debug, Clone, Copy)]
pub struct ChangesSpan {
    /// What came after this.
    pub since: ModSeq,
    /// Up to this, which has been reached.
    pub until: ModSeq,
    /// About how many messages and folders may have changed; after them the stretch ends early, at the end of a commit.
    pub objects_max: u64,
}

/// Reads what changed, for someone with `permit` only what they see of it; `None` when the log does not reach back to `since`.
///
/// # Errors
/// What storage says.
pub async fn read_changes(
    database: &Database,
    mailbox: MailboxId,
    span: ChangesSpan,
    permit: Option<&Permit>,
) -> Result<Option<Changes>, Error> {
    let ChangesSpan { since, until, .. } = span;
    if since > until {
        return Ok(None);
    }
    let mut changes = Changes::none(since);
    let mut objects: u64 = 0;
    // The entry of `since` itself says which mails there were; a mailbox that nobody has used stands at 1 and has no entry for it.
    let mut next = since.0.max(UNUSED.0 + 1);
    while next <= until.0 {
        let query = RangeQuery {
            range: key::log_between(mailbox, ModSeq(next), until),
            limit: PAGE,
            reverse: false,
            mode: ReadMode::Snapshot,
        };
        let pairs = database.begin().get_range_all(query).await?;
        if pairs.is_empty() {
            return Ok(None);
        }
        for pair in &pairs {
            let modseq =
                key::read_log(mailbox, &pair.key).ok_or_else(|| Error::Corrupt("key of a log entry".into()))?;
            if modseq.0 != next {
                return Ok(None);
            }
            next += 1;
            let mut entry = log::decode(modseq, &pair.value)?;
            if let Some(permit) = permit {
                entry.changes.retain(|change| permit.reads(change.folder()));
                entry.folders.retain(|change| permit.sees(change.folder));
            }
            if modseq == since {
                changes.email_next_before = EmailId(entry.email_next);
                continue;
            }
            if objects >= span.objects_max {
                changes.has_more = true;
                return Ok(Some(changes));
            }
            objects = objects.saturating_add(entry.objects());
            if !changes.add(entry) {
                return Ok(None);
            }
            changes.until = modseq;
        }
    }
    Ok(Some(changes))
}

impl LogEntry {
    fn objects(&self) -> u64 {
        let messages: usize = self.changes.iter().map(Change::message_count).sum();
        (messages + self.folders.len()) as u64
    }
}

impl Changes {
    fn none(since: ModSeq) -> Self {
        Self {
            until: since,
            has_more: false,
            email_next_before: EmailId(1),
            moved: BTreeMap::new(),
            flagged: BTreeMap::new(),
            deleted: BTreeMap::new(),
            made: BTreeSet::new(),
            changed: BTreeSet::new(),
            gone: BTreeSet::new(),
            counted: BTreeSet::new(),
        }
    }
    /// Adds a commit; says whether all of it is known.
    fn add(&mut self, entry: LogEntry) -> bool {
        for change in entry.changes {
            self.counted.insert(change.folder());
            match change {
                Change::Added { entries, .. } => {
                    self.moved
                        .extend(entries.iter().map(|entry| (entry.email, entry.thread)));
                }
                Change::Flagged {
                    folder,
                    uids,
                    operation,
                    ..
                } => {
                    if may_change_deleted(&operation) {
                        insert(&mut self.deleted, folder, &uids);
                    }
                    insert(&mut self.flagged, folder, &uids);
                }
                Change::Expunged { uids, mails, .. } => {
                    if mails.len() as u64 != uids.count() {
                        return false;
                    }
                    self.moved.extend(mails);
                }
            }
        }
        for change in entry.folders {
            match change.kind {
                FolderChangeKind::Made => self.made.insert(change.folder),
                FolderChangeKind::Changed => self.changed.insert(change.folder),
                FolderChangeKind::Gone => self.gone.insert(change.folder),
            };
        }
        true
    }
}

fn may_change_deleted(operation: &FlagOperation) -> bool {
    let deleted = SystemFlags::NONE.with(SystemFlag::Deleted);
    operation.action == FlagAction::Set || operation.flags.union(deleted) == operation.flags
}

fn insert(sets: &mut BTreeMap<FolderId, UidSet>, folder: FolderId, uids: &UidSet) {
    let set = sets.entry(folder).or_default();
    *set = set.union(uids);
}
