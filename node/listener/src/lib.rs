//! Accept, TLS, connection limits: sockets become session tasks on an arbiter.
//!
//! A [`Listener`] accepts, counts, reads a PROXY header where the peer is trusted to send one, completes the TLS
//! handshake of implicit-TLS ports, and hands each [`Connection`] to the protocol's [`Service`] on an arbiter. What the
//! bytes mean is the service's business. Wired by `node/server`.

mod accept;
mod connection;
mod deflate;
mod limits;
mod metrics;
mod proxy;
mod service;
mod settings;
mod stream;
mod tls;

pub use accept::{Listener, ListenerParts, TlsMode, raise_file_limit};
pub use connection::{Connection, UpgradeError};
pub use limits::{ConnectionLimits, Slot};
pub use proxy::{ProxyAddresses, read_header as read_proxy_header};
pub use service::{Refusal, Service};
pub use settings::ListenerSettings;
pub use stream::ConnectionStream;
pub use tls::{
    CertificateFiles, CertificatePem, NamedCertificate, Seal, TlsConfig, TlsError, TlsInfo, TlsVersion, self_signed,
};
