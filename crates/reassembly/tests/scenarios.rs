//! The situations that reassemblers are known by: what has to come out, packet by packet.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test asserts by panicking"
)]

use std::time::Duration;

use egret_reassembly::{
    Anomaly, Assembler, Ending, GapReason, Limits, LinkType, Packet, StreamPool, Timestamp, decode,
};

mod support;
use support::{ACK, FIN, Log, RST, Recorder, SYN, Sent, sent, timed};

const SECOND: i64 = 1_000_000;

/// `len` bytes of the client from this sequence number: each byte tells where it belongs.
fn part(seq: u32, len: u32) -> Sent {
    let bytes: Vec<u8> = (seq..seq + len).map(letter).collect();
    sent(true, seq, 501, ACK, &bytes)
}

fn letter(seq: u32) -> u8 {
    b'a' + ((seq - 1_001) % 26) as u8
}

/// What the client's bytes from 1,001 on are.
fn text(len: u32) -> String {
    (1_001..1_001 + len).map(|seq| letter(seq) as char).collect()
}

fn syn() -> Sent {
    sent(true, 1_000, 0, SYN, b"")
}

/// An assembler that is fed step by step, so that it is seen when something is delivered.
struct Steps {
    assembler: Assembler<Recorder>,
    log: Log,
    number: u64,
    given: usize,
}

impl Steps {
    fn new(limits: Limits) -> Self {
        let assembler = Assembler::new(StreamPool::new(Recorder, limits));
        Self { assembler, log: Log::default(), number: 0, given: 0 }
    }

    /// Feeds a segment. Returns what of the client was delivered at that, with `_` for what is missing.
    fn step(&mut self, segment: &Sent) -> String {
        self.number += 1;
        let data = segment.bytes();
        let (number, wire_len) = (self.number, data.len() as u32);
        let timestamp = Timestamp::from_nanos(segment.at.max(number as i64) * 1_000);
        let packet =
            Packet { number, timestamp, link_type: LinkType::IPV4, interface: 0, data: &data, wire_len };
        self.assembler.assemble(&decode(packet), &mut self.log);
        self.news()
    }

    fn finish(&mut self) -> String {
        self.assembler.finish(&mut self.log);
        self.log.check(&self.assembler.stats());
        self.news()
    }

    fn news(&mut self) -> String {
        let bytes = self.log.bytes.first().map(|sides| &sides[0][..]).unwrap_or_default();
        let news = String::from_utf8_lossy(&bytes[self.given..]).into_owned();
        self.given = bytes.len();
        news
    }
}

#[test]
fn reordered_without_a_syn() {
    let mut steps = Steps::new(Limits::default());
    for (seq, len) in [(1_001, 3), (1_004, 3), (1_010, 3), (1_007, 3)] {
        steps.step(&part(seq, len));
    }
    // The start is held for the slack only; what comes behind it is sorted as ever.
    assert_eq!(steps.step(&part(1_016, 3).at(30_000)), text(12));
    assert_eq!(steps.step(&part(1_019, 3).at(30_001)), "");
    assert_eq!(steps.step(&part(1_013, 3).at(30_002)).len(), 9);
    assert_eq!(steps.finish(), "");
    assert!(steps.log.gaps.is_empty());
}

#[test]
fn at_the_limit_the_hole_is_given_up_and_what_is_behind_it_delivered() {
    let mut steps = Steps::new(Limits { memory: 2_200, fragments: 0, ..Limits::default() });
    steps.step(&syn());
    assert_eq!(steps.step(&part(1_001, 3)), text(3));
    let mut news = String::new();
    for seq in [1_007, 1_010, 1_013, 1_016, 1_019, 1_022] {
        news += &steps.step(&part(seq, 3));
    }
    assert!(news.starts_with("___ghi"), "{news}");
    assert_eq!(
        (steps.log.gaps.len(), steps.log.gaps[0].reason, steps.log.gaps[0].len),
        (1, GapReason::Limit, 3)
    );
}

#[test]
fn reordered_by_one() {
    let mut steps = Steps::new(Limits::default());
    steps.step(&syn());
    assert_eq!(steps.step(&part(1_001, 3)), text(3));
    assert_eq!(steps.step(&part(1_007, 3)), "");
    assert_eq!(steps.step(&part(1_004, 3)), "defghi");
}

#[test]
fn overlaps_bring_only_what_is_new() {
    let mut steps = Steps::new(Limits::default());
    steps.step(&syn());
    assert_eq!(steps.step(&part(1_001, 10)).len(), 10);
    assert_eq!(steps.step(&part(1_007, 9)).len(), 5);
    assert_eq!(steps.step(&part(1_010, 8)), "pq");
    assert_eq!(steps.step(&part(1_003, 3)), "", "a pure retransmission");
    steps.finish();
    assert!(steps.log.anomalies.is_empty());
}

#[test]
fn overlaps_that_wait() {
    let mut steps = Steps::new(Limits::default());
    steps.step(&syn());
    assert_eq!(steps.step(&part(1_007, 9)), "");
    assert_eq!(steps.step(&part(1_010, 8)), "");
    assert_eq!(steps.step(&part(1_001, 10)), text(17));
}

#[test]
fn of_the_same_start_the_longer_first_one_is_kept() {
    let mut steps = Steps::new(Limits::default());
    steps.step(&syn());
    steps.step(&part(1_007, 9));
    steps.step(&sent(true, 1_007, 501, ACK, b"XXXXXXXX"));
    let Some(Anomaly::Conflict { offset, len, kept, dropped, .. }) = steps.log.anomalies.last() else {
        panic!("no conflict: {}", steps.log.text())
    };
    assert_eq!((*offset, *len, *kept, *dropped), (6, 8, 2, 3));
    assert_eq!(steps.step(&part(1_001, 10)), text(15));
}

#[test]
fn a_retransmission_inside_reordered_ones() {
    let mut steps = Steps::new(Limits::default());
    steps.step(&syn());
    steps.step(&part(1_001, 3));
    for (seq, len) in [(1_007, 3), (1_007, 3), (1_010, 2)] {
        assert_eq!(steps.step(&part(seq, len)), "");
    }
    // The one that fills the hole wins what it runs into.
    assert_eq!(steps.step(&sent(true, 1_004, 501, ACK, b"defGH")), "defGHijk");
}

#[test]
fn the_wrap_forwards_and_backwards() {
    for order in [[0, 1], [1, 0]] {
        let parts = [sent(true, 0, 501, ACK, b"0123456789"), sent(true, 10, 501, ACK, b"abcd")];
        let mut steps = Steps::new(Limits::default());
        steps.step(&sent(true, u32::MAX, 0, SYN, b""));
        let news: String = order.map(|index: usize| steps.step(&parts[index])).concat();
        assert_eq!(news, "0123456789abcd");
    }
}

#[test]
fn a_segment_larger_than_any_page_waits_and_comes_out_whole() {
    let mut steps = Steps::new(Limits::default());
    steps.step(&syn());
    assert_eq!(steps.step(&part(1_101, 5_700)), "");
    assert_eq!(steps.step(&part(1_001, 100)).len(), 5_800);
    assert!(steps.log.text().contains("c>s 100+5700 packet 2"), "each byte is from its packet");
}

#[test]
fn holes_are_given_up_by_their_own_age() {
    let mut steps = Steps::new(Limits { patience: Duration::from_secs(4), ..Limits::default() });
    steps.step(&syn());
    steps.step(&part(1_004, 3).at(SECOND));
    steps.step(&part(1_010, 3).at(3 * SECOND));
    assert_eq!(steps.step(&part(1_013, 3).at(5 * SECOND)), "___def");
    assert_eq!(steps.step(&part(1_016, 3).at(6 * SECOND)), "");
    // The other direction's hole is as old as what waits there, and a late RST ends nothing that waits.
    steps.step(&sent(false, 504, 1_001, ACK, b"xyz").at(6 * SECOND));
    steps.step(&sent(false, 99, 1_001, RST, b"").at(6 * SECOND));
    assert_eq!(steps.step(&part(1_025, 3).at(7 * SECOND)), "___jklmnopqr");
    assert_eq!(steps.finish(), "______yza");
    assert_eq!(steps.log.server(), "___xyz");
}

#[test]
fn the_ways_a_handshake_can_go() {
    let answer = || sent(false, 500, 1_001, SYN | ACK, b"");
    let log = timed(vec![syn(), answer(), part(1_001, 3), sent(true, 1_004, 501, RST, b""), part(1_004, 3)]);
    assert_eq!((log.client(), log.closes[0].how), (text(3), Ending::Reset { checked: true }));
    let log = timed(vec![syn(), sent(false, 0, 1_001, RST | ACK, b"")]);
    assert_eq!((log.closes.len(), log.closes[0].how), (1, Ending::Reset { checked: true }));
    // Neither a missing answer nor a missing last acknowledgment loses anything.
    for kept in [vec![syn()], vec![syn(), answer()], vec![answer()], vec![]] {
        let all = kept.into_iter().chain([part(1_001, 3), sent(false, 501, 1_004, ACK, b"ok")]).collect();
        let log = timed(all);
        assert_eq!(
            (log.client(), log.server(), log.closes.len()),
            (text(3), "ok".into(), 1),
            "{}",
            log.text()
        );
    }
    // The end in four steps, and in three.
    let end = |four: bool| {
        let mut all = vec![syn(), answer(), part(1_001, 3), sent(true, 1_004, 501, ACK | FIN, b"")];
        all.extend(four.then(|| sent(false, 501, 1_005, ACK, b"")));
        all.extend([sent(false, 501, 1_005, ACK | FIN, b""), sent(true, 1_005, 502, ACK, b"")]);
        let log = timed(all);
        (log.closes.len(), log.closes[0].how)
    };
    assert_eq!((end(true), end(false)), ((1, Ending::Finished), (1, Ending::Finished)));
}

#[test]
fn a_port_scan_leaves_nothing() {
    let mut steps = Steps::new(Limits::default());
    for seq in 0..2_000 {
        steps.step(&sent(true, seq * 1_000, 0, SYN, b""));
        steps.step(&sent(false, 0, seq * 1_000 + 1, RST | ACK, b""));
    }
    assert_eq!(steps.assembler.stats().peak_connections, 1);
}

#[test]
fn memory_is_given_back() {
    let mut steps = Steps::new(Limits::default());
    let mut peaks = Vec::new();
    for round in 0..3_u32 {
        // The same ports again, each time with a hole that is given up at the end.
        let isn = round * 10_000_000;
        let at = i64::from(round) * 400 * SECOND;
        steps.step(&sent(true, isn, 0, SYN, b"").at(at));
        for index in 1..500 {
            steps.step(&sent(true, isn + 1 + index * 3, 501, ACK, b"ab").at(at + 1));
        }
        peaks.push(steps.assembler.stats().peak_waiting);
    }
    assert_eq!(peaks[0], peaks[2], "what the first connection held was freed");
    steps.finish();
}
