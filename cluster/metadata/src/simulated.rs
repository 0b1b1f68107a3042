//! Stand-ins for tests and simulation.

mod memory_disk;

pub use memory_disk::MemoryDisk;
