//! What went since a client was last here: QRESYNC (RFC 7162 §3.2.5).

use hongyan_kv::{RangeQuery, ReadMode};
use hongyan_types::{ModSeq, UidSet};

use crate::FolderId;
use crate::change::Change;
use crate::record::{key, log};
use crate::work::{Progress, Step, Stop, Work};

/// Asks which messages were expunged after a modseq. What else changed is in the view, by modseq.
#[derive(Debug, Clone)]
pub struct Vanished {
    /// In which folder.
    pub folder: FolderId,
    /// After which modseq.
    pub since: ModSeq,
}

/// The answer.
#[derive(Debug, Clone)]
pub struct VanishedReply {
    /// What went; `None` when the log no longer reaches so far back, and every UID not in the view must count as gone.
    pub uids: Option<UidSet>,
}

/// Log entries read at once.
const PAGE: usize = 500;

impl Vanished {
    pub(crate) async fn handle(&self, work: &mut Work<'_>, _: &mut Progress) -> Result<Step<VanishedReply>, Stop> {
        work.folder(self.folder)?;
        let behind = work.state.modseq.0.saturating_sub(self.since.0);
        if self.since < work.state.history.start || behind > work.options().vanished_commits_max {
            return Ok(Step::Done(VanishedReply { uids: None }));
        }
        // Its answer belongs to a view: both must be of the same owner.
        work.check_fence().await?;
        let mut uids = UidSet::new();
        let mut after = self.since;
        loop {
            let query = RangeQuery {
                range: key::log_after(work.id, after),
                limit: PAGE,
                reverse: false,
                mode: ReadMode::Snapshot,
            };
            let pairs = work.transaction.get_range_all(query).await?;
            for pair in &pairs {
                after = key::read_log(work.id, &pair.key).unwrap_or(after);
                for change in log::decode(after, &pair.value)?.changes {
                    if let Change::Expunged { folder, uids: gone, .. } = change
                        && folder == self.folder
                    {
                        uids = uids.union(&gone);
                    }
                }
            }
            if pairs.len() < PAGE {
                return Ok(Step::Done(VanishedReply { uids: Some(uids) }));
            }
        }
    }
}
