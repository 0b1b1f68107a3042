//! Joins a cluster with a token, before this node's server runs: asks a member, and keeps what it is told.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use hongyan_config::Config;
use hongyan_env::Env;
use hongyan_identity::JoinToken;
use hongyan_transport::codec;

use super::folder::{ClusterFolder, Contact, Facts, Storage};
use super::place::Place;
use super::words::{About, AboutV1, Welcome, WelcomeV1};
use super::{RELEASE, protocols};

/// Makes this node a member.
pub(crate) async fn join(config: &Config, token: &str) -> Result<Facts> {
    let env = Env::real();
    let token: JoinToken = token.parse()?;
    let folder = ClusterFolder::of(config);
    folder.prepare(config)?;
    let about = about(config, &Place::of(config, &env)?)?;
    let joined = hongyan_identity::join(&env, &token, codec::encode(&about)?.to_vec())
        .await
        .context("join the cluster")?;
    // First of all: the token is used up.
    folder.identity_file().store(&joined.identity)?;
    let (cluster, node) = joined.identity.node()?;
    let Welcome::V1(welcome) = codec::decode(&joined.welcome).context("understand the cluster")?;
    let storage = storage(config, &folder, &welcome)?;
    let contacts = welcome.contacts.into_iter();
    let facts = Facts {
        cluster: cluster.to_string(),
        node: node.0,
        partitions: usize::try_from(welcome.partitions)?,
        storage,
        key_space: welcome.key_space,
        contacts: contacts.map(|(node, address)| Contact { node, address }).collect(),
    };
    folder.write_facts(&facts)?;
    Ok(facts)
}

fn about(config: &Config, place: &Place) -> Result<About> {
    let (section, protocols) = (&config.cluster, protocols());
    Ok(About::V1(AboutV1 {
        name: config.node.host_name.clone(),
        address: place.for_nodes()?.to_string(),
        data_center: section.data_center.clone(),
        rack: section.rack.clone(),
        weight: section.weight,
        release: RELEASE.to_owned(),
        protocol_oldest: protocols.oldest,
        protocol_newest: protocols.newest,
    }))
}

/// Keeps the cluster file where it is wanted, and says who speaks of the store from now on.
fn storage(config: &Config, folder: &ClusterFolder, welcome: &WelcomeV1) -> Result<Storage> {
    let Some(text) = &welcome.cluster_file else {
        return Ok(Storage::Configured);
    };
    if welcome.kept {
        let kept = super::kept_folder(config);
        let file = kept.join("fdb.cluster");
        // What lies beside it would meet data of another cluster.
        if let Ok(ours) = fs::read_to_string(&file)
            && description(&ours) != description(text)
        {
            bail!(
                "{} holds data of another cluster's FoundationDB: use an empty data folder, and a new token",
                kept.display()
            );
        }
        crate::node::make_private(&kept)?;
        write(&file, text)?;
        return Ok(Storage::Kept);
    }
    let configured = Path::new(&config.storage.cluster_file);
    if config.storage.backend != "foundationdb" || !configured.exists() {
        write(&folder.cluster_file(), text)?;
        return Ok(Storage::Told);
    }
    let ours = fs::read_to_string(configured).with_context(|| format!("read {}", configured.display()))?;
    if description(&ours) != description(text) {
        bail!(
            "{} is of another FoundationDB cluster than this cluster's",
            configured.display()
        );
    }
    Ok(Storage::Configured)
}

/// What stays of a cluster file when coordinators change: the name before the colon.
fn description(text: &str) -> Option<&str> {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))?;
    line.split_once(':').map(|(description, _)| description)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("write {}", path.display()))
}
