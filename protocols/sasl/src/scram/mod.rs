//! SCRAM-SHA-256 (RFC 5802, RFC 7677): keys at rest and the text of its four steps.

mod keys;
mod text;

pub use keys::{ITERATIONS_DEFAULT, ITERATIONS_MIN, StoredKeys};
pub(crate) use keys::{client_proof, salted_password};
pub(crate) use text::{Attributes, ClientFirst, Gs2, auth_message, encode_name};
