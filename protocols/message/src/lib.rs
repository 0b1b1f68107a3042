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
pub mod builder;
pub mod charset;
pub mod date;
pub mod header;
pub mod html;
mod limits;
pub mod mbox;
pub mod media;
pub mod message_id;
mod open_part;
pub mod receipt;
pub mod rfc3339;
mod scanner;
mod structure;
pub mod subject;
pub mod surrogate;
pub mod text;
pub mod transfer;
pub mod words;

pub use address::{AddressItem, Mailbox};
pub use builder::{Body, Builder};
pub use date::{Civil, SentDate};
pub use limits::Limits;
pub use receipt::Receipt;
pub use scanner::{Scanner, parse, parse_pieces};
pub use structure::{Content, Disposition, Embedded, Encoding, Envelope, MediaType, Parameter, Part, Structure};
pub use text::TextReader;
pub use transfer::TransferDecoder;
