//! Everything goes: the account was deleted.

use super::expunge::expunge_some;
use crate::FolderId;
use crate::work::{Progress, Step, Stop, Work};

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
            return Ok(Step::Done(EraseReply));
        };
        progress.rest = Some(work.view(folder)?.uids());
        expunge_some(work, progress, folder).await?;
        Ok(Step::More)
    }
}
