//! One DNS message: shown, and read question by question and answer by answer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| egret_decode_fuzz::dns(input));
