//! Transactions over ordered keys with FoundationDB's semantics, whatever the backend.
//!
//! Owns the trait a backend implements, the `Database` and `Transaction` values everyone else uses, tuple keys, fences,
//! limits, the retry loop and the conformance suite. Knows nothing of mail. Backends: `storage/memory`,
//! `storage/embedded`, `storage/foundationdb`.

#[cfg(feature = "conformance")]
pub mod conformance;
mod database;
mod error;
pub mod fence;
mod lasting;
mod limits;
mod once;
pub mod optimistic;
pub mod record;
pub mod tuple;

pub use database::{
    AsStorageError, Backend, BackendTransaction, BoxFuture, CommitVersion, Database, KeyRange, KeyValue, RangeQuery,
    RangeReply, ReadMode, Transaction, Watch,
};
pub use error::{Error, Result};
pub use limits::{
    KEY_OCTETS_MAX, RANGE_REPLY_OCTETS, TRANSACTION_OCTETS_MAX, TRANSACTION_OCTETS_TARGET, TRANSACTION_SECS_MAX,
    VALUE_OCTETS_MAX,
};
pub use once::{Mark, Marks};
pub use tuple::Tuple;
