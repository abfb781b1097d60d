//! Traffic of many connections at once.

use std::path::{Path, PathBuf};

use egret_reassembly::{LinkType, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{ACK, FIN, RST, SYN, sent};

/// A packet (what it begins with, its bytes, its length on the wire), or a tick, at that time.
pub type Event = (Timestamp, Option<(LinkType, Vec<u8>, u32)>);

/// All captures among the fixtures.
pub fn captures() -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let groups = std::fs::read_dir(fixtures).unwrap().map(|group| group.unwrap().path());
    let files = groups.filter(|path| path.is_dir()).flat_map(|group| std::fs::read_dir(group).unwrap());
    let is_capture = |path: &PathBuf| path.extension().is_some_and(|end| end == "pcap" || end == "pcapng");
    files.map(|file| file.unwrap().path()).filter(is_capture).collect()
}

/// A datagram as a whole, or in two fragments.
fn fragments(bytes: Vec<u8>, cut: bool, identification: u16) -> Vec<Vec<u8>> {
    if !cut || bytes.len() < 40 {
        return vec![bytes];
    }
    let (header, body) = bytes.split_at(20);
    let (first, second) = body.split_at(8);
    [(first, 0, true), (second, 1, false)]
        .map(|(piece, offset, more)| {
            let mut fragment = [header, piece].concat();
            fragment[2..4].copy_from_slice(&(20 + piece.len() as u16).to_be_bytes());
            fragment[4..6].copy_from_slice(&identification.to_be_bytes());
            fragment[6..8].copy_from_slice(&(offset | u16::from(more) << 13).to_be_bytes());
            fragment
        })
        .to_vec()
}

/// Segments of a dozen connections that fit, miss or contradict each other, some in fragments, at times that go on by
/// little or by much, or jump.
pub fn traffic(packets: usize) -> impl Strategy<Value = Vec<Event>> {
    let flags = prop_oneof![4 => Just(ACK), 2 => Just(SYN), 1 => Just(SYN | ACK), 1 => Just(ACK | FIN), 1 => Just(RST)];
    let step = prop_oneof![
        8 => 0_i64..3_000,
        2 => 0_i64..40_000_000_000,
        1 => 0_i64..400_000_000_000,
        1 => Just(-1_000_000_000),
        1 => Just(4_000_000_000_000)
    ];
    let packet = (1_u16..12, any::<bool>(), 0_u32..40, 0_u32..40, flags, 0_usize..20, any::<bool>());
    vec((step, prop_oneof![9 => packet.prop_map(Some), 1 => Just(None)]), 1..packets).prop_map(|steps| {
        let (mut now, mut events) = (1_000_000_000_000_i64, Vec::new());
        for (number, (step, what)) in (0_u16..).zip(steps) {
            let time = Timestamp::from_nanos(now + step);
            // A jump far ahead may be one packet's mistake.
            now += if step > 1_000_000_000_000 && number % 2 == 0 { 0 } else { step };
            let Some((port, from_client, seq, ack, flags, len, cut)) = what else {
                events.push((Timestamp::from_nanos(now), None));
                continue;
            };
            let text = &b"what is said on a connection"[..len];
            let mut bytes = sent(from_client, seq, ack, flags, text).bytes();
            let place = if from_client { 20..22 } else { 22..24 };
            bytes[place].copy_from_slice(&port.to_be_bytes());
            for data in fragments(bytes, cut && len > 0, number) {
                let wire_len = data.len() as u32;
                events.push((time, Some((LinkType::IPV4, data, wire_len))));
            }
        }
        events
    })
}
