//! A folder's messages as an immutable value that is cheap to clone and to compare.
//!
//! Entries lie in chunks of 256 consecutive UIDs, chunks in groups of 64, all shared: a change copies one chunk, one group
//! and the list of groups, whatever the folder's size, and two views differ only where their pointers do. Sessions hold
//! views; the mailbox makes new ones.

mod difference;
mod entry;
mod folder_view;
mod known;

pub use difference::Difference;
pub use entry::MessageEntry;
pub use folder_view::FolderView;
pub(crate) use folder_view::{CHUNK_UIDS, Chunk, Group, chunk_of};
pub use known::Known;
pub(crate) use known::Mark;
