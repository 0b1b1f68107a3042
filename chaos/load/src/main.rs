//! The load tool and its measurements.

fn main() {}
