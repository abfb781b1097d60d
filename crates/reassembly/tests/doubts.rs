//! What cannot be known at once: windows that may be out of date, segments that wait for each other, resets and holes that
//! something else has to confirm.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test asserts by panicking"
)]

use egret_reassembly::{Anomaly, Ending, GapReason, Refusal, Timestamp};

mod support;
use support::{ACK, FIN, Log, RST, SYN, Sent, opened, refusals, sent, timed};

/// The line that holds these words.
fn place(log: &Log, words: &str) -> usize {
    log.lines
        .iter()
        .position(|line| line.contains(words))
        .unwrap_or_else(|| panic!("{words}: {}", log.text()))
}

/// The server gives a window of 1,000 bytes and says nothing more than that.
fn narrow(segments: impl IntoIterator<Item = Sent>) -> Log {
    let mut all = vec![
        sent(true, 0, 0, SYN, b""),
        sent(false, 9_000, 1, SYN | ACK, b"").window(1_000),
        sent(true, 1, 9_001, ACK, b""),
        sent(false, 9_001, 1, ACK, b"").window(1_000),
    ];
    all.extend(segments);
    timed(all)
}

/// The client's bytes from one offset to another.
fn part(from: u32, to: u32) -> Sent {
    sent(true, 1 + from, 9_001, ACK, &vec![b'x'; (to - from) as usize])
}

#[test]
fn a_window_that_may_be_out_of_date_refuses_nothing() {
    // Most of the window is used up and nothing acknowledged: the acknowledgments are late, or not in the capture.
    let log = narrow([part(0, 600), part(800, 1_100), part(600, 800)]);
    assert_eq!((log.client().len(), refusals(&log)), (1_100, vec![]), "it is next now");
    let log = narrow([part(0, 600), part(1_300, 1_400), part(600, 1_100)]);
    assert_eq!((log.client().len(), refusals(&log)), (1_400, vec![]), "others went beyond it too");
    assert_eq!(log.gaps.len(), 1);
}

#[test]
fn a_window_that_is_up_to_date_refuses_what_is_beyond_it_though_it_moves_there() {
    let ack = |upto: u32| sent(false, 9_001, 1 + upto, ACK, b"").window(1_000);
    let log = narrow([part(0, 300), part(900, 1_200), ack(300), part(300, 900), ack(900)]);
    assert_eq!((log.client().len(), refusals(&log)), (900, vec![(6, Refusal::BeyondWindow)]));
    let log = narrow([part(0, 300), part(900, 1_200), ack(300), part(300, 900), ack(1_200)]);
    assert_eq!((log.client().len(), refusals(&log)), (1_200, vec![]), "it was acknowledged");
}

#[test]
fn of_what_is_beyond_the_window_a_few_are_remembered() {
    let far = (0..70).map(|at| part(2_000 + 10 * at, 2_001 + 10 * at));
    let log = narrow(far.chain([part(0, 5)]));
    assert_eq!(refusals(&log).len(), 70);
    assert!(
        place(&log, "refused packet 10 ") < place(&log, "xxxxx")
            && place(&log, "xxxxx") < place(&log, "refused packet 11 ")
    );
}

#[test]
fn a_window_whose_scale_is_not_known_is_no_window() {
    let log = timed(vec![
        sent(true, 1, 9_001, ACK, b"abc").window(1),
        sent(false, 9_001, 4, ACK, b"").window(1),
        sent(true, 40_004, 9_001, ACK, b"def").window(1),
    ]);
    assert_eq!((log.closes[0].client_to_server.delivered, refusals(&log)), (6, vec![]));
}

#[test]
fn nothing_is_taken_from_more_than_the_largest_window_ahead() {
    let log = timed(vec![
        sent(true, 0, 0, SYN, b""),
        sent(true, 1, 9_001, ACK, b"abc"),
        sent(true, 5 + (1 << 30), 9_001, ACK, b"def"),
    ]);
    assert_eq!((log.client().as_str(), refusals(&log)), ("abc", vec![(3, Refusal::BeyondWindow)]));
}

#[test]
fn segments_that_wait_for_each_other_go_in_the_order_of_their_packets() {
    let log = opened([
        sent(true, 1, 9_004, ACK, b"abc"),
        sent(false, 9_001, 4, ACK, b"xyz"),
        sent(true, 4, 9_004, 0, b"?"),
    ]);
    assert_eq!((log.client().as_str(), log.server().as_str(), log.gaps.len()), ("abc", "xyz", 0));
    assert!(
        place(&log, "abc") < place(&log, "xyz") && place(&log, "xyz") < place(&log, "no-ack"),
        "{}",
        log.text()
    );
}

#[test]
fn at_the_end_what_waits_comes_out_in_the_order_of_its_packets() {
    for server_first in [true, false] {
        let mut both = [sent(false, 9_004, 1, ACK, b"uvw"), sent(true, 4, 9_001, ACK, b"def")];
        if !server_first {
            both.reverse();
        }
        let log = opened(both);
        assert_eq!(place(&log, "uvw") < place(&log, "def"), server_first, "{}", log.text());
    }
}

#[test]
fn a_fin_ahead_of_a_hole_says_where_the_end_is() {
    let fin = sent(true, 7, 9_001, ACK | FIN, b"");
    let log = opened([sent(true, 1, 9_001, ACK, b"abc"), fin.clone()]);
    assert_eq!(log.client(), "abc___", "{}", log.text());
    let log = opened([sent(true, 1, 9_001, ACK, b"abc"), sent(true, 21, 9_001, ACK, b"x"), fin]);
    assert_eq!((log.client().as_str(), refusals(&log)), ("abc___", vec![(5, Refusal::AfterFin)]));
}

#[test]
fn what_is_only_early_as_well_is_not_missing() {
    // The server's segment waits for bytes of the client that wait for others of the server.
    let log = opened([
        sent(false, 9_004, 4, ACK, b"def"),
        sent(true, 1, 9_010, ACK, b"xyz"),
        sent(true, 4, 9_010, ACK, b"").at(50_000),
    ]);
    assert_eq!(log.client(), "xyz", "{}", log.text());
    assert_eq!(log.server(), "___def___");
}

#[test]
fn an_acknowledgment_that_cannot_be_right_holds_nothing_up() {
    let log = opened([
        sent(false, 9_001, 1, ACK, b"abc"),
        sent(true, 1, 9_004 + 100_000_000, ACK, b"wild"),
        sent(false, 9_004, 1, 0, b"?"),
    ]);
    assert!(place(&log, "wild") < place(&log, "no-ack"), "{}", log.text());
}

#[test]
fn in_the_middle_an_older_acknowledgment_is_as_good() {
    let log = timed(vec![
        sent(true, 1, 9_010, ACK, b"abc"),
        sent(true, 4, 9_010, ACK, b"").at(50_000),
        sent(true, 4, 9_001, ACK, b"def").at(60_000),
    ]);
    assert_eq!((log.client().as_str(), refusals(&log)), ("abcdef", vec![]));
}

#[test]
fn an_answer_that_acknowledges_far_too_much_opens_nothing() {
    let log = timed(vec![
        sent(true, 0, 0, SYN, b""),
        sent(false, 50_000, 2 + (1 << 30), ACK, b"old"),
        sent(false, 9_000, 1, SYN | ACK, b""),
        sent(true, 1, 9_001, ACK, b"abc"),
        sent(false, 9_001, 4, ACK, b"new"),
    ]);
    assert_eq!((log.client().as_str(), log.server().as_str()), ("abc", "new"));
    assert_eq!(refusals(&log), [(2, Refusal::AckBeforeStart)]);
}

#[test]
fn how_long_connecting_took_is_known_from_the_clients_answer_alone() {
    let syns = [sent(true, 0, 0, SYN, b""), sent(false, 9_000, 1, SYN | ACK, b"")];
    let then = |next: Sent| timed(syns.iter().cloned().chain([next]).collect()).closes[0].connect.is_some();
    assert!(then(sent(true, 1, 9_001, ACK, b"")));
    assert!(!then(sent(false, 9_001, 1, ACK, b"hello")));
}

/// Both sides allow selective acknowledgments; "def" is missing, and a RST is behind "ghi".
fn reset_behind(between: impl IntoIterator<Item = Sent>) -> Ending {
    let sack = [1, 1, 4, 2];
    let mut all = vec![
        sent(true, 0, 0, SYN, b"").options(&sack),
        sent(false, 9_000, 1, SYN | ACK, b"").options(&sack),
        sent(true, 1, 9_001, ACK, b"abc"),
        sent(true, 7, 9_001, ACK, b"ghi"),
    ];
    all.extend(between);
    all.extend([sent(true, 10, 9_001, RST | ACK, b""), sent(true, 4, 9_001, ACK, b"def")]);
    timed(all).closes[0].how
}

#[test]
fn a_hole_is_real_when_the_same_is_acknowledged_again_and_nothing_else() {
    let ack = || sent(false, 9_001, 4, ACK, b"");
    assert_eq!(reset_behind([ack(), ack()]), Ending::Reset { checked: true });
    assert_eq!(reset_behind([ack()]), Ending::EndOfCapture, "that may have been on its way");
    let data = sent(false, 9_001, 4, ACK, b"uvw");
    assert_eq!(reset_behind([ack(), data]), Ending::EndOfCapture, "that says something else");
}

#[test]
fn what_is_behind_a_reset_does_not_say_that_it_was_wrong() {
    let log = opened([
        sent(true, 1, 9_001, ACK, b"abc"),
        sent(true, 7, 9_001, ACK, b"ghi"),
        sent(true, 10, 9_001, RST | ACK, b""),
        sent(true, 20, 9_001, ACK, b"?"),
        sent(false, 9_001, 10, ACK, b""),
        sent(false, 9_001, 10, ACK, b"").at(50_000),
    ]);
    assert_eq!(log.closes[0].how, Ending::Reset { checked: false }, "{}", log.text());
}

#[test]
fn the_widest_window_counts_for_what_is_too_old() {
    let answer = |at: u32| sent(false, 9_001 + at, 1, ACK, &[b'x'; 100]);
    let wide = sent(true, 1, 9_001, ACK, b"").window(500);
    let ack = |upto: u32| sent(true, 1, 9_001 + upto, ACK, b"").window(10);
    let old = sent(true, 1, 9_001, ACK, b"abc").window(10);
    let mut all = vec![
        sent(true, 0, 0, SYN, b"").window(10),
        sent(false, 9_000, 1, SYN | ACK, b""),
        wide,
        answer(0),
        answer(100),
        ack(200),
        old,
    ];
    assert_eq!(timed(all.clone()).client(), "abc");
    all[2].window = 10;
    assert_eq!(refusals(&timed(all)), [(7, Refusal::OldAck)]);
}

#[test]
fn only_the_last_byte_again_keeps_a_connection_alive() {
    let byte = |seq: u32, byte: &[u8]| sent(true, seq, 9_001, ACK, byte);
    let log = opened([byte(1, b"a"), byte(2, b"b"), byte(2, b"?"), byte(1, b"!")]);
    let conflicts: Vec<_> =
        log.anomalies.iter().filter(|anomaly| matches!(anomaly, Anomaly::Conflict { .. })).collect();
    assert!(matches!(conflicts[..], [Anomaly::Conflict { kept: 4, dropped: 7, .. }]), "{}", log.text());
}

#[test]
fn the_last_acknowledgment_is_waited_for_from_the_fins_on() {
    let log = opened([
        sent(true, 1, 9_001, ACK | FIN, b""),
        sent(false, 9_001, 2, ACK | FIN, b"").at(1_000),
        sent(false, 9_001, 2, ACK | FIN, b"").at(900_000),
        sent(true, 70_000, 0, SYN, b"").at(2_000_000),
    ]);
    assert_eq!(log.closes[0].timestamp, Timestamp::from_nanos(1_001_000_000), "{}", log.text());
}

#[test]
fn a_connection_with_both_fins_makes_way_for_a_new_one() {
    let log = opened([
        sent(true, 1, 9_001, ACK | FIN, b""),
        sent(false, 9_001, 2, ACK | FIN, b""),
        sent(true, 70_000, 0, SYN, b""),
    ]);
    assert_eq!((log.closes.len(), log.closes[0].how), (2, Ending::Finished));
}

#[test]
fn a_new_number_counts_once_it_is_agreed_to() {
    let then = |answer: u32| {
        let again = [sent(true, 70_000, 0, SYN, b""), sent(false, 500, answer, SYN | ACK, b"")];
        opened(again).closes.len()
    };
    assert_eq!((then(70_001), then(70_002), then(1)), (2, 1, 1));
    let with_data = |answer: u32| {
        let again = [sent(true, 70_000, 0, SYN, b"abc"), sent(false, 500, answer, SYN | ACK, b"")];
        opened(again).closes.len()
    };
    assert_eq!((with_data(70_004), with_data(70_005)), (2, 1));
    // Where the other side is never seen, the sender that goes on is all there is.
    let alone = [
        sent(true, 0, 0, SYN, b""),
        sent(true, 1, 9_001, ACK, b"abc"),
        sent(true, 70_000, 0, SYN, b""),
        sent(true, 70_001, 501, ACK, b"def"),
    ];
    assert_eq!(timed(alone.to_vec()).closes.len(), 2);
}

#[test]
fn a_syn_that_does_not_fit_what_is_held_is_of_another_connection() {
    let data = sent(true, 1, 9_001, ACK, b"abc");
    let then = |syn: u32| timed(vec![data.clone(), sent(true, syn, 0, SYN, b"")]).closes.len();
    assert_eq!((then(0), then(5_000_000)), (1, 2));
}

#[test]
fn what_opens_a_connection_is_payload_captured_or_not_and_no_reset() {
    let cut = Sent { cut: 5, ..sent(true, 1, 9_001, ACK, b"") };
    let log = timed(vec![cut]);
    assert_eq!(
        log.gaps.iter().map(|gap| (gap.len, gap.reason)).collect::<Vec<_>>(),
        [(5, GapReason::SnapLength)]
    );
    assert!(timed(vec![sent(true, 1, 9_001, RST | ACK, b"text")]).closes.is_empty());
    assert!(timed(vec![sent(true, 1, 9_001, ACK, b"")]).closes.is_empty());
}

#[test]
fn a_simultaneous_open_is_told_once() {
    let log = timed(vec![
        sent(true, 0, 0, SYN, b""),
        sent(false, 9_000, 0, SYN, b""),
        sent(true, 0, 9_001, SYN | ACK, b""),
        sent(false, 9_000, 1, SYN | ACK, b""),
        sent(false, 9_000, 1, SYN | ACK, b"").at(50_000),
    ]);
    let told = |anomaly: &&Anomaly| matches!(anomaly, Anomaly::SimultaneousOpen { .. });
    assert_eq!(log.anomalies.iter().filter(told).count(), 1, "{}", log.text());
}

#[test]
fn where_a_connection_goes_on_is_told_by_the_other_side_and_by_what_fits() {
    let bytes = |stray: Sent, seq: u32| {
        let data = [sent(true, seq, 50, ACK, b"def"), sent(true, seq - 3, 50, ACK, b"abc")];
        timed([&[stray][..], &data].concat()).client()
    };
    assert_eq!(bytes(sent(false, 50, 9_001, ACK, b""), 9_001), "def", "the server has what is in front");
    assert_eq!(bytes(sent(false, 50, 8_000, ACK, b""), 9_001), "abcdef", "it says something else");
    assert_eq!(bytes(sent(true, 5, 9_001, ACK, b""), 9_001), "abcdef", "it was the client's own");
}

#[test]
fn a_syn_behind_the_first_data_says_who_is_who() {
    // The client has the lower port, and was taken for the server.
    let log = timed(vec![
        sent(true, 9_001, 1, ACK, b"answer"),
        sent(false, 0, 0, SYN, b""),
        sent(true, 9_000, 1, SYN | ACK, b""),
    ]);
    assert!(log.lines[0].contains("10.0.0.2:80 > 10.0.0.1:51234 handshake"), "{}", log.text());
    assert_eq!(log.server(), "answer");
}

#[test]
fn what_a_finished_connection_said_was_acknowledged_or_would_have_been() {
    let log = opened([sent(true, 1, 9_001, ACK | FIN, b"abc"), sent(false, 9_001, 1, ACK | FIN, b"")]);
    assert_eq!((log.closes[0].how, log.closes[0].client_to_server.unacknowledged), (Ending::Finished, 0));
}

#[test]
fn a_connection_that_was_answered_is_remembered_behind_a_reset() {
    let log = timed(vec![
        sent(true, 0, 0, SYN, b""),
        sent(false, 9_000, 1, SYN | ACK, b""),
        sent(true, 1, 0, RST, b""),
        sent(false, 9_001, 1, ACK, b"late"),
    ]);
    assert_eq!(log.closes.len(), 1, "{}", log.text());
}
