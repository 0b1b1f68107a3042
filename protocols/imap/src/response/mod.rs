//! What the server says (RFC 9051 §7): one file per response, each a function on [`Output`].

mod acl;
mod body_structure;
mod capability;
mod enabled;
mod envelope;
mod esearch;
mod exists;
mod expunge;
mod fetch;
mod flags;
mod id;
mod list;
mod namespace;
mod quota;
mod search;
mod section;
mod sort;
mod status;
mod status_data;
mod thread;
mod vanished;

pub use esearch::Esearch;
pub use list::ListEntry;
pub use quota::QuotaResource;
pub use status::{Code, Status};
pub use status_data::StatusData;
pub use thread::ThreadNode;
