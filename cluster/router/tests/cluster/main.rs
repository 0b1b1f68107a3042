//! Routers of several nodes: asks and hints that find their entity wherever it is.

mod asks;
mod hints;
mod large;
mod releases;
mod storm;
mod world;
