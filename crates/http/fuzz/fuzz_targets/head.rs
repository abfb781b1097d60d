//! Heads: one message of either side, whole and in pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| egret_http_fuzz::laws::head(input));
