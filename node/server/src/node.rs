//! A node: start order, wiring, life, shutdown. Everything gets what it needs by constructor, here.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hongyan_access::{Access, AccessOptions};
use hongyan_actor::{Arbiters, EntityHost};
use hongyan_blob::{BlobOptions, BlobStore, Sources};
use hongyan_config::Config;
use hongyan_delivery::{Delivery, DeliveryParts, DeliverySettings};
use hongyan_directory::Directory;
use hongyan_embedded::EmbeddedStore;
use hongyan_env::Env;
use hongyan_http_admin::AdminState;
use hongyan_kv::Database;
use hongyan_listener::{Listener, TlsConfig};
use hongyan_mailbox::{MailboxEntity, MailboxOptions, MailboxServices};
use hongyan_queue::{QueueEntity, QueueServices};
use hongyan_relay::{RelayServices, Runner};
use hongyan_router::Router;
use hongyan_telemetry::Health;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::ADMIN_SOCKET;
use crate::ports::Ports;
use crate::{certificate, http, readiness, settings};

/// Time for entities to write down what makes their next start quick.
const PASSIVATE_GRACE: Duration = Duration::from_secs(5);
/// Time between two looks at what can be removed from the blob store.
const COLLECT_PERIOD: Duration = Duration::from_secs(60);
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
    pub(crate) env: Env,
    store: EmbeddedStore,
    pub(crate) database: Database,
    pub(crate) directory: Directory,
    pub(crate) access: Access,
}

impl Base {
    /// Opens the data folder.
    pub(crate) async fn open(config: &Config, access: AccessOptions) -> Result<Self> {
        let env = Env::real();
        let data = settings::data(config);
        make_private(&data)?;
        let store = EmbeddedStore::open(data.join("store"), settings::storage(config, &env))
            .with_context(|| format!("open the store in {}", data.display()))?;
        let database = Database::new(store.clone());
        let directory = Directory::new(database.clone(), env.clone(), settings::directory(config)?);
        let access = Access::open(directory.clone(), &database, env.clone(), access)
            .await
            .context("open sign-in")?;
        Ok(Self {
            env,
            store,
            database,
            directory,
            access,
        })
    }

    /// Commits what waits and closes the files.
    pub(crate) fn close(&self) {
        self.store.close();
    }
}

/// Makes a folder that only this user may enter.
fn make_private(folder: &Path) -> Result<()> {
    let shown = folder.display();
    fs::create_dir_all(folder).with_context(|| format!("create {shown}"))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).with_context(|| format!("make {shown} private"))
}

/// A running node.
pub(crate) struct Node {
    base: Base,
    config: Config,
    arbiters: Arbiters,
    mailboxes: EntityHost<MailboxEntity>,
    queues: EntityHost<QueueEntity>,
    tls: TlsConfig,
    listeners: Vec<Listener>,
    health: Health,
}

impl Node {
    /// Starts everything but the ports, which follow with [`Node::open_ports`].
    pub(crate) async fn start(parts: NodeParts) -> Result<Self> {
        let files = hongyan_listener::raise_file_limit();
        let health = Health::default();
        health.not_ready("start", "the node is starting");
        let config = parts.config;
        let base = Base::open(&config, parts.access).await?;
        let tls = certificate::load(&config, &parts.certificate_names)?;
        let arbiters = Arbiters::start(arbiter_count(&config));
        let router = Router::new(base.env.clone(), arbiters.clone());
        let blobs = open_blobs(&base).await?;
        let mailboxes = router.serve::<MailboxEntity>(
            MailboxServices {
                database: base.database.clone(),
                blobs: blobs.clone(),
                env: base.env.clone(),
                hints: router.hints(),
                options: MailboxOptions::default(),
            },
            settings::mailbox_entities(&config),
        );
        let queues = router.serve::<QueueEntity>(
            QueueServices {
                database: base.database.clone(),
                blobs: blobs.clone(),
                env: base.env.clone(),
                hints: router.hints(),
                schedule: settings::schedule(&config),
            },
            settings::queue_entities(&config),
        );
        let delivery = Delivery::new(DeliveryParts {
            env: base.env.clone(),
            mailboxes: Arc::new(router.clone()),
            router: router.clone(),
            directory: base.directory.clone(),
            database: base.database.clone(),
            blobs: blobs.clone(),
            settings: DeliverySettings::new(settings::host_name(&config)?),
        });
        start_relay(&config, &base, &arbiters, &router, &blobs, &delivery)?;
        start_admin(&config, &base, &arbiters, &router)?;
        tokio::spawn(readiness::watch(
            base.env.clone(),
            base.database.clone(),
            router.clone(),
            health.clone(),
        ));
        start_collector(&base.env, &arbiters, &blobs);
        let mut node = Self {
            base,
            config,
            arbiters,
            mailboxes,
            queues,
            tls,
            listeners: Vec::new(),
            health,
        };
        tracing::info!(files, arbiters = node.arbiters.count(), "node started");
        node.open_http().await?;
        node.open_ports(&router, &blobs, &delivery, parts.clear_passwords_on_loopback)
            .await?;
        Ok(node)
    }

    /// The directory and sign-in.
    pub(crate) fn base(&self) -> &Base {
        &self.base
    }

    async fn open_http(&self) -> Result<()> {
        for address in settings::addresses("http", &self.config.listen.http)? {
            http::serve(self.base.env.clone(), address, self.health.clone())
                .await
                .with_context(|| format!("listen for HTTP on {address}"))?;
        }
        Ok(())
    }

    async fn open_ports(
        &mut self,
        router: &Router,
        blobs: &BlobStore,
        delivery: &Delivery,
        clear_passwords_on_loopback: bool,
    ) -> Result<()> {
        let ports = Ports {
            config: &self.config,
            env: &self.base.env,
            arbiters: &self.arbiters,
            tls: &self.tls,
            database: &self.base.database,
            blobs,
            router,
            directory: &self.base.directory,
            access: &self.base.access,
            delivery,
            clear_passwords_on_loopback,
        };
        self.listeners = ports.open().await?;
        Ok(())
    }

    /// Says that traffic may come, serves until SIGTERM or SIGINT, and ends in good order.
    pub(crate) async fn serve(mut self) -> Result<()> {
        self.health.ready("start");
        let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
        let mut hang_up = signal(SignalKind::hangup()).context("listen for SIGHUP")?;
        let (tls, env) = (self.tls.clone(), self.base.env.clone());
        tokio::spawn(async move { tls.keep_fresh(&env, CERTIFICATE_PERIOD).await });
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hang_up.recv() => self.reload(),
            }
        }
        self.stop().await;
        Ok(())
    }

    /// SIGHUP: certificates are read again.
    fn reload(&self) {
        match self.tls.reload() {
            Ok(()) => tracing::info!("certificates reloaded"),
            Err(error) => {
                tracing::error!(%error, cause = ?std::error::Error::source(&error), "certificates not reloaded");
            }
        }
    }

    /// Stops accepting, lets sessions end at their next safe point, flushes, closes.
    async fn stop(&mut self) {
        tracing::info!(sessions = self.arbiters.session_count(), "node stopping");
        self.health.not_ready("start", "the node is stopping");
        self.listeners.clear();
        let env = &self.base.env;
        self.arbiters.shutdown().request();
        let grace = Duration::from_secs(self.config.node.shutdown_grace_secs);
        let gone = async {
            while self.arbiters.session_count() > 0 {
                env.sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = env.timeout(grace, gone).await;
        self.mailboxes.passivate_all(PASSIVATE_GRACE).await;
        self.queues.passivate_all(PASSIVATE_GRACE).await;
        self.arbiters.stop(env, Duration::ZERO).await;
        self.base.close();
        tracing::info!("node stopped");
    }
}

fn arbiter_count(config: &Config) -> usize {
    match config.node.arbiters {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        count => count,
    }
}

async fn open_blobs(base: &Base) -> Result<BlobStore> {
    let (clock, random) = (base.env.clone(), base.env.clone());
    let sources = Sources {
        wall_millis: Arc::new(move || clock.wall_millis()),
        random: Arc::new(move |bytes| random.fill_random(bytes)),
    };
    BlobStore::open(base.database.clone(), BlobOptions::default(), sources)
        .await
        .context("open the blob store")
}

fn start_relay(
    config: &Config,
    base: &Base,
    arbiters: &Arbiters,
    router: &Router,
    blobs: &BlobStore,
    delivery: &Delivery,
) -> Result<()> {
    let services = RelayServices {
        env: base.env.clone(),
        router: router.clone(),
        blobs: blobs.clone(),
        reporter: Arc::new(delivery.clone()),
        local: Arc::new(delivery.clone()),
    };
    Runner::start(arbiters, services, settings::relay(config)?).context("start outbound delivery")
}

fn start_admin(config: &Config, base: &Base, arbiters: &Arbiters, router: &Router) -> Result<()> {
    let api = hongyan_http_admin::router(AdminState {
        directory: base.directory.clone(),
        access: base.access.clone(),
        router: router.clone(),
    });
    let socket = settings::data(config).join(ADMIN_SOCKET);
    let shutdown = arbiters.shutdown();
    let end = async move { shutdown.requested().await };
    hongyan_http_admin::serve(base.env.clone(), &socket, api, end)?;
    Ok(())
}

/// Removes unreferenced blobs, for ever.
fn start_collector(env: &Env, arbiters: &Arbiters, blobs: &BlobStore) {
    let (env, blobs) = (env.clone(), blobs.clone());
    arbiters.spawn(0, move || async move {
        loop {
            match blobs.collect_step().await {
                Ok(step) if step.more => tokio::task::yield_now().await,
                Ok(_) => env.sleep(COLLECT_PERIOD).await,
                Err(error) => {
                    tracing::warn!(%error, "blob collection failed; it is tried again");
                    env.sleep(COLLECT_PERIOD).await;
                }
            }
        }
    });
}
