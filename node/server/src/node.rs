//! A node on this machine: its store on disk, its signals, its admin socket, around the assembly of all else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hongyan_access::{Access, AccessOptions, Places};
use hongyan_actor::Arbiters;
use hongyan_blob::BlobOptions;
use hongyan_cluster::StoreWatch;
use hongyan_config::Config;
use hongyan_directory::Directory;
use hongyan_env::Env;
use hongyan_kv::{Database, fence};
use hongyan_telemetry::Health;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::ADMIN_SOCKET;
use crate::assembly::{Assembly, AssemblyParts, Ground};
use crate::cluster::{ClusterNode, Joined, Refused};
use crate::secrets::Secrets;
use crate::store::Store;
use crate::{acme, certificate, http, readiness, secrets, settings, sms};

/// Time between two looks at the certificate's files.
const CERTIFICATE_PERIOD: Duration = Duration::from_secs(3600);

/// What is different between the ways to start.
pub(crate) struct NodeParts {
    /// Configuration, checked.
    pub(crate) config: Config,
    /// Sign-in, where it departs from the configuration.
    pub(crate) access: AccessOptions,
    /// Names of a self-signed certificate.
    pub(crate) certificate_names: Vec<String>,
    /// Passwords without TLS are taken from this machine.
    pub(crate) clear_passwords_on_loopback: bool,
}

/// The store and the directory: what `init` and a running node share.
pub(crate) struct Base {
    pub(crate) ground: Ground,
    store: Store,
}

impl Base {
    /// Opens the data folder of a node alone.
    pub(crate) async fn open(config: &Config, access: AccessOptions) -> Result<Self> {
        Self::open_with(config, access, Env::real(), false).await
    }

    /// Opens the data folder; a member of a cluster waits for the store.
    async fn open_with(config: &Config, access: AccessOptions, env: Env, is_member: bool) -> Result<Self> {
        let data = settings::data(config);
        make_private(&data)?;
        let store = Store::open(config, &data, &env, is_member).await?;
        let database = store.database();
        let directory = Directory::new(database.clone(), env.clone(), settings::directory(config)?);
        secrets::load(&data, &env, directory.sealer(), is_member)?;
        let access = Access::open(directory.clone(), &database, env.clone(), access)
            .await
            .context("open sign-in")?;
        open_places(config, &access)?;
        sms::open(config, &env, &access)?;
        let ground = Ground {
            env,
            database,
            directory,
            access,
        };
        Ok(Self { ground, store })
    }

    /// Commits what waits and closes the files.
    pub(crate) fn close(&self) {
        self.store.close();
    }
}

/// Makes a folder that only this user may enter.
pub(crate) fn make_private(folder: &Path) -> Result<()> {
    let shown = folder.display();
    fs::create_dir_all(folder).with_context(|| format!("create {shown}"))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).with_context(|| format!("make {shown} private"))
}

/// A running node.
pub(crate) struct Node {
    base: Base,
    assembly: Assembly,
    cluster: Option<ClusterNode>,
    health: Health,
}

impl Node {
    /// Starts everything and opens the ports. A member of a cluster waits until the cluster has taken it.
    pub(crate) async fn start(parts: NodeParts) -> Result<Self> {
        let files = hongyan_listener::raise_file_limit();
        let health = Health::default();
        health.not_ready("start", "the node is starting");
        let (env, mut config) = (Env::real(), parts.config);
        let joined = Joined::find(&mut config, &env)?;
        // First of all, so that whoever asks hears that the node is not ready yet.
        open_http(&config, &env, &health).await?;
        let tended = open_kept(&config, &env, joined.as_ref(), &health)?;
        health.not_ready("start", "the node waits for its data store");
        let base = Base::open_with(&config, parts.access, env.clone(), joined.is_some()).await?;
        health.not_ready("start", "the node is starting");
        if joined.is_none() {
            expect_no_cluster(&base.ground.database).await?;
        }
        let tls = certificate::load(&config, &parts.certificate_names)?;
        let (cluster, store) = match joined {
            Some(joined) => {
                let (cluster, store) = start_member(&base, &config, joined, tended, &health).await?;
                (Some(cluster), store)
            }
            None => (None, None),
        };
        let (data, ground) = (settings::data(&config), &base.ground);
        let (database, sealer) = (&ground.database, ground.directory.sealer());
        let secrets = Secrets::start(&data, &env, database, sealer, cluster.as_ref());
        let mut assembly = Assembly::start(AssemblyParts {
            arbiters: Arbiters::start(arbiter_count(&config)),
            mailboxes: settings::mailboxes(&config),
            config,
            ground: base.ground.clone(),
            cluster: cluster.as_ref().map(|cluster| cluster.member().clone()),
            tls,
            blobs: BlobOptions::default(),
            clear_passwords_on_loopback: parts.clear_passwords_on_loopback,
        })
        .await?;
        assembly.set_secrets(Arc::new(secrets.clone()));
        start_admin(&mut assembly, cluster.as_ref(), store)?;
        tokio::spawn(readiness::watch(
            base.ground.env.clone(),
            base.ground.database.clone(),
            assembly.router().clone(),
            health.clone(),
        ));
        if let Some(acme) = assembly.acme() {
            let env = base.ground.env.clone();
            tokio::spawn(acme::watch(env, acme.clone(), health.clone()));
        }
        if let Some(cluster) = &cluster {
            tokio::select! {
                biased;
                refused = cluster.refused() => return Err(refused.into()),
                () = async { cluster.arrived().await; secrets.settled().await } => {}
            }
        }
        tokio::spawn(secrets.tend(assembly.router().clone(), health.clone()));
        let mut node = Self {
            base,
            assembly,
            cluster,
            health,
        };
        tracing::info!(files, arbiters = node.assembly.arbiters().count(), "node started");
        node.assembly.open_ports().await?;
        Ok(node)
    }

    /// The directory and sign-in.
    pub(crate) fn base(&self) -> &Base {
        &self.base
    }

    /// Says that traffic may come, serves until SIGTERM or SIGINT, and ends in good order; or at once when the cluster
    /// refuses this node.
    pub(crate) async fn serve(mut self) -> Result<()> {
        self.health.ready("start");
        let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
        let mut hang_up = signal(SignalKind::hangup()).context("listen for SIGHUP")?;
        let (tls, env) = (self.assembly.tls().clone(), self.base.ground.env.clone());
        tokio::spawn(async move { tls.keep_fresh(&env, CERTIFICATE_PERIOD).await });
        loop {
            tokio::select! {
                biased;
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hang_up.recv() => self.reload(),
                refused = refused(self.cluster.as_ref()) => {
                    self.health.not_ready("cluster", refused.to_string());
                    self.end().await;
                    return Err(refused.into());
                }
            }
        }
        self.stop().await;
        Ok(())
    }

    /// SIGHUP: certificates are read again.
    fn reload(&self) {
        match self.assembly.tls().reload() {
            Ok(()) => tracing::info!("certificates reloaded"),
            Err(error) => {
                tracing::error!(%error, cause = ?std::error::Error::source(&error), "certificates not reloaded");
            }
        }
    }

    /// Lets others take over, then ends.
    async fn stop(&mut self) {
        self.health.not_ready("start", "the node is stopping");
        if let Some(cluster) = &self.cluster {
            cluster.drain().await;
        }
        self.end().await;
    }

    /// Stops accepting, lets sessions end at their next safe point, flushes, closes.
    async fn end(&mut self) {
        let sessions = self.assembly.arbiters().session_count();
        tracing::info!(sessions, "node stopping");
        self.assembly.stop().await;
        if let Some(cluster) = &self.cluster {
            cluster.stop().await;
        }
        self.base.close();
        tracing::info!("node stopped");
    }
}

/// A node alone writes nothing where others own the partitions: better not to start.
async fn expect_no_cluster(database: &Database) -> Result<()> {
    let highest = fence::highest(database).await.context("read the fences in the store")?;
    if highest > fence::Fence::FIRST_EPOCH {
        let text = "the store belongs to a cluster: make this machine a node of it with `hongyan cluster join`";
        return Err(Refused::Here(text.to_owned()).into());
    }
    Ok(())
}

/// Takes part in the cluster, and shows whether it does; with the operator's eye on the store.
async fn start_member(
    base: &Base,
    config: &Config,
    joined: Joined,
    tended: Option<Kept>,
    health: &Health,
) -> Result<(ClusterNode, Option<Arc<dyn StoreWatch>>)> {
    let env = &base.ground.env;
    let cluster = ClusterNode::start(env.clone(), config, joined, base.ground.database.clone()).await?;
    tokio::spawn(cluster.clone().watch_readiness(health.clone()));
    #[cfg(feature = "foundationdb")]
    let store: Option<Arc<dyn StoreWatch>> = match &base.store {
        Store::Foundation(store, _) => Some(Arc::new(crate::cluster::Eye {
            env: env.clone(),
            store: store.clone(),
            cluster: cluster.clone(),
            kept: tended.as_ref().map(Kept::kept),
        })),
        Store::Embedded(_) => None,
    };
    #[cfg(feature = "foundationdb")]
    if let Some(tended) = tended {
        tokio::spawn(tended.tend(env.clone(), cluster.clone()));
    }
    #[cfg(not(feature = "foundationdb"))]
    let store = {
        drop(tended);
        None
    };
    Ok((cluster, store))
}

/// The FoundationDB server that a node looks after.
#[cfg(feature = "foundationdb")]
type Kept = crate::cluster::Tended;
#[cfg(not(feature = "foundationdb"))]
type Kept = ();

/// Starts the FoundationDB server that the node looks after, if it does.
fn open_kept(config: &Config, env: &Env, joined: Option<&Joined>, health: &Health) -> Result<Option<Kept>> {
    match joined {
        #[cfg(feature = "foundationdb")]
        Some(joined) if joined.facts.storage == crate::cluster::Storage::Kept => {
            Kept::open(config, env, joined, health).map(Some)
        }
        _ => {
            let _ = (config, env, health);
            Ok(None)
        }
    }
}

/// Waits for the cluster's refusal; for ever, when there is no cluster.
async fn refused(cluster: Option<&ClusterNode>) -> Refused {
    match cluster {
        Some(cluster) => cluster.refused().await,
        None => std::future::pending().await,
    }
}

async fn open_http(config: &Config, env: &Env, health: &Health) -> Result<()> {
    for address in settings::addresses("http", &config.listen.http)? {
        http::serve(env.clone(), address, health.clone())
            .await
            .with_context(|| format!("listen for HTTP on {address}"))?;
    }
    Ok(())
}

fn arbiter_count(config: &Config) -> usize {
    match config.node.arbiters {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        count => count,
    }
}

fn start_admin(
    assembly: &mut Assembly,
    cluster: Option<&ClusterNode>,
    store: Option<Arc<dyn StoreWatch>>,
) -> Result<()> {
    if let Some(cluster) = cluster {
        assembly.set_control(cluster.control(store)?);
    }
    let socket = settings::data(assembly.config()).join(ADMIN_SOCKET);
    let shutdown = assembly.arbiters().shutdown();
    let end = async move { shutdown.requested().await };
    hongyan_http_admin::serve(assembly.ground().env.clone(), &socket, assembly.admin(), end)?;
    Ok(())
}

/// Reads the file that says where in the world addresses are, if there is one.
fn open_places(config: &Config, access: &Access) -> Result<()> {
    let file = &config.geoip.file;
    if file.is_empty() {
        return Ok(());
    }
    let octets = fs::read(file).with_context(|| format!("read geoip.file {file}"))?;
    let places = Places::read(octets).with_context(|| format!("read geoip.file {file}"))?;
    access.set_places(places);
    Ok(())
}
