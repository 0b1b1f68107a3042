//! What webhooks store, one file a kind. Every version once written stays readable.

pub(crate) mod delivery;
pub(crate) mod secret;
pub(crate) mod webhook;
