//! One message for another: REPLACE (RFC 8508).

use super::append::append_some;
use hongyan_types::Uid;
use hongyan_types::UidSet;

use crate::MailboxError;
use crate::work::{Progress, Step, Stop, Work};
use crate::{AppendMessage, AppendReply, FolderId, FolderRef};

/// Puts a message into a folder and expunges the one it replaces, in one commit.
#[derive(Clone)]
pub struct Replace {
    /// Where the old one is.
    pub folder: FolderId,
    /// The old one.
    pub uid: Uid,
    /// Where the new one goes.
    pub to: FolderRef,
    /// The new one.
    pub message: AppendMessage,
}

/// Replaced.
#[derive(Debug, Clone)]
pub struct ReplaceReply {
    /// Where the new one is.
    pub appended: AppendReply,
}

impl Replace {
    pub(crate) async fn handle(
        &self,
        work: &mut Work<'_>,
        progress: &mut Progress,
    ) -> Result<Step<ReplaceReply>, Stop> {
        let to = work.resolve(&self.to)?;
        let view = work.view(self.folder)?;
        let old = view.get(self.uid).cloned().ok_or(MailboxError::NoSuchMessage)?;
        let Step::Done(appended) = append_some(work, progress, to, std::slice::from_ref(&self.message)).await? else {
            return Ok(Step::More);
        };
        work.release(old.email).await?;
        work.remove(self.folder, &view, UidSet::from_range(self.uid, self.uid));
        Ok(Step::Done(ReplaceReply { appended }))
    }
}
