//! What a POP3 command means: a maildrop is INBOX and what the account wants beside it, held by one session at a time.
//!
//! The protocol is in `protocols/pop3`; here each command has its file. Messages are read straight from storage; only
//! opening, locking and deleting ask the mailbox. Deletes nothing before QUIT (RFC 1939 §6), and nothing at all for accounts
//! whose clients may not (ACC-12).

mod auth;
mod dele;
mod list;
mod login;
mod maildrop;
mod metrics;
mod quit;
mod retr;
mod rset;
mod service;
mod session;
mod settings;
mod stat;
mod uidl;

pub use service::{Parts, Pop3Service};
pub use settings::Pop3Settings;
