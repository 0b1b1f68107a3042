//! The mailbox on a store in memory: each request, faults, repeats, a model, and what operations cost.

mod acts;
mod cost;
mod emails;
mod faults;
mod harness;
mod lagging;
mod model;
mod permits;
mod purged;
mod recall;
mod removals;
mod repeats;
mod requests;
