//! Answers while somebody is away (RFC 3834, RULE-10): what is to be said, who was told already, and who must never be.

mod record;
mod respond;

pub(crate) use record::Away;
pub use record::{VACATION_CHARACTERS_MAX, Vacation, forget_person};
