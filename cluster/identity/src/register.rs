//! Which certificates of which nodes are good: what the cluster's map says, for every handshake.

use std::collections::{BTreeMap, BTreeSet};

use hongyan_transport::{Admission, NodeId};
use parking_lot::RwLock;

use crate::CertificateFacts;

/// Where a node stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// A member with these certificates, by serial number; none recorded means any that the authority signed.
    Member(BTreeSet<String>),
    /// It has left for good.
    Left,
}

/// The nodes of the cluster.
#[derive(Default)]
pub struct Register(RwLock<BTreeMap<NodeId, Standing>>);

impl Register {
    /// Takes over what the map says.
    pub fn set(&self, nodes: BTreeMap<NodeId, Standing>) {
        *self.0.write() = nodes;
    }
}

impl Admission for Register {
    fn admit(&self, node: NodeId, certificate: &[u8]) -> Result<(), String> {
        let nodes = self.0.read();
        match nodes.get(&node) {
            // It may have joined a moment ago, or this node starts and knows nobody yet: the authority vouches for it.
            None => Ok(()),
            Some(Standing::Left) => Err(format!("node {node} has left the cluster: join it anew")),
            Some(Standing::Member(serials)) if serials.is_empty() => Ok(()),
            Some(Standing::Member(serials)) => {
                let facts = CertificateFacts::read(certificate).map_err(|error| error.to_string())?;
                if serials.contains(&facts.serial) {
                    return Ok(());
                }
                Err(format!(
                    "this certificate of node {node} has been withdrawn: join it anew"
                ))
            }
        }
    }
}
