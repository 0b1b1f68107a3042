//! Nodes that speak to each other over loopback.

mod calls;
mod double;
mod harness;
mod identity;
mod loss;
mod relay;
mod streams;
