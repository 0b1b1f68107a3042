//! LDAP and Active Directory as a source of people (ORG-14): an organisation names a directory, and its people become members.
//!
//! A synchronisation reads all people within limits, compares them with the members that came from there, and makes a plan
//! with an entry for each; only then is anything changed, member by member, through what SCIM uses. Those who are gone are
//! disabled, never deleted, and never more of them than the settings allow. Of a directory that hangs, lies or has no end
//! nothing is believed. Passwords may be proved there by a bind. Called by `node/upkeep`, the admin API and `node/access`.

mod apply;
mod client;
mod compare;
mod error;
mod ldap;
mod link;
mod options;
mod person;
mod place;
mod record;
mod settings;
mod sign_in;

pub use apply::Applying;
pub use compare::{Action, Planned};
pub use error::LdapError;
pub use ldap::{Checked, Ldap, Plan};
pub use options::LdapOptions;
pub use record::BIND_SECRETS;
pub use settings::{AttributeRule, Departments, LdapChange, LdapSettings, Master, PersonField};
