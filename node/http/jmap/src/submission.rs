//! EmailSubmission (RFC 8621 §7): mails on their way out, now or later, and what becomes of them.

mod create;
mod envelope;
mod get;
mod query;
mod recall;
mod separate;
mod set;

pub(crate) use create::{deliver, nobody, resolve};
pub(crate) use envelope::CheckedRecipient;
pub(crate) use get::{changes, get};
pub(crate) use query::{query, query_changes};
pub(crate) use recall::recall;
pub(crate) use set::set;
