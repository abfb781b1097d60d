//! Packets that are taken many at a time give what they give one by one: the same calls in the same order, the same counts.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test asserts by panicking"
)]

use egret_reassembly::{
    Assembler, Capture, Decoded, Limits, LinkType, Packet, Shard, Stats, StreamPool, Timestamp, decode,
};
use proptest::collection::vec;
use proptest::prelude::*;

mod support;
use support::traffic::{Event, captures, traffic};
use support::{ACK, FIN, Log, RST, Recorder, SYN, Sent, sent};

/// What streams were told, and what was counted.
type Told = (String, Stats);

/// Runs events; packets that follow each other are given by as many as `sizes` says in turn, or by one each.
fn run(events: &[Event], sizes: Option<&[usize]>, limits: Limits, shard: Shard) -> Told {
    let mut assembler = Assembler::sharded(StreamPool::new(Recorder, limits), shard);
    let (mut log, mut number) = (Log::default(), 0);
    let mut sizes = sizes.map(|sizes| sizes.iter().copied().cycle());
    for run in events.chunk_by(|one, other| one.1.is_some() && other.1.is_some()) {
        let packets: Vec<Decoded<'_>> = run
            .iter()
            .filter_map(|(timestamp, what)| what.as_ref().map(|what| (*timestamp, what)))
            .map(|(timestamp, (link_type, data, wire_len))| {
                number += 1;
                let (link_type, wire_len) = (*link_type, *wire_len);
                decode(Packet { number, timestamp, link_type, interface: 0, data, wire_len })
            })
            .collect();
        let mut rest = packets.as_slice();
        while !rest.is_empty() {
            let Some(sizes) = &mut sizes else {
                rest.iter().for_each(|decoded| assembler.assemble(decoded, &mut log));
                break;
            };
            let (batch, behind) = rest.split_at(sizes.next().unwrap().min(rest.len()));
            assembler.assemble_all(batch, &mut log);
            rest = behind;
        }
        if let [(timestamp, None)] = run {
            assembler.advance(*timestamp, &mut log);
        }
    }
    assembler.finish(&mut log);
    let stats = assembler.stats();
    log.check(&stats);
    (log.text() + &format!("{:#?}", log.closes), stats)
}

/// The same connection after connection: a few addresses that are used again and again, so that what is known of one is
/// where another was a moment ago.
fn reuse() -> impl Strategy<Value = Vec<Event>> {
    let turn = (1_u16..6, 0_u8..6, any::<bool>(), 0_i64..200_000_000);
    vec(turn, 1..120).prop_map(|turns| {
        let (mut now, mut numbers, mut events) = (1_000_000_000_000_i64, [1_000_u32; 6], Vec::new());
        for (port, what, from_client, step) in turns {
            now += step;
            let isn = &mut numbers[usize::from(port)];
            let mut say = |segment: Sent| {
                let place = if segment.from_client { 20..22 } else { 22..24 };
                let mut bytes = segment.at(now / 1_000).bytes();
                bytes[place].copy_from_slice(&port.to_be_bytes());
                let wire_len = bytes.len() as u32;
                let packet = (LinkType::IPV4, bytes, wire_len);
                events.push((Timestamp::from_nanos(now), Some(packet)));
            };
            match what {
                // A new connection, which takes the place of one that goes on or is over, or is the same again.
                0 | 1 => {
                    *isn = isn.wrapping_add(if what == 0 { 100_000 } else { 0 });
                    say(sent(true, *isn, 0, SYN, b""));
                    say(sent(false, 9_000, isn.wrapping_add(1), SYN | ACK, b""));
                }
                2 => say(sent(true, isn.wrapping_add(1), 9_001, RST | ACK, b"")),
                3 => {
                    say(sent(true, isn.wrapping_add(1), 9_001, ACK | FIN, b"abc"));
                    say(sent(false, 9_001, isn.wrapping_add(5), ACK | FIN, b""));
                    say(sent(true, isn.wrapping_add(5), 9_002, ACK, b""));
                }
                _ if from_client => say(sent(true, isn.wrapping_add(1), 9_001, ACK, b"abc")),
                _ => say(sent(false, 9_001, isn.wrapping_add(4), ACK, b"defg")),
            }
        }
        events
    })
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![1_usize..40, Just(16), Just(200)], 1..20)
}

/// Limits that are reached at once, or hardly ever.
fn limits() -> impl Strategy<Value = Limits> {
    let connections = prop::sample::select(vec![1_usize, 2, 4, 200_000]);
    let memory = prop::sample::select(vec![0_usize, 2_000, 64 << 20]);
    (connections, memory).prop_map(|(connections, memory)| Limits {
        connections,
        memory,
        ..Limits::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_traffic(events in traffic(200), sizes in sizes(), limits in limits(), part in 0_u32..3) {
        for shard in [Shard::WHOLE, Shard::new(part, 3).unwrap()] {
            prop_assert_eq!(run(&events, Some(&sizes), limits, shard), run(&events, None, limits, shard));
        }
    }

    #[test]
    fn connections_in_each_others_place(events in reuse(), sizes in sizes(), limits in limits()) {
        let whole = Shard::WHOLE;
        prop_assert_eq!(run(&events, Some(&sizes), limits, whole), run(&events, None, limits, whole));
    }
}

#[test]
fn every_fixture() {
    for path in captures() {
        let (mut capture, mut events) = (Capture::open(&path).unwrap(), Vec::new());
        while let Some(packet) = capture.next_packet().unwrap() {
            let Packet { timestamp, link_type, data, wire_len, .. } = packet;
            events.push((timestamp, Some((link_type, data.to_vec(), wire_len))));
        }
        let few = Limits { connections: 2, memory: 2_000, ..Limits::default() };
        for limits in [Limits::default(), few] {
            let alone = run(&events, None, limits, Shard::WHOLE);
            for sizes in [&[1_000_000][..], &[16], &[17], &[1, 2, 3]] {
                let many = run(&events, Some(sizes), limits, Shard::WHOLE);
                assert_eq!(many, alone, "{} by {sizes:?}", path.display());
            }
        }
    }
}
