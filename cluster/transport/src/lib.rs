//! Node to node: calls that are answered once, and ordered streams with back-pressure.
//!
//! [`Transport`] is the face that the other crates of the cluster build on. [`TcpTransport`] gives it over TCP with mutual
//! TLS, [`SimNetwork`] over a network of one process with seeded delays and faults; [`RelayTransport`] goes round cuts over
//! either. Payloads are bytes to it: what they mean, the services behind it know.
//! Nothing is ever repeated here: a call that fails may or may not have had its effect, and its caller decides.

pub mod codec;
pub mod frame;
mod name;
mod relay;
mod simulated;
mod stream;
mod tcp;
mod transport;

pub use name::{ClusterId, ClusterIdError};
pub use relay::{RelayOptions, RelayTransport};
pub use simulated::{LinkOptions, SimNetwork, SimTransport};
pub use stream::{Stream, StreamError, StreamReceiver, StreamSender};
pub use tcp::{
    Admission, AdmitAll, Credentials, CredentialsError, PeerStatus, TcpTransport, TcpTransportParts, TransportOptions,
};
pub use transport::{CallError, NodeId, Service, ServiceId, Transport};
