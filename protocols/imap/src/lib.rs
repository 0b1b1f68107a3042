//! IMAP4rev1 and IMAP4rev2: one codec, both sides, no sockets.
//!
//! [`Session`] is the server side as a value with six verbs; [`Client`] is the other side, small, for migration, tests and load.
//! One file per command under `command/`, one per response under `response/`. Nothing here knows what a command
//! means: `node/session/imap` does.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::as_conversions,
    clippy::panic
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::as_conversions,
        clippy::panic
    )
)]

mod capability;
mod client;
pub mod command;
mod date;
mod discard;
mod flag;
mod input;
mod mailbox_name;
mod output;
mod parser;
mod refusal;
pub mod response;
mod sequence_set;
mod session;
mod settings;

pub use capability::{Enabled, Extension};
pub use client::{Client, ClientEvent, ClientLimits, Fetched, Listed, Namespaces, ServerData, ServerStatus};
pub use command::{Command, CommandId};
pub use date::{Date, write_date_time};
pub use flag::FlagList;
pub use mailbox_name::{MailboxName, MailboxNameError, decode_utf7, encode_utf7};
pub use output::Output;
pub use refusal::{Condition, Refusal};
pub use response::{Code, Status};
pub use sequence_set::{Ranges, SequenceSet};
pub use session::{Reply, Session, State};
pub use settings::{Limits, Settings};
