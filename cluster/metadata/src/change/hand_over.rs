//! Planned moves: prepared by the leader, ended by the owner that has released, or given up.

use super::{Assignment, Hand, Refusal};
use crate::{ClusterMap, HandOver, NodeState, Ownership};

impl ClusterMap {
    pub(super) fn prepare(&mut self, moves: &[Assignment], version: u64) -> Result<u64, Refusal> {
        let mut begun = 0;
        for step in moves {
            let serves = self.nodes.get(&step.to).is_some_and(|to| to.state == NodeState::Up);
            let Some(slot) = self.partitions.get_mut(usize::from(step.partition)) else {
                continue;
            };
            if serves && slot.owner != 0 && slot.owner != step.to && slot.epoch == step.epoch && slot.next.is_none() {
                slot.next = Some(HandOver {
                    to: step.to,
                    begun: version,
                });
                begun += 1;
            }
        }
        some(begun)
    }

    pub(super) fn move_prepared(&mut self, hands: &[Hand]) -> Result<u64, Refusal> {
        let mut moved = 0;
        for hand in hands {
            if let Some((slot, next)) = self.under_way(hand) {
                slot.owner = next.to;
                slot.epoch += 1;
                slot.next = None;
                moved += 1;
            }
        }
        some(moved)
    }

    pub(super) fn abandon(&mut self, hands: &[Hand]) -> Result<u64, Refusal> {
        let mut given_up = 0;
        for hand in hands {
            if let Some((slot, _)) = self.under_way(hand) {
                slot.next = None;
                given_up += 1;
            }
        }
        some(given_up)
    }

    fn under_way(&mut self, hand: &Hand) -> Option<(&mut Ownership, HandOver)> {
        let slot = self.partitions.get_mut(usize::from(hand.partition))?;
        let next = slot.next?;
        (slot.epoch == hand.epoch && next.begun == hand.begun).then_some((slot, next))
    }
}

fn some(count: u64) -> Result<u64, Refusal> {
    if count == 0 { Err(Refusal::Outdated) } else { Ok(count) }
}
