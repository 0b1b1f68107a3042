//! The handle that pages and the admin API hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use hongyan_access::Access;
use hongyan_directory::{Directory, Error};
use hongyan_env::Env;
use hongyan_fetch::{Fetcher, Url};
use hongyan_kv::Database;
use hongyan_types::{Address, TenantId};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::provider::Known;
use crate::{OpenIdError, OpenIdOptions};

/// Single sign-on; clones share it.
#[derive(Clone)]
pub struct OpenId(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) env: Env,
    pub(crate) database: Database,
    pub(crate) directory: Directory,
    pub(crate) access: Access,
    pub(crate) fetcher: Fetcher,
    pub(crate) options: OpenIdOptions,
    /// What providers say of themselves, as it was heard last.
    pub(crate) known: Mutex<BTreeMap<TenantId, Arc<Known>>>,
    /// Providers that may be asked at the same time.
    pub(crate) asking: Semaphore,
    /// Seals what browsers keep on the way to a provider and back; the same on all nodes.
    pub(crate) key: [u8; 32],
}

impl OpenId {
    /// Over the store, the directory and sign-in of this node.
    #[must_use]
    pub fn new(
        env: Env,
        database: Database,
        directory: Directory,
        access: Access,
        fetcher: Fetcher,
        options: OpenIdOptions,
    ) -> Self {
        Self(Arc::new(Inner {
            key: access.derived_key("openid attempt"),
            asking: Semaphore::new(options.asks_max),
            known: Mutex::default(),
            env,
            database,
            directory,
            access,
            fetcher,
            options,
        }))
    }

    /// Sign-in and sessions, which this is over.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.0.access
    }

    /// A key for another purpose than ours, the same on all nodes and for ever.
    #[must_use]
    pub fn derived_key(&self, context: &str) -> [u8; 32] {
        self.0.access.derived_key(context)
    }

    /// The organisation that somebody signs in to: that of their address' domain, or the one named.
    ///
    /// # Errors
    /// `NoProvider`, also where there is no such organisation; `Access`.
    pub async fn organisation(&self, login: Option<&str>, name: Option<&str>) -> Result<TenantId, OpenIdError> {
        let directory = &self.0.directory;
        let address = login.and_then(|login| Address::try_from(login.trim()).ok());
        let found = match (address, name) {
            (Some(address), _) => directory.domain(&address.domain).await.map(|domain| domain.tenant),
            (None, Some(name)) => directory.tenant_named(name).await.map(|tenant| tenant.id),
            (None, None) => return Err(OpenIdError::NoProvider),
        };
        match found {
            Ok(tenant) => Ok(tenant),
            Err(Error::NotFound { .. }) => Err(OpenIdError::NoProvider),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether members may be sent to a provider at that address: over TLS anywhere, without it in the named networks only.
    #[must_use]
    pub fn may_send_to(&self, address: &str) -> bool {
        Url::read(address).is_ok_and(|url| url.is_tls() || self.0.fetcher.may_lead_to(&url))
    }

    pub(crate) fn callback(&self) -> String {
        format!("{}{}", self.0.options.web_origin, crate::CALLBACK_PATH)
    }

    /// Where the provider of an organisation is to tell of sessions that are over.
    #[must_use]
    pub fn logout_address(&self, tenant: TenantId) -> String {
        format!("{}{}/{}", self.0.options.web_origin, crate::LOGOUT_PATH, tenant.0)
    }

    /// Where it is to send browsers back to: what has to be registered there.
    #[must_use]
    pub fn redirect_address(&self) -> String {
        self.callback()
    }
}
