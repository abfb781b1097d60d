//! Assemblers of parts do together what an assembler of everything does: the same calls for each connection, and counts
//! that add up.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test asserts by panicking"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use egret_reassembly::{
    Assembler, Capture, Limits, LinkType, Packet, Shard, Stats, StreamPool, Timestamp, decode,
};
use proptest::collection::vec;
use proptest::prelude::*;

mod support;
use support::{ACK, FIN, Log, RST, Recorder, SYN, sent};

/// A packet, or a tick at that time.
type Event = (Timestamp, Option<(LinkType, Vec<u8>, u32)>);

/// What each connection was told, and what was counted.
fn run(events: &[Event], shard: Shard) -> (BTreeMap<u64, Vec<String>>, Vec<u64>, Stats) {
    let mut assembler = Assembler::sharded(StreamPool::new(Recorder, Limits::default()), shard);
    let mut log = Log::default();
    let mut number = 0;
    for (timestamp, packet) in events {
        match packet {
            None => assembler.advance(*timestamp, &mut log),
            Some((link_type, data, wire_len)) => {
                number += 1;
                let (link_type, wire_len, timestamp) = (*link_type, *wire_len, *timestamp);
                let packet = Packet { number, timestamp, link_type, interface: 0, data, wire_len };
                assembler.assemble(&decode(packet), &mut log);
            }
        }
    }
    assembler.finish(&mut log);
    let stats = assembler.stats();
    log.check(&stats);
    let mut told: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for line in log.lines {
        let id = line.split(' ').next().unwrap().parse().unwrap();
        told.entry(id).or_default().push(line);
    }
    let ended = log.closes.iter().map(|close| close.packet).collect();
    (told, ended, stats)
}

fn check(events: &[Event], of: u32) {
    let (told, mut ended, stats) = run(events, Shard::WHOLE);
    let (mut all_told, mut all_ended, mut sum) = (BTreeMap::new(), Vec::new(), Stats::default());
    for index in 0..of {
        let (told, ended, stats) = run(events, Shard::new(index, of).unwrap());
        for (id, lines) in told {
            assert_eq!(all_told.insert(id, lines), None, "{id} is in two shards");
        }
        all_ended.extend(ended);
        sum.merge(&stats);
    }
    assert_eq!(all_told, told);
    ended.sort_unstable();
    all_ended.sort_unstable();
    assert_eq!(all_ended, ended);
    assert!(sum.peak_connections >= stats.peak_connections && sum.peak_waiting >= stats.peak_waiting);
    (sum.peak_connections, sum.peak_waiting) = (stats.peak_connections, stats.peak_waiting);
    assert_eq!(sum, stats);
}

#[test]
fn every_fixture_is_the_sum_of_its_shards() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let groups = std::fs::read_dir(fixtures).unwrap().map(|group| group.unwrap().path());
    let files = groups.filter(|path| path.is_dir()).flat_map(|group| std::fs::read_dir(group).unwrap());
    let is_capture = |path: &PathBuf| path.extension().is_some_and(|end| end == "pcap" || end == "pcapng");
    let captures: Vec<PathBuf> = files.map(|file| file.unwrap().path()).filter(is_capture).collect();
    assert!(captures.len() > 100, "the fixtures are missing");
    for path in captures {
        let mut capture = Capture::open(&path).unwrap();
        let mut events = Vec::new();
        while let Some(packet) = capture.next_packet().unwrap() {
            let copy = (packet.link_type, packet.data.to_vec(), packet.wire_len);
            events.push((packet.timestamp, Some(copy)));
        }
        for of in [2, 3] {
            check(&events, of);
        }
    }
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
fn traffic() -> impl Strategy<Value = Vec<Event>> {
    let flags = prop_oneof![4 => Just(ACK), 2 => Just(SYN), 1 => Just(SYN | ACK), 1 => Just(ACK | FIN), 1 => Just(RST)];
    let step = prop_oneof![
        8 => 0_i64..3_000,
        2 => 0_i64..40_000_000_000,
        1 => 0_i64..400_000_000_000,
        1 => Just(-1_000_000_000),
        1 => Just(4_000_000_000_000)
    ];
    let packet = (1_u16..12, any::<bool>(), 0_u32..40, 0_u32..40, flags, 0_usize..20, any::<bool>());
    vec((step, prop_oneof![9 => packet.prop_map(Some), 1 => Just(None)]), 1..200).prop_map(|steps| {
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

proptest! {
    #[test]
    fn any_traffic_is_the_sum_of_its_shards(events in traffic(), of in 2_u32..6) {
        check(&events, of);
    }
}
