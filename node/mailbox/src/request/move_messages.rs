//! Mail from one folder to another: MOVE (RFC 6851).

use super::copy_messages::{finish, present, take_some};
use hongyan_types::Uid;
use hongyan_types::UidSet;

use crate::work::{Progress, Step, Stop, Work};
use crate::{CopyMessagesReply, FolderId, FolderRef, FolderView};

/// Moves messages.
#[derive(Debug, Clone)]
pub struct MoveMessages {
    /// Where they are.
    pub from: FolderId,
    /// Which; those that are gone are passed over.
    pub uids: UidSet,
    /// Where they go.
    pub to: FolderRef,
}

/// Moved.
#[derive(Debug, Clone)]
pub struct MoveMessagesReply {
    /// From which UIDs to which.
    pub moved: CopyMessagesReply,
    /// The folder they left, after it.
    pub view: FolderView,
}

impl MoveMessages {
    pub(crate) async fn handle(
        &self,
        work: &mut Work<'_>,
        progress: &mut Progress,
    ) -> Result<Step<MoveMessagesReply>, Stop> {
        let to = work.resolve(&self.to)?;
        let view = work.view(self.from)?;
        if progress.rest.is_none() {
            let uids = progress.left_of(present(&view, &self.uids));
            work.check_uids(to, view.select(&uids).count())?;
            progress.rest = Some(uids);
        }
        let Step::Done(()) = move_some(work, progress, self.from, to).await? else {
            return Ok(Step::More);
        };
        let Step::Done(moved) = finish(work, progress, &view, to)? else {
            return Ok(Step::More);
        };
        Ok(Step::Done(MoveMessagesReply {
            moved,
            view: work.view(self.from)?,
        }))
    }
}

/// Moves as many messages of `progress.rest` as fit into this transaction: each goes and comes in one commit (RFC 6851 §3.3).
pub(super) async fn move_some(
    work: &mut Work<'_>,
    progress: &mut Progress,
    from: FolderId,
    to: FolderId,
) -> Result<Step<()>, Stop> {
    let view = work.view(from)?;
    let some = take_some(work, progress, &view);
    if some.is_empty() {
        return Ok(Step::Done(()));
    }
    let mut gone = UidSet::new();
    let sources: Vec<Uid> = some.iter().map(|entry| entry.uid).collect();
    sources.iter().for_each(|uid| gone.insert(*uid));
    work.remove(from, &view, gone);
    let uids = work.add(to, some)?;
    progress.pairs.extend(sources.into_iter().zip(uids));
    let rest = progress.rest.as_ref();
    let more = rest.is_some_and(|rest| view.select(rest).next().is_some());
    Ok(if more { Step::More } else { Step::Done(()) })
}
