//! Any conversation: pieces, gaps, acknowledgments, ends and the close, decoded from the input.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| egret_http_fuzz::laws::connection(input));
