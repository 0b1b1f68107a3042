//! Guided by coverage: `cargo fuzz run --fuzz-dir chaos/fuzz/libfuzzer saml_logout`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hongyan_fuzz::saml_logout(bytes));
