//! The service of one port, shared by its sessions.

use std::sync::Arc;

use hongyan_access::Access;
use hongyan_delivery::Delivery;
use hongyan_directory::Directory;
use hongyan_env::Env;
use hongyan_listener::{Connection, Refusal, Service};

use crate::SmtpSettings;
use crate::conversation::Conversation;
use crate::metrics::Metrics;

/// What sessions work with.
#[derive(Clone)]
pub struct SmtpServices {
    /// Clock and randomness.
    pub env: Env,
    /// Who has which address.
    pub directory: Directory,
    /// Who may sign in.
    pub access: Access,
    /// Where messages go.
    pub delivery: Delivery,
}

/// SMTP, submission or LMTP on one port.
pub struct SmtpService {
    pub(crate) settings: SmtpSettings,
    pub(crate) services: SmtpServices,
    pub(crate) metrics: Metrics,
}

impl SmtpService {
    /// The service with these settings.
    #[must_use]
    pub fn new(settings: SmtpSettings, services: SmtpServices) -> Self {
        Self {
            settings,
            services,
            metrics: Metrics::new(),
        }
    }
}

impl Service for SmtpService {
    fn name(&self) -> &'static str {
        self.settings.name()
    }

    fn refusal(&self, refusal: Refusal) -> &'static [u8] {
        match refusal {
            Refusal::TooManyConnections => b"421 4.7.0 Too many connections, try again later\r\n",
            Refusal::TooManyFromAddress => b"421 4.7.0 Too many connections from your address\r\n",
            Refusal::ShuttingDown => b"421 4.3.2 Going down, try again later\r\n",
        }
    }

    async fn serve(self: Arc<Self>, connection: Connection) {
        Conversation::new(self, connection).run().await;
    }
}
