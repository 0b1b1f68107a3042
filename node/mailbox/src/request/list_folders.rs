//! All folders with their counters: LIST, LSUB, STATUS.

use std::sync::Arc;

use hongyan_types::ModSeq;

use crate::work::{Progress, Step, Stop, Work};
use crate::{FolderInfo, FolderPath};

/// Lists all folders.
#[derive(Debug, Clone)]
pub struct ListFolders;

/// All folders.
#[derive(Debug, Clone)]
pub struct ListFoldersReply {
    /// By path, INBOX first.
    pub folders: Arc<Vec<FolderInfo>>,
    /// Paths subscribed to that name no folder (RFC 9051 §6.3.7).
    pub subscribed_missing: Vec<FolderPath>,
    /// The mailbox's modseq.
    pub modseq: ModSeq,
}

impl ListFolders {
    pub(crate) async fn handle(&self, work: &mut Work<'_>, _: &mut Progress) -> Result<Step<ListFoldersReply>, Stop> {
        let state = &work.state;
        let mut folders = state.infos();
        folders.sort_by(|a, b| (!a.path.is_inbox(), &a.path).cmp(&(!b.path.is_inbox(), &b.path)));
        let missing = state.subscribed.iter().filter(|path| state.find(path).is_none());
        Ok(Step::Done(ListFoldersReply {
            subscribed_missing: missing.cloned().collect(),
            folders: Arc::new(folders),
            modseq: state.modseq,
        }))
    }
}
