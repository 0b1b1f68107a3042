//! What LSUB shows: SUBSCRIBE, UNSUBSCRIBE (RFC 9051 §6.3.7, §6.3.8).

use super::create_folder::subscribe;

use crate::FolderPath;
use crate::work::{Progress, Step, Stop, Work};
use crate::{MailboxError, SUBSCRIPTIONS_MAX};

/// Subscribes to a path, or no longer. The path of a folder that went stays subscribed.
#[derive(Debug, Clone)]
pub struct SubscribeFolder {
    /// Which path; to subscribe, it must name a folder.
    pub path: FolderPath,
    /// Whether it shall be subscribed.
    pub subscribed: bool,
}

/// Done.
#[derive(Debug, Clone)]
pub struct SubscribeFolderReply;

impl SubscribeFolder {
    pub(crate) async fn handle(
        &self,
        work: &mut Work<'_>,
        _: &mut Progress,
    ) -> Result<Step<SubscribeFolderReply>, Stop> {
        if self.subscribed {
            if work.state.find(&self.path).is_none() {
                return Err(MailboxError::NoSuchFolder.into());
            }
            if !work.state.subscribed.contains(&self.path) && work.state.subscribed.len() >= SUBSCRIPTIONS_MAX {
                return Err(MailboxError::TooManyFolders.into());
            }
        }
        if work.state.subscribed.contains(&self.path) != self.subscribed
            && let Some(folder) = work.state.find(&self.path)
        {
            // Whoever follows the log learns of it.
            work.touch_folder(folder);
        }
        subscribe(work, &self.path, self.subscribed);
        Ok(Step::Done(SubscribeFolderReply))
    }
}
