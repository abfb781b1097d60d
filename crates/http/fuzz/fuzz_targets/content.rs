//! A body with a content coding, whole and in pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| egret_http_fuzz::laws::content(input));
