//! What administrators, operators and the system did: one log a tenant and one for the installation (STAT-7, ADM).
//!
//! Entries are appended in the very transaction that makes the change, so none is missing and none tells of what did not
//! happen. Each bears the hash of the one before: who alters or removes an entry breaks the chain from there on, and who
//! rewrites the whole chain ends at another head than the one that was noted elsewhere. Nothing here changes
//! entries; those that were kept long enough are removed from the chain's beginning, which the chain itself says ([`Log::cut`]). Appended to by `node/directory`; read by the admin API.

mod append;
mod cut;
mod entry;
mod key;
mod log;
mod record;
mod verify;

pub use append::append;
pub use cut::Cut;
pub use entry::{Author, AuthorKind, Chain, Entry, Event, FieldChange, Hash, NotAHash, Recorded};
pub use log::{Filter, Log, LogPage};
pub use record::head::Head;
pub use verify::{Anchor, Verdict, Whole};
