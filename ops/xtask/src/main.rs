//! verify, fix, tidy.

fn main() {}
