//! What is kept for how long, and who is given up first: tables, tombstones, silence, deadlines, the clock.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test asserts by panicking"
)]

use std::time::Duration;

use egret_reassembly::{
    Assembler, Ending, GapReason, Limits, LinkType, Packet, Refusal, Stats, StreamPool, Timestamp, decode,
};

mod support;
use support::{ACK, FIN, Log, RST, Recorder, SYN, Sent, opened, refusals, run, run_with, sent};

const SECOND: i64 = 1_000_000;

/// A segment of the connection from this port of the client.
fn from_port(port: u16, segment: &Sent) -> (i64, Vec<u8>) {
    let mut bytes = segment.bytes();
    let place = if segment.from_client { 20..22 } else { 22..24 };
    bytes[place].copy_from_slice(&port.to_be_bytes());
    (segment.at, bytes)
}

/// Runs packets at their times, in microseconds.
fn run_packets(packets: &[(i64, Vec<u8>)], limits: Limits) -> (Log, Stats) {
    let mut assembler = Assembler::new(StreamPool::new(Recorder, limits));
    let mut log = Log::default();
    for (number, (at, data)) in (1..).zip(packets) {
        let (timestamp, wire_len) = (Timestamp::from_nanos(at * 1_000), data.len() as u32);
        let packet = Packet { number, timestamp, link_type: LinkType::IPV4, interface: 0, data, wire_len };
        assembler.assemble(&decode(packet), &mut log);
    }
    assembler.finish(&mut log);
    let stats = assembler.stats();
    log.check(&stats);
    (log, stats)
}

/// The ids of connections in the order they ended so.
fn ended(log: &Log, how: &str) -> Vec<u64> {
    let words = log.lines.iter().map(|line| line.split(' ').collect::<Vec<_>>());
    words.filter(|words| words[1] == how).map(|words| words[0].parse().unwrap()).collect()
}

#[test]
fn connections_are_given_up_half_open_first_then_midstream_then_the_oldest() {
    let limits = Limits { connections: 5, ..Limits::default() };
    let mut packets = Vec::new();
    let mut send =
        |port: u16, at: i64, segment: Sent| packets.push(from_port(port, &segment.at(at * SECOND)));
    // 1 and 2: established, 2 heard of last. 3: over. 4: begun in the middle. 5: half open.
    for port in [1, 2] {
        send(port, 0, sent(true, 0, 0, SYN, b""));
        send(port, 0, sent(false, 900, 1, SYN | ACK, b""));
        send(port, 0, sent(true, 1, 901, ACK, b"abc"));
    }
    send(3, 1, sent(true, 0, 0, SYN, b""));
    send(3, 1, sent(false, 900, 1, SYN | ACK, b""));
    send(3, 1, sent(true, 1, 901, ACK | FIN, b""));
    send(3, 1, sent(false, 901, 2, ACK | FIN, b""));
    send(3, 1, sent(true, 2, 902, ACK, b""));
    send(4, 2, sent(true, 1, 901, ACK, b"abc"));
    send(5, 3, sent(true, 0, 0, SYN, b""));
    send(1, 4, sent(true, 4, 901, ACK, b"def"));
    // Each of these needs room, of which there is some for one, since 3 is over; all are established, so that those in
    // front of them go.
    for port in 6..11 {
        send(port, 5, sent(true, 0, 0, SYN, b""));
        send(port, 5, sent(false, 900, 1, SYN | ACK, b""));
        send(port, 5, sent(true, 1, 901, ACK, b"abc"));
    }
    let (log, stats) = run_packets(&packets, limits);
    // By their first packets: 13 is port 5, 12 is port 4, 4 port 2, 1 port 1.
    assert_eq!(ended(&log, "evicted"), [13, 12, 4, 1], "{}", log.text());
    assert_eq!((ended(&log, "finished"), stats.limits_hit), (vec![7], 4));
}

#[test]
fn as_many_connections_that_are_over_are_remembered_as_may_be_open() {
    let limits = Limits { connections: 2, ..Limits::default() };
    let mut packets = Vec::new();
    for port in 1..=3 {
        packets.extend(
            [
                sent(true, 0, 0, SYN, b""),
                sent(false, 900, 1, SYN | ACK, b""),
                sent(true, 1, 901, ACK | FIN, b"abc"),
                sent(false, 901, 5, ACK | FIN, b""),
                sent(true, 5, 902, ACK, b""),
            ]
            .map(|segment| from_port(port, &segment)),
        );
    }
    // Sent again, all of them: the first one is known no longer.
    packets.extend([3, 2, 1].map(|port| from_port(port, &sent(true, 1, 901, ACK, b"abc"))));
    let (log, stats) = run_packets(&packets, limits);
    assert_eq!(ended(&log, "finished"), [1, 6, 11]);
    assert_eq!((stats.leftovers, stats.opened_midstream), (2, 1));
    assert_eq!((stats.forgotten, stats.limits_hit), (1, 0), "nothing was taken away");
    assert_eq!(stats.peak_connections, 1);
}

#[test]
fn who_was_heard_of_within_a_second_of_another_still_goes_at_its_own_time() {
    // All in the first second; the first one speaks last.
    let limits = Limits { idle: Duration::from_secs(10), ..Limits::default() };
    let mut packets = Vec::new();
    for (port, at) in [(1, 0), (2, 100_000), (3, 200_000), (1, 900_000), (2, 950_000)] {
        let seq = if at >= 900_000 { 4 } else { 1 };
        packets.push(from_port(port, &sent(true, seq, 901, ACK, b"abc").at(at)));
    }
    packets.push(from_port(9, &sent(true, 1, 901, ACK, b"abc").at(9 * SECOND)));
    packets.push(from_port(9, &sent(true, 4, 901, ACK, b"abc").at(18 * SECOND)));
    let (log, _) = run_packets(&packets, limits);
    assert_eq!(ended(&log, "idle"), [1, 2, 3], "at one packet, those that began first come first");
    let at: Vec<i64> = log.closes.iter().map(|close| close.timestamp.nanos() / 1_000).collect();
    assert_eq!(at[..3], [10_900_000, 10_950_000, 10_200_000], "neither early nor late");
}

#[test]
fn a_connection_that_is_over_is_remembered_for_its_last_packets() {
    let over = [
        sent(true, 1, 9_001, ACK | FIN, b"abc"),
        sent(false, 9_001, 5, ACK | FIN, b"def"),
        sent(true, 5, 9_005, ACK, b""),
    ];
    let then = |late: Sent| opened(over.iter().cloned().chain([late])).closes.len();
    let data = |seq: u32, at: i64| sent(true, seq, 9_005, ACK, b"abc").at(at);
    assert_eq!(then(data(1, 10)), 1, "sent again");
    assert_eq!(then(data(1 + (4 << 20), 10)), 1, "within what may have been on the way");
    assert_eq!(then(data(6 + (4 << 20), 10)), 2, "of another connection");
    assert_eq!(then(data(1, 29 * SECOND)), 1);
    assert_eq!(then(data(1, 31 * SECOND)), 2, "it is forgotten after 30 s");
    assert_eq!(then(sent(true, 0, 0, SYN, b"")), 1, "its own SYN again");
    assert_eq!(then(sent(true, 7, 0, SYN, b"")), 2);
    assert_eq!(then(sent(true, 5, 9_005, RST, b"")), 1);
}

#[test]
fn refused_connections_take_no_room() {
    let mut packets = Vec::new();
    for port in 1..1_000 {
        packets.push(from_port(port, &sent(true, 7, 0, SYN, b"")));
        packets.push(from_port(port, &sent(false, 0, 8, RST | ACK, b"")));
    }
    let (log, stats) = run_packets(&packets, Limits::default());
    assert_eq!((stats.peak_connections, stats.ended.reset), (1, 999));
    assert!(log.closes.iter().all(|close| close.how == Ending::Reset { checked: true }));
    // Nor do those that the client itself gives up before an answer.
    let packets: Vec<_> = (1..1_000)
        .flat_map(|port| {
            [sent(true, 7, 0, SYN, b""), sent(true, 8, 0, RST, b"")].map(|sent| from_port(port, &sent))
        })
        .collect();
    let (_, stats) = run_packets(&packets, Limits::default());
    assert_eq!((stats.peak_connections, stats.ended.reset), (1, 999));
}

#[test]
fn at_the_limit_the_data_of_a_syn_gives_way_too() {
    let limits = Limits { memory: 400, fragments: 0, ..Limits::default() };
    let segments = [
        sent(true, 0, 0, SYN, &[b'x'; 1_000]),
        sent(false, 9_000, 1, SYN | ACK, b""),
        sent(true, 1, 9_001, ACK, b"abc"),
    ];
    let log = run_with(&segments, limits, 0);
    assert_eq!((log.client().as_str(), refusals(&log)), ("abc", vec![(1, Refusal::SynData)]));
}

#[test]
fn remembered_gaps_are_charged_and_forgotten_at_the_limit() {
    // A thousand connections, each with a gap behind it and nothing that waits.
    let limits = Limits { memory: 64 << 10, fragments: 0, ..Limits::default() };
    let mut packets = Vec::new();
    for port in 1..1_000 {
        packets.push(from_port(port, &sent(true, 0, 0, SYN, b"")));
        packets.push(from_port(port, &sent(true, 1, 901, ACK, b"abc")));
        packets.push(from_port(port, &sent(true, 7, 901, ACK, b"ghi")));
        packets.push(from_port(port, &sent(false, 901, 10, ACK, b"")));
        packets.extend((0..32).map(|_| from_port(port, &sent(false, 901, 10, ACK, b""))));
    }
    packets.push(from_port(1, &sent(true, 4, 901, ACK, b"def")));
    packets.push(from_port(999, &sent(true, 4, 901, ACK, b"def")));
    let (log, stats) = run_packets(&packets, limits);
    assert!(stats.peak_waiting < 66 << 10 && stats.limits_hit > 500, "{stats:?}");
    assert!(log.gaps.iter().all(|gap| gap.reason == GapReason::Acknowledged));
    let (first, last) = (log.closes[0].client_to_server, log.closes[998].client_to_server);
    assert_eq!((first.retransmitted, first.discarded.late), (3, 0), "forgotten");
    assert_eq!((last.retransmitted, last.discarded.late), (0, 3), "remembered");
}

#[test]
fn who_lets_ever_more_wait_gives_way_before_who_waits_for_a_moment() {
    // What waits in front came later than the segment of the other connection; what is far behind came long before.
    let limits = Limits { memory: 64 << 10, fragments: 0, ..Limits::default() };
    let piece = |seq: u32| from_port(1, &sent(true, seq, 901, ACK, b"x"));
    let mut packets =
        vec![from_port(1, &sent(true, 0, 0, SYN, b"")), from_port(2, &sent(true, 0, 0, SYN, b""))];
    packets.extend((0..100).map(|at| piece(30_000 + 10 * at)));
    packets.push(from_port(2, &sent(true, 4, 901, ACK, b"def")));
    packets.extend((0..200).map(|at| piece(10 + 10 * at)));
    packets.extend((0..150).map(|at| piece(50_000 + 10 * at)));
    packets.push(from_port(2, &sent(true, 1, 901, ACK, b"abc")));
    let (log, stats) = run_packets(&packets, limits);
    assert!(stats.limits_hit > 100, "{stats:?}");
    assert_eq!(log.closes[1].client_to_server.missing, 0, "{}", log.text());
}

#[test]
fn silence_comes_before_a_deadline_that_is_later_with_ticks_and_without() {
    let limits = Limits { idle: Duration::from_secs(10), ..Limits::default() };
    let segments = [
        sent(true, 0, 0, SYN, b""),
        sent(false, 9_000, 1, SYN | ACK, b""),
        sent(true, 4, 9_001, ACK, b"def"),
        // Two packets of a later connection show that half a minute has gone by.
        sent(true, 70_000, 0, SYN, b"").at(39 * SECOND),
        sent(true, 70_001, 0, ACK, b"abc").at(40 * SECOND),
    ];
    for ticks in [0, 1, 7] {
        let log = run_with(&segments, limits, ticks);
        assert_eq!((log.gaps[0].reason, log.gaps[0].timestamp), (GapReason::End, Timestamp::new(10, 0)));
        assert_eq!((log.closes[0].how, log.closes[0].timestamp), (Ending::Idle, Timestamp::new(10, 0)));
    }
}

#[test]
fn a_first_packet_from_the_far_future_does_not_stop_the_clock() {
    let future = 2_000_000_000 * SECOND;
    let after = |first: &[i64]| {
        let mut segments: Vec<Sent> = first.iter().map(|at| sent(true, 0, 0, SYN, b"").at(*at)).collect();
        segments.extend([
            sent(false, 9_000, 1, SYN | ACK, b"").at(SECOND),
            sent(true, 4, 9_001, ACK, b"def").at(2 * SECOND),
            sent(true, 7, 9_001, ACK, b"ghi").at(40 * SECOND),
        ]);
        let log = run(&segments);
        assert_eq!(log.closes.len(), 1, "{}", log.text());
        (log.gaps[0].reason, log.gaps[0].timestamp)
    };
    let by_patience = (GapReason::Patience, Timestamp::new(32, 0));
    assert_eq!(after(&[0]), by_patience);
    assert_eq!(after(&[future]), by_patience, "the first");
    assert_eq!(after(&[future, 0]), by_patience, "the first, and the second is right");
    assert_eq!(after(&[0, -future]), by_patience, "the second is far too early");
    assert_eq!(after(&[0, future]), by_patience, "the second is far too late");
}

#[test]
fn a_huge_slack_waits_for_no_more_than_a_thousand_packets() {
    let limits = Limits { slack_packets: u32::MAX, slack: Duration::from_secs(3_600), ..Limits::default() };
    // Begun in the middle, and every segment acknowledges what is not in the capture.
    let segments: Vec<Sent> =
        (0..3_000_u32).map(|at| sent(true, at, 9_001 + at, ACK, b"x").at(i64::from(at))).collect();
    let log = run_with(&segments, limits, 0);
    let first = log.gaps.iter().find(|gap| gap.reason == GapReason::Acknowledged).unwrap();
    assert!(first.packet <= 2_100, "{first:?}");
    assert_eq!(log.client().len(), 3_000);
}

#[test]
fn a_segment_that_comes_again_later_is_no_packet_captured_twice() {
    let copies = |distance: i64, between: usize| {
        // The same checksum and identification, as IPv4 without fragments and IPv6 have them.
        let data = sent(true, 1, 9_001, ACK, b"abc").bytes();
        let mut packets = vec![
            (0, sent(true, 0, 0, SYN, b"").bytes()),
            (0, sent(false, 9_000, 1, SYN | ACK, b"").bytes()),
            (100, data.clone()),
        ];
        packets.extend((0..between).map(|_| (100, sent(false, 9_001, 4, ACK, b"").bytes())));
        packets.push((100 + distance, data));
        run_packets(&packets, Limits::default()).0.anomalies.len()
    };
    assert_eq!(copies(1, 0), 1);
    assert_eq!(copies(5_000, 0), 1);
    assert_eq!(copies(10_000, 0), 0, "a tail loss probe");
    assert_eq!(copies(1, 15), 1);
    assert_eq!(copies(1, 20), 0);
}
