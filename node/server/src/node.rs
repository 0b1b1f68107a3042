//! A node on this machine: its store on disk, its signals, its admin socket, around the assembly of all else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use hongyan_access::{Access, AccessOptions};
use hongyan_actor::Arbiters;
use hongyan_blob::BlobOptions;
use hongyan_config::Config;
use hongyan_directory::Directory;
use hongyan_env::Env;
use hongyan_http_admin::AdminState;
use hongyan_mailbox::MailboxOptions;
use hongyan_telemetry::Health;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::ADMIN_SOCKET;
use crate::assembly::{Assembly, AssemblyParts, Ground};
use crate::store::Store;
use crate::{certificate, http, readiness, settings};

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
    /// Opens the data folder.
    pub(crate) async fn open(config: &Config, access: AccessOptions) -> Result<Self> {
        let env = Env::real();
        let data = settings::data(config);
        make_private(&data)?;
        let store = Store::open(config, &data, &env).await?;
        let database = store.database();
        let directory = Directory::new(database.clone(), env.clone(), settings::directory(config)?);
        let access = Access::open(directory.clone(), &database, env.clone(), access)
            .await
            .context("open sign-in")?;
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
fn make_private(folder: &Path) -> Result<()> {
    let shown = folder.display();
    fs::create_dir_all(folder).with_context(|| format!("create {shown}"))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).with_context(|| format!("make {shown} private"))
}

/// A running node.
pub(crate) struct Node {
    base: Base,
    assembly: Assembly,
    health: Health,
}

impl Node {
    /// Starts everything and opens the ports.
    pub(crate) async fn start(parts: NodeParts) -> Result<Self> {
        let files = hongyan_listener::raise_file_limit();
        let health = Health::default();
        health.not_ready("start", "the node is starting");
        let config = parts.config;
        let base = Base::open(&config, parts.access).await?;
        let tls = certificate::load(&config, &parts.certificate_names)?;
        let arbiters = Arbiters::start(arbiter_count(&config));
        let assembly = Assembly::start(AssemblyParts {
            config,
            ground: base.ground.clone(),
            arbiters,
            cluster: None,
            tls,
            mailboxes: MailboxOptions::default(),
            blobs: BlobOptions::default(),
            clear_passwords_on_loopback: parts.clear_passwords_on_loopback,
        })
        .await?;
        start_admin(&assembly)?;
        tokio::spawn(readiness::watch(
            base.ground.env.clone(),
            base.ground.database.clone(),
            assembly.router().clone(),
            health.clone(),
        ));
        let mut node = Self { base, assembly, health };
        tracing::info!(files, arbiters = node.assembly.arbiters().count(), "node started");
        node.open_http().await?;
        node.assembly.open_ports().await?;
        Ok(node)
    }

    /// The directory and sign-in.
    pub(crate) fn base(&self) -> &Base {
        &self.base
    }

    async fn open_http(&self) -> Result<()> {
        for address in settings::addresses("http", &self.assembly.config().listen.http)? {
            http::serve(self.base.ground.env.clone(), address, self.health.clone())
                .await
                .with_context(|| format!("listen for HTTP on {address}"))?;
        }
        Ok(())
    }

    /// Says that traffic may come, serves until SIGTERM or SIGINT, and ends in good order.
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

    /// Stops accepting, lets sessions end at their next safe point, flushes, closes.
    async fn stop(&mut self) {
        let sessions = self.assembly.arbiters().session_count();
        tracing::info!(sessions, "node stopping");
        self.health.not_ready("start", "the node is stopping");
        self.assembly.stop().await;
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

fn start_admin(assembly: &Assembly) -> Result<()> {
    let ground = assembly.ground();
    let api = hongyan_http_admin::router(AdminState {
        directory: ground.directory.clone(),
        access: ground.access.clone(),
        router: assembly.router().clone(),
        cluster: None,
    });
    let socket = settings::data(assembly.config()).join(ADMIN_SOCKET);
    let shutdown = assembly.arbiters().shutdown();
    let end = async move { shutdown.requested().await };
    hongyan_http_admin::serve(ground.env.clone(), &socket, api, end)?;
    Ok(())
}
