//! Immutable bytes: compressed, chunked, at a keyed hash of their content, one copy a tenant.
//!
//! A blob is written before or with the record that refers to it. Whoever keeps one holds a reference key; what nobody
//! refers to is collected in two phases (see [`BlobStore::collect_step`]). Knows nothing of mail; tenants are numbers.

mod chunk;
mod collect;
mod error;
mod reader;
mod record;
mod store;
mod travel;
mod writer;

pub use collect::Collected;
pub use error::{BlobError, Result};
pub use reader::BlobReader;
pub use store::{BlobAddress, BlobOptions, BlobStore, Owner, Sources};
pub use writer::{BlobWriter, NewBlob};
