//! The configuration file: TOML, one typed struct a section.
//!
//! Only what a node must know before it can open its store: where to listen, where its data is, which certificate it
//! shows, and limits. Everything else is in the store. `ops/docs/config.md` and the file that `hongyan init` writes are
//! made from the same tables as the structs. Read by `node/server`.

mod config;
mod document;
mod section;

pub use config::{Config, ConfigError};
pub use document::{SectionDoc, SettingDoc, markdown, template};
pub use section::access::Access;
pub use section::acme::Acme;
pub use section::active_sync::ActiveSync;
pub use section::cluster::Cluster;
pub use section::directory::Directory;
pub use section::geoip::Geoip;
pub use section::http::Http;
pub use section::ldap::Ldap;
pub use section::ldap_server::LdapServer;
pub use section::limits::Limits;
pub use section::listen::Listen;
pub use section::log::Log;
pub use section::migration::Migration;
pub use section::node::Node;
pub use section::public::Public;
pub use section::queue::Queue;
pub use section::registry::Registry;
pub use section::single_sign_on::SingleSignOn;
pub use section::sms::Sms;
pub use section::storage::Storage;
pub use section::tls::Tls;
pub use section::webhook::Webhook;
