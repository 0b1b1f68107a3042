//! Tenants, domains, accounts, aliases and groups, and where mail for an address goes.
//!
//! Everything is in the store under `("dir", ..)`; what is read often is remembered in memory and forgotten when it
//! changes, here or on another node ([`Follower`]). Addresses are compared by [`hongyan_types::Address::key`] only, so case, IDN spelling and composed letters
//! never matter. Holds credentials but never sees a password: that is `node/access`. Called by the sessions, by
//! delivery, by access and by the admin API.

mod cache;
mod change;
mod changes;
mod directory;
mod error;
mod expand;
mod follower;
mod key;
mod lookup;
mod options;
mod record;
mod resolution;
mod transaction;

pub use change::Change;
pub use changes::{AccountChange, Field, NewAccount, NewGroup, NewTenant, TenantChange};
pub use directory::Directory;
pub use error::{Error, Result};
pub use follower::{Changed, Follower};
pub use options::DirectoryOptions;
pub use record::account::{AccountRecord, AccountSettings, AccountState, FetchRange, Quota};
pub use record::credential::{Credential, ScramKeys};
pub use record::domain::DomainRecord;
pub use record::group::{GroupId, GroupRecord};
pub use record::language::{Language, UnknownLanguage};
pub use record::tenant::{TenantCounts, TenantRecord, TenantState};
pub use resolution::{GroupTargets, Login, Recipient, Resolution, Via};
