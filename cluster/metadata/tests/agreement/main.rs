//! Several nodes agree on one map: on paused time, a simulated network and disks in memory.

mod bad_disk;
mod growth;
mod harness;
mod partition;
mod random;
mod succession;
