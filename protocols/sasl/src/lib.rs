//! Authentication mechanisms as state machines (RFC 4422): bytes in, steps out.
//!
//! The framing (base64, `334`, `+`, the cancelling `*`) belongs to the protocol crates; verifying a password and finding
//! SCRAM keys belongs to `node/access`. Used by the sessions of SMTP, IMAP and POP3, by the relay and by tests.
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

mod bearer;
mod binding;
mod client;
mod crypto;
mod mechanism;
mod prepare;
mod scram;
mod secret;
mod server;

pub use bearer::Bearer;
pub use binding::{BindingKind, ChannelBinding};
pub use client::{Client, ClientError, Credentials};
pub use mechanism::Mechanism;
pub use prepare::{PrepareError, prepare};
pub use scram::{ITERATIONS_DEFAULT, ITERATIONS_MIN, StoredKeys};
pub use secret::Secret;
pub use server::{Failure, Server, ServerContext, Step};
