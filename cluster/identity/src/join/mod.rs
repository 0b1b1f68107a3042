//! How a new node gets its certificate, and a member gives it one.
//!
//! The new node calls over TLS, without a certificate of its own; it knows the cluster by its authority's fingerprint.
//! `message` is what they say, `client` the new node's side, `server` the member's.

mod client;
mod message;
mod server;

pub use client::{JoinError, Joined, join};
pub use server::{Admitting, Granted, JoinOptions, serve_joins};
