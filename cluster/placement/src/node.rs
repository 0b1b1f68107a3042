//! What placement knows of a node.

use crate::NodeId;

/// Whether a node may own partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// It serves, and may be given more.
    Serving,
    /// It serves what it has until that has moved elsewhere.
    Draining,
    /// It serves nothing: not yet, or no longer.
    Gone,
}

/// A node as placement sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Who it is.
    pub id: NodeId,
    /// The data centre it stands in.
    pub data_center: String,
    /// The rack it stands in, a name within its data centre.
    pub rack: String,
    /// Its share of the partitions in comparison with the others'; 0 owns none.
    pub weight: u32,
    /// Whether it may own partitions.
    pub availability: Availability,
}

/// Which data centres own partitions: the first of these in which a node serves. Empty: all alike.
///
/// Owners belong where the data is, so this names the primary of the data store first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preference(pub Vec<String>);

impl Preference {
    /// The nodes that partitions may be given to. When no preferred data centre has one, any other is better than none.
    pub(crate) fn candidates<'a>(&self, nodes: &'a [Node]) -> Vec<&'a Node> {
        let serving = || {
            nodes
                .iter()
                .filter(|node| node.availability == Availability::Serving && node.weight > 0)
        };
        let preferred = self
            .0
            .iter()
            .find(|name| serving().any(|node| node.data_center == **name));
        serving()
            .filter(|node| preferred.is_none_or(|name| node.data_center == *name))
            .collect()
    }
}
