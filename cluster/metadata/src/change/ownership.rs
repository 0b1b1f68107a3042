//! Partitions get owners without the consent of those before: these are dead.

use super::{Assignment, Refusal};
use crate::{ClusterMap, Incarnation, NodeState};

impl ClusterMap {
    pub(super) fn fail(
        &mut self,
        node: u64,
        incarnation: Incarnation,
        assignments: &[Assignment],
        version: u64,
    ) -> Result<u64, Refusal> {
        let known = self.known(node)?;
        if known.incarnation != incarnation || !known.state.is_alive() {
            return Err(Refusal::Outdated);
        }
        let record = self.nodes.entry(node).or_default();
        record.state = NodeState::Down;
        record.revoked = version;
        for slot in &mut self.partitions {
            if slot.next.is_some_and(|next| next.to == node) || slot.owner == node {
                slot.next = None;
            }
        }
        Ok(self.give(assignments, |owner| owner == node))
    }

    pub(super) fn assign(&mut self, assignments: &[Assignment]) -> Result<u64, Refusal> {
        let alive: Vec<u64> = self
            .nodes
            .iter()
            .filter(|(_, record)| record.state.is_alive())
            .map(|(id, _)| *id)
            .collect();
        match self.give(assignments, |owner| owner == 0 || !alive.contains(&owner)) {
            0 => Err(Refusal::Outdated),
            given => Ok(given),
        }
    }

    /// Makes those assignments that are still meant: same epoch, an owner that `from` allows, a target that lives.
    fn give(&mut self, assignments: &[Assignment], from: impl Fn(u64) -> bool) -> u64 {
        let mut given = 0;
        for assignment in assignments {
            let serves = self
                .nodes
                .get(&assignment.to)
                .is_some_and(|to| to.state == NodeState::Up);
            let Some(slot) = self.partitions.get_mut(usize::from(assignment.partition)) else {
                continue;
            };
            if serves && slot.epoch == assignment.epoch && from(slot.owner) {
                slot.owner = assignment.to;
                slot.epoch += 1;
                slot.next = None;
                given += 1;
            }
        }
        given
    }
}
