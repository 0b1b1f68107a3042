//! Sockets between hosts that exist only in this process: the seam's other side in simulation.
//!
//! All time is tokio's, which a simulation pauses, so a run takes no longer than its work; all chance comes from one
//! seed. A connection keeps its order whatever happens to the network between: what a blocked link holds back arrives
//! when the link opens, as retransmission would have it. Everything happens on the thread that runs the simulation.

mod listener;
mod network;
mod pipe;
mod stream;

pub use network::{Latency, SimulatedNetwork};

pub(crate) use listener::SimulatedListener;
pub(crate) use stream::SimulatedStream;

use std::net::IpAddr;
use std::sync::Arc;

use crate::Dns;

/// One host of a simulation.
pub struct SimulatedHost {
    /// What connects it to the others.
    pub network: SimulatedNetwork,
    /// Its address.
    pub address: IpAddr,
    /// Seed of its randomness.
    pub seed: u64,
    /// How much faster its clocks run than time does, in millionths; negative is slower.
    pub clock_rate_ppm: i32,
    /// How far its wall clock is ahead, in milliseconds.
    pub wall_ahead_millis: i64,
    /// Its resolver.
    pub dns: Arc<dyn Dns>,
}
