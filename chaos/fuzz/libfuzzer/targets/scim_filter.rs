//! Guided by coverage: `cargo fuzz run --fuzz-dir chaos/fuzz/libfuzzer scim_filter`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hongyan_fuzz::scim_filter(bytes));
