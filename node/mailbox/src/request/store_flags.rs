//! Flags set, added, taken away: STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3).

use hongyan_types::{Flag, ModSeq, UidSet};

use super::copy_messages::present;
use crate::MailboxError;
use crate::change::FlagOperation;
use crate::work::{FIRST_UID, Progress, Step, Stop, Work};
use crate::{FolderId, FolderView};

/// Changes the flags of messages.
#[derive(Debug, Clone)]
pub struct StoreFlags {
    /// In which folder.
    pub folder: FolderId,
    /// Which messages; those that are gone are passed over.
    pub uids: UidSet,
    /// What to do with `flags`.
    pub action: FlagAction,
    /// The flags.
    pub flags: Vec<Flag>,
    /// Only messages not changed after this (UNCHANGEDSINCE).
    pub unchanged_since: Option<ModSeq>,
}

/// What to do with the flags given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagAction {
    /// They are added.
    Add,
    /// They are taken away.
    Remove,
    /// They are the flags from now on.
    Set,
}

/// Stored.
#[derive(Debug, Clone)]
pub struct StoreFlagsReply {
    /// Messages changed since `unchanged_since` and left alone (MODIFIED).
    pub modified: UidSet,
    /// The folder after it.
    pub view: FolderView,
}

impl StoreFlags {
    pub(crate) async fn handle(
        &self,
        work: &mut Work<'_>,
        progress: &mut Progress,
    ) -> Result<Step<StoreFlagsReply>, Stop> {
        let view = work.view(self.folder)?;
        let (flags, keywords) = match self.action {
            FlagAction::Remove => work.known_flags(&self.flags),
            FlagAction::Add | FlagAction::Set => work.flags(&self.flags)?,
        };
        let operation = FlagOperation {
            action: self.action,
            flags,
            keywords,
        };
        let rest = progress.rest.take();
        let rest = rest.unwrap_or_else(|| progress.left_of(present(&view, &self.uids)));
        let keywords_max = work.options().keywords_of_message_max();
        let mut changed = UidSet::new();
        let mut modified = UidSet::new();
        let mut last = None;
        for entry in view.select(&rest) {
            if changed.count() >= work.options().flag_step_messages as u64 {
                break;
            }
            last = Some(entry.uid);
            if self.unchanged_since.is_some_and(|since| entry.modseq > since) {
                modified.insert(entry.uid);
                continue;
            }
            let mut after = entry.clone();
            if operation.apply(&mut after) {
                if after.keywords.ids().len() > keywords_max {
                    return Err(MailboxError::TooManyKeywords.into());
                }
                changed.insert(entry.uid);
            }
        }
        progress.modified = progress.modified.union(&modified);
        if !changed.is_empty() {
            work.flag(self.folder, &view, changed, operation);
        }
        let more = last.is_some_and(|last| view.select(&rest).any(|entry| entry.uid > last));
        if let (true, Some(last)) = (more, last) {
            let done = UidSet::from_range(FIRST_UID, last);
            progress.rest = Some(rest.difference(&done));
            return Ok(Step::More);
        }
        Ok(Step::Done(StoreFlagsReply {
            modified: progress.modified.clone(),
            view: work.view(self.folder)?,
        }))
    }
}
