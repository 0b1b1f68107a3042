//! What the handlers work with.

use std::sync::Arc;
use std::time::Duration;

use hongyan_access::Access;
use hongyan_acme::Acme;
use hongyan_directory::Directory;
use hongyan_http_discovery::{Checker, Service};
use hongyan_ldap::Ldap;
use hongyan_migration::Migrations;
use hongyan_openid::OpenId;
use hongyan_router::Router;
use hongyan_saml::Saml;
use hongyan_statistics::Counts;
use hongyan_upkeep::Tasks;
use hongyan_webhook::Webhooks;

use crate::{ClusterControl, RecallDoor, SecretKeeper};

/// How sent mail is followed and taken back.
#[derive(Clone, Default)]
pub struct Recalling {
    /// Takes it back; none where nothing delivers.
    pub door: Option<RecallDoor>,
    /// Whether mail that was scheduled has a delivery status (MODE-3).
    pub tracks_scheduled: bool,
}

/// Handles of the parts that the API manages.
#[derive(Clone)]
pub struct AdminState {
    /// Tenants, domains, accounts, groups.
    pub directory: Directory,
    /// Password hashes.
    pub access: Access,
    /// The way to the queue's shards.
    pub router: Router,
    /// Long work.
    pub tasks: Tasks,
    /// Mail from other systems.
    pub migrations: Migrations,
    /// What orders certificates, if anything does.
    pub certificates: Option<Acme>,
    /// How long mails that were deleted for good can be had back.
    pub deleted_mail_kept: Duration,
    /// How sent mail is followed and taken back.
    pub recalls: Recalling,
    /// What members do, counted.
    pub counts: Counts,
    /// What changes, posted to programs.
    pub webhooks: Webhooks,
    /// Sign-in at providers of organisations; none where there is none.
    pub single_sign_on: Option<OpenId>,
    /// The same at providers that speak SAML.
    pub saml: Option<Saml>,
    /// LDAP directories of organisations; none where there is none.
    pub ldap: Option<Ldap>,
    /// What domains are to publish; none where nothing is offered to the world.
    pub publishing: Option<Checker>,
    /// The cluster that the node is part of.
    pub cluster: Option<Arc<dyn ClusterControl>>,
    /// Who keeps the keys that seal secrets; nobody in tests.
    pub secrets: Option<Arc<dyn SecretKeeper>>,
}

impl AdminState {
    /// Where browsers find this installation, without a slash at the end: who it is to clients of OAuth too (RFC 8414 §2). None where
    /// nothing is offered to the world.
    pub(crate) fn web_origin(&self) -> Option<String> {
        let door = self.publishing.as_ref()?.offer.door(Service::Https)?;
        Some(match door.port {
            443 => format!("https://{}", door.host),
            port => format!("https://{}:{port}", door.host),
        })
    }
}
