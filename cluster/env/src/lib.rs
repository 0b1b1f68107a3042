//! The seam to the outside: clock, randomness, sockets, DNS, spawning.
