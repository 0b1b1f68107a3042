//! What a member keeps in `<data>/cluster`: who it is, the facts of its cluster, and its part of the agreement.
//!
//! ```text
//! identity.pem   certificate, key and authority
//! member.toml    the facts; written last, so that a node without it is no member yet
//! metadata/      Raft's log, vote and snapshot
//! fdb.cluster    where FoundationDB is, for members that were told by the cluster
//! ```

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hongyan_config::Config;
use hongyan_embedded::{EmbeddedOptions, EmbeddedStore, OpenError};
use hongyan_env::Env;
use hongyan_identity::{Identity, IdentityFile};
use hongyan_transport::{ClusterId, NodeId};
use serde::{Deserialize, Serialize};

use super::refusal::Refused;
use crate::settings;

const HEAD: &str = "# Written by `hongyan cluster init` and `hongyan cluster join`; not for editing.\n";

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct ClusterFolder(PathBuf);

/// What a member has to know before it can ask anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Facts {
    /// The cluster's id.
    pub(crate) cluster: String,
    /// This node's.
    pub(crate) node: u64,
    /// How many partitions there are.
    pub(crate) partitions: usize,
    /// Which store the cluster keeps its mail in.
    pub(crate) storage: Storage,
    /// The part of the store that is this cluster's.
    pub(crate) key_space: String,
    /// Members there were when this one joined; later ones are in the cluster's map.
    #[serde(default)]
    pub(crate) contacts: Vec<Contact>,
}

/// A member and where it was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contact {
    pub(crate) node: u64,
    pub(crate) address: String,
}

/// Who says where FoundationDB is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Storage {
    /// The configuration.
    Configured,
    /// The cluster, when this node joined.
    Told,
    /// This node looks after a server of its own.
    Kept,
}

impl ClusterFolder {
    /// The one of this configuration.
    pub(crate) fn of(config: &Config) -> Self {
        Self(settings::data(config).join("cluster"))
    }
    /// The facts; `None` when the node is no member of a cluster.
    pub(crate) fn facts(&self) -> Result<Option<Facts>> {
        let path = self.facts_file();
        let text = match fs::read_to_string(&path) {
            // What else is wrong with the data folder is told when it is opened.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            text => text.with_context(|| format!("read {}", path.display()))?,
        };
        let facts = toml::from_str(&text).with_context(|| format!("read {}", path.display()))?;
        Ok(Some(facts))
    }
    /// Makes the folder for a node that is no member yet; what an attempt that was cut short has left is removed.
    pub(crate) fn prepare(&self, config: &Config) -> Result<()> {
        if let Some(facts) = self.facts()? {
            bail!(
                "this is node {} of the cluster {} already; to make it another one's, remove {}",
                facts.node,
                facts.cluster,
                self.0.display()
            );
        }
        let alone = settings::data(config).join("store");
        if alone.exists() {
            bail!(
                "{} holds the mail of a node alone, which a cluster would not see: use an empty data folder",
                alone.display()
            );
        }
        crate::node::make_private(&settings::data(config))?;
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("empty {}", self.0.display()));
            }
            _ => {}
        }
        crate::node::make_private(&self.0)
    }
    /// From now on the node is a member.
    pub(crate) fn write_facts(&self, facts: &Facts) -> Result<()> {
        let path = self.facts_file();
        let text = HEAD.to_owned() + &toml::to_string(facts).context("write the facts of the cluster")?;
        let write = || {
            let beside = path.with_extension("new");
            let mut file = fs::File::create(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            fs::File::open(&self.0)?.sync_all()
        };
        write().with_context(|| format!("write {}", path.display()))
    }
    /// The file of the identity.
    pub(crate) fn identity_file(&self) -> IdentityFile {
        IdentityFile(self.0.join("identity.pem"))
    }
    /// The identity, which must be the one that the facts speak of.
    pub(crate) fn identity(&self, facts: &Facts) -> Result<(Identity, ClusterId, NodeId)> {
        let file = self.identity_file();
        let Some(identity) = file.load()? else {
            bail!("{} is missing: this node cannot show who it is", file.0.display());
        };
        let (cluster, node) = identity.node()?;
        if cluster.as_str() != facts.cluster || node.0 != facts.node {
            let text = format!(
                "{} is that of node {node} of the cluster {cluster}, and this folder belongs to node {} of the cluster {}",
                file.0.display(),
                facts.node,
                facts.cluster
            );
            return Err(Refused::Here(text).into());
        }
        Ok((identity, cluster, node))
    }
    /// The store of the agreement, which one process at a time may have.
    pub(crate) fn open_metadata(&self, config: &Config, env: &Env) -> Result<EmbeddedStore> {
        let path = self.0.join("metadata");
        let options = EmbeddedOptions {
            store: "metadata",
            // Mail stops long before; the agreement goes on to the last octet.
            free_octets_min: 0,
            ..settings::storage(config, env)
        };
        match EmbeddedStore::open(&path, options) {
            Err(OpenError::Engine(error @ hongyan_kv::Error::Corrupt(_))) => {
                let text = format!(
                    "{} is damaged ({error}): let this node leave (`hongyan cluster leave` on another node) and join anew with an \
                     empty data folder",
                    path.display()
                );
                Err(Refused::Here(text).into())
            }
            opened => opened.with_context(|| format!("open {}", path.display())),
        }
    }
    /// Where the cluster file of [`Storage::Told`] lies.
    pub(crate) fn cluster_file(&self) -> PathBuf {
        self.0.join("fdb.cluster")
    }
    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
    fn facts_file(&self) -> PathBuf {
        self.0.join("member.toml")
    }
}

impl Facts {
    /// The configuration with the cluster's store in it.
    pub(crate) fn apply(&self, config: &mut Config, folder: &ClusterFolder) {
        let file = match self.storage {
            Storage::Configured => None,
            Storage::Told => Some(folder.cluster_file()),
            Storage::Kept => Some(super::kept_folder(config).join("fdb.cluster")),
        };
        config.storage.key_space.clone_from(&self.key_space);
        if let Some(file) = file {
            "foundationdb".clone_into(&mut config.storage.backend);
            config.storage.cluster_file = file.display().to_string();
        }
    }
}
