//! Where a person wants folders to stand among others (RFC 8621 §2: sortOrder).

use crate::FolderId;
use crate::work::{Progress, Step, Stop, Work};

/// Asks where folders stand. Apart from [`crate::ListFolders`], whose words nodes of two releases share.
#[derive(Debug, Clone)]
pub struct FolderOrders;

/// Where they stand.
#[derive(Debug, Clone)]
pub struct FolderOrdersReply {
    /// Of each folder of which somebody has said so; lower comes first.
    pub orders: Vec<(FolderId, u32)>,
}

impl FolderOrders {
    pub(crate) async fn handle(&self, work: &mut Work<'_>, _: &mut Progress) -> Result<Step<FolderOrdersReply>, Stop> {
        Ok(Step::Done(FolderOrdersReply {
            orders: work.state.folder_orders(),
        }))
    }
}
