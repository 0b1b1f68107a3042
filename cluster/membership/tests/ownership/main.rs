//! Whole clusters on paused time: at every moment at most one node answers for a partition, and soon after any fault
//! one does.

mod bad_input;
mod cut;
mod failure;
mod farewell;
mod harness;
mod planned;
mod random;
mod store;
