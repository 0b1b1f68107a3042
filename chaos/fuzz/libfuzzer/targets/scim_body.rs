//! Guided by coverage: `cargo fuzz run --fuzz-dir chaos/fuzz/libfuzzer scim_body`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hongyan_fuzz::scim_body(bytes));
