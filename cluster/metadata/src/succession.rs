//! A leader that is about to end lets another voter lead first, so that nobody has to miss it.

use std::time::Duration;

use crate::network::{Answer, Question, ask};
use crate::{Metadata, NodeState};
use hongyan_placement::NodeId;

/// How long one successor may take, and the pause before the next look.
const SUCCEED: Duration = Duration::from_millis(1000);
const PAUSE: Duration = Duration::from_millis(20);

impl Metadata {
    /// Leads no more: another voter does, or nobody could within `within`. True at once where this node does not lead.
    /// Leads on when nobody else could. A voter of a release that does not know of this is waited for in vain.
    pub async fn stand_down(&self, within: Duration) -> bool {
        let settings = self.raft().runtime_config();
        let done = self.env().timeout(within, self.until_succeeded()).await.is_some();
        settings.heartbeat(true);
        done
    }

    async fn until_succeeded(&self) {
        // It may follow one that it does not know yet.
        while self.leadership().borrow().here || self.leader() == Some(self.node()) {
            if let Some(successor) = self.successor() {
                tracing::info!(%successor, "this node is about to end: another one is to lead");
                // The others are faithful to this leader while they hear it.
                self.raft().runtime_config().heartbeat(false);
                self.raft().runtime_config().elect(false);
                let answer = ask(self.transport(), successor, &Question::Succeed, SUCCEED).await;
                if !matches!(answer, Ok(Answer::Succeeded)) {
                    self.raft().runtime_config().heartbeat(true);
                }
            }
            self.env().sleep(PAUSE).await;
        }
    }

    /// The living voter that lags least.
    fn successor(&self) -> Option<NodeId> {
        let map = self.map();
        let metrics = self.raft().metrics();
        let metrics = metrics.borrow();
        let replication = metrics.replication.as_ref()?;
        let voters = metrics.membership_config.membership().voter_ids();
        let others = voters.filter(|voter| *voter != self.node().0);
        let living = others.filter_map(|voter| {
            let state = map.nodes.get(&voter)?.state;
            state.is_alive().then(|| {
                (
                    state == NodeState::Up,
                    replication.get(&voter).copied().flatten(),
                    voter,
                )
            })
        });
        living.max().map(|(_, _, voter)| NodeId(voter))
    }
}
