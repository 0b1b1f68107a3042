//! SMTP (RFC 5321), message submission (RFC 6409) and LMTP (RFC 2033): one codec, both sides, no sockets.
//!
//! [`server::Session`] serves `node/session/smtp`; [`client::Session`] serves `node/relay` and tests. Message data is
//! streamed through both and never held. What an address means is not known here.
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

pub mod client;
mod command;
mod limits;
mod line;
mod mailbox;
mod parameter;
mod reply;
pub mod server;

pub use command::{Auth, Bdat, Body, Hello, HelloKind, Hold, Mail, Notify, OriginalRecipient, Rcpt, Return};
pub use limits::{ClientLimits, LimitNames, Limits};
pub use mailbox::{ForwardPath, Host, Mailbox};
pub use reply::{Enhanced, Reply, ReplyError};
