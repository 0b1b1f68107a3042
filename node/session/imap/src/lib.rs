//! What an IMAP command means: requests to the mailbox, reads of stored records, and notices.
//!
//! [`ImapService`] serves connections of the listener; `session.rs` drives one connection; every command has a file of
//! its own under `command/`. Names of RFC 9051 (mailbox) become ours (folder) here and nowhere else. Nothing here
//! writes storage: the mailbox entity does.

mod account;
mod ask;
mod command;
mod folder;
mod folders_limit;
mod metrics;
mod notices;
mod number;
mod place;
mod select_state;
mod service;
mod session;
mod settings;
mod stop;
mod transfer;

pub use service::{ImapService, ImapServices};
pub use settings::{ImapSettings, LoginWithoutTls};
