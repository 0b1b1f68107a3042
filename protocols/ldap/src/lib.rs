//! LDAP on the wire (RFC 4511): what is asked and answered, as values and octets; filters and names as they are written.
//! One codec, both sides, no sockets.
//!
//! [`server::Session`] serves `node/session/ldap`; [`client`] asks outside directories for `node/ldap`. What is in a
//! directory is not known here. Input never panics: whatever is not LDAP is [`Malformed`].
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

mod ber;
pub mod client;
mod filter;
mod limits;
mod name;
mod request;
mod response;
mod result;
pub mod server;

pub use ber::frame;
pub use filter::{Comparison, Filter, FilterError};
pub use limits::Limits;
pub use name::{Name, escape};
pub use request::{Compare, PageRequest, Scope, Search};
pub use response::{Answer, Attribute, Found};
pub use result::ResultCode;

/// RFC 4511 §4.14.1.
pub const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
/// RFC 4532 §2.
pub const WHO_AM_I: &str = "1.3.6.1.4.1.4203.1.11.3";
/// RFC 2696 §2.
pub const PAGED: &str = "1.2.840.113556.1.4.319";
/// RFC 3296 §3: treats referrals as entries. There are none here, so whoever demands it has it.
pub const MANAGE_DSA_IT: &str = "2.16.840.1.113730.3.4.2";

/// What came is no LDAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no LDAP")]
pub struct Malformed;
