//! How connections begin: SYNs, their answers and their data, in every order and with every number.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test asserts by panicking"
)]

use egret_reassembly::Refusal;

mod support;
use support::{ACK, Log, RST, SYN, refusals, sent, timed};

#[test]
fn the_syn_that_is_answered_counts() {
    let log = timed(vec![
        sent(true, 1_000, 0, SYN, b"early"),
        sent(true, 5_000, 0, SYN, b""),
        sent(false, 9_000, 5_001, SYN | ACK, b""),
        sent(true, 5_001, 9_001, ACK, b"abc"),
    ]);
    assert_eq!(log.client(), "abc");
    assert_eq!(refusals(&log), [(1, Refusal::SynData)]);
}

#[test]
fn an_answer_to_an_earlier_connection_opens_nothing() {
    let log = timed(vec![
        sent(true, 1_000, 0, SYN, b""),
        sent(false, 4_080_053_130, 2_086_663_738, ACK, b""),
        sent(true, 2_086_663_738, 0, RST, b""),
        sent(true, 1_000, 0, SYN, b""),
        sent(false, 9_000, 1_001, SYN | ACK, b""),
        sent(true, 1_001, 9_001, ACK, b"question"),
        sent(false, 9_001, 1_009, ACK, b"answer"),
    ]);
    assert_eq!((log.client().as_str(), log.server().as_str(), log.gaps.len()), ("question", "answer", 0));
}

#[test]
fn the_answer_says_where_a_client_starts_whose_syn_was_not_captured() {
    let log = timed(vec![
        sent(true, 1_000, 0, SYN, b""),
        sent(false, 9_000, 500_001, SYN | ACK, b""),
        sent(true, 500_001, 9_001, ACK, b"abc"),
    ]);
    assert_eq!((log.client().as_str(), log.gaps.len()), ("abc", 0));
}

#[test]
fn a_syn_with_another_number_changes_nothing_once_one_was_answered() {
    let log = timed(vec![
        sent(true, 0, 0, SYN, b""),
        sent(false, 9_000, 1, SYN | ACK, b""),
        sent(true, 5_000, 0, SYN, b""),
        sent(true, 1, 9_001, ACK, b"abc"),
    ]);
    assert_eq!((log.client().as_str(), refusals(&log)), ("abc", vec![(3, Refusal::SynInStream)]));
    // Nor once data was seen, where the answers were not captured.
    let log = timed(vec![
        sent(true, 0, 0, SYN, b""),
        sent(true, 1, 9_001, ACK, b"abc"),
        sent(true, 5_000, 0, SYN, b""),
        sent(true, 4, 9_001, ACK, b"def"),
    ]);
    assert_eq!((log.client().as_str(), refusals(&log)), ("abcdef", vec![(3, Refusal::SynInStream)]));
}

#[test]
fn data_in_an_answer_to_a_syn_is_not_taken() {
    let log = timed(vec![
        sent(true, 0, 0, SYN, b""),
        sent(false, 9_000, 1, SYN | ACK, b"XYZ"),
        sent(true, 1, 9_001, ACK, b""),
        sent(false, 9_001, 1, ACK, b"abc"),
    ]);
    assert_eq!((log.server().as_str(), refusals(&log)), ("abc", vec![(2, Refusal::SynData)]));
}

/// Client and server text, and what was refused.
fn outcome(log: &Log) -> (String, String, Vec<(u64, Refusal)>) {
    assert!(log.gaps.is_empty(), "{}", log.text());
    assert_eq!(log.closes.len(), 1, "{}", log.text());
    (log.client(), log.server(), refusals(log))
}

#[test]
fn of_two_answers_the_one_that_is_acknowledged_counts_whichever_came_last() {
    for acknowledged in [9_000, 700_000] {
        let log = timed(vec![
            sent(true, 0, 0, SYN, b""),
            sent(false, 9_000, 1, SYN | ACK, b""),
            sent(false, 700_000, 1, SYN | ACK, b""),
            sent(true, 1, acknowledged + 1, ACK, b"question"),
            sent(false, acknowledged + 1, 9, ACK, b"answer"),
        ]);
        assert_eq!(outcome(&log), ("question".into(), "answer".into(), vec![]), "{acknowledged}");
    }
}

#[test]
fn of_two_answers_the_one_that_the_data_fits_counts() {
    for right in [9_000, 700_000] {
        let log = timed(vec![
            sent(true, 0, 0, SYN, b""),
            sent(false, 9_000, 1, SYN | ACK, b""),
            sent(false, 700_000, 1, SYN | ACK, b""),
            sent(false, right + 1, 1, ACK, b"hello"),
            sent(true, 1, right + 6, ACK, b"hi"),
        ]);
        assert_eq!(outcome(&log), ("hi".into(), "hello".into(), vec![]), "{right}");
    }
}

#[test]
fn of_two_syns_the_one_that_the_answer_names_counts_with_its_data() {
    for (answered, client) in [(1_000, "early late"), (500_000, "other late")] {
        let log = timed(vec![
            sent(true, 1_000, 0, SYN, b"early"),
            sent(true, 500_000, 0, SYN, b"other"),
            sent(false, 9_000, answered + 6, SYN | ACK, b""),
            sent(true, answered + 6, 9_001, ACK, b" late"),
        ]);
        let refused = if answered == 1_000 { 2 } else { 1 };
        assert_eq!(outcome(&log), (client.into(), String::new(), vec![(refused, Refusal::SynData)]));
    }
}

#[test]
fn an_answer_that_acknowledges_another_number_does_not_lose_the_one_that_is_used() {
    let log = timed(vec![
        sent(true, 1_000, 0, SYN, b""),
        sent(false, 7_000, 300_001, SYN | ACK, b""),
        sent(false, 9_000, 1_001, SYN | ACK, b""),
        sent(true, 1_001, 9_001, ACK, b"question"),
        sent(false, 9_001, 1_009, ACK, b"answer"),
    ]);
    assert_eq!(outcome(&log), ("question".into(), "answer".into(), vec![]));
}

#[test]
fn the_data_of_a_syn_is_taken_as_far_as_it_is_acknowledged() {
    for taken in 0..=5_u32 {
        let log = timed(vec![
            sent(true, 0, 0, SYN, b"early"),
            sent(false, 9_000, 1 + taken, SYN | ACK, b""),
            sent(true, 1 + taken, 9_001, ACK, &b"EARLY later"[taken as usize..]),
        ]);
        let expected =
            ["early"[..taken as usize].to_owned(), "EARLY later"[taken as usize..].to_owned()].concat();
        let refused = if taken < 5 { vec![(1, Refusal::SynData)] } else { vec![] };
        assert_eq!(outcome(&log), (expected, String::new(), refused));
        assert_eq!(log.closes[0].client_to_server.discarded.refused, 5 - u64::from(taken));
    }
}

#[test]
fn without_the_answer_the_client_shows_where_it_goes_on() {
    for taken in 0..=5_u32 {
        let log = timed(vec![
            sent(true, 0, 0, SYN, b"early"),
            sent(true, 1 + taken, 9_001, ACK, &b"EARLY later"[taken as usize..]),
        ]);
        let expected =
            ["early"[..taken as usize].to_owned(), "EARLY later"[taken as usize..].to_owned()].concat();
        assert_eq!(log.client(), expected);
    }
}

#[test]
fn an_acknowledgment_from_the_server_alone_says_so_only_if_it_is_of_data() {
    // The SYN-ACK comes last: an empty acknowledgment in front of it decides nothing.
    let log = timed(vec![
        sent(true, 0, 0, SYN, b"early"),
        sent(false, 9_001, 1, ACK, b""),
        sent(false, 9_000, 6, SYN | ACK, b""),
        sent(true, 6, 9_001, ACK, b" later"),
    ]);
    assert_eq!(log.client(), "early later");
    // No SYN-ACK was captured, and nothing of the client.
    let log = timed(vec![sent(true, 0, 0, SYN, b"early"), sent(false, 9_001, 6, ACK, b"answer")]);
    assert_eq!(outcome(&log), ("early".into(), "answer".into(), vec![]));
}

#[test]
fn whichever_packet_of_the_handshake_is_seen_first_the_client_is_the_client() {
    let all = [
        sent(true, 0, 0, SYN, b""),
        sent(false, 9_000, 1, SYN | ACK, b""),
        sent(true, 1, 9_001, ACK, b""),
        sent(true, 1, 9_001, ACK, b"question"),
        sent(false, 9_001, 9, ACK, b"answer"),
    ];
    for order in [[0, 1, 2], [1, 0, 2], [1, 2, 0], [2, 1, 0], [2, 0, 1], [0, 2, 1]] {
        let segments = order.iter().chain(&[3, 4]).map(|index| all[*index].clone()).collect();
        assert_eq!(outcome(&timed(segments)), ("question".into(), "answer".into(), vec![]), "{order:?}");
    }
    // And if any of it is missing.
    for missing in 0..8_u8 {
        let kept = |index: &usize| *index >= 3 || missing & 1 << index == 0;
        let segments = (0..5).filter(kept).map(|index| all[index].clone()).collect();
        let log = timed(segments);
        assert_eq!(outcome(&log), ("question".into(), "answer".into(), vec![]), "{missing:b}");
        assert!(log.lines[0].contains("10.0.0.1:51234 > 10.0.0.2:80"));
    }
}
