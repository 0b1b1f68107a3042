//! What clusters and nodes are called in certificates.

use std::fmt;
use std::str::FromStr;

use crate::NodeId;

/// The domain that node names end in. It is not registered anywhere and never resolved.
const DOMAIN: &str = "hongyan.internal";
/// The longest cluster id: it is one label of a host name.
const CLUSTER_ID_OCTETS_MAX: usize = 32;

/// The name of a cluster: lower-case letters, digits and hyphens, made once and for all when the cluster is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(String);

/// Not the name of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cluster id is 1 to 32 lower-case letters, digits and inner hyphens")]
pub struct ClusterIdError;

impl ClusterId {
    /// A name from 64 random bits.
    #[must_use]
    pub fn from_random(bits: u64) -> Self {
        Self(format!("{bits:016x}"))
    }
    /// Whatever another node says it is; compared only, never used.
    pub(crate) fn from_wire(text: &str) -> Self {
        Self(text.to_owned())
    }
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The name that the certificate of `node` carries.
    #[must_use]
    pub fn node_name(&self, node: NodeId) -> String {
        format!("node-{node}.{self}.{DOMAIN}")
    }
    /// The node whose name is `name`, if it is one of this cluster.
    #[must_use]
    pub fn node_of(&self, name: &str) -> Option<NodeId> {
        let (label, rest) = name.split_once('.')?;
        let digits = label.strip_prefix("node-")?;
        let node = NodeId(digits.parse().ok()?);
        // One name a node: `node-007` is none.
        (rest == format!("{self}.{DOMAIN}") && digits == node.to_string()).then_some(node)
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ClusterId {
    type Err = ClusterIdError;
    fn from_str(text: &str) -> Result<Self, ClusterIdError> {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let good = (1..=CLUSTER_ID_OCTETS_MAX).contains(&text.len())
            && text.bytes().all(known)
            && !text.starts_with('-')
            && !text.ends_with('-');
        good.then(|| Self(text.to_owned())).ok_or(ClusterIdError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_have_one_name_each() {
        let cluster: ClusterId = "a-1".parse().unwrap();
        let name = cluster.node_name(NodeId(7));
        assert_eq!(name, "node-7.a-1.hongyan.internal");
        assert_eq!(cluster.node_of(&name), Some(NodeId(7)));
        for other in [
            "node-07.a-1.hongyan.internal",
            "node-7.b.hongyan.internal",
            "node-7.a-1.hongyan.internal.evil",
            "a-1.hongyan.internal",
            "node-+7.a-1.hongyan.internal",
        ] {
            assert_eq!(cluster.node_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_cluster_id_is_one_label() {
        for wrong in ["", "-a", "a-", "A", "a.b", "\u{e9}", &"a".repeat(33)] {
            assert_eq!(wrong.parse::<ClusterId>(), Err(ClusterIdError), "{wrong}");
        }
    }
}
