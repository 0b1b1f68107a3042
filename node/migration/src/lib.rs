//! Mail from other systems (MIG): whole organisations moved over IMAP or POP3, and files read in.
//!
//! A migration is an entity that the cluster places. It takes the accounts of a domain in, works on a few at a time where its
//! partition is, and notes after every few messages how far it is, so that it goes on there when that moves. The source is
//! only read: EXAMINE and BODY.PEEK, RETR without DELE (MIG-7). Messages go into mailboxes as APPEND puts them: nothing is
//! triggered by them. Called by the admin API; wired by `node/server`.

mod dial;
mod entity;
mod failure;
mod id;
mod imap;
mod import;
mod job;
mod key;
mod ledger;
mod mapping;
mod migrations;
mod names;
mod news;
mod options;
mod pop3;
mod preset;
mod record;
mod runner;
mod secret;
mod source;
mod store;
mod target;
mod wire;

pub use dial::Dialer;
pub use entity::{Look, MigrationEntity, MigrationReply, MigrationRequest, MigrationServices};
pub use id::MigrationId;
pub use import::{Import, ImportError, ImportFormat, Imported, NewImport};
pub use migrations::{Check, Counts, Credentials, MigrationError, Migrations, NewMigration, Tested};
pub use options::MigrationOptions;
pub use preset::{Preset, presets};
pub use record::migration::{Delegation, Migration, MigrationState};
pub use record::moving::{Moving, MovingState};
pub use record::trouble::Trouble;
pub use runner::run;
pub use secret::MIGRATION_SECRETS;
pub use source::{Protocol, Source, Tls};
