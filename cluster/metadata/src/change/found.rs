//! The beginning: a cluster with one node, which owns everything.

use hongyan_placement::{Partition, Partitions};

use super::{Founding, Refusal};
use crate::{ClusterMap, NodeState, Ownership};

impl ClusterMap {
    pub(super) fn found(&mut self, founding: Founding) -> Result<u64, Refusal> {
        if self.is_founded() {
            return Err(Refusal::Founded);
        }
        if founding.cluster == 0 || founding.node == 0 {
            return Err(Refusal::Invalid(
                "a cluster and a node have ids other than 0".to_owned(),
            ));
        }
        if !(1..=Partitions::MAX).contains(&founding.partitions) {
            return Err(Refusal::Invalid(format!(
                "a cluster has 1 to {} partitions",
                Partitions::MAX
            )));
        }
        self.cluster = founding.cluster;
        self.authority = founding.authority;
        self.partitions = (0..founding.partitions).map(|_| Ownership::default()).collect();
        debug_assert!(Partition::at(self.partitions.len() - 1).is_some());
        let mut record = founding.record;
        record.state = NodeState::Joining;
        self.nodes.insert(founding.node, record);
        self.next_node = founding.node + 1;
        Ok(founding.node)
    }

    pub(super) fn begin_after(&mut self, epoch: u64) -> u64 {
        let mut raised = 0;
        for slot in self
            .partitions
            .iter_mut()
            .filter(|slot| slot.owner == 0 && slot.epoch < epoch)
        {
            slot.epoch = epoch;
            raised += 1;
        }
        raised
    }
}
