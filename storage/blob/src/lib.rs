//! Immutable bytes: compressed, chunked, content-addressed, collected in two phases.
