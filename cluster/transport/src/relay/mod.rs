//! Two nodes that do not reach each other speak through a third that reaches both.
//!
//! [`RelayTransport`] is a layer over any transport: it finds out which ways are cut (`ways` decides, `round` asks), sends
//! calls and streams through another node meanwhile, and goes back to the direct way as soon as that works. `service` is
//! the other side: it carries for others, and serves what comes through others. `wire` has the bytes, service 6.
//!
//! All nodes of a cluster are trusted equally: a node believes the one that carries a call who has made it, and one that
//! carries could read and change what it carries. A call takes one such step at most: what is delivered for another node is
//! never sent on. A node of a release that does not know of this is asked nothing but whether it does.

mod metrics;
mod options;
mod round;
mod service;
mod transport;
mod ways;
mod wire;

pub use options::RelayOptions;
pub use transport::RelayTransport;

#[cfg(test)]
mod tests;
