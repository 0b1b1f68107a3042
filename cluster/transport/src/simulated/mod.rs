//! A network inside one process: seeded delays, losses, one-way partitions, slow links, crashes.
//!
//! Works on one thread with paused time and gives the same run for the same seed; also on several threads, then without
//! that promise. A lost call is one whose connection broke: its caller learns nothing of the effect.

mod link;
mod network;
mod pipe;

pub use link::LinkOptions;
pub use network::{SimNetwork, SimTransport};

#[cfg(test)]
mod tests;
