//! Guided by coverage: `cargo fuzz run --fuzz-dir chaos/fuzz/libfuzzer activesync_query`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hongyan_fuzz::activesync_query(bytes));
