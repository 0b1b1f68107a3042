//! The mailbox on a store in memory: each request, faults, a model, and what operations cost.

mod cost;
mod faults;
mod harness;
mod model;
mod requests;
