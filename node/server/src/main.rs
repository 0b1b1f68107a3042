//! The binary: arguments, start order, wiring, shutdown.

fn main() {}
