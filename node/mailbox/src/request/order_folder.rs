//! Where a folder stands among others, as a person wants it (RFC 8621 §2: sortOrder).

use crate::work::{Progress, Step, Stop, Work};
use crate::{FolderId, MailboxError};

/// Says where a folder stands.
#[derive(Debug, Clone)]
pub struct OrderFolder {
    /// Which.
    pub folder: FolderId,
    /// Lower comes first; none is as if nobody had said.
    pub order: Option<u32>,
}

/// Done.
#[derive(Debug, Clone)]
pub struct OrderFolderReply;

impl OrderFolder {
    pub(crate) async fn handle(&self, work: &mut Work<'_>, _: &mut Progress) -> Result<Step<OrderFolderReply>, Stop> {
        let folder = work.state.folder_mut(self.folder).ok_or(MailboxError::NoSuchFolder)?;
        if folder.sort_order != self.order {
            folder.sort_order = self.order;
            work.touch_folder(self.folder);
        }
        Ok(Step::Done(OrderFolderReply))
    }
}
