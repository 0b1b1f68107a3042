//! The handle that pages and the admin API hold.

use std::sync::Arc;

use hongyan_directory::Directory;
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_openid::OpenId;
use hongyan_types::TenantId;

use crate::{SamlError, SamlOptions, metadata};

/// Single sign-on by SAML; clones share it.
#[derive(Clone)]
pub struct Saml(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) env: Env,
    pub(crate) database: Database,
    pub(crate) directory: Directory,
    /// Who comes in whom a provider names.
    pub(crate) openid: OpenId,
    pub(crate) options: SamlOptions,
}

/// What is to be registered at the provider of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Who we are; also where our metadata are.
    pub entity_id: String,
    /// Where responses are sent to, by HTTP-POST: the assertion consumer service.
    pub consumer_address: String,
    /// Where it sends requests to sign out, and answers to ours, by HTTP-Redirect or HTTP-POST: the single logout service.
    pub sign_out_address: String,
}

impl Saml {
    /// Over the store and the directory of this node, beside sign-in at providers of OpenID Connect.
    #[must_use]
    pub fn new(env: Env, database: Database, directory: Directory, openid: OpenId, options: SamlOptions) -> Self {
        Self(Arc::new(Inner {
            env,
            database,
            directory,
            openid,
            options,
        }))
    }

    /// What is to be registered at the provider of an organisation. It stays the same, whatever the settings are.
    #[must_use]
    pub fn registration(&self, tenant: TenantId) -> Registration {
        let place = format!("{}{}/{}", self.0.options.web_origin, crate::PATH, tenant.0);
        Registration {
            entity_id: format!("{place}/metadata"),
            consumer_address: format!("{place}/acs"),
            sign_out_address: format!("{place}/slo"),
        }
    }

    /// Our metadata for the provider of an organisation, before there are settings, too.
    ///
    /// # Errors
    /// `SignIn`: there is no such organisation; the store's.
    pub async fn metadata(&self, tenant: TenantId) -> Result<String, SamlError> {
        self.0.directory.tenant(tenant).await?;
        Ok(metadata::write(&self.registration(tenant), &self.keys(tenant).await?))
    }

    /// What a response may have, in octets.
    #[must_use]
    pub fn response_octets_max(&self) -> usize {
        self.0.options.answer_octets_max
    }
}
