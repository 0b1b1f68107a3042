//! Makes a new cluster of one node, before any server runs: authority, identity, and the first entries of the agreement on
//! disk, tokens for the nodes that are to join among them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hongyan_cluster::MetadataStore;
use hongyan_config::Config;
use hongyan_env::Env;
use hongyan_identity::{Authority, Identity, JoinToken, Lifetime, NodeKey};
use hongyan_kv::{Database, fence};
use hongyan_metadata::{Change, Founding, LocalStore, Metadata, MetadataOptions, NodeRecord, NodeState};
use hongyan_transport::{ClusterId, NodeId, TcpTransport, TcpTransportParts, TransportOptions};

use super::folder::{ClusterFolder, Facts, Storage};
use super::place::Place;
use super::{RELEASE, authority, protocols};
use crate::settings;
use crate::store::Store;

/// The founder's id.
const FIRST: NodeId = NodeId(1);
/// How long one entry may take to reach the disk.
const WITHIN: Duration = Duration::from_secs(30);

/// Makes the cluster, over the store that `config` names, and as many tokens as are asked for.
pub(crate) async fn found(config: &Config, storage: Storage, tokens: usize, lifetime: Duration) -> Result<Vec<String>> {
    let env = Env::real();
    ClusterFolder::of(config).prepare(config)?;
    // Whoever has written to this store before, a node alone or the nodes of a cluster that is gone, owns nothing in it
    // any more once the first partitions are owned here.
    let epoch = highest_epoch(config, &env).await?;
    found_after(env, config, storage, epoch, (tokens, lifetime)).await
}

/// The same, over a store whose highest epoch is known.
pub(super) async fn found_after(
    env: Env,
    config: &Config,
    storage: Storage,
    epoch: u64,
    (tokens, lifetime): (usize, Duration),
) -> Result<Vec<String>> {
    let folder = ClusterFolder::of(config);
    folder.prepare(config)?;
    let place = Place::of(config, &env)?;
    let Some(door) = place.for_joining() else {
        bail!("setting cluster.join_listen is empty: nobody could join");
    };
    let bits = std::iter::repeat_with(|| env.random_u64()).find(|bits| *bits != 0);
    let bits = bits.context("draw the cluster's id")?;
    let cluster = ClusterId::from_random(bits);
    let authority = Authority::create(&env, &cluster, Lifetime::default().authority)?;
    let identity = sign_own(&env, &authority, &cluster)?;
    folder.identity_file().store(&identity)?;
    let mut made = Vec::new();
    for _ in 0..tokens {
        made.push(JoinToken::create(&env, authority.fingerprint()?, vec![door]));
    }
    let founding = Founding {
        cluster: bits,
        partitions: config.cluster.partitions,
        authority: authority::to_map(&authority),
        node: FIRST.0,
        record: NodeRecord {
            certificates: vec![identity.facts()?.serial],
            ..record(config, &place)?
        },
    };
    let until = env
        .wall_millis()
        .saturating_add(i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX));
    let mut changes = vec![Change::BeginAfter { epoch }];
    changes.extend(made.iter().map(|token| Change::Invite {
        token: token.hash().0,
        expires_millis: until,
    }));
    agree(&env, config, &cluster, &identity, founding, changes).await?;
    folder.write_facts(&Facts {
        cluster: cluster.to_string(),
        node: FIRST.0,
        partitions: usize::try_from(config.cluster.partitions)?,
        storage,
        key_space: config.storage.key_space.clone(),
        contacts: Vec::new(),
    })?;
    Ok(made.iter().map(JoinToken::to_string).collect())
}

/// The first life of the first node: writes what begins the agreement, and ends.
async fn agree(
    env: &Env,
    config: &Config,
    cluster: &ClusterId,
    identity: &Identity,
    founding: Founding,
    changes: Vec<Change>,
) -> Result<()> {
    let store = ClusterFolder::of(config).open_metadata(config, env)?;
    let disk: Arc<dyn LocalStore> = Arc::new(MetadataStore::new(Database::new(store.clone())));
    let life = Metadata::next_life(FIRST, Arc::clone(&disk)).await?;
    let transport = TcpTransport::start(TcpTransportParts {
        env: env.clone(),
        cluster: cluster.clone(),
        node: FIRST,
        incarnation: life,
        credentials: identity.credentials()?,
        options: TransportOptions::default(),
    })?;
    let options = MetadataOptions::default();
    let metadata = Metadata::start(env.clone(), FIRST, disk, Arc::new(transport), Vec::new(), options).await?;
    metadata.found(founding, WITHIN).await.context("found the cluster")?;
    for change in changes {
        metadata.propose(change, WITHIN).await.context("found the cluster")?;
    }
    metadata.stop().await;
    store.close();
    Ok(())
}

async fn highest_epoch(config: &Config, env: &Env) -> Result<u64> {
    let store = Store::open(config, &settings::data(config), env, false).await?;
    let highest = fence::highest(&store.database()).await;
    store.close();
    highest.context("read the fences in the store")
}

/// What a node says of itself in the map.
fn record(config: &Config, place: &Place) -> Result<NodeRecord> {
    let section = &config.cluster;
    Ok(NodeRecord {
        name: config.node.host_name.clone(),
        address: place.for_nodes()?.to_string(),
        data_center: section.data_center.clone(),
        rack: section.rack.clone(),
        weight: section.weight,
        state: NodeState::Joining,
        release: RELEASE.to_owned(),
        protocols: protocols(),
        ..NodeRecord::default()
    })
}

fn sign_own(env: &Env, authority: &Authority, cluster: &ClusterId) -> Result<Identity> {
    let key = NodeKey::generate()?;
    let certificate_pem = authority.sign(env, &key.request()?, (cluster, FIRST), Lifetime::default().node)?;
    Ok(Identity {
        certificate_pem,
        key_pem: key.to_pem(),
        authority_pem: authority.certificate_pem().to_owned(),
    })
}
