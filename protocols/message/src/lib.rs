//! RFC 5322 and MIME: part tree, headers, envelope, body structure, text, builder.
//!
//! [`Scanner`] reads a message once, in pieces, with bounded memory, and gives its [`Structure`]. The rest reads single
//! things out of bytes already at hand: header fields, encoded words, dates, addresses, text.
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

pub mod address;
pub mod date;
mod limits;
pub mod message_id;
mod structure;

pub use address::{AddressItem, Mailbox};
pub use date::{Civil, SentDate};
pub use limits::Limits;
pub use structure::{Content, Disposition, Embedded, Encoding, Envelope, MediaType, Parameter, Part, Structure};
