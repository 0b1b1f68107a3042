//! Messages go for good: EXPUNGE, UID EXPUNGE (RFC 9051 §6.4.3, §6.4.9), POP3 QUIT.

use hongyan_types::SystemFlag;
use hongyan_types::{ModSeq, UidSet};

use super::copy_messages::present;
use crate::options::KEYWORD_OCTETS;
use crate::work::{FIRST_UID, Progress, Step, Stop, Work};
use crate::{FolderId, FolderView};

/// Expunges messages.
#[derive(Debug, Clone)]
pub struct Expunge {
    /// In which folder.
    pub folder: FolderId,
    /// Which; all when absent.
    pub uids: Option<UidSet>,
    /// Only those with `\Deleted`.
    pub deleted_only: bool,
}

/// Expunged.
#[derive(Debug, Clone)]
pub struct ExpungeReply {
    /// What went.
    pub expunged: UidSet,
    /// The mailbox's modseq after it.
    pub modseq: ModSeq,
    /// The folder after it.
    pub view: FolderView,
}

impl Expunge {
    pub(crate) async fn handle(
        &self,
        work: &mut Work<'_>,
        progress: &mut Progress,
    ) -> Result<Step<ExpungeReply>, Stop> {
        let view = work.view(self.folder)?;
        if progress.rest.is_none() {
            let mut uids = self
                .uids
                .as_ref()
                .map_or_else(|| view.uids(), |uids| present(&view, uids));
            if self.deleted_only {
                let mut deleted = UidSet::new();
                let marked = view
                    .select(&uids)
                    .filter(|entry| entry.flags.contains(SystemFlag::Deleted));
                marked.for_each(|entry| deleted.insert(entry.uid));
                uids = deleted;
            }
            progress.rest = Some(progress.left_of(uids));
        }
        if let Step::More = expunge_some(work, progress, self.folder, Back::Yes).await? {
            return Ok(Step::More);
        }
        Ok(Step::Done(ExpungeReply {
            expunged: progress.expunged.clone(),
            modseq: if work.has_writes() {
                work.modseq
            } else {
                work.state.modseq
            },
            view: work.view(self.folder)?,
        }))
    }
}

/// Whether mails that go can be had back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Back {
    Yes,
    No,
}

/// Expunges as many messages of `progress.rest` as fit into this transaction.
pub(super) async fn expunge_some(
    work: &mut Work<'_>,
    progress: &mut Progress,
    folder: FolderId,
    back: Back,
) -> Result<Step<()>, Stop> {
    let view = work.view(folder)?;
    let rest = progress.rest.take().unwrap_or_default();
    let mut gone = UidSet::new();
    let mut last = None;
    for entry in view.select(&rest).take(work.options().expunge_step_messages) {
        // What a purged mail was is written down, its keywords too.
        if last.is_some() && !work.has_room(500 + entry.keywords.ids().len() * KEYWORD_OCTETS) {
            break;
        }
        match back {
            Back::Yes => work.purge(entry, folder).await?,
            Back::No => work.release(entry.email).await?,
        }
        gone.insert(entry.uid);
        last = Some(entry.uid);
    }
    let Some(last) = last else { return Ok(Step::Done(())) };
    progress.expunged = progress.expunged.union(&gone);
    work.remove(folder, &view, gone);
    let rest = rest.difference(&UidSet::from_range(FIRST_UID, last));
    let more = view.select(&rest).next().is_some();
    progress.rest = Some(rest);
    Ok(if more { Step::More } else { Step::Done(()) })
}
