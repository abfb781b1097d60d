//! Every scripted case in other orders. Whatever the order, the books balance and the calls keep their promises; where a
//! whole conversation without a RST lost nothing, any order behind the handshake gives the same bytes.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test asserts by panicking"
)]

use std::path::Path;

use egret_reassembly::{
    Assembler, Capture, Ending, Limits, LinkType, Opened, Packet, StreamPool, Timestamp, decode,
};

mod support;
use support::{Log, Recorder};

/// As captured: link type, data, length on the wire.
type Captured = (LinkType, Vec<u8>, u32);

/// How many orders of a case with too many packets to try them all.
const ORDERS: u64 = 120;

fn scripted() -> Vec<(String, Vec<Captured>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tcp");
    let mut cases = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|end| end != "pcap") {
            continue;
        }
        let mut capture = Capture::open(&path).unwrap();
        let mut packets = Vec::new();
        while let Some(packet) = capture.next_packet().unwrap() {
            packets.push((packet.link_type, packet.data.to_vec(), packet.wire_len));
        }
        cases.push((path.file_stem().unwrap().to_string_lossy().into_owned(), packets));
    }
    cases.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(cases.len() > 50);
    cases
}

/// Runs packets a millisecond apart. The log is checked on the way and at the end.
fn run<'c>(packets: impl Iterator<Item = &'c Captured>) -> Log {
    let mut assembler = Assembler::new(StreamPool::new(Recorder, Limits::default()));
    let mut log = Log::default();
    for (number, (link_type, data, wire_len)) in (1..).zip(packets) {
        let timestamp = Timestamp::from_nanos(number as i64 * 1_000_000);
        let (link_type, wire_len) = (*link_type, *wire_len);
        let packet = Packet { number, timestamp, link_type, interface: 0, data, wire_len };
        assembler.assemble(&decode(packet), &mut log);
    }
    assembler.finish(&mut log);
    log.check(&assembler.stats());
    log
}

/// The `order`th order of so many things, of all that there are.
fn order_of(len: usize, mut order: u64) -> Vec<usize> {
    let mut rest: Vec<usize> = (0..len).collect();
    let mut places = Vec::new();
    while !rest.is_empty() {
        places.push(rest.remove((order % rest.len() as u64) as usize));
        order /= rest.len() as u64 + 1;
    }
    places
}

/// All orders of a few things, a sample of those of many.
fn orders(len: usize) -> Vec<Vec<usize>> {
    let all = (1..=len as u64).product::<u64>();
    if len <= 5 {
        return (0..all).map(|order| order_of(len, order)).collect();
    }
    let mut random = 1_u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random >> 11
    };
    // Beyond twenty the product does not fit, and a sample is a sample.
    (0..ORDERS).map(|_| order_of(len, next())).collect()
}

#[test]
fn in_any_order_the_promises_hold() {
    for (_, packets) in scripted() {
        for order in orders(packets.len().min(12)) {
            let (front, back) = packets.split_at(order.len());
            run(order.iter().map(|index| &front[*index]).chain(back));
        }
    }
}

#[test]
fn in_any_order_what_lost_nothing_gives_the_same_bytes() {
    let mut compared = 0;
    for (name, packets) in scripted() {
        let whole = run(packets.iter());
        let handshake = whole.lines.first().is_some_and(|line| line.contains(Opened::Handshake.name()));
        // Where a RST is in the order decides what it ends.
        let ended = whole.closes.iter().all(|close| !matches!(close.how, Ending::Reset { .. }));
        let clean = whole.gaps.is_empty() && whole.anomalies.is_empty() && whole.closes.len() == 1 && ended;
        if !handshake || !clean || packets.len() < 5 || packets.len() > 24 {
            continue;
        }
        compared += 1;
        let (front, back) = packets.split_at(3);
        for order in orders(back.len()) {
            let log = run(front.iter().chain(order.iter().map(|index| &back[*index])));
            assert_eq!(log.bytes, whole.bytes, "{name} in order {order:?}:\n{}", log.text());
        }
    }
    assert!(compared > 15, "only {compared} cases");
}
