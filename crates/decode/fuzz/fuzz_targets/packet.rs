//! One packet of any link type: decoded, listed, printed, and taken for a fragment's datagram.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| egret_decode_fuzz::packet(input));
