//! Weighted rendezvous hashing: where a partition belongs among the nodes that serve.
//!
//! Each pair of partition and node has a hash, taken as an exponentially distributed waiting time that a node's weight
//! divides; the partition belongs to the node whose time ends first. The smallest of a rack's times is itself
//! exponential with the sum of its nodes' weights, and so up to the data centre: choosing data centre, then rack, then
//! node by their weights is the same as choosing among all nodes at once. A node that leaves therefore moves its own
//! partitions only, to all others by weight, and one that joins takes from each no more than its share.

use crate::logarithm::exponential;
use crate::{Node, NodeId, Partition, Preference};

/// The nodes that partitions may be given to, ready to be asked for many partitions.
#[derive(Debug, Clone)]
pub struct Rendezvous {
    /// Nodes of equal weight together: among them the largest hash wins, without a logarithm.
    classes: Vec<Class>,
}

#[derive(Debug, Clone)]
struct Class {
    weight: f64,
    /// Seeds and ids, in order of id.
    nodes: Vec<(u64, NodeId)>,
}

impl Rendezvous {
    /// Takes those of `nodes` that serve where `preference` wants owners.
    #[must_use]
    pub fn new(nodes: &[Node], preference: &Preference) -> Self {
        let mut candidates = preference.candidates(nodes);
        candidates.sort_by_key(|node| (node.weight, node.id));
        let mut classes: Vec<(u32, Class)> = Vec::new();
        for node in candidates {
            let entry = (seed(node.id), node.id);
            match classes.last_mut() {
                Some((weight, class)) if *weight == node.weight => class.nodes.push(entry),
                _ => classes.push((
                    node.weight,
                    Class {
                        weight: f64::from(node.weight),
                        nodes: vec![entry],
                    },
                )),
            }
        }
        Self {
            classes: classes.into_iter().map(|(_, class)| class).collect(),
        }
    }
    /// Where `partition` belongs; `None` when no node may own any.
    #[must_use]
    pub fn owner(&self, partition: Partition) -> Option<NodeId> {
        let seed = mix(u64::from(partition.0) ^ 0x9e37_79b9_7f4a_7c15);
        let mut best: Option<(f64, NodeId)> = None;
        for class in &self.classes {
            let Some((hash, node)) = class.winner(seed) else {
                continue;
            };
            let wait = exponential(hash) / class.weight;
            if best.is_none_or(|(shortest, _)| wait < shortest) {
                best = Some((wait, node));
            }
        }
        best.map(|(_, node)| node)
    }
    /// Where each of the first `count` partitions belongs.
    #[must_use]
    pub fn owners(&self, count: usize) -> Vec<Option<NodeId>> {
        (0..count)
            .map(|index| Partition::at(index).and_then(|partition| self.owner(partition)))
            .collect()
    }
    /// Whether no node may own any partition.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }
}

impl Class {
    fn winner(&self, partition: u64) -> Option<(u64, NodeId)> {
        let mut best = None;
        let mut largest = 0;
        for (seed, node) in &self.nodes {
            let hash = mix(partition ^ seed);
            if best.is_none() || hash > largest {
                largest = hash;
                best = Some(*node);
            }
        }
        best.map(|node| (largest, node))
    }
}

/// A node's part of the hash. Its id alone, so that a change of its labels or address moves nothing.
fn seed(node: NodeId) -> u64 {
    mix(node.0.wrapping_add(0x6a09_e667_f3bc_c908))
}

/// A bijection of 64 bits in which every bit of the input touches every bit of the output (the finaliser of splitmix64).
#[inline]
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Availability;

    fn node(id: u64, data_center: &str, weight: u32) -> Node {
        Node {
            id: NodeId(id),
            data_center: data_center.to_owned(),
            rack: "r".to_owned(),
            weight,
            availability: Availability::Serving,
        }
    }

    #[test]
    fn every_release_places_alike() {
        let nodes = [node(1, "a", 1), node(2, "a", 1), node(3, "a", 2)];
        let owners = Rendezvous::new(&nodes, &Preference::default()).owners(24);
        let digits: String = owners.iter().flatten().map(ToString::to_string).collect();
        assert_eq!(digits, GOLDEN);
    }
    /// Changing this moves every partition of every cluster at an upgrade.
    const GOLDEN: &str = "211132313231222211113123";

    #[test]
    fn the_first_data_center_that_serves_owns_all() {
        let mut nodes = [node(1, "a", 1), node(2, "b", 1), node(3, "c", 1)];
        let preference = Preference(vec!["b".to_owned(), "a".to_owned()]);
        let owner = |nodes: &[Node]| Rendezvous::new(nodes, &preference).owner(Partition(7));
        assert_eq!(owner(&nodes), Some(NodeId(2)));
        nodes[1].availability = Availability::Gone;
        assert_eq!(owner(&nodes), Some(NodeId(1)));
        nodes[0].weight = 0;
        assert_eq!(owner(&nodes), Some(NodeId(3)));
        nodes[2].availability = Availability::Draining;
        assert_eq!(owner(&nodes), None);
    }

    #[test]
    fn order_of_nodes_does_not_matter() {
        let mut nodes: Vec<Node> = (1..20)
            .map(|id| node(id, "a", 1 + u32::try_from(id % 3).unwrap()))
            .collect();
        let before = Rendezvous::new(&nodes, &Preference::default()).owners(500);
        nodes.reverse();
        assert_eq!(Rendezvous::new(&nodes, &Preference::default()).owners(500), before);
    }
}
