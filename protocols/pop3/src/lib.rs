//! POP3 (RFC 1939) with STLS, SASL, CAPA, response codes, pipelining, UTF8 and LANG: one codec, both sides, no sockets.
//!
//! [`server::Session`] serves `node/session/pop3`; [`client::Session`] serves tests and load. Messages are streamed through the
//! server's side and never held. What is in a maildrop is not known here.
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

mod body;
pub mod client;
mod command;
mod language;
mod limits;
mod line;
mod number;
mod reply;
pub mod server;

pub use command::Auth;
pub use limits::Limits;
pub use number::MessageNumber;
pub use reply::{Reply, ResponseCode};
