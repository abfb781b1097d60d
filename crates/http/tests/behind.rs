//! What is found behind a hole where the next response begins in the middle of a segment, and what is never taken for
//! one: whatever stands in a body.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test asserts by panicking"
)]

mod common;

use common::{CLIENT, SERVER, Talk, flow, line};
use egret_http::{
    Connection, Context, Ending, Exchange, GapReason, Limits, Missing, Moment, Opened, Piece, Timestamp,
};

fn get(number: usize) -> String {
    format!("GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn gets(numbers: std::ops::RangeInclusive<usize>) -> String {
    numbers.map(get).collect()
}

/// A response whose status, from 210 on, tells which it is.
fn answer(number: usize, body: &str) -> String {
    format!("HTTP/1.1 {} OK\r\nContent-Length: {}\r\n\r\n{body}", 210 + number, body.len())
}

fn chunked(number: usize, body: &str) -> String {
    let head = format!("HTTP/1.1 {} OK\r\nTransfer-Encoding: chunked\r\n\r\n", 210 + number);
    format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

/// One response of which the first `lost` bytes are lost, and others behind it in the same segment.
fn behind(talk: Talk, response: &str, lost: usize, others: &str) -> Talk {
    talk.lose_server(&response[..lost]).server(response[lost..].to_owned() + others)
}

/// What is said of the requests that were sent at once, if the answer to `number` was found behind the hole.
fn uncertain(number: usize, size: usize) -> String {
    format!("GET /{number} 0 > {} {size} response-head incomplete: pairing-uncertain", 210 + number)
}

fn lost(number: usize) -> String {
    format!("GET /{number} 0 > - no response: gap-acknowledged")
}

fn whole(number: usize) -> String {
    format!("GET /{number} 0 > {} 4 complete", 210 + number)
}

/// The conversation goes on: the client has received all that was said.
fn on(talk: Talk, number: usize) -> Talk {
    talk.client(get(number)).server(answer(number, "next"))
}

/// The same with a burst of two, the first response without its head, and `rest` behind it in the segment.
fn two(rest: &str) -> Talk {
    on(behind(Talk::new().client(gets(1..=2)), &answer(1, "0123456789"), 25, rest), 3)
}

#[test]
fn the_answers_behind_the_one_that_lost_its_head_are_found() {
    let response = answer(1, "0123456789");
    // Lost from its first byte on, or behind what came of it.
    for before in [0, 5] {
        for others in 2..=6 {
            let rest: String = (2..=others).map(|number| answer(number, "abcdef")).collect();
            let talk = Talk::new().client(gets(1..=others)).server(&response[..before]);
            let talk = on(behind(talk, &response[before..], 25, &rest), 9);
            let lines = talk.lines();
            assert_eq!(lines.len(), others + 1, "{lines:?}");
            assert!(lines[0].starts_with("GET /1 0 > ") && !lines[0].ends_with("complete"), "{lines:?}");
            for number in 2..=others {
                assert_eq!(lines[number - 1], uncertain(number, 6));
            }
            assert_eq!(lines[others], whole(9), "what comes then is certain");
        }
    }
}

#[test]
fn where_the_client_does_not_go_on_the_end_shows_that_all_was_answered() {
    let talk = behind(Talk::new().client(gets(1..=2)), &answer(1, "0123456789"), 25, &answer(2, "ab"));
    let expected = [lost(1), uncertain(2, 2)];
    for how in [Ending::Finished, Ending::Reset { checked: true }, Ending::Idle, Ending::EndOfCapture] {
        assert_eq!(talk.clone().closed(how).lines(), expected);
        assert_eq!(talk.clone().end(SERVER).closed(how).lines(), expected);
    }
}

#[test]
fn behind_a_chunked_body_that_lost_its_framing() {
    let response = chunked(1, "0123456789");
    let (seen, rest) = response.split_at(55);
    let talk = on(behind(Talk::new().client(gets(1..=2)).server(seen), rest, 6, &chunked(2, "ab")), 3);
    let lines = talk.lines();
    assert!(lines[0].starts_with("GET /1 0 > 211") && lines[0].ends_with("gap-acknowledged"), "{lines:?}");
    assert_eq!(lines[1..], [uncertain(2, 2), whole(3)]);
    let (told, _) = talk.run(|exchange| exchange.ended().packet);
    assert_eq!(told, [3, 5, 6], "it is told when the client goes on");
}

#[test]
fn behind_a_body_of_known_length_and_the_head_of_the_next() {
    let (first, second) = (answer(1, "0123456789"), answer(2, "0123456789"));
    let (seen, rest) = first.split_at(45);
    let lost_bytes = rest.to_owned() + &second[..25];
    let talk = Talk::new().client(gets(1..=3)).server(seen).lose_server(lost_bytes);
    let lines = on(talk.server(second[25..].to_owned() + &answer(3, "ab")), 4).lines();
    assert!(lines[0].starts_with("GET /1 0 > 211 10-"), "{lines:?}");
    assert_eq!(lines[1..], [lost(2), uncertain(3, 2), whole(4)]);
}

#[test]
fn what_is_found_is_whole_however_it_is_cut() {
    let rest = format!("{}{}", answer(2, "second"), chunked(3, "third"));
    let first = answer(1, "0123456789");
    // Not where a segment begins with a status line: there it is found at once, and what was in front of it is lost.
    let all = first[25..].to_owned() + &rest;
    let starts: Vec<_> = all.match_indices("HTTP/1.").map(|(place, _)| place).collect();
    // Nor where a short segment is nothing but one word: it may become a start line, and the next is looked at for that.
    let word = all.find(':').unwrap();
    for cut in (word + 1..all.len()).filter(|cut| !starts.contains(cut)) {
        let (one, other) = all.split_at(cut);
        let mut talk = Talk::keeping(100).client(gets(1..=3)).lose_server(&first[..25]);
        talk = on(talk.server(one).server(other), 4);
        let (found, _) = talk.run(|exchange| {
            let response = exchange.response();
            let body = response.map_or(&b""[..], |response| response.body().bytes());
            let packets = response.map(|response| response.transfer());
            let packets = packets.map(|transfer| (transfer.first_packet, transfer.last_packet));
            (line(exchange), body.to_vec(), packets, exchange.ended().packet)
        });
        // The hole is packet 2, what is behind it 3 and 4.
        let packet = |place: usize| if place < cut { 3 } else { 4 };
        let (second, third) = (starts[0], starts[1]);
        let expected =
            [("second", packet(second), packet(third - 1)), ("third", packet(third), packet(all.len() - 1))];
        for ((line, body, packets, told), (text, begin, end)) in found[1..3].iter().zip(expected) {
            assert!(line.ends_with("pairing-uncertain"), "cut at {cut}: {line}");
            assert_eq!(body, text.as_bytes(), "cut at {cut}");
            assert_eq!(*packets, Some((begin, end)), "cut at {cut}");
            assert_eq!(*told, 5, "when the client went on");
        }
    }
}

#[test]
fn what_a_request_and_a_status_say_of_the_body_counts() {
    // HEAD, no content, not modified, interim responses: none has the body that its head tells of.
    let head = "HTTP/1.1 212 OK\r\nContent-Length: 500\r\n\r\n";
    let requests = get(1) + "HEAD /2 HTTP/1.1\r\n\r\n";
    let talk = behind(Talk::new().client(&requests), &answer(1, "0123456789"), 25, head);
    let found = "HEAD /2 0 > 212 0 response-head incomplete: pairing-uncertain";
    assert_eq!(on(talk, 3).lines(), [&*lost(1), found, &*whole(3)]);
    assert_eq!(two(head).lines()[1], lost(2), "GET has one");
    for status in [204, 304] {
        let lines = two(&format!("HTTP/1.1 {status} N\r\nContent-Length: 5\r\n\r\n")).lines();
        assert_eq!(lines[1], format!("GET /2 0 > {status} 0 response-head incomplete: pairing-uncertain"));
    }
    let lines = two(&("HTTP/1.1 103 Early\r\nLink: a\r\n\r\n".to_owned() + &answer(2, "ab"))).lines();
    assert_eq!(lines[1], "GET /2 0 > 103 > 212 2 response-head incomplete: pairing-uncertain");
}

#[test]
fn what_stands_in_the_body_that_lost_its_head_is_no_answer() {
    // A record of messages, as a proxy may write one, is the body of the answer that lost its head.
    let record = format!("{}{}", answer(50, "recorded"), answer(51, "recorded"));
    for body in [record.clone(), record.clone() + "\n", record.repeat(3)] {
        let talk = behind(Talk::new().client(gets(1..=2)), &answer(1, &body), 25, &answer(2, "true"));
        assert_eq!(on(talk, 3).lines(), [lost(1), uncertain(2, 4), whole(3)]);
        // Nor where nothing else was asked for.
        let talk = behind(Talk::new().client(get(1)), &answer(1, &body), 25, "");
        assert_eq!(on(talk, 3).lines(), [lost(1), whole(3)]);
        // Or where the answers do not share segments.
        let talk =
            behind(Talk::new().client(gets(1..=2)), &answer(1, &body), 25, "").server(answer(2, "true"));
        let lines = on(talk, 3).lines();
        assert_eq!(lines[1], uncertain(2, 4), "{lines:?}");
    }
}

#[test]
fn what_can_be_taken_for_an_answer_is_said_to_be_uncertain() {
    // The hole took the first answer and the head of the second, whose body ends with a whole response.
    let record = "a\r\n".to_owned() + &answer(50, "recorded");
    let second = answer(2, &record);
    let hole = answer(1, "0123456789") + &second[..25];
    let talk = Talk::new().client(gets(1..=2)).lose_server(hole).server(&second[25..]);
    assert_eq!(
        on(talk.clone(), 3).lines(),
        [lost(1), "GET /2 0 > 260 8 response-head incomplete: pairing-uncertain".to_owned(), whole(3)]
    );
    // Those behind it are what they are.
    let talk = Talk::new().client(gets(1..=3)).lose_server(answer(1, "0123456789") + &second[..25]);
    assert_eq!(
        on(talk.server(second[25..].to_owned() + &answer(3, "true")), 4).lines()[1..],
        [
            "GET /2 0 > 260 8 response-head incomplete: pairing-uncertain".to_owned(),
            uncertain(3, 4),
            whole(4)
        ]
    );
    // One byte more behind it, and it is not.
    let second = answer(2, &(record + "\n"));
    let hole = answer(1, "0123456789") + &second[..25];
    let talk = Talk::new().client(gets(1..=2)).lose_server(hole).server(&second[25..]);
    assert_eq!(on(talk, 3).lines(), [lost(1), lost(2), whole(3)]);
}

#[test]
fn all_that_waits_must_be_answered_to_the_last_byte() {
    let nothing = [lost(1), lost(2), whole(3)];
    let good = answer(2, "abcdef");
    assert_eq!(two(&good).lines()[1], uncertain(2, 6), "what the others are changed from");
    for (rest, why) in [
        (good.clone() + "\r\n", "something follows"),
        (good[..good.len() - 1].to_owned(), "the last byte is not there"),
        (good.replace("HTTP/1.1 212", "HTTP/1.1 21"), "no status"),
        (good.replace("OK\r\n", "OK\r\nno colon\r\n"), "an odd head"),
        (good.replace("\r\n\r\n", "\r\nContent-Length: 6\r\n\r\n"), "two lengths"),
        (good.replace("Content-Length: 6", "X: y"), "until the end"),
        (good.replace(": 6", ": 18446744073709551615"), "a length that nothing has"),
        (chunked(2, "ab").replace("\r\n0\r\n", "\r\n0\n"), "an odd chunk"),
        (chunked(2, "ab").replace("2\r\nab", "3\r\nab"), "a bad chunk"),
        (chunked(2, "ab").replace("\r\n0\r\n\r\n", ""), "no last chunk"),
        ("HTTP/1.1 100 C\r\n\r\n".to_owned(), "an interim response answers nothing"),
        (answer(2, "ab") + &answer(3, "ab") + &answer(4, "x")[..20], "one that is cut behind others"),
    ] {
        assert_eq!(two(&rest).lines(), nothing, "{why}");
    }
    // A switch of protocols is no interim response, whatever follows.
    assert_eq!(two(&("HTTP/1.1 101 S\r\n\r\n".to_owned() + &good)).lines()[1], uncertain(2, 6));
    // Three wait and one is there: two have lost their heads, or more is to come.
    let talk = on(behind(Talk::new().client(gets(1..=3)), &answer(1, "0123456789"), 25, &good), 4);
    assert_eq!(talk.lines(), [lost(1), lost(2), lost(3), whole(4)]);
    // A tunnel has no answer that ends.
    let requests = get(1) + "CONNECT a:1 HTTP/1.1\r\n\r\n";
    let talk = behind(Talk::new().client(requests), &answer(1, "0123456789"), 25, &answer(2, ""));
    assert!(talk.lines()[1].ends_with("no response: gap-acknowledged"), "{:?}", talk.lines());
}

#[test]
fn the_client_must_have_received_what_it_goes_on_from() {
    // It sends the next request while the answers are on their way: nobody knows what it waits for then.
    let mut talk = two(&answer(2, "abcdef"));
    talk.crossing = true;
    assert!(!talk.lines().iter().any(|line| line.starts_with("GET /2 0 > 212")), "{:?}", talk.lines());
    // Without acknowledgments nobody knows either.
    let mut talk = two(&answer(2, "abcdef"));
    talk.acks = false;
    assert!(!talk.lines().iter().any(|line| line.starts_with("GET /2 0 > 212")), "{:?}", talk.lines());
}

#[test]
fn one_that_was_not_asked_at_once_with_the_others_is_waited_for_otherwise() {
    // The client sends its third request when it has the first answer; what it then waits for is no burst.
    let talk = Talk::new().client(gets(1..=2)).server(answer(1, "ab")).client(get(3));
    let talk = behind(talk, &answer(2, "0123456789"), 25, &answer(3, "ab"));
    let lines = on(talk, 4).lines();
    assert!(!lines.iter().any(|line| line.starts_with("GET /3 0 > 213")), "{lines:?}");
    // Nor is what may have been asked for by requests that nobody saw.
    let talk = Talk::new().lose_client(get(0)).client(gets(1..=2));
    let talk = on(behind(talk, &answer(1, "0123456789"), 25, &answer(2, "ab")), 3);
    assert!(!talk.lines().iter().any(|line| line.starts_with("GET /2 0 > 212")), "{:?}", talk.lines());
    // Nor is what was asked for by more than the queue holds.
    let mut talk = behind(Talk::new().client(gets(1..=3)), &answer(1, "0123456789"), 25, &answer(2, "ab"));
    talk = talk.server("x-".to_owned() + &answer(3, "ab"));
    talk.limits.queue = 2;
    assert!(!talk.lines().iter().any(|line| line.starts_with("GET /2 0 > 213")), "{:?}", talk.lines());
    // Or what is still being asked for.
    let requests = get(1) + "PUT /2 HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc";
    let talk = behind(Talk::new().client(requests), &answer(1, "0123456789"), 25, &answer(2, "ab"));
    assert!(!talk.lines().iter().any(|line| line.contains("> 212")), "{:?}", talk.lines());
}

#[test]
fn what_is_lost_for_another_reason_than_a_hole_is_not_looked_at() {
    let bad = chunked(1, "0123456789").replace("0\r\n\r\n", "zz");
    let talk = Talk::new().client(gets(1..=2)).server(bad).server("} ".to_owned() + &answer(2, "ab"));
    let lines = on(talk, 3).lines();
    assert_eq!(lines[1..], ["GET /2 0 > - no response: malformed".to_owned(), whole(3)]);
}

#[test]
fn nothing_is_spliced() {
    // Neither over a hole,
    let first = answer(1, "0123456789");
    let cut = "HTTP/1.1 212 OK\r\nContent-Length: 6\r\n\r\nab";
    let talk = Talk::new().client(gets(1..=2)).lose_server(&first[..25]).server(first[25..].to_owned() + cut);
    let talk = talk.lose_server("lost").server("}def");
    assert_eq!(on(talk, 3).lines(), [lost(1), lost(2), whole(3)]);
    // nor over what may have become a start line.
    let response = chunked(1, "0123456789");
    let (seen, rest) = response.split_at(55);
    let talk =
        behind(Talk::new().client(gets(1..=2)).server(seen), rest, 6, cut).server("word").server("}def");
    assert_eq!(on(talk, 3).lines()[1..], [lost(2), whole(3)]);
}

#[test]
fn a_second_hole_ends_what_is_looked_at() {
    let first = answer(1, "0123456789");
    let talk = Talk::new().client(gets(1..=3)).lose_server(&first[..25]);
    let talk = talk.server(first[25..].to_owned() + &answer(2, "ab")).lose_server(answer(3, "ab"));
    assert_eq!(on(talk, 4).lines(), [lost(1), lost(2), lost(3), whole(4)]);
    // What is behind the last one is looked at.
    let talk = Talk::new().client(gets(1..=2)).lose_server(&first[..31]).server(&first[31..33]);
    let talk = talk.lose_server(&first[33..35]).server(first[35..].to_owned() + &answer(2, "ab"));
    assert_eq!(on(talk, 3).lines(), [lost(1), uncertain(2, 2), whole(3)]);
}

#[test]
fn what_is_looked_at_is_bounded() {
    // Status lines in front of it.
    for (lines, found) in [(7, true), (8, false)] {
        let body = "HTTP/1.1 200 OK\n".repeat(lines);
        let talk = behind(Talk::new().client(gets(1..=2)), &answer(1, &body), 25, &answer(2, "ab"));
        let expected = if found { uncertain(2, 2) } else { lost(2) };
        assert_eq!(on(talk, 3).lines(), [lost(1), expected, whole(3)], "{lines} lines");
    }
    // Requests.
    for (count, found) in [(64, true), (65, false)] {
        let rest: String = (2..=count).map(|_| answer(2, "ab")).collect();
        let talk = Talk::new().client(get(0).repeat(count));
        let lines = on(behind(talk, &answer(1, "0123456789"), 25, &rest), 3).lines();
        assert_eq!(lines[1].starts_with("GET /0 0 > 212 2 "), found, "{count}: {}", lines[1]);
    }
    // Bytes behind the hole, and pieces.
    let rest = answer(2, "ab").len();
    let first = |size: usize| answer(1, &"x".repeat(size + 10));
    let lost_bytes = |size: usize| first(size).len() - size;
    let long = |size: usize| answer(2, &"y".repeat(size));
    for (size, answer, piece, found) in [
        ((64 << 10) - rest, answer(2, "ab"), 1_448, true),
        ((64 << 10) - rest + 1, answer(2, "ab"), 1_448, false),
        (30, long(25_000), 100, true),
        (30, long(26_000), 100, false),
    ] {
        let (response, lost_bytes) = (first(size), lost_bytes(size));
        let talk = behind(Talk::new().client(gets(1..=2)), &response, lost_bytes, &answer);
        let body = answer.len() - answer.find("\r\n\r\n").unwrap() - 4;
        let steps = talk.steps.len() - 1;
        let mut cut = Talk { steps: talk.steps[steps..].to_vec(), ..Talk::new() }.cut_into(piece);
        cut.steps.splice(0..0, talk.steps[..steps].iter().cloned());
        let expected = if found { uncertain(2, body) } else { lost(2) };
        assert_eq!(on(cut, 3).lines(), [lost(1), expected, whole(3)], "{size} bytes in pieces of {piece}");
    }
}

/// What a budget holds after each of the pieces behind a hole, the next request, and the end.
fn held(memory: usize, requests: &str, behind: &str) -> (Vec<usize>, Vec<String>) {
    let mut found = Vec::new();
    let limits = Limits { memory, ..Limits::default() };
    let mut context = Context::new(|exchange: &Exchange| found.push(line(exchange)), limits);
    let mut connection = Connection::new(1, flow(), Opened::Handshake);
    let piece = |direction, offset, ack, bytes| Piece {
        offset,
        ack: Some(ack),
        ..Piece::new(direction, Timestamp::EPOCH, bytes)
    };
    let at = Moment::default();
    let asked = requests.len() as u64;
    connection.data(piece(CLIENT, 0, 0, requests.as_bytes()), &mut context);
    let reason = GapReason::Acknowledged;
    connection.gap(Missing { direction: SERVER, offset: 0, len: 50, reason, at }, &mut context);
    let (mut offset, mut held) = (50, vec![context.memory_used()]);
    for bytes in behind.as_bytes().chunks(1_000) {
        connection.data(piece(SERVER, offset, asked, bytes), &mut context);
        offset += bytes.len() as u64;
        held.push(context.memory_used());
    }
    connection.data(piece(CLIENT, asked, offset, get(3).as_bytes()), &mut context);
    held.push(context.memory_used());
    connection.close(Ending::Idle, at, &mut context);
    held.push(context.memory_used());
    drop(context);
    (held, found)
}

#[test]
fn what_is_kept_is_on_the_budget_and_given_back() {
    let behind = "x".repeat(29_500) + &answer(2, "ab");
    let (used, found) = held(1 << 20, &gets(1..=2), &behind);
    let (before, most) = (used[0], *used.iter().max().unwrap());
    assert!(most >= before + 29_500, "{used:?}");
    assert_eq!(found[1], uncertain(2, 2));
    assert!(*used.last().unwrap() < before + 1_000, "only what serves the next exchanges stays: {used:?}");
    // Without room for it, it is not found, and no more is taken than there is.
    let (used, found) =
        held(16 << 10, &gets(1..=2), &answer(2, &"y".repeat(30_000)).replacen("HTTP", "X\nHTTP", 1));
    assert!(used.iter().all(|used| *used <= 17 << 10), "{used:?}");
    assert_eq!(found[1], lost(2));
    // What is forgotten where it becomes too much.
    let (used, found) = held(1 << 20, &gets(1..=2), &("x".repeat(70_500) + &answer(2, "ab")));
    assert!(used[used.len() - 3] < before + 1_000, "{used:?}");
    assert_eq!(found[1], lost(2));
    // Nor is anything kept where only one answer is waited for, whose head is lost.
    let (used, found) = held(1 << 20, &get(1), &behind);
    assert!(used[used.len() - 3] < before + 1_000, "{used:?}");
    assert_eq!(found[0], lost(1));
}

#[test]
fn nobody_answers_what_was_not_received_or_was_asked_later() {
    let (all, one) = (gets(1..=2).len() as u64, get(1).len() as u64);
    // What the server had received, and what the client had.
    for (received, acked, answered) in [(all, 0, true), (all, 56, true), (one, 0, false), (all, 57, false)] {
        let mut found = Vec::new();
        let mut context = Context::new(|exchange: &Exchange| found.push(line(exchange)), Limits::default());
        let mut connection = Connection::new(1, flow(), Opened::Handshake);
        let (requests, at) = (gets(1..=2), Moment::default());
        let piece = |direction, offset, ack, bytes| Piece {
            offset,
            ack: Some(ack),
            ..Piece::new(direction, Timestamp::EPOCH, bytes)
        };
        let behind = "456789".to_owned() + &answer(2, "ab");
        connection.data(piece(CLIENT, 0, acked, requests.as_bytes()), &mut context);
        let reason = GapReason::Acknowledged;
        connection.gap(Missing { direction: SERVER, offset: 0, len: 50, reason, at }, &mut context);
        connection.data(piece(SERVER, 50, received, behind.as_bytes()), &mut context);
        connection.close(Ending::Finished, at, &mut context);
        drop(context);
        let expected = if answered { uncertain(2, 2) } else { lost(2) };
        assert_eq!(found, [lost(1), expected], "{received} {acked}");
    }
}
