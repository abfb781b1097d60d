//! The body of a chunked message, whole and in pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| egret_http_fuzz::laws::chunked(input));
