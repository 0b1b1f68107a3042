//! Another path for a folder and all inside: RENAME (RFC 9051 §6.3.6).

use std::sync::Arc;

use super::create_folder::{check_room, make, subscribe};
use super::move_messages::move_some;

use crate::FolderPath;
use crate::work::{Progress, Step, Stop, Work};
use crate::{FolderId, FolderPathError, MailboxError};

/// Renames a folder. INBOX stays, and its messages move to the new folder.
#[derive(Debug, Clone)]
pub struct RenameFolder {
    /// What it is called.
    pub from: FolderPath,
    /// What it shall be called.
    pub to: FolderPath,
}

/// Renamed.
#[derive(Debug, Clone)]
pub struct RenameFolderReply;

impl RenameFolder {
    pub(crate) async fn handle(
        &self,
        work: &mut Work<'_>,
        progress: &mut Progress,
    ) -> Result<Step<RenameFolderReply>, Stop> {
        if self.from.is_inbox() {
            return self.empty_inbox(work, progress).await;
        }
        let id = work.state.find(&self.from).ok_or(MailboxError::NoSuchFolder)?;
        if work.folder(id)?.special_use.is_some() {
            return Err(MailboxError::SystemFolder.into());
        }
        if work.state.find(&self.to).is_some() {
            return Err(MailboxError::FolderExists.into());
        }
        if self.to.is_inside(&self.from) {
            return Err(MailboxError::InvalidName(FolderPathError::Inside).into());
        }
        let mut moves = Vec::new();
        for (id, folder) in work.state.folders.iter() {
            if *folder.path == self.from || folder.path.is_inside(&self.from) {
                let to = folder.path.moved(&self.from, &self.to).map_err(MailboxError::from)?;
                moves.push((*id, Arc::clone(&folder.path), to));
            }
        }
        if let Some(parent) = self.to.parent()
            && work.state.find(&parent).is_none()
        {
            make(work, &parent, None)?;
        } else {
            check_room(work, 0)?;
        }
        for (id, from, to) in moves {
            // RFC 9051 §6.3.6 leaves subscriptions to us: they follow the folder.
            if work.state.subscribed.contains(&*from) {
                subscribe(work, &from, false);
                subscribe(work, &to, true);
            }
            if let Some(folder) = work.state.folder_mut(id) {
                folder.path = Arc::new(to);
            }
            work.touch_folder(id);
        }
        Ok(Step::Done(RenameFolderReply))
    }
    /// RFC 9051 §6.3.6: renaming INBOX moves its messages and leaves it, empty.
    async fn empty_inbox(&self, work: &mut Work<'_>, progress: &mut Progress) -> Result<Step<RenameFolderReply>, Stop> {
        let view = work.view(FolderId::INBOX)?;
        let to = match progress.folder {
            Some(to) => {
                if progress.rest.is_none() {
                    progress.rest = Some(progress.left_of(view.uids()));
                }
                to
            }
            None if work.state.find(&self.to).is_some() => return Err(MailboxError::FolderExists.into()),
            None => {
                let to = make(work, &self.to, None)?;
                progress.folder = Some(to);
                progress.rest = Some(view.uids());
                to
            }
        };
        Ok(move_some(work, progress, FolderId::INBOX, to)
            .await?
            .map(|()| RenameFolderReply))
    }
}
