//! The listener's way to IMAP sessions, and what they need of the node.

use std::sync::Arc;

use hongyan_access::Access;
use hongyan_blob::BlobStore;
use hongyan_directory::Directory;
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_listener::{Connection, Refusal, Service};
use hongyan_router::Router;
use tokio::sync::Semaphore;

use crate::ImapSettings;
use crate::metrics::Metrics;
use crate::session::Session;

/// What sessions use of the node; wired by `node/server`.
#[derive(Clone)]
pub struct ImapServices {
    /// Clock and randomness.
    pub env: Env,
    /// Where records of mails are read.
    pub database: Database,
    /// Where bytes of mails are read and written.
    pub blobs: BlobStore,
    /// The way to mailboxes.
    pub router: Router,
    /// Sign-in.
    pub access: Access,
    /// What is open to whom.
    pub directory: Directory,
}

/// IMAP as a service of the listener.
pub struct ImapService {
    services: Arc<ImapServices>,
    settings: Arc<ImapSettings>,
    metrics: Metrics,
    read_ahead: Arc<Semaphore>,
}

impl ImapService {
    /// The service.
    #[must_use]
    pub fn new(services: ImapServices, settings: ImapSettings) -> Self {
        Self {
            read_ahead: Arc::new(Semaphore::new(settings.batches_ahead_max)),
            services: Arc::new(services),
            settings: Arc::new(settings),
            metrics: Metrics::new(),
        }
    }
}

impl Service for ImapService {
    fn name(&self) -> &'static str {
        "imap"
    }

    fn refusal(&self, refusal: Refusal) -> &'static [u8] {
        match refusal {
            Refusal::TooManyConnections => b"* BYE [UNAVAILABLE] Too many connections, try again later\r\n",
            Refusal::TooManyFromAddress => b"* BYE [UNAVAILABLE] Too many connections from your address\r\n",
            Refusal::ShuttingDown => b"* BYE [UNAVAILABLE] The server is going down\r\n",
        }
    }

    async fn serve(self: Arc<Self>, connection: Connection) {
        let session = Session::new(
            Arc::clone(&self.services),
            Arc::clone(&self.settings),
            self.metrics.clone(),
            Arc::clone(&self.read_ahead),
            connection,
        );
        session.run().await;
    }
}
