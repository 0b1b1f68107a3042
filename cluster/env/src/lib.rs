//! The seam to the outside: clock, randomness, sockets, DNS, and work beside a thread.
//!
//! Everything that makes two runs of the same program differ comes through an [`Env`], so that a simulation can replace
//! it: [`Env::real`] is the machine, [`Env::manual`] a clock that tests move by hand with seeded randomness,
//! [`Env::simulated`] a host that exists only in this process. Knows no protocol; hands out plain microseconds and milliseconds.

mod beside;
mod clock;
mod dns;
mod env;
mod held_port;
mod hickory;
mod local;
mod net;
mod random;
mod simulated;
mod spawn;
mod thread;
mod zone;

pub use beside::Beside;
pub use clock::ManualClock;
pub use dns::{Answer, Dns, DnsError, MxRecord, Security, SrvRecord, TlsaRecord};
pub use env::{Crashed, Env};
pub use held_port::{HeldPort, HeldPorts};
pub use hickory::ResolverDns;
pub use local::{LocalListener, LocalStream};
pub use net::{Listener, ParkedStream, Stream};
pub use simulated::{Latency, SimulatedHost, SimulatedNetwork};
pub use spawn::{host_turn, spawn};
pub use thread::OwnThread;
pub use zone::ZoneDns;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn std::future::Future<Output = T> + Send + 'a>>;
