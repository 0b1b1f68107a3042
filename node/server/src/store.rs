//! The store that the configuration names.

use std::path::Path;

use anyhow::{Context, Result};
use hongyan_config::Config;
use hongyan_embedded::EmbeddedStore;
use hongyan_env::Env;
use hongyan_kv::Database;

use crate::settings;

/// An open store.
pub(crate) enum Store {
    /// On this machine's disk.
    Embedded(EmbeddedStore),
    /// A FoundationDB cluster, and how much of what was read is remembered here.
    #[cfg(feature = "foundationdb")]
    Foundation(hongyan_foundationdb::FoundationStore, usize),
}

impl Store {
    /// Opens the store; `data` is the node's folder.
    ///
    /// # Errors
    /// When it cannot be opened. A node of a cluster (`is_member`) waits for a FoundationDB that does not serve: others
    /// have its mail meanwhile, and it is not ready.
    pub(crate) async fn open(config: &Config, data: &Path, env: &Env, is_member: bool) -> Result<Self> {
        if config.storage.backend == "foundationdb" {
            return Self::open_foundation(config, env, is_member).await;
        }
        let store = EmbeddedStore::open(data.join("store"), settings::storage(config, env))
            .with_context(|| format!("open the store in {}", data.display()))?;
        Ok(Self::Embedded(store))
    }

    #[cfg(feature = "foundationdb")]
    async fn open_foundation(config: &Config, env: &Env, is_member: bool) -> Result<Self> {
        let options = settings::foundationdb(config, env);
        let store = if is_member {
            hongyan_foundationdb::FoundationStore::open_when_it_serves(options).await?
        } else {
            hongyan_foundationdb::FoundationStore::open(options).await?
        };
        tokio::spawn(observe(store.clone(), env.clone()));
        let octets = config.storage.remembered_octets_max;
        Ok(Self::Foundation(store, usize::try_from(octets).unwrap_or(usize::MAX)))
    }

    #[cfg(not(feature = "foundationdb"))]
    async fn open_foundation(_: &Config, _: &Env, _: bool) -> Result<Self> {
        anyhow::bail!("setting storage.backend is foundationdb, which this binary was built without")
    }

    /// The store as everybody uses it. The embedded one keeps what was read in memory by itself.
    pub(crate) fn database(&self) -> Database {
        match self {
            Self::Embedded(store) => Database::new(store.clone()),
            #[cfg(feature = "foundationdb")]
            Self::Foundation(store, remembered_octets_max) => {
                Database::new(store.clone()).remembering(*remembered_octets_max)
            }
        }
    }

    /// Commits what waits and closes files, where there are any.
    pub(crate) fn close(&self) {
        match self {
            Self::Embedded(store) => store.close(),
            // Commits are in the cluster when they are acknowledged; nothing is open here.
            #[cfg(feature = "foundationdb")]
            Self::Foundation(..) => {}
        }
    }
}

/// Shows what the client library knows of itself, for ever.
#[cfg(feature = "foundationdb")]
async fn observe(store: hongyan_foundationdb::FoundationStore, env: Env) {
    /// Time between two looks.
    const PERIOD: std::time::Duration = std::time::Duration::from_secs(5);
    loop {
        store.observe();
        env.sleep(PERIOD).await;
    }
}
