//! The same mail in another folder too: COPY (RFC 9051 §6.4.7).

use hongyan_types::{Uid, UidSet, UidValidity};

use crate::options::KEYWORD_OCTETS;
use crate::work::{FIRST_UID, MAIL_GONE_OCTETS, Progress, Step, Stop, Work};
use crate::{FolderId, FolderRef};
use crate::{FolderView, MessageEntry};

/// Copies messages.
#[derive(Debug, Clone)]
pub struct CopyMessages {
    /// Where they are.
    pub from: FolderId,
    /// Which; those that are gone are passed over.
    pub uids: UidSet,
    /// Where the copies go.
    pub to: FolderRef,
}

/// Copied, or moved.
#[derive(Debug, Clone)]
pub struct CopyMessagesReply {
    /// Where they went.
    pub to: FolderId,
    /// UIDVALIDITY there (COPYUID).
    pub uid_validity: UidValidity,
    /// The UID each had and the UID its copy has, ascending.
    pub uids: Vec<(Uid, Uid)>,
}

impl CopyMessages {
    pub(crate) async fn handle(
        &self,
        work: &mut Work<'_>,
        progress: &mut Progress,
    ) -> Result<Step<CopyMessagesReply>, Stop> {
        let to = work.resolve(&self.to)?;
        let view = work.view(self.from)?;
        if progress.rest.is_none() {
            let uids = progress.left_of(present(&view, &self.uids));
            let count = view.select(&uids).count();
            work.check_quota(0, count as u64)?;
            work.check_uids(to, count)?;
            progress.rest = Some(uids);
        }
        let some = take_some(work, progress, &view);
        for entry in &some {
            work.share(entry).await?;
        }
        let sources: Vec<Uid> = some.iter().map(|entry| entry.uid).collect();
        if !some.is_empty() {
            let uids = work.add(to, some)?;
            progress.pairs.extend(sources.into_iter().zip(uids));
        }
        finish(work, progress, &view, to)
    }
}

/// Those of `uids` that are below what the folder gives next, so that messages that come meanwhile are left alone.
pub(super) fn present(view: &FolderView, uids: &UidSet) -> UidSet {
    match Uid::new(view.uid_next().saturating_sub(1)) {
        Some(last) => uids.intersection(&UidSet::from_range(FIRST_UID, last)),
        None => UidSet::new(),
    }
}

/// The next messages of `progress.rest` that fit into this transaction, taken off it.
pub(super) fn take_some(work: &Work<'_>, progress: &mut Progress, view: &FolderView) -> Vec<MessageEntry> {
    let rest = progress.rest.take().unwrap_or_default();
    let mut room = work.log_room();
    let mut some = Vec::new();
    for entry in view.select(&rest).take(work.options().copy_step_messages) {
        // A move also notes what went.
        let octets = 70 + MAIL_GONE_OCTETS + KEYWORD_OCTETS * entry.keywords.ids().len();
        if room < octets && !some.is_empty() {
            break;
        }
        room = room.saturating_sub(octets);
        some.push(entry.clone());
    }
    let done = some.last().map(|last| UidSet::from_range(FIRST_UID, last.uid));
    progress.rest = done.map(|done| rest.difference(&done));
    some
}

/// The reply, once nothing is left.
pub(super) fn finish(
    work: &Work<'_>,
    progress: &Progress,
    view: &FolderView,
    to: FolderId,
) -> Result<Step<CopyMessagesReply>, Stop> {
    if progress
        .rest
        .as_ref()
        .is_some_and(|rest| view.select(rest).next().is_some())
    {
        return Ok(Step::More);
    }
    Ok(Step::Done(CopyMessagesReply {
        to,
        uid_validity: work.folder(to)?.uid_validity,
        uids: progress.pairs.clone(),
    }))
}
