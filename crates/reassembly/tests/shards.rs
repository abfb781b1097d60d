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

use egret_reassembly::{Assembler, Capture, Limits, Packet, Shard, Stats, StreamPool, decode};
use proptest::prelude::*;

mod support;
use support::traffic::{Event, captures, traffic};
use support::{Log, Recorder};

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
    let captures = captures();
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

proptest! {
    #[test]
    fn any_traffic_is_the_sum_of_its_shards(events in traffic(200), of in 2_u32..6) {
        check(&events, of);
    }
}
