//! A purged mail comes back as a message (RS-12).

use super::append::AppendReply;
use crate::work::{Progress, Step, Stop, Work};
use crate::{FolderRef, PurgedId};

/// Puts a purged mail into a folder, as a mail of its own.
#[derive(Debug, Clone)]
pub struct Restore {
    /// Which.
    pub purged: PurgedId,
    /// Where to.
    pub folder: FolderRef,
}

/// Restored.
#[derive(Debug, Clone)]
pub struct RestoreReply {
    /// The one message.
    pub message: AppendReply,
}

impl Restore {
    pub(crate) async fn handle(&self, work: &mut Work<'_>, _: &mut Progress) -> Result<Step<RestoreReply>, Stop> {
        let folder = work.resolve(&self.folder)?;
        work.check_uids(folder, 1)?;
        let entry = work.take_purged(self.purged).await?;
        let email = entry.email;
        let uids = work.add(folder, vec![entry])?;
        Ok(Step::Done(RestoreReply {
            message: AppendReply {
                folder,
                uid_validity: work.folder(folder)?.uid_validity,
                uids,
                emails: vec![email],
            },
        }))
    }
}
