//! What the other members have promised to this process: the votes they gave, the entries they have or showed.
//!
//! A disk that was put back to an earlier day has forgotten some of it, and may have been started no oftener than the cluster
//! knows. Who remembers says so, before such a node votes or acknowledges anything again. Remembered in memory only.

use std::collections::BTreeMap;

use hongyan_transport::NodeId;
use openraft::LeaderId;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::types::{LogId, Vote};

/// What one member's disk must hold, if it holds what it ever held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Promise {
    /// It voted for this candidate, or for a later one.
    pub(crate) leader: LeaderId<u64>,
    /// Unless it has voted since, its log reaches to here.
    pub(crate) log: Option<LogId>,
}

impl Promise {
    /// Whether a disk with this vote and this end of its log is that of the one who promised.
    pub(crate) fn is_kept(&self, vote: Option<Vote>, last: Option<LogId>) -> bool {
        let leader = vote.map(|vote| vote.leader_id).unwrap_or_default();
        // Under a later leader entries may have been cut off; under the same one only those that were never acknowledged.
        leader > self.leader || (leader == self.leader && last >= self.log)
    }
    fn is_before(&self, other: &Self) -> bool {
        self.leader < other.leader || (self.leader == other.leader && self.log < other.log)
    }
}

/// The promises of all.
#[derive(Default)]
pub(crate) struct Witness(Mutex<BTreeMap<NodeId, Promise>>);

impl Witness {
    /// Remembers that the disk of `node` has `vote` and, under it, entries up to `log`.
    pub(crate) fn note(&self, node: NodeId, vote: &Vote, log: Option<LogId>) {
        let promise = Promise {
            leader: vote.leader_id,
            log,
        };
        let mut promises = self.0.lock();
        let known = promises.entry(node).or_insert(promise);
        if known.is_before(&promise) {
            *known = promise;
        }
    }
    /// What `node` has promised, as far as this process knows.
    pub(crate) fn of(&self, node: NodeId) -> Option<Promise> {
        self.0.lock().get(&node).copied()
    }
}

#[cfg(test)]
mod tests {
    use openraft::CommittedLeaderId;

    use super::*;

    fn log(term: u64, index: u64) -> Option<LogId> {
        Some(LogId::new(CommittedLeaderId::new(term, 1), index))
    }

    #[test]
    fn a_promise_is_kept_by_what_is_no_older() {
        let promise = Promise {
            leader: LeaderId::new(4, 1),
            log: log(3, 9),
        };
        let check = |vote: Option<Vote>, last, kept| assert_eq!(promise.is_kept(vote, last), kept, "{vote:?} {last:?}");
        check(None, None, false);
        check(Some(Vote::new(3, 2)), log(3, 9), false);
        check(Some(Vote::new(4, 1)), log(3, 8), false);
        check(Some(Vote::new(4, 1)), log(3, 9), true);
        check(Some(Vote::new_committed(4, 1)), log(4, 9), true);
        check(Some(Vote::new(4, 2)), log(3, 2), true);
    }

    #[test]
    fn the_latest_promise_is_remembered() {
        let witness = Witness::default();
        let node = NodeId(2);
        assert_eq!(witness.of(node), None);
        witness.note(node, &Vote::new(4, 1), log(3, 9));
        witness.note(node, &Vote::new(4, 1), log(3, 7));
        assert_eq!(witness.of(node).unwrap().log, log(3, 9));
        witness.note(node, &Vote::new(5, 1), None);
        witness.note(node, &Vote::new(4, 1), log(4, 20));
        let latest = witness.of(node).unwrap();
        assert_eq!((latest.leader.term, latest.log), (5, None));
    }
}
