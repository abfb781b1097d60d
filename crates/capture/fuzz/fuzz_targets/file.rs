//! One file of any format: read in every way there is, written, and read back.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| egret_capture_fuzz::file(input));
