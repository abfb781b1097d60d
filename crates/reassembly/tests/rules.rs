//! The receiver's rules one by one, where a fixture would hide what it shows: windows, initial sequence numbers,
//! resets, time stamps, slack.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test asserts by panicking"
)]

use egret_reassembly::{
    Admit, Assembler, Checksums, Close, Connection, Data, Ending, Gap, GapReason, Limits, LinkType, Packet,
    Refusal, Segment, Stream, StreamFactory, StreamPool, Timestamp, decode,
};

mod support;
use support::{ACK, FIN, RST, SYN, Sent, opened, refusals, run, run_with, sent, timed};

fn clock(value: u32) -> Vec<u8> {
    [&[1, 1, 8, 10][..], &value.to_be_bytes(), &[0; 4]].concat()
}

#[test]
fn what_leaves_a_hole_beyond_the_window_counts_only_if_it_is_acknowledged() {
    let far = |len: usize| sent(true, 100_001, 9_001, ACK, &vec![b'x'; len]);
    let log = opened([sent(true, 1, 9_001, ACK, b"abc"), far(10)]);
    assert_eq!((log.client().as_str(), refusals(&log)), ("abc", vec![(5, Refusal::BeyondWindow)]));
    let log = opened([sent(true, 1, 9_001, ACK, b"abc"), far(10), sent(false, 9_001, 100_011, ACK, b"")]);
    assert_eq!((log.closes[0].client_to_server.delivered, refusals(&log).len()), (13, 0));
    // A segment without bytes has nothing that could be beyond.
    let log = opened([sent(true, 200_000, 9_001, ACK, b"")]);
    assert!(log.anomalies.is_empty());
}

#[test]
fn what_is_next_is_taken_whatever_the_window_was() {
    // A filter left out the acknowledgments, which opened the window: nothing is lost, in order or not.
    let part = |index: u32| sent(true, 1 + index * 30_000, 9_001, ACK, &[b'x'; 30_000]);
    let log = opened((0..100).map(part));
    assert_eq!((log.client().len(), log.anomalies.len()), (3_000_000, 0));
    let log = opened((0..100).map(|index| part(index ^ 1)));
    assert_eq!((log.client().len(), log.anomalies.len()), (3_000_000, 0));
    // Nor where many come early.
    let log = opened((1..100).map(part).chain([part(0)]));
    assert_eq!((log.client().len(), log.anomalies.len()), (3_000_000, 0));
}

#[test]
fn windows_are_scaled_only_if_both_sides_said_so_and_never_in_a_syn() {
    // A hole in front of it makes it doubtful.
    let data = [b'x'; 2_000];
    let sent_against = |client_scales: bool, server_scales: bool, in_syn: bool| {
        let scale = |scales: bool| if scales { vec![1, 3, 3, 7] } else { Vec::new() };
        let window = 100;
        let mut segments = vec![
            sent(true, 0, 0, SYN, b"").options(&scale(client_scales)),
            sent(false, 9_000, 1, SYN | ACK, b"").options(&scale(server_scales)).window(window),
            sent(true, 1, 9_001, ACK, b""),
        ];
        if !in_syn {
            segments.push(sent(false, 9_001, 1, ACK, b"").window(window));
        }
        segments.push(sent(true, 2, 9_001, ACK, &data));
        refusals(&timed(segments)).is_empty()
    };
    assert!(sent_against(true, true, false), "100 means 12,800");
    assert!(!sent_against(true, true, true), "in a SYN it means 100");
    assert!(!sent_against(true, false, false));
    assert!(!sent_against(false, true, false));
}

#[test]
fn a_window_whose_scale_is_unknown_refuses_nothing_and_is_believed_to_be_large() {
    let midstream = vec![
        sent(true, 1, 9_001, ACK, b"abc").window(1),
        sent(false, 9_001, 4, ACK, b"").window(1),
        sent(true, 4, 9_001, ACK, &[b'x'; 500]).window(1),
        sent(true, 504, 14_001, ACK, b"def").window(1),
    ];
    let log = timed(midstream);
    assert_eq!((log.client().len(), refusals(&log).len()), (506, 0));
    let missing: u64 = log.gaps.iter().map(|gap| gap.len).sum();
    assert_eq!(missing, 5_000, "the answers were not captured: {}", log.text());
}

#[test]
fn an_acknowledgment_beyond_every_window_makes_no_gap() {
    let log = opened([
        sent(false, 9_001, 1, ACK, b"abc"),
        sent(true, 1, 9_004 + 100_000_000, ACK, b"forged?"),
        sent(false, 9_004, 1, ACK, b"def"),
    ]);
    assert_eq!((log.server().as_str(), log.gaps.len()), ("abcdef", 0));
}

#[test]
fn a_second_acknowledgment_that_fits_confirms_the_first() {
    let far = 9_004 + 100_000_000;
    let with = |claims: &[Sent]| {
        let mut segments = vec![sent(false, 9_001, 1, ACK, b"abc")];
        segments.extend(claims.iter().cloned());
        segments.push(sent(true, 1, 9_004, ACK, b"").at(50_000));
        let log = opened(segments);
        log.gaps.iter().map(|gap| gap.len).sum::<u64>()
    };
    let claim = |ack: u32, at: i64| sent(true, 1, ack, ACK, b"").at(at);
    assert_eq!(with(&[claim(far, 10), claim(far, 20)]), 100_000_000);
    assert_eq!(with(&[claim(far, 10), claim(far + 1_460, 20)]), 100_001_460);
    assert_eq!(with(&[claim(far, 10)]), 0);
    assert_eq!(with(&[claim(far, 10), claim(far, 10)]), 0, "the same packet captured twice");
    assert_eq!(with(&[claim(far, 10), claim(far - 1, 20)]), 0, "it goes back");
    assert_eq!(
        with(&[claim(far, 10), claim(far + 500_000_000, 20)]),
        0,
        "they have nothing to do with each other"
    );
    assert_eq!(with(&[claim(far, 10), claim(far - 1, 20), claim(far, 30)]), 100_000_000);
    let strange = |at: i64| sent(true, 70_000_000, far, ACK, b"").at(at);
    assert_eq!(with(&[strange(10), strange(20)]), 0, "from an earlier connection of these ports");
}

#[test]
fn an_unanswered_client_believes_a_reset_only_if_it_acknowledges_the_syn() {
    let after = |reset: Sent| {
        let log = timed(vec![
            sent(true, 1_000, 0, SYN, b""),
            reset,
            sent(false, 9_000, 1_001, SYN | ACK, b""),
            sent(true, 1_001, 9_001, ACK, b"abc"),
        ]);
        (log.closes.len(), log.closes[0].how)
    };
    let open = (1, Ending::EndOfCapture);
    assert_eq!(after(sent(false, 0, 1_000, RST | ACK, b"")), open, "it acknowledges nothing");
    assert_eq!(after(sent(false, 0, 0, RST, b"")), open);
    assert_eq!(after(sent(false, 0, 1_001, RST | ACK, b"")), (2, Ending::Reset { checked: true }));
}

#[test]
fn a_reset_behind_a_fin_has_the_number_of_the_fin_behind_it() {
    for (seq, how) in [(5, Ending::Reset { checked: true }), (6, Ending::EndOfCapture)] {
        let log = opened([sent(true, 1, 9_001, ACK | FIN, b"abc"), sent(true, seq, 9_001, RST, b"")]);
        assert_eq!(log.closes[0].how, how);
    }
}

#[test]
fn a_reset_ahead_of_a_hole_is_remembered_only_within_a_window() {
    for (seq, how) in [(10, Ending::Reset { checked: false }), (0x5000_0000, Ending::EndOfCapture)] {
        let log = opened([
            sent(true, 1, 9_001, ACK, b"abc"),
            sent(true, 7, 9_001, ACK, b"ghi"),
            sent(true, seq, 9_001, RST, b""),
        ]);
        assert_eq!(log.closes[0].how, how);
    }
    // What was acknowledged and not seen is a hole too.
    let log = opened([
        sent(true, 1, 9_001, ACK, b"abc"),
        sent(false, 9_001, 7, ACK, b""),
        sent(true, 7, 9_001, RST, b""),
    ]);
    assert_eq!(log.closes[0].how, Ending::Reset { checked: false });
}

#[test]
fn time_stamps_are_compared_with_the_latest_in_order() {
    let stamped = |seq: u32, flags: u8, payload: &[u8], value: u32| {
        sent(true, seq, 9_001, flags, payload).options(&clock(value))
    };
    let log = timed(vec![
        sent(true, 0, 0, SYN, b"").options(&clock(1_000)),
        sent(false, 9_000, 1, SYN | ACK, b"").options(&clock(7_000)),
        stamped(1, ACK, b"old", 998),
        stamped(1, ACK, b"abc", 1_500),
        stamped(4, ACK, b"def", 1_499),
        stamped(7, ACK, b"old", 1_498),
        stamped(7, ACK | FIN, b"", 1_400),
        stamped(7, ACK, b"", 1_400),
        stamped(7, ACK, b"ghi", 1_500),
    ]);
    assert_eq!(log.client(), "abcdefghi");
    let old = Refusal::OldTimestamp;
    assert_eq!(refusals(&log), [(3, old), (6, old), (7, old)], "an old acknowledgment alone is no anomaly");
}

#[test]
fn checksums_count_as_the_limits_say() {
    // The checksums of these segments are never right; those of a direction that shows a right one count in `Auto`.
    let segments = [
        sent(true, 0, 0, SYN, b""),
        sent(false, 9_000, 1, SYN | ACK, b""),
        sent(true, 1, 9_001, ACK, b"abc"),
    ];
    let with = |checksums| run_with(&segments, Limits { checksums, ..Limits::default() }, 0);
    assert_eq!(with(Checksums::Ignore).client(), "abc");
    assert_eq!(with(Checksums::Auto).client(), "abc");
    assert_eq!(with(Checksums::Verify).closes.len(), 0, "not even a connection");
}

#[test]
fn an_acknowledged_hole_is_given_up_after_so_many_packets_or_so_much_time() {
    let lost = [
        sent(true, 1, 9_001, ACK, b"abc"),
        sent(true, 7, 9_001, ACK, b"ghi"),
        sent(false, 9_001, 10, ACK, b""),
    ];
    // Time stands still: 32 packets of this connection after the acknowledgment, which is the sixth.
    let mut segments = lost.to_vec();
    segments.extend((0..40).map(|_| sent(false, 9_001, 10, ACK, b"")));
    let mut all = vec![
        sent(true, 0, 0, SYN, b""),
        sent(false, 9_000, 1, SYN | ACK, b""),
        sent(true, 1, 9_001, ACK, b""),
    ];
    all.extend(segments);
    let log = run(&all);
    assert_eq!(log.gaps.len(), 1);
    assert_eq!((log.gaps[0].reason, log.gaps[0].packet), (GapReason::Acknowledged, 6 + 32));
    // Time alone: 20 ms after the acknowledgment, told by a packet that is a little later.
    let mut segments = lost.to_vec();
    segments.push(sent(false, 9_001, 10, ACK, b"").at(20_004));
    segments.push(sent(false, 9_001, 10, ACK, b"").at(20_005));
    let log = opened(segments);
    assert_eq!((log.gaps[0].packet, log.gaps[0].timestamp.nanos()), (8, 20_005_000));
}

#[test]
fn patience_counts_from_the_arrival_of_what_waits() {
    let second = 1_000_000;
    let log = opened([
        sent(true, 4, 9_001, ACK, b"def").at(second),
        sent(true, 10, 9_001, ACK, b"jkl").at(11 * second),
        sent(true, 16, 9_001, ACK, b"pqr").at(100 * second),
    ]);
    let given_up: Vec<i64> = log.gaps.iter().map(|gap| gap.timestamp.nanos() / 1_000_000_000).collect();
    assert_eq!(given_up, [31, 41, 100]);
    assert_eq!(log.gaps[2].reason, GapReason::End);
}

#[test]
fn late_bytes_are_told_from_retransmitted_ones_for_the_last_gaps() {
    let gaps = 20;
    let mut segments: Vec<Sent> =
        (0..gaps).map(|index| sent(true, 2 + 2 * index, 9_001, ACK, b"x")).collect();
    segments.push(sent(false, 9_001, 1 + 2 * gaps, ACK, b""));
    segments.push(sent(false, 9_001, 1 + 2 * gaps, ACK, b"").at(50_000));
    segments.extend((0..gaps).map(|index| sent(true, 1 + 2 * index, 9_001, ACK, b"?").at(50_001)));
    let log = opened(segments);
    let counts = log.closes[0].client_to_server;
    assert_eq!((log.gaps.len(), counts.discarded.late, counts.retransmitted), (20, 16, 4));
}

#[test]
fn extremes_of_time_and_number_are_survived() {
    let segments = [
        sent(true, 0, 0, SYN, b"").at(i64::MIN / 1_000),
        sent(false, 9_000, 1, SYN | ACK, b"").at(i64::MAX / 1_000),
        sent(true, u32::MAX, u32::MAX, ACK | FIN, b"abc").at(0),
        sent(true, 0x7fff_ffff, 0x8000_0000, ACK, b"abc").at(i64::MAX / 1_000),
        sent(true, 0x8000_0001, 0x7fff_ffff, RST, b"abc").at(i64::MIN / 1_000),
    ];
    for tiny in [Limits { memory: 0, connections: 0, fragments: 0, ..Limits::default() }, Limits::default()] {
        let log = run_with(&segments, tiny, 0);
        assert!(!log.closes.is_empty());
    }
}

/// A stream that says what is done with each segment.
struct Choosy(fn(u64) -> Admit);

impl StreamFactory for Choosy {
    type Stream = Self;
    fn new_stream(&mut self, _: &Connection) -> Self {
        Self(self.0)
    }
}

impl Stream for Choosy {
    type Context = (Vec<u8>, Option<Close>);
    fn accept(&mut self, segment: &Segment<'_>, _: &mut Self::Context) -> Admit {
        (self.0)(segment.packet)
    }
    fn reassembled(&mut self, data: Data<'_>, (bytes, _): &mut Self::Context) {
        bytes.extend(data.bytes);
    }
    fn gap(&mut self, gap: Gap, _: &mut Self::Context) {
        panic!("{gap:?}");
    }
    fn complete(&mut self, close: Close, (_, end): &mut Self::Context) {
        *end = Some(close);
    }
}

#[test]
fn what_a_stream_does_not_want_is_counted_and_not_kept() {
    let segments = [
        sent(true, 0, 0, SYN, b""),
        sent(false, 9_000, 1, SYN | ACK, b""),
        sent(true, 1, 9_001, ACK, b"abc"),
        sent(true, 7, 9_001, ACK, b"ghi"),
        sent(true, 90_000, 9_001, ACK, b"far away"),
        sent(true, 4, 9_001, ACK, b"def"),
    ];
    let with = |segments: &[Sent], choice: fn(u64) -> Admit| {
        let mut assembler = Assembler::new(StreamPool::new(Choosy(choice), Limits::default()));
        let mut context = (Vec::new(), None);
        for (number, segment) in (1..).zip(segments) {
            let data = segment.bytes();
            let (timestamp, wire_len) = (Timestamp::from_nanos(number as i64), data.len() as u32);
            let link_type = LinkType::IPV4;
            assembler.assemble(
                &decode(Packet { number, timestamp, link_type, interface: 0, data: &data, wire_len }),
                &mut context,
            );
        }
        assembler.finish(&mut context);
        assert!(assembler.stats().totals.conserved());
        let counts = context.1.unwrap().client_to_server;
        assert!(counts.conserved() && counts.waiting == 0, "{counts:?}");
        (String::from_utf8(context.0).unwrap(), counts.discarded)
    };
    let (bytes, discarded) = with(&segments, |packet| if packet < 6 { Admit::Yes } else { Admit::Ignore });
    assert_eq!((bytes.as_str(), discarded.ignored), ("abc", 3 + 8 + 3));
    let (bytes, discarded) =
        with(&segments, |packet| if packet == 4 || packet == 5 { Admit::No } else { Admit::Yes });
    assert_eq!((bytes.as_str(), discarded.refused, discarded.ignored), ("abcdef", 3 + 8, 0));
    // What is next is no exception.
    let [syn, syn_ack, first, .., second] = segments;
    let in_order = [syn, syn_ack, first, second, sent(true, 7, 9_001, ACK, b"ghi")];
    let (bytes, discarded) = with(&in_order, |packet| if packet < 5 { Admit::Yes } else { Admit::No });
    assert_eq!((bytes.as_str(), discarded.refused, discarded.ignored), ("abcdef", 3, 0));
    let (bytes, discarded) = with(&in_order, |packet| if packet < 5 { Admit::Yes } else { Admit::Ignore });
    assert_eq!((bytes.as_str(), discarded.refused, discarded.ignored), ("abcdef", 0, 3));
}
