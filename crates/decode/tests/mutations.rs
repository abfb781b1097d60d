//! Packets of real captures, changed at random: what the fuzz target checks of made-up packets holds for these too.
//!
//! The fixtures' packets and 50,000 changes by default. `EGRET_MUTATIONS=10000000` makes it ten million, and
//! `EGRET_CAPTURES=FOLDER` takes the captures below another folder; a release build (`--release`) is ten times faster.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    unreachable_pub,
    dead_code,
    reason = "a test asserts by panicking; the fuzz targets use the rest"
)]

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use egret_decode::Capture;

/// The most packets that are taken of one capture, and bytes of one packet: headers are what matters.
const PACKETS: usize = 200;
const BYTES: usize = 600;

/// Link types that are decoded, of which a packet gets another one at times.
const LINK_TYPES: [u16; 26] = [
    0, 1, 9, 10, 50, 51, 101, 104, 105, 108, 113, 117, 119, 127, 163, 166, 192, 204, 228, 229, 239, 276, 281,
    282, 284, 285,
];

#[test]
fn changed_packets_are_decoded_as_any() {
    let number = |name| env::var(name).ok().map(|text| text.parse().unwrap());
    let captures = env::var_os("EGRET_CAPTURES").map(PathBuf::from);
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let mut inputs = Vec::new();
    walk(&captures.unwrap_or(fixtures), &mut |path| {
        // What is no capture has no packets.
        let Ok(mut capture) = Capture::open(path) else { return };
        for _ in 0..PACKETS {
            let Ok(Some(packet)) = capture.next_packet() else { break };
            let short = packet.data.get(..BYTES).unwrap_or(packet.data);
            inputs.push(fuzz::input(egret_decode::Packet { data: short, ..packet }));
        }
    });
    assert!(inputs.len() > 100, "only {} packets", inputs.len());
    let wanted: u64 = number("EGRET_MUTATIONS").unwrap_or(50_000);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut changed = Vec::new();
    for _ in 0..wanted {
        changed.clear();
        changed.extend_from_slice(&inputs[random.below(inputs.len())]);
        for _ in 0..1 + random.below(6) {
            random.change(&mut changed, &inputs);
        }
        fuzz::packet(&changed);
    }
    println!("{wanted} changes of {} packets", inputs.len());
}

/// Xorshift: the same changes in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// Makes one change; the first two bytes of an input are the link type, the third is what was cut.
    fn change(&mut self, input: &mut Vec<u8>, others: &[Vec<u8>]) {
        let at = self.below(input.len());
        // Headers are in front: half of the changes go there.
        let at =
            if self.next().is_multiple_of(2) { at.min(3 + self.below(80)).min(input.len() - 1) } else { at };
        match self.next() % 10 {
            0 => input[at] ^= 1 << self.below(8),
            1 => input[at] = self.next() as u8,
            2 => input[at] = [0, 1, 0x7f, 0x80, 0xff, 0x45, 0x60, 0x06, 0x11, 0x2f][self.below(10)],
            3 => input.truncate(at.max(3)),
            4 => {
                let link_type = LINK_TYPES[self.below(LINK_TYPES.len())].to_le_bytes();
                input[..2].copy_from_slice(&link_type);
            }
            5 => {
                let byte = self.next() as u8;
                input.splice(at..at, std::iter::repeat_n(byte, 1 + at % 5));
            }
            // Headers in headers.
            6 => {
                let end = (at + self.below(60)).min(input.len());
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            7 => {
                let other = &others[self.below(others.len())];
                let from = self.below(other.len());
                input.truncate(at.max(3));
                input.extend_from_slice(&other[from..]);
            }
            8 => {
                // A number of 16 bits, such as a length or an ethertype.
                let number = [0, 1, 4, 7, 8, 19, 20, 0x0800, 0x86dd, 0x8100, 0x8847, 0x8864, 0x6558, 0xffff];
                let bytes = u16::to_be_bytes(number[self.below(number.len())]);
                input.iter_mut().skip(at).zip(bytes).for_each(|(byte, new)| *byte = new);
            }
            _ => input[2.min(at)] = self.next() as u8,
        }
        input.truncate(4_000);
    }
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() { walk(&path, visit) } else { visit(&path) }
    }
}
