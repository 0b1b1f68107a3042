//! A folder and its messages go: DELETE (RFC 9051 §6.3.5).

use std::sync::Arc;

use super::expunge::{Back, expunge_some};

use crate::FolderRef;
use crate::record::key;
use crate::work::{Progress, Step, Stop, Work};
use crate::{FolderId, MailboxError};

/// Deletes a folder without folders inside, with its messages.
#[derive(Debug, Clone)]
pub struct DeleteFolder {
    /// Which.
    pub folder: FolderRef,
}

/// Deleted.
#[derive(Debug, Clone)]
pub struct DeleteFolderReply;

impl DeleteFolder {
    pub(crate) async fn handle(
        &self,
        work: &mut Work<'_>,
        progress: &mut Progress,
    ) -> Result<Step<DeleteFolderReply>, Stop> {
        let id = match progress.folder {
            Some(id) => id,
            None => work.resolve(&self.folder)?,
        };
        let path = work.path(id)?;
        if id == FolderId::INBOX || work.folder(id)?.special_use.is_some() {
            return Err(MailboxError::SystemFolder.into());
        }
        if work.state.folders.values().any(|other| other.path.is_inside(&path)) {
            return Err(MailboxError::HasChildren.into());
        }
        progress.folder = Some(id);
        // What came in meanwhile goes too.
        progress.rest = Some(work.view(id)?.uids());
        if let Step::More = expunge_some(work, progress, id, Back::Yes).await? {
            return Ok(Step::More);
        }
        work.touch_folder(id);
        work.touch_meta();
        work.transaction.clear_range(key::chunks(work.id, id));
        Arc::make_mut(&mut work.state.folders).remove(&id);
        Ok(Step::Done(DeleteFolderReply))
    }
}
