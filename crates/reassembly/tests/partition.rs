//! Parts of a capture, each put together alone, give what the whole gives: the same calls for each connection, with the
//! same ids, times and packets.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test asserts by panicking"
)]

use std::collections::BTreeMap;

use egret_reassembly::{
    Assembler, Capture, Limits, LinkType, Packet, Partition, Parts, Shard, StreamPool, Timestamp, decode,
};
use proptest::prelude::*;

mod support;
use support::traffic::{Event, captures, traffic};
use support::{Log, Recorder};

/// A packet with its number, or what time it is.
enum Entry {
    Packet(u64, Timestamp, LinkType, Vec<u8>, u32),
    Time(Timestamp),
}

/// What each part is given.
struct Given(Vec<Vec<Entry>>);

impl Parts for Given {
    fn packet(&mut self, part: u32, packet: Packet<'_>) {
        let Packet { number, timestamp, link_type, data, wire_len, .. } = packet;
        self.0[part as usize].push(Entry::Packet(number, timestamp, link_type, data.to_vec(), wire_len));
    }

    fn time(&mut self, part: u32, now: Timestamp) {
        self.0[part as usize].push(Entry::Time(now));
    }
}

/// What each connection was told.
type Told = BTreeMap<u64, Vec<String>>;

fn put_together(entries: &[Entry]) -> Told {
    let mut assembler = Assembler::new(StreamPool::new(Recorder, Limits::default()));
    let mut log = Log::default();
    for entry in entries {
        match entry {
            Entry::Time(now) => assembler.advance(*now, &mut log),
            Entry::Packet(number, timestamp, link_type, data, wire_len) => {
                let (number, timestamp, link_type, wire_len) = (*number, *timestamp, *link_type, *wire_len);
                let packet = Packet { number, timestamp, link_type, interface: 0, data, wire_len };
                assembler.assemble(&decode(packet), &mut log);
            }
        }
    }
    assembler.finish(&mut log);
    log.check(&assembler.stats());
    let mut told = Told::new();
    for line in log.lines {
        let id = line.split(' ').next().unwrap().parse().unwrap();
        told.entry(id).or_default().push(without_the_last_packet(line));
    }
    told
}

/// At which packet it became known that a connection is over is not the same: it may be one of another part. When that was,
/// and why, is.
fn without_the_last_packet(line: String) -> String {
    match line.split_once(" at packet ") {
        Some((before, after)) => before.to_owned() + after.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => line,
    }
}

fn entries(events: &[Event]) -> Vec<Entry> {
    let packets = events.iter().filter_map(|(time, packet)| Some((*time, packet.as_ref()?)));
    (1..)
        .zip(packets)
        .map(|(number, (time, (link_type, data, wire_len)))| {
            Entry::Packet(number, time, *link_type, data.clone(), *wire_len)
        })
        .collect()
}

fn divide(entries: &[Entry], of: u32, limits: Limits) -> (Vec<Vec<Entry>>, u64) {
    let mut partition = Partition::new(of, limits).unwrap();
    let mut given = Given((0..of).map(|_| Vec::new()).collect());
    for entry in entries {
        let Entry::Packet(number, timestamp, link_type, data, wire_len) = entry else { continue };
        let (number, timestamp, link_type, wire_len) = (*number, *timestamp, *link_type, *wire_len);
        let packet = Packet { number, timestamp, link_type, interface: 0, data, wire_len };
        partition.take(&decode(packet), &mut given);
    }
    partition.finish(&mut given);
    (given.0, partition.torn())
}

fn number_of(entry: &Entry) -> Option<u64> {
    if let Entry::Packet(number, ..) = entry { Some(*number) } else { None }
}

fn check(events: &[Event], of: u32) {
    let whole = entries(events);
    let (parts, torn) = divide(&whole, of, Limits::default());
    assert_eq!(torn, 0);
    let mut together = Told::new();
    let mut numbers: Vec<u64> = Vec::new();
    for (index, part) in (0..).zip(&parts) {
        let of_part: Vec<u64> = part.iter().filter_map(number_of).collect();
        assert!(of_part.is_sorted(), "packets stay in order");
        numbers.extend(of_part);
        for entry in part {
            let Entry::Packet(number, timestamp, link_type, data, wire_len) = entry else { continue };
            let (number, timestamp, link_type, wire_len) = (*number, *timestamp, *link_type, *wire_len);
            let decoded = decode(Packet { number, timestamp, link_type, interface: 0, data, wire_len });
            let here = Shard::new(index, of).unwrap().has(decoded.flow.as_ref());
            assert!(here || decoded.fragment().is_some(), "a part has the connections of its shard");
        }
        for (id, lines) in put_together(part) {
            assert_eq!(together.insert(id, lines), None, "{id} is in two parts");
        }
    }
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(1..=whole.len() as u64), "each packet is in one part");
    assert_eq!(together, put_together(&whole));
}

#[test]
fn every_fixture_is_its_parts() {
    let captures = captures();
    assert!(captures.len() > 100, "the fixtures are missing");
    for path in captures {
        let mut capture = Capture::open(&path).unwrap();
        let mut events = Vec::new();
        while let Some(packet) = capture.next_packet().unwrap() {
            let copy = (packet.link_type, packet.data.to_vec(), packet.wire_len);
            events.push((packet.timestamp, Some(copy)));
        }
        for of in [1, 2, 3] {
            check(&events, of);
        }
    }
}

/// A packet at a second: a fragment of the datagram with this number, or all of a segment.
fn sent_at(number: u64, second: i64, fragment: Option<(u16, u16, bool)>) -> Entry {
    let mut bytes = support::sent(true, 1, 1, support::ACK, &[b'x'; 8]).bytes();
    if let Some((identification, offset, more)) = fragment {
        bytes[4..6].copy_from_slice(&identification.to_be_bytes());
        bytes[6..8].copy_from_slice(&(offset | u16::from(more) << 13).to_be_bytes());
        bytes.truncate(44);
        bytes[2..4].copy_from_slice(&44_u16.to_be_bytes());
    }
    let length = bytes.len() as u32;
    Entry::Packet(number, Timestamp::new(second, 0), LinkType::IPV4, bytes, length)
}

#[test]
fn who_waits_for_a_datagram_holds_no_more_than_the_limit() {
    // The first fragment's datagram never comes, and everything else waits behind it.
    let mut packets = vec![sent_at(1, 0, Some((7, 0, true)))];
    packets.extend((2..10_000).map(|number| sent_at(number, 0, None)));
    let mut partition = Partition::new(2, Limits { memory: 100_000, ..Limits::default() }).unwrap();
    let mut given = Given(vec![Vec::new(), Vec::new()]);
    let mut most = 0;
    for entry in &packets {
        let Entry::Packet(number, timestamp, link_type, data, wire_len) = entry else { continue };
        let (number, timestamp, link_type, wire_len) = (*number, *timestamp, *link_type, *wire_len);
        let packet = Packet { number, timestamp, link_type, interface: 0, data, wire_len };
        partition.take(&decode(packet), &mut given);
        let taken = given.0.iter().flatten().filter_map(number_of).count() as u64;
        most = most.max(number - taken);
    }
    assert!((500..2_500).contains(&most), "{most} packets were held");
    partition.finish(&mut given);
    assert_eq!(partition.torn(), 1);
    assert_eq!(given.0.iter().flatten().filter_map(number_of).count(), packets.len());
    assert_eq!(given.0[0].iter().find_map(number_of), Some(1), "it is in the first part");
}

#[test]
fn who_waits_for_a_datagram_waits_no_longer_than_for_fragments() {
    let packets = [
        sent_at(1, 0, None),
        sent_at(2, 0, None),
        sent_at(3, 0, Some((7, 0, true))),
        sent_at(4, 29, None),
        sent_at(5, 31, None),
    ];
    let mut partition = Partition::new(1, Limits::default()).unwrap();
    let mut given = Given(vec![Vec::new()]);
    let mut counts = Vec::new();
    for entry in &packets {
        let Entry::Packet(number, timestamp, link_type, data, wire_len) = entry else { continue };
        let (number, timestamp, link_type, wire_len) = (*number, *timestamp, *link_type, *wire_len);
        let packet = Packet { number, timestamp, link_type, interface: 0, data, wire_len };
        partition.take(&decode(packet), &mut given);
        counts.push(given.0[0].iter().filter_map(number_of).count());
    }
    assert_eq!((counts.as_slice(), partition.torn()), (&[1, 2, 2, 2, 5][..], 0));
}

#[test]
fn there_are_as_many_parts_as_shards_may_be() {
    assert!(Partition::new(0, Limits::default()).is_none());
    assert!(Partition::new(Shard::MOST + 1, Limits::default()).is_none());
    assert!(Partition::new(Shard::MOST, Limits::default()).is_some());
}

proptest! {
    #[test]
    fn any_traffic_is_its_parts(events in traffic(200), of in 1_u32..6) {
        check(&events, of);
    }
}
