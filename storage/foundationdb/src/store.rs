//! The store: a database handle with what its transactions share.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use hongyan_kv::{Backend, BackendTransaction, CommitVersion, TRANSACTION_OCTETS_MAX, Tuple};

use crate::cluster_file::ClusterFile;
use crate::error::OpenError;
use crate::handle::DatabaseHandle;
use crate::metric::Metrics;
use crate::network::Network;
use crate::options::{Clock, FoundationOptions, KEY_PREFIX_OCTETS_MAX};
use crate::recent::Recent;
use crate::sys::database_option;
use crate::transaction::FoundationTransaction;
use crate::{network, probe};

/// The key under which the client library shows the status.
const STATUS: &[u8] = b"\xff\xff/status/json";

/// A cluster as a store; cloning shares it.
#[derive(Clone)]
pub struct FoundationStore(pub(crate) Arc<Shared>);

/// What a store's transactions share.
pub(crate) struct Shared {
    pub(crate) database: DatabaseHandle,
    pub(crate) prefix: Bytes,
    pub(crate) clock: Clock,
    pub(crate) metrics: Metrics,
    pub(crate) recent: Recent,
    /// Behind the database: it must outlive it.
    _network: Arc<Network>,
}

impl FoundationStore {
    /// Loads the client library if this is the first store, connects, and waits until the cluster serves.
    ///
    /// # Errors
    /// What is missing, unreachable, or of the wrong version, in words for the person who starts the node.
    pub async fn open(options: FoundationOptions) -> Result<Self, OpenError> {
        Self::open_with(options, false).await
    }

    /// As [`Self::open`], but a cluster that cannot be reached or does not serve is waited for, however long.
    ///
    /// # Errors
    /// As [`Self::open`], for what waiting does not help.
    pub async fn open_when_it_serves(options: FoundationOptions) -> Result<Self, OpenError> {
        Self::open_with(options, true).await
    }

    async fn open_with(options: FoundationOptions, is_patient: bool) -> Result<Self, OpenError> {
        let prefix = prefix(&options.key_space)?;
        let load = ClusterFile::load(&options.cluster_file);
        let cluster = load.map_err(|reason| OpenError::ClusterFile {
            path: options.cluster_file.clone(),
            reason,
        })?;
        let network = network::start(&options)?;
        let interface = network.interface;
        let client = |what| {
            move |code| OpenError::Client {
                what,
                reason: network::text(interface, code),
            }
        };
        let path = CString::new(options.cluster_file.as_os_str().as_bytes()).map_err(|_| OpenError::Option {
            setting: "storage.cluster_file",
            reason: "a path without a 0 octet is needed".to_owned(),
        })?;
        let database = DatabaseHandle::open(interface, &path).map_err(client("open the database"))?;
        set_options(&database, &options).map_err(client("set the database's options"))?;
        while let Err(error) = probe::wait_until_serving(&database, &cluster, &options).await {
            let may_pass = matches!(error, OpenError::Unreachable { .. } | OpenError::NotServing { .. });
            if !(is_patient && may_pass) {
                return Err(error);
            }
            tracing::warn!(%error, "FoundationDB is waited for");
        }
        let store = Self(Arc::new(Shared {
            database,
            prefix,
            clock: options.clock,
            metrics: Metrics::register(),
            recent: Recent::default(),
            _network: network,
        }));
        tracing::info!(coordinators = %cluster.places(), library = %network::version(interface), "FoundationDB opened");
        Ok(store)
    }

    /// What the cluster says of itself: FoundationDB's status document, JSON. `None` when it says nothing in time.
    pub async fn status(&self) -> Option<String> {
        let transaction = self.0.database.transaction().ok()?;
        let document = transaction.get(STATUS, true).await.ok()??;
        Some(String::from_utf8_lossy(&document).into_owned())
    }

    /// Puts what the library knows of itself into the metrics.
    pub fn observe(&self) {
        let busyness = self.0.database.busyness().clamp(0.0, 1.0);
        self.0.metrics.busyness.set((busyness * 1000.0) as i64);
    }
}

impl Backend for FoundationStore {
    fn begin(&self) -> Box<dyn BackendTransaction> {
        FoundationTransaction::begin(&self.0)
    }
    fn begin_recent(&self) -> Box<dyn BackendTransaction> {
        FoundationTransaction::begin_recent(&self.0)
    }
    fn begin_at(&self, version: CommitVersion) -> Option<Box<dyn BackendTransaction>> {
        FoundationTransaction::begin_at(&self.0, version)
    }
    fn heard(&self, version: CommitVersion) {
        self.0.recent.learn(version, (self.0.clock)());
    }
}

/// Whether the client library at `path`, or the one that the system's loader finds, can be used.
///
/// # Errors
/// When it is missing, no such library, or too old.
pub fn check_library(path: Option<&Path>) -> Result<(), OpenError> {
    network::load(path).map(|_| ())
}

fn prefix(key_space: &str) -> Result<Bytes, OpenError> {
    let prefix = Tuple::new().string(key_space).pack();
    let reason = if key_space.is_empty() {
        "a name is needed, so that the cluster can be shared".to_owned()
    } else if prefix.len() > KEY_PREFIX_OCTETS_MAX {
        format!(
            "encoded it has {} octets of at most {KEY_PREFIX_OCTETS_MAX}",
            prefix.len()
        )
    } else {
        return Ok(prefix);
    };
    Err(OpenError::Option {
        setting: "storage.key_space",
        reason,
    })
}

fn set_options(database: &DatabaseHandle, options: &FoundationOptions) -> Result<(), i32> {
    let millis = i64::try_from(options.transaction_timeout.as_millis()).unwrap_or(i64::MAX);
    database.set_number(database_option::TRANSACTION_TIMEOUT, millis)?;
    // Transactions are run again by `hongyan_kv::Database::run`, from their start; here each gets one pause.
    database.set_number(database_option::TRANSACTION_RETRY_LIMIT, 1)?;
    let octets = i64::try_from(TRANSACTION_OCTETS_MAX).unwrap_or(i64::MAX);
    database.set_number(database_option::TRANSACTION_SIZE_LIMIT, octets)?;
    database.set_number(database_option::MAX_WATCHES, i64::from(options.watches_max))?;
    if let Some(name) = &options.data_center {
        database.set_text(database_option::DATACENTER_ID, name.as_bytes())?;
    }
    if let Some(name) = &options.machine {
        database.set_text(database_option::MACHINE_ID, name.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{FoundationStore, prefix};
    use crate::{FoundationOptions, OpenError};

    #[test]
    fn the_prefix_is_a_tuple_of_one_string() {
        assert_eq!(prefix("hongyan").unwrap(), &b"\x02hongyan\0"[..]);
        for name in [String::new(), "n".repeat(99)] {
            assert!(matches!(
                prefix(&name),
                Err(OpenError::Option {
                    setting: "storage.key_space",
                    ..
                })
            ));
        }
        assert_eq!(prefix(&"n".repeat(98)).unwrap().len(), 100);
    }

    async fn refused(options: FoundationOptions) -> String {
        FoundationStore::open(options)
            .await
            .err()
            .expect("it does not open")
            .to_string()
    }

    #[tokio::test]
    async fn says_what_to_mend_before_anything_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fdb.cluster");
        let options = FoundationOptions {
            cluster_file: path.clone(),
            library: Some("/nonexistent/libfdb_c.so".into()),
            ..FoundationOptions::default()
        };
        let message = refused(options.clone()).await;
        assert!(message.contains("fdb.cluster: it does not exist; copy it"), "{message}");
        std::fs::write(&path, "nonsense").unwrap();
        let message = refused(options.clone()).await;
        assert!(message.contains("not of the form"), "{message}");
        std::fs::write(&path, "a:b@127.0.0.1:1").unwrap();
        let message = refused(options).await;
        assert!(
            message.starts_with("load the FoundationDB client library /nonexistent/libfdb_c.so: ")
                && message.contains("storage.client_library"),
            "{message}"
        );
    }
}
