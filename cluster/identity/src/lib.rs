//! Who a node is: the cluster's authority, its own certificate, and how it comes by one.
//!
//! A node's identity is its certificate: the authority of the cluster has signed that this key is node n of cluster c. A
//! new node gets it for a join token: it calls a member over TLS that it recognises by the fingerprint in the token, shows
//! the token's secret, and has its key signed. Certificates are renewed long before they end, and those of nodes
//! that left are turned away (`register`). Knows files and sockets, no storage; who may join decides an [`Admitting`].

mod authority;
mod certificate;
mod error;
mod files;
mod join;
mod register;
mod renewal;
mod token;

pub use authority::{Authority, KeyRequest, NodeKey};
pub use certificate::{CertificateFacts, Fingerprint, Lifetime};
pub use error::IdentityError;
pub use files::{Identity, IdentityFile};
pub use join::{Admitting, Granted, JoinError, JoinOptions, Joined, join, serve_joins};
pub use register::{Register, Standing};
pub use renewal::{renew_forever, renewal_due_millis};
pub use token::{JoinToken, TokenError, TokenHash};
