//! Takes new nodes in, and renews certificates: any member may, since the leader decides what the map says.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use hongyan_env::{BoxFuture, Env};
use hongyan_identity::{Admitting, CertificateFacts, Granted, KeyRequest, Lifetime, TokenHash};
use hongyan_metadata::{Change, ClusterMap, Metadata, NodeRecord, NodeState, Protocols};
use hongyan_transport::{ClusterId, NodeId, codec};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::authority;
use super::folder::Storage;
use super::words::{About, AboutV1, Welcome, WelcomeV1};

/// How long the leader may take to agree.
const WITHIN: Duration = Duration::from_secs(10);

/// What a new node is told of the store.
#[derive(Debug, Clone)]
pub(crate) struct StoreFacts {
    pub(crate) storage: Storage,
    pub(crate) key_space: String,
    /// FoundationDB's file, which changes with its coordinators.
    pub(crate) cluster_file: Option<std::path::PathBuf>,
}

/// The member's side of joining and renewing.
#[derive(Clone)]
pub(crate) struct Admission {
    pub(crate) env: Env,
    pub(crate) cluster: ClusterId,
    pub(crate) metadata: Metadata,
    pub(crate) store: StoreFacts,
}

impl Admission {
    async fn admit(&self, token: TokenHash, key: &KeyRequest, about: &[u8]) -> Result<Granted> {
        let About::V1(about) = codec::decode(about).context("this release does not understand the new node's")?;
        let map = self.metadata.map();
        let protocols = Protocols {
            oldest: about.protocol_oldest,
            newest: about.protocol_newest,
        };
        meets_all(&map, &about.release, protocols)?;
        let admitted = self
            .metadata
            .propose(
                Change::Admit {
                    token: token.0,
                    now_millis: self.env.wall_millis(),
                    record: record(&about, protocols, key),
                },
                WITHIN,
            )
            .await?;
        let node = NodeId(admitted.number);
        let certificate_pem = self.certify(node, key).await?;
        let welcome = Welcome::V1(self.welcome(&map)?);
        tracing::info!(%node, name = about.name, address = about.address, "a node joins the cluster");
        Ok(Granted {
            certificate_pem,
            welcome: codec::encode(&welcome)?.to_vec(),
        })
    }
    /// Signs that `key` is that of `node`, and lets the cluster know.
    pub(crate) async fn certify(&self, node: NodeId, key: &KeyRequest) -> Result<String> {
        let authority = authority::from_map(&self.metadata.map().authority)?;
        let lifetime = Lifetime::default().node;
        let pem = authority.sign(&self.env, key, (&self.cluster, node), lifetime)?;
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| anyhow!("{error}"))?;
        let serial = CertificateFacts::read(&der)?.serial;
        let certify = Change::Certify { node: node.0, serial };
        self.metadata.propose(certify, WITHIN).await?;
        Ok(pem)
    }
    fn welcome(&self, map: &ClusterMap) -> Result<WelcomeV1> {
        let alive = map.nodes.iter().filter(|(_, record)| record.state != NodeState::Left);
        let cluster_file = match &self.store.cluster_file {
            Some(path) => Some(fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?),
            None => None,
        };
        Ok(WelcomeV1 {
            partitions: u32::try_from(map.partitions.len())?,
            contacts: alive.map(|(id, record)| (*id, record.address.clone())).collect(),
            key_space: self.store.key_space.clone(),
            cluster_file,
            kept: self.store.storage == Storage::Kept,
        })
    }
    /// As `hongyan_identity::renew_forever` wants it.
    pub(crate) fn renew(&self, node: NodeId, key: KeyRequest) -> BoxFuture<'static, Result<String, String>> {
        let admission = self.clone();
        Box::pin(async move {
            let signed = admission.certify(node, &key).await;
            signed.map_err(|error| format!("{error:#}"))
        })
    }
}

impl Admitting for Admission {
    fn admit(&self, token: TokenHash, key: KeyRequest, about: Vec<u8>) -> BoxFuture<'_, Result<Granted, String>> {
        Box::pin(async move {
            let admitted = self.admit(token, &key, &about).await;
            admitted.map_err(|error| {
                let text = format!("{error:#}");
                tracing::warn!(reason = text, "a node was not taken in");
                text
            })
        })
    }
}

/// What the map will say of the new node.
fn record(about: &AboutV1, protocols: Protocols, key: &KeyRequest) -> NodeRecord {
    NodeRecord {
        name: about.name.clone(),
        address: about.address.clone(),
        data_center: about.data_center.clone(),
        rack: about.rack.clone(),
        weight: about.weight,
        release: about.release.clone(),
        protocols,
        key: *blake3::hash(&key.0).as_bytes(),
        ..NodeRecord::default()
    }
}

/// Whether a node that speaks `protocols` could speak with all who live. Refused before the token is used up.
fn meets_all(map: &ClusterMap, release: &str, protocols: Protocols) -> Result<()> {
    let mut alive = map.nodes.iter().filter(|(_, record)| record.state.is_alive());
    match alive.find(|(_, record)| !record.protocols.meet(protocols)) {
        None => Ok(()),
        Some((id, record)) => Err(anyhow!(
            "release {release} speaks versions {} to {} of the words between nodes and node {id} (release {}) {} to {}: \
             install a release next to the cluster's",
            protocols.oldest,
            protocols.newest,
            record.release,
            record.protocols.oldest,
            record.protocols.newest
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_that_cannot_speak_with_all_who_live_is_named() {
        let speaks = |oldest, newest| Protocols { oldest, newest };
        let mut map = ClusterMap::default();
        for (node, state) in [(1, NodeState::Up), (2, NodeState::Left)] {
            let record = NodeRecord {
                state,
                release: "2.0".to_owned(),
                protocols: speaks(2, if node == 1 { 3 } else { 2 }),
                ..NodeRecord::default()
            };
            map.nodes.insert(node, record);
        }
        assert!(meets_all(&map, "1.9", speaks(1, 2)).is_ok());
        assert!(
            meets_all(&map, "2.1", speaks(3, 4)).is_ok(),
            "who left needs to understand nothing"
        );
        let refused = meets_all(&map, "1.0", speaks(1, 1)).unwrap_err().to_string();
        assert!(refused.contains("release 1.0 speaks versions 1 to 1"), "{refused}");
        assert!(refused.contains("node 1 (release 2.0) 2 to 3"), "{refused}");
    }
}
