//! The store in memory, with injectable faults, for tests and simulation.
