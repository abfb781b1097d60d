//! What holds for every input: any order of segments gives the bytes that were sent, the engine keeps what Linux would
//! keep, nothing is lost from the books, and ticks change nothing.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test asserts by panicking"
)]

use egret_reassembly::{Anomaly, Checksums, Ending, GapReason, Limits, Overlap, TcpFlags};
use proptest::prelude::*;

mod support;
use support::{ACK, FIN, PSH, RST, SYN, Sent, Sum, run, run_with, sent};

/// A handshake with these initial sequence numbers.
fn handshake(client: u32, server: u32) -> Vec<Sent> {
    vec![
        sent(true, client, 0, SYN, b""),
        sent(false, server, client.wrapping_add(1), SYN | ACK, b""),
        sent(true, client.wrapping_add(1), server.wrapping_add(1), ACK, b""),
    ]
}

/// Lets the segments arrive a microsecond apart.
fn timed(mut segments: Vec<Sent>) -> Vec<Sent> {
    for (at, segment) in (0..).zip(&mut segments) {
        segment.at = at;
    }
    segments
}

/// The option of a time stamp.
fn stamp(value: u32) -> Vec<u8> {
    let [a, b, c, d] = value.to_be_bytes();
    vec![1, 1, 8, 10, a, b, c, d, 0, 0, 0, 0]
}

fn message(len: usize) -> Vec<u8> {
    (0..len).map(|index| b'a' + (index % 26) as u8).collect()
}

proptest! {
    /// The receiver's rules know nothing of congestion; but a segment with such a flag does not go the short way that is
    /// there for plain ones, so that both ways are compared here.
    #[test]
    fn congestion_flags_change_nothing(
        isns: (u32, u32),
        turns in prop::collection::vec((any::<bool>(), prop_oneof![Just(0_usize), 0..40_usize], 0_u32..6, 0_u8..24, any::<bool>()), 0..40),
        (agreed, stamps, window, ends) in (any::<bool>(), any::<bool>(), prop_oneof![Just(0_u16), Just(40)], 0..4),
        checksums in prop_oneof![Just(Checksums::Ignore), Just(Checksums::Auto), Just(Checksums::Verify)],
    ) {
        let mut next = [isns.0.wrapping_add(1), isns.1.wrapping_add(1)];
        // With windows so small that some segments go beyond them.
        let mut segments: Vec<Sent> =
            handshake(isns.0, isns.1).into_iter().map(|segment| segment.window(window)).collect();
        segments.truncate(if agreed { 3 } else { 2 });
        if stamps {
            segments.iter_mut().for_each(|segment| segment.options = stamp(1));
        }
        let mut pauses = Vec::new();
        for (clock, (from_client, len, behind, odd, stamped)) in (1_000_u32..).zip(turns) {
            let (own, other) = if from_client { (0, 1) } else { (1, 0) };
            let (mut seq, mut ack) = (next[own], next[other]);
            next[own] = seq.wrapping_add(len as u32);
            match odd {
                // Sent again, not captured, acknowledged too late or too early, out of order, without a push.
                0 => segments.push(sent(from_client, seq, ack, ACK | PSH, &message(len))),
                1 => continue,
                2 => ack = ack.wrapping_sub(behind),
                3 => ack = ack.wrapping_add(behind),
                4 => seq = seq.wrapping_sub(behind),
                7 => seq = seq.wrapping_add(16 * behind),
                8 => ack = ack.wrapping_add(16 * behind),
                // So long that a last acknowledgment is waited for no longer.
                21 => pauses.push(segments.len()),
                22 => seq = seq.wrapping_sub(1 + len as u32),
                // Captured twice.
                23 => {
                    segments.extend(segments.last().cloned());
                    continue;
                }
                _ => {}
            }
            let flags = match odd {
                // The end of a direction, with data and without, and said again; what comes behind it is odd by itself.
                20 | 22 => ACK | FIN,
                0..12 => ACK | PSH,
                _ => ACK,
            };
            next[own] = next[own].wrapping_add(u32::from(odd == 20));
            let mut segment = sent(from_client, seq, ack, flags, &message(len)).window(window + window / 5 * u16::from(odd));
            if stamped {
                segment.options = stamp(clock.wrapping_sub(behind * u32::from(matches!(odd, 5 | 22))));
            }
            if odd == 9 {
                segment.checksum = Sum::Wrong;
            }
            let place = if odd == 6 { segments.len() - 1 } else { segments.len() };
            segments.insert(place.max(2), segment);
        }
        if ends > 0 {
            segments.push(sent(true, next[0], next[1], ACK | FIN, b""));
            segments.push(sent(false, next[1], next[0].wrapping_add(1), ACK | FIN, b""));
        }
        if ends > 1 {
            segments.push(sent(true, next[0].wrapping_add(1), next[1].wrapping_add(1), ACK, b""));
        }
        if ends > 2 {
            pauses.push(segments.len() - 1);
        }
        let mut segments = timed(segments);
        for pause in pauses {
            segments.iter_mut().skip(pause).for_each(|segment| segment.at += 1_200_000);
        }
        if checksums != Checksums::Ignore {
            let unset = segments.iter_mut().filter(|segment| segment.checksum == Sum::Any);
            unset.for_each(|segment| segment.checksum = Sum::Right);
        }
        let mut flagged = segments.clone();
        let agreeing = flagged.iter_mut().filter(|segment| segment.flags & SYN == 0);
        agreeing.for_each(|segment| segment.flags |= TcpFlags::ECE);
        let limits = Limits { checksums, ..Limits::default() };
        let (plain, flagged) = (run_with(&segments, limits, 0), run_with(&flagged, limits, 0));
        prop_assert_eq!(plain.text(), flagged.text());
        prop_assert_eq!(plain.closes, flagged.closes);
        prop_assert_eq!(plain.stats, flagged.stats);
    }

    #[test]
    fn any_order_cut_and_repetition_of_the_segments_gives_the_bytes_that_were_sent(
        isn: u32,
        len in 1_usize..200,
        cuts in prop::collection::vec((0_usize..200, 1_usize..80), 0..40),
        order in any::<prop::sample::Index>(),
        seed: u64,
    ) {
        let message = message(len);
        // Segments that together cover the message, with others anywhere over it, in an order without any sense.
        let mut parts: Vec<(usize, usize)> = (0..len).step_by(17).map(|start| (start, 17.min(len - start))).collect();
        parts.extend(cuts.iter().map(|(start, size)| (start % len, (*size).min(len - start % len))));
        let mut random = seed | 1;
        for index in (1..parts.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            parts.swap(index, (random >> 33) as usize % (index + 1));
        }
        let mut segments = handshake(isn, 9_000);
        for (start, size) in &parts {
            let seq = isn.wrapping_add(1).wrapping_add(*start as u32);
            segments.push(sent(true, seq, 9_001, ACK | PSH, &message[*start..start + size]));
        }
        // The FIN may come at any time; the rest still counts.
        let end = isn.wrapping_add(1).wrapping_add(len as u32);
        segments.insert(3 + order.index(parts.len() + 1), sent(true, end, 9_001, ACK | FIN, b""));
        let log = run(&timed(segments));
        prop_assert_eq!(log.bytes.len(), 1);
        prop_assert_eq!(log.client(), String::from_utf8(message).unwrap());
        prop_assert!(log.gaps.is_empty());
        prop_assert!(log.text().contains("c>s end"));
        let close = log.closes[0].client_to_server;
        prop_assert_eq!(close.delivered, len as u64);
        prop_assert_eq!(close.retransmitted, close.seen - len as u64);
    }

    #[test]
    fn the_engine_keeps_what_linux_keeps(
        isn: u32,
        parts in prop::collection::vec((0_u64..30, prop::collection::vec(0_u8..4, 1..12)), 1..20),
    ) {
        // A receiver written without the engine: segments whole in a queue, the lowest start read first.
        let mut queue: Vec<(u64, Vec<u8>)> = Vec::new();
        let (mut next, mut kept) = (0_u64, Vec::new());
        let mut segments = handshake(isn, 9_000);
        for (start, bytes) in &parts {
            segments.push(sent(true, isn.wrapping_add(1).wrapping_add(*start as u32), 9_001, ACK, bytes));
            let end = start + bytes.len() as u64;
            if end <= next {
                continue;
            }
            // What was read before is cut off in front.
            let (start, bytes) = ((*start).max(next), &bytes[next.saturating_sub(*start) as usize..]);
            let end_of = |held: &(u64, Vec<u8>)| held.0 + held.1.len() as u64;
            if !queue.iter().any(|held| held.0 <= start && end_of(held) >= end) {
                queue.retain(|held| !(start <= held.0 && end_of(held) <= end));
                queue.push((start, bytes.to_vec()));
                queue.sort();
            }
            while queue.first().is_some_and(|held| held.0 <= next) {
                let held = queue.remove(0);
                kept.extend(held.1.iter().skip((next - held.0) as usize));
                next = next.max(end_of(&held));
            }
        }
        let log = run(&timed(segments));
        let delivered = log.bytes[0][0].get(..kept.len());
        prop_assert_eq!(delivered, Some(&kept[..]), "{}", log.text());
    }

    #[test]
    fn a_later_copy_of_all_that_a_packet_brought_is_compared_with_it(
        isn: u32,
        cuts in prop::collection::vec(1_usize..12, 1..20),
        copies in prop::collection::vec((any::<prop::sample::Index>(), 2_usize..60, any::<prop::sample::Index>(), any::<bool>()), 0..12),
    ) {
        let message = message(cuts.iter().sum());
        let at = |offset: usize| isn.wrapping_add(1).wrapping_add(offset as u32);
        let mut segments = handshake(isn, 9_000);
        let mut brought = Vec::new();
        let mut offset = 0;
        for len in &cuts {
            segments.push(sent(true, at(offset), 9_001, ACK, &message[offset..offset + len]));
            brought.push((offset, offset + len, segments.len() as u64));
            offset += len;
        }
        let mut expected = Vec::new();
        for (start, len, flip, flips) in &copies {
            let start = start.index(message.len());
            let mut bytes = message[start..(start + len).min(message.len())].to_vec();
            let place = flip.index(bytes.len());
            bytes[place] ^= u8::from(*flips);
            let (end, place) = (start + bytes.len(), start + place);
            let number = segments.len() as u64 + 1;
            let probe = bytes.len() == 1 && end == message.len();
            expected.extend(brought.iter().filter(|(low, high, _)| {
                *flips && !probe && start <= *low && *high <= end && (*low..*high).contains(&place)
            }).map(|(low, high, packet)| (*low as u64, (high - low) as u64, *packet, number)));
            segments.push(sent(true, at(start), 9_001, ACK, &bytes));
        }
        let log = run(&timed(segments));
        let conflicts: Vec<_> = log.anomalies.iter().filter_map(|anomaly| match anomaly {
            Anomaly::Conflict { offset, len, kept, dropped, .. } => Some((*offset, *len, *kept, *dropped)),
            _ => None,
        }).collect();
        let len: u64 = expected.iter().map(|conflict| conflict.1).sum();
        prop_assert_eq!(conflicts, expected);
        prop_assert_eq!(log.closes[0].client_to_server.discarded.conflict, len);
        prop_assert_eq!(&log.bytes[0][0], &message);
    }

    #[test]
    fn whatever_arrives_the_books_balance_and_time_told_twice_changes_nothing(
        segments in prop::collection::vec(
            (any::<bool>(), 0_u32..60, 0_u32..60, 0_u8..64, (0_usize..20, 0_u16..8), 0_i64..40_000), 0..60),
        base: u32,
        ticks in 1_i64..4,
        idle in prop::sample::select(vec![50, 300_000]),
    ) {
        let mut at = 0;
        let segments: Vec<Sent> = segments
            .iter()
            .map(|(from_client, seq, ack, flags, (len, cut), step)| {
                at += step;
                let (seq, ack) = (base.wrapping_add(*seq), base.wrapping_add(*ack));
                Sent { at, cut: cut.saturating_sub(4), ..sent(*from_client, seq, ack, *flags, &message(*len)) }
            })
            .collect();
        // `run` checks conservation, offsets and the order of calls.
        // Shorter than the patience too: silence and deadlines come in their order.
        let limits = Limits { idle: std::time::Duration::from_millis(idle), ..Limits::default() };
        let (without, with) = (run_with(&segments, limits, 0), run_with(&segments, limits, ticks));
        let mut sides = [without.lines, with.lines];
        for lines in &mut sides {
            // A tick may make a record appear before a packet that is not of its connection.
            for line in lines.iter_mut() {
                *line = line.split(" at packet").next().unwrap().to_owned();
            }
        }
        prop_assert_eq!(&sides[0], &sides[1]);
    }
}

#[test]
fn sequence_numbers_wrap_at_every_place() {
    let message = message(24);
    for wrap in 0..=24_u32 {
        let isn = 0_u32.wrapping_sub(wrap).wrapping_sub(1);
        let seq = |offset: usize| isn.wrapping_add(1).wrapping_add(offset as u32);
        let part = |start: usize, end: usize| sent(true, seq(start), 9_001, ACK, &message[start..end]);
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1], [2, 0, 1], [1, 0, 2]] {
            let parts = [part(0, 9), part(7, 16), part(16, 24)];
            let mut segments = handshake(isn, 9_000);
            segments.extend(order.map(|index| parts[index].clone()));
            let log = run(&timed(segments));
            assert_eq!(log.client().as_bytes(), message, "wrap at {wrap}, order {order:?}");
            assert!(log.gaps.is_empty() && log.anomalies.is_empty());
        }
    }
}

#[test]
fn two_gigabytes_and_more_have_offsets_beyond_32_bits() {
    let mut segments = handshake(0xffff_0000, 9_000);
    let step = 1 << 30;
    let mut offset = 0_u64;
    for _ in 0..5 {
        // Each acknowledgment lets go of a gigabyte that the capture never saw.
        let seq = 0xffff_0001_u32.wrapping_add(offset as u32);
        segments.push(sent(true, seq, 9_001, ACK, b"x"));
        segments.push(sent(false, 9_001, seq.wrapping_add(1), ACK, b""));
        offset += step;
    }
    for (at, segment) in (0..).zip(&mut segments) {
        segment.at = at * 30_000;
    }
    let log = run(&segments);
    assert_eq!(log.closes[0].client_to_server.delivered, 5);
    assert_eq!(log.closes[0].client_to_server.missing, 4 * (step - 1));
    assert!(log.text().contains("c>s 4294967296+1"), "{}", log.text());
}

#[test]
fn the_other_policies_are_what_they_say() {
    let conflicting = |overlap| {
        let mut segments = handshake(0, 9_000);
        segments.push(sent(true, 5, 9_001, ACK, b"FIRST"));
        segments.push(sent(true, 3, 9_001, ACK, b"second"));
        segments.push(sent(true, 1, 9_001, ACK, b"ab"));
        run_with(&timed(segments), Limits { overlap, ..Limits::default() }, 0).client()
    };
    assert_eq!(conflicting(Overlap::First), "abseFIRST");
    assert_eq!(conflicting(Overlap::Last), "absecondT");
    assert_eq!(conflicting(Overlap::Linux), "absecondT");
}

#[test]
fn memory_is_one_budget_and_the_oldest_hole_gives_way() {
    let limits = Limits { memory: 20_000, fragments: 0, ..Limits::default() };
    let mut segments = handshake(0, 9_000);
    // Every second byte, so that each costs a piece of its own.
    segments.extend((0..1_000_u32).map(|index| sent(true, 2 + 2 * index, 9_001, ACK, b"x")));
    let log = run_with(&timed(segments), limits, 0);
    assert!(log.gaps.iter().filter(|gap| gap.reason == GapReason::Limit).count() > 800);
    assert_eq!(log.client(), "_x".repeat(1_000));
}

#[test]
fn too_many_connections_give_up_the_half_open_ones_first() {
    let limits = Limits { connections: 4, ..Limits::default() };
    let mut segments = handshake(0, 9_000);
    segments.push(sent(true, 1, 9_001, ACK, b"hello "));
    let mut packets: Vec<Vec<u8>> = segments.iter().map(Sent::bytes).collect();
    for port in 1..200_u16 {
        let mut syn = sent(true, 77, 0, SYN, b"").bytes();
        syn[20..22].copy_from_slice(&port.to_be_bytes());
        packets.push(syn);
    }
    packets.push(sent(true, 7, 9_001, ACK, b"world").bytes());
    let log = support::run_packets(&packets, limits);
    assert_eq!(log.client(), "hello world");
    assert_eq!(log.closes.iter().filter(|close| close.how == Ending::Evicted).count(), 196);
}

#[test]
fn a_reset_is_believed_at_exactly_the_next_byte() {
    for (step, believed) in [(0, true), (1, false), (u32::MAX, false), (30_000, false)] {
        let mut segments = handshake(0, 9_000);
        segments.push(sent(true, 1, 9_001, ACK, b"abc"));
        segments.push(sent(false, 9_001, 4, ACK, b""));
        segments.push(sent(true, 4_u32.wrapping_add(step), 9_001, RST, b""));
        segments.push(sent(true, 4, 9_001, ACK, b"def"));
        let log = run(&timed(segments));
        assert_eq!(log.client(), if believed { "abc" } else { "abcdef" }, "reset {step} off");
        let how = if believed { Ending::Reset { checked: true } } else { Ending::EndOfCapture };
        assert_eq!(log.closes[0].how, how);
    }
}

#[test]
fn one_packet_from_the_far_future_does_not_end_the_rest() {
    let mut segments = handshake(0, 9_000);
    segments.push(Sent { at: 1_000_000_000_000, ..sent(true, 1, 9_001, ACK, b"abc") });
    segments.push(Sent { at: 5, ..sent(true, 4, 9_001, ACK, b"def") });
    let log = run(&segments);
    assert_eq!((log.client().as_str(), log.closes.len()), ("abcdef", 1));
    // Nor do two that have nothing to do with each other.
    segments.insert(4, Sent { at: 500_000_000_000, ..sent(true, 4, 9_001, ACK, b"") });
    assert_eq!(run(&segments).closes.len(), 1);
    // Two that agree are believed.
    let mut segments = handshake(0, 9_000);
    segments.push(sent(true, 1, 9_001, ACK, b"abc"));
    segments.push(Sent { at: 1_000_000_000_000, ..sent(true, 4, 9_001, ACK, b"def") });
    segments.push(Sent { at: 1_000_000_000_001, ..sent(true, 7, 9_001, ACK, b"ghi") });
    assert_eq!(run(&segments).closes.len(), 2);
}

/// Every order of `items`.
fn permutations<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    let Some((first, rest)) = items.split_first() else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for shorter in permutations(rest) {
        for place in 0..items.len() {
            let mut longer = shorter.clone();
            longer.insert(place, first.clone());
            all.push(longer);
        }
    }
    all
}

#[test]
fn a_conversation_captured_in_any_order_is_the_same_conversation() {
    let conversation = [
        sent(true, 1, 9_001, ACK | PSH, b"one "),
        sent(true, 5, 9_001, ACK | PSH, b"two"),
        sent(false, 9_001, 8, ACK | PSH, b"eins "),
        sent(false, 9_006, 8, ACK | PSH, b"zwei"),
        sent(true, 8, 9_010, ACK | PSH, b" three"),
        sent(true, 14, 9_010, ACK | FIN, b""),
        sent(false, 9_010, 15, ACK | FIN, b" drei"),
    ];
    for order in permutations(&conversation) {
        let mut segments = handshake(0, 9_000);
        segments.extend(order);
        let log = run(&timed(segments));
        assert_eq!(
            (log.client().as_str(), log.server().as_str()),
            ("one two three", "eins zwei drei"),
            "{}",
            log.text()
        );
        assert!(log.gaps.is_empty() && log.closes.len() == 1, "{}", log.text());
        assert_eq!(log.closes[0].how, Ending::Finished);
        // Never an answer before what it answers.
        let place = |part: &str| log.lines.iter().position(|line| line.contains(part)).unwrap();
        assert!(place("two") < place("eins") && place("zwei") < place("three"), "{}", log.text());
    }
    // And so without a handshake, as long as the capture is not further out of order than the slack.
    for order in permutations(&conversation[..5]) {
        let log = run(&timed(order));
        assert_eq!(
            (log.client().as_str(), log.server().as_str()),
            ("one two three", "eins zwei"),
            "{}",
            log.text()
        );
    }
}
