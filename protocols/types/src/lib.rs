//! Mail vocabulary that every protocol shares: identifiers, times, addresses.
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

mod number;
mod time;

pub use number::{ModSeq, Octets, SeqNum, Uid, UidValidity};
pub use time::{Instant, Timestamp};
