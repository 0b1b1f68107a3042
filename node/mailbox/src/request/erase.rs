//! Everything goes: the account was deleted.

use super::expunge::{Back, expunge_some};
use crate::work::{Progress, Step, Stop, Work};
use crate::{EmailId, FolderId};

/// Erases the mailbox: all folders, messages and history.
#[derive(Debug, Clone)]
pub struct Erase;

/// Erased.
#[derive(Debug, Clone)]
pub struct EraseReply;

impl Erase {
    /// Empties the folders; the entity then removes what is left, see `entity`.
    pub(crate) async fn handle(&self, work: &mut Work<'_>, progress: &mut Progress) -> Result<Step<EraseReply>, Stop> {
        let mut folders = work.state.folders.iter();
        let filled: Option<FolderId> = folders.find(|(_, folder)| folder.messages > 0).map(|(id, _)| *id);
        let Some(folder) = filled else {
            return let_go_of_rest(work).await;
        };
        progress.rest = Some(work.view(folder)?.uids());
        expunge_some(work, progress, folder, Back::No).await?;
        Ok(Step::More)
    }
}

/// What appends have kept so far goes too, they find it gone; then what was purged and could be had back.
async fn let_go_of_rest(work: &mut Work<'_>) -> Result<Step<EraseReply>, Stop> {
    let step = work.options().expunge_step_messages;
    let staged: Vec<EmailId> = work.state.staged.iter().take(step).copied().collect();
    for email in &staged {
        work.release(*email).await?;
        work.unstage(*email);
    }
    let is_more = !staged.is_empty() || work.let_go_of_purged(step).await?;
    Ok(if is_more { Step::More } else { Step::Done(EraseReply) })
}
