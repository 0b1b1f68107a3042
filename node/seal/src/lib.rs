//! Seals the secrets that are kept in the store, so that whoever has the store, or a backup of it, does not have them.
//!
//! The keys lie elsewhere: in a file of the node, and in what the nodes of a cluster agree upon. There may be several: the
//! newest one seals, the others still open what they sealed. What is sealed is bound to its place: moved to another record
//! it does not open. Passwords are no business of this crate: they are hashed. Called by whoever keeps secrets; the keys are
//! given by `node/server`.

mod again;
mod kept;
mod key;
mod place;
mod sealer;

pub use again::{Holder, Looked, look, seal_again};
pub use kept::Kept;
pub use key::{KeyError, KeyId, SealKey};
pub use place::Place;
pub use sealer::{SealError, Sealer};
