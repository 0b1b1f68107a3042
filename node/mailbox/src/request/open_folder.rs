//! A folder as it is now: SELECT, EXAMINE, and every later look at what changed.

use crate::MailboxError;
use crate::work::{Progress, Step, Stop, Work};
use crate::{FolderInfo, FolderRef, FolderView};

/// Asks for a folder's messages. Cheap to repeat: only what changed since is new.
#[derive(Debug, Clone)]
pub struct OpenFolder {
    /// Which.
    pub folder: FolderRef,
}

/// The folder.
#[derive(Debug, Clone)]
pub struct OpenFolderReply {
    /// Its properties.
    pub info: FolderInfo,
    /// Its messages.
    pub view: FolderView,
}

impl OpenFolder {
    pub(crate) async fn handle(&self, work: &mut Work<'_>, _: &mut Progress) -> Result<Step<OpenFolderReply>, Stop> {
        let id = work.resolve(&self.folder)?;
        let view = work.view(id)?;
        let info = work.state.info(id).ok_or(MailboxError::NoSuchFolder)?;
        Ok(Step::Done(OpenFolderReply { info, view }))
    }
}
