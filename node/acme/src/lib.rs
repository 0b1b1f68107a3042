//! Certificates for all names: ordered from an authority (ACME, RFC 8555) or brought by organisations, kept in the store,
//! shown by all nodes.
//!
//! One node orders, whichever is told to by its `is_mine`; every node follows the store and shows what is there. A name
//! is asked for only if it is the operator's own or if its owner has pointed it here in the DNS. What fails is tried
//! again ever later, and told: in the log, in metrics, and to whoever asks for the status. Wired by `node/server`.

mod acme;
mod authority;
mod ending;
mod key;
mod metrics;
mod order;
mod own;
mod record;
mod routes;
mod settings;
mod status;
mod store;
mod wanted;
mod web;

pub use acme::{Acme, AcmeParts};
pub use order::AcmeError;
pub use own::{CertificateFault, OwnError, PEM_OCTETS_MAX};
pub use record::account::ACCOUNT_SECRETS;
pub use record::certificate::CERTIFICATE_SECRETS;
pub use record::own::OWN_CERTIFICATE_SECRETS;
pub use routes::routes;
pub use settings::{AcmeSettings, Challenge};
pub use status::CertificateStatus;
