//! What an LDAP request means: members look up their colleagues, and change nothing (ACC-20).
//!
//! The protocol is in `protocols/ldap`; here is the tree that an organisation's directory makes, and how it is searched: by
//! the directory's index, for whom the member sees (ORG-11) and what is shown of them (ORG-12). Outside directories that
//! people come from are the business of `node/ldap`.

mod bind;
mod compare;
mod entry;
mod filter;
mod metrics;
mod search;
mod service;
mod session;
mod settings;
mod sieve;
mod tree;

pub use service::{LdapService, Parts};
pub use settings::LdapServerSettings;
