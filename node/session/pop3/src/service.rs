//! What the listener knows of POP3.

use std::sync::Arc;

use hongyan_access::Access;
use hongyan_blob::BlobStore;
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_listener::{Connection, Refusal, Service};
use hongyan_router::Router;

use crate::metrics::Metrics;
use crate::session::Session;
use crate::settings::Pop3Settings;

/// What sessions need.
#[derive(Clone)]
pub struct Parts {
    /// Clock and randomness.
    pub env: Env,
    /// Where email records are read.
    pub database: Database,
    /// Where messages are read.
    pub blobs: BlobStore,
    /// The way to mailboxes.
    pub router: Router,
    /// Sign-in.
    pub access: Access,
    /// The host's name, for the greeting.
    pub host: String,
    /// Limits.
    pub settings: Pop3Settings,
}

/// POP3 for a listener.
pub struct Pop3Service {
    parts: Arc<Parts>,
    metrics: Metrics,
}

impl Pop3Service {
    /// The service over `parts`.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
            metrics: Metrics::new(),
        }
    }
}

impl Service for Pop3Service {
    fn name(&self) -> &'static str {
        "pop3"
    }
    fn refusal(&self, refusal: Refusal) -> &'static [u8] {
        match refusal {
            Refusal::TooManyConnections => b"-ERR [SYS/TEMP] too many connections, try again later\r\n",
            Refusal::TooManyFromAddress => b"-ERR [SYS/TEMP] too many connections from your address\r\n",
            Refusal::ShuttingDown => b"-ERR [SYS/TEMP] shutting down, try again later\r\n",
        }
    }
    async fn serve(self: Arc<Self>, connection: Connection) {
        Session::new(Arc::clone(&self.parts), self.metrics.clone(), connection)
            .run()
            .await;
    }
}
