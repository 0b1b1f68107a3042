//! The real transport: one TCP connection with mutual TLS to each node that is called, calls and streams side by side.
//!
//! A node dials for its own calls only and answers on the connections it has accepted, so each connection has one side
//! that begins things. `tls` says who the other end is, `handshake` what is spoken, `connection` carries calls and
//! streams, `peers` dials and dials again, `accept` takes connections in.

mod accept;
mod connection;
mod credentials;
mod handshake;
mod metrics;
mod options;
mod outgoing;
mod peers;
mod reader;
mod serving;
mod tls;
mod transport;
mod writer;

pub use credentials::{Admission, AdmitAll, Credentials, CredentialsError};
pub use options::TransportOptions;
pub use peers::PeerStatus;
pub use transport::{TcpTransport, TcpTransportParts};
