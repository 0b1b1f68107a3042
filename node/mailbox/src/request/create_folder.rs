//! A new folder: CREATE (RFC 9051 §6.3.4, RFC 6154 §3).

use crate::record::key;
use crate::work::{Progress, Step, Stop, Work};
use crate::{FOLDERS_MAX, MailboxError};
use crate::{FolderInfo, FolderPath, SpecialUse};

/// Makes a folder, and those above it that are missing.
#[derive(Debug, Clone)]
pub struct CreateFolder {
    /// Its path.
    pub path: FolderPath,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
}

/// Made.
#[derive(Debug, Clone)]
pub struct CreateFolderReply {
    /// The new folder.
    pub folder: FolderInfo,
}

impl CreateFolder {
    pub(crate) async fn handle(&self, work: &mut Work<'_>, _: &mut Progress) -> Result<Step<CreateFolderReply>, Stop> {
        if work.state.find(&self.path).is_some() {
            return Err(MailboxError::FolderExists.into());
        }
        if self
            .special_use
            .is_some_and(|kind| work.state.resolve(&kind.into()).is_some())
        {
            return Err(MailboxError::UseTaken.into());
        }
        let id = make(work, &self.path, self.special_use)?;
        let folder = work.state.info(id).ok_or(MailboxError::NoSuchFolder)?;
        Ok(Step::Done(CreateFolderReply { folder }))
    }
}

/// Makes the folder `path`, which is not there, and what is missing above it.
pub(super) fn make(
    work: &mut Work<'_>,
    path: &FolderPath,
    special_use: Option<SpecialUse>,
) -> Result<crate::FolderId, MailboxError> {
    let above = std::iter::successors(path.parent(), FolderPath::parent);
    let missing: Vec<FolderPath> = above.take_while(|path| work.state.find(path).is_none()).collect();
    check_room(work, missing.len() + 1)?;
    for parent in missing.into_iter().rev() {
        let id = work.state.add_folder(parent, None);
        work.touch_folder(id);
    }
    let id = work.state.add_folder(path.clone(), special_use);
    work.touch_folder(id);
    work.touch_meta();
    Ok(id)
}

/// Refuses `more` folders beyond what a mailbox may have (FLD-6).
pub(super) fn check_room(work: &Work<'_>, more: usize) -> Result<(), MailboxError> {
    let own = work.state.folders.len().saturating_sub(SpecialUse::ALL.len() + 1);
    if own + more > FOLDERS_MAX {
        return Err(MailboxError::TooManyFolders);
    }
    Ok(())
}

/// Whether the path is subscribed to; writes the difference.
pub(super) fn subscribe(work: &mut Work<'_>, path: &FolderPath, subscribed: bool) {
    let set = std::sync::Arc::make_mut(&mut work.state.subscribed);
    let key = key::subscription(work.id, path.as_str());
    let differs = if subscribed {
        work.transaction.set(key, bytes::Bytes::new());
        set.insert(path.clone())
    } else {
        work.transaction.clear(&key);
        set.remove(path)
    };
    if differs {
        work.wrote(path.as_str().len() + 40);
    }
}
