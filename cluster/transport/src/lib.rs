//! How nodes speak to each other: the words, which a real network and a simulated one both fill.
//!
//! Carries bytes between services and knows nothing of what they mean.

mod transport;

pub use transport::{CallError, NodeId, Service, ServiceId, Transport};
