//! What the listener knows of LDAP.

use std::sync::{Arc, LazyLock};

use hongyan_access::Access;
use hongyan_directory::Directory;
use hongyan_env::Env;
use hongyan_ldap_wire::server::disconnection;
use hongyan_ldap_wire::{Answer, ResultCode};
use hongyan_listener::{Connection, Refusal, Service};

use crate::metrics::Metrics;
use crate::session::Session;
use crate::settings::LdapServerSettings;

static TOO_MANY: LazyLock<Vec<u8>> = LazyLock::new(|| notice("too many connections, try again later"));
static TOO_MANY_FROM_ADDRESS: LazyLock<Vec<u8>> = LazyLock::new(|| notice("too many connections from your address"));
static SHUTTING_DOWN: LazyLock<Vec<u8>> = LazyLock::new(|| notice("shutting down, try again later"));

fn notice(text: &str) -> Vec<u8> {
    disconnection(&Answer::new(ResultCode::UNAVAILABLE, text))
}

/// What sessions need.
#[derive(Clone)]
pub struct Parts {
    /// Clock and randomness.
    pub env: Env,
    /// Who is there.
    pub directory: Directory,
    /// Sign-in.
    pub access: Access,
    /// Limits.
    pub settings: LdapServerSettings,
}

/// LDAP for a listener.
pub struct LdapService {
    parts: Arc<Parts>,
    metrics: Metrics,
}

impl LdapService {
    /// The service over `parts`.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
            metrics: Metrics::new(),
        }
    }
}

impl Service for LdapService {
    fn name(&self) -> &'static str {
        "ldap"
    }
    fn refusal(&self, refusal: Refusal) -> &'static [u8] {
        match refusal {
            Refusal::TooManyConnections => &TOO_MANY,
            Refusal::TooManyFromAddress => &TOO_MANY_FROM_ADDRESS,
            Refusal::ShuttingDown => &SHUTTING_DOWN,
        }
    }
    async fn serve(self: Arc<Self>, connection: Connection) {
        Session::new(Arc::clone(&self.parts), self.metrics.clone(), connection)
            .run()
            .await;
    }
}
