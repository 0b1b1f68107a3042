//! Something of a folder changed that is kept elsewhere: with whom it is shared.

use crate::work::{Progress, Step, Stop, Work};
use crate::{FolderId, MailboxError};

/// Has those who follow the log look at a folder again.
#[derive(Debug, Clone)]
pub struct TouchFolder {
    /// Which.
    pub folder: FolderId,
}

/// Done.
#[derive(Debug, Clone)]
pub struct TouchFolderReply;

impl TouchFolder {
    pub(crate) async fn handle(&self, work: &mut Work<'_>, _: &mut Progress) -> Result<Step<TouchFolderReply>, Stop> {
        if !work.state.folders.contains_key(&self.folder) {
            return Err(MailboxError::NoSuchFolder.into());
        }
        work.touch_folder(self.folder);
        Ok(Step::Done(TouchFolderReply))
    }
}
