//! The limits of the strictest backend, kept by all of them.
//!
//! Source: FoundationDB's documented known limitations.

/// Longest value, in octets.
pub const VALUE_OCTETS_MAX: usize = 100_000;
/// Longest key, in octets: FoundationDB's 10,000 less what its backend puts before every key.
pub const KEY_OCTETS_MAX: usize = 9_900;
/// Sum of keys and values written, and of conflict ranges, that a commit refuses to exceed, in octets.
pub const TRANSACTION_OCTETS_MAX: usize = 10_000_000;
/// What our own transactions stay under, in octets: larger work is cut into steps.
pub const TRANSACTION_OCTETS_TARGET: usize = 1_000_000;
/// Age in seconds at which a transaction's reads and its commit fail with [`crate::Error::TooOld`].
pub const TRANSACTION_SECS_MAX: u64 = 5;
/// About how many octets of pairs one range reply holds; `more` tells that it was cut.
pub const RANGE_REPLY_OCTETS: usize = 512 * 1024;

const _: () = assert!(VALUE_OCTETS_MAX < TRANSACTION_OCTETS_TARGET);
const _: () = assert!(TRANSACTION_OCTETS_TARGET < TRANSACTION_OCTETS_MAX);
