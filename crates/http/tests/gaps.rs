//! What is read when bytes are missing: whole bodies are counted on, lost directions are found again, and no response
//! is given to the wrong request.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test asserts by panicking"
)]

mod common;

use common::{CLIENT, SERVER, Talk, line};
use egret_http::{Ending, Exchange};

fn get(number: usize) -> String {
    format!("GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// A response whose status, from 210 on, tells which it is.
fn sized(number: usize) -> String {
    format!("HTTP/1.1 {} OK\r\nContent-Length: 10\r\n\r\n0123456789", 210 + number % 80)
}

fn chunked(number: usize) -> String {
    format!(
        "HTTP/1.1 {} OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n",
        210 + number % 80
    )
}

#[test]
fn a_thousand_requests_with_one_lost_response() {
    for response in [sized, chunked] {
        for lost in [0, 1, 500, 998, 999] {
            let mut talk = Talk::new();
            for number in 0..1_000 {
                talk = talk.client(get(number));
                talk = if number == lost {
                    talk.lose_server(response(number))
                } else {
                    talk.server(response(number))
                };
            }
            for talk in [talk.clone(), late(&talk)] {
                let (found, stats) = talk.run(line);
                assert_eq!((found.len(), stats.complete), (1_000, 999));
                for (number, line) in found.iter().enumerate() {
                    let status = 210 + number % 80;
                    let expected = if number == lost {
                        format!("GET /{number} 0 > - no response: gap-acknowledged")
                    } else {
                        format!("GET /{number} 0 > {status} 10 complete")
                    };
                    assert_eq!(*line, expected);
                }
            }
        }
    }
}

/// The same, but each loss is known only after the next request: it shows by what the client acknowledges.
fn late(talk: &Talk) -> Talk {
    // Each piece knows where it is and what it acknowledges, so only the order of the calls changes.
    let mut talk = talk.clone();
    talk.late_gaps = true;
    talk
}

#[test]
fn how_much_of_a_lost_response_is_missing_is_said() {
    let talk = Talk::new().client(get(0)).lose_server(sized(0)).client(get(1)).server(sized(1));
    for talk in [talk.clone(), late(&talk)] {
        let (found, _) = talk.run(|exchange| exchange.verdict());
        let egret_http::Verdict::Incomplete { part, missing, .. } = found[0] else { panic!("{found:?}") };
        assert_eq!((part.name(), missing), ("response", Some(sized(0).len() as u64)));
        assert!(found[1].is_complete());
    }
    let last = Talk::new().client(get(0)).lose_server(sized(0));
    let (found, _) = last.run(|exchange| exchange.verdict());
    let egret_http::Verdict::Incomplete { missing, .. } = found[0] else { panic!("{found:?}") };
    assert_eq!(missing, Some(sized(0).len() as u64));
}

#[test]
fn an_unanswered_request_is_reported_as_soon_as_it_is_known() {
    let mut talk = Talk::new().client(get(0)).lose_server(sized(0)).client(get(1));
    talk.closed = Ending::EndOfCapture;
    let (found, _) = talk.run(|exchange| (line(exchange), exchange.ended().packet));
    assert_eq!(found[0], ("GET /0 0 > - no response: gap-acknowledged".to_owned(), 3));
}

#[test]
fn a_gap_in_a_sized_body_is_counted_on() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
    let talk = Talk::keeping(100)
        .client(get(0))
        .server(head)
        .server("01")
        .lose_server("234")
        .server("56")
        .lose_server("7")
        .server("89")
        .client(get(1))
        .server(sized(1));
    assert_eq!(
        talk.lines(),
        [
            "GET /0 0 > 200 10-4 \"01\" response-body incomplete: 4 bytes missing, gap-acknowledged",
            "GET /1 0 > 211 10 \"0123456789\" complete"
        ]
    );
    let end = Talk::new()
        .client(get(0))
        .server(head)
        .server("01234")
        .lose_server("56789")
        .client(get(1))
        .server(sized(1));
    assert_eq!(
        end.lines(),
        [
            "GET /0 0 > 200 10-5 response-body incomplete: 5 bytes missing, gap-acknowledged",
            "GET /1 0 > 211 10 complete"
        ]
    );
    let request = Talk::new()
        .client("PUT / HTTP/1.1\r\nContent-Length: 10\r\n\r\n01")
        .lose_client("234567")
        .client("89")
        .server(sized(0))
        .client(get(1))
        .server(sized(1));
    assert_eq!(
        request.lines(),
        [
            "PUT / 10-6 > 210 10 request-body incomplete: 6 bytes missing, gap-acknowledged",
            "GET /1 0 > 211 10 complete"
        ]
    );
}

#[test]
fn a_gap_in_the_data_of_a_chunk_is_counted_on() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (before, lost, after) in [("5\r\n0", "12", "34\r\n0\r\n\r\n"), ("5\r\n0", "1234", "\r\n0\r\n\r\n")] {
        let talk = Talk::new()
            .client(get(0))
            .server(head)
            .server(before)
            .lose_server(lost)
            .server(after)
            .client(get(1))
            .server(sized(1));
        let size = lost.len();
        assert_eq!(
            talk.lines(),
            [
                format!(
                    "GET /0 0 > 200 5-{size} response-body incomplete: {size} bytes missing, gap-acknowledged"
                ),
                "GET /1 0 > 211 10 complete".to_owned()
            ]
        );
    }
}

#[test]
fn a_gap_over_chunk_framing_loses_the_body_but_not_the_next_response() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (before, lost, after) in [
        ("5\r\n0", "1234\r\n5\r\n56", "789\r\n0\r\n\r\n"),
        ("5\r\n01234\r", "\n5", "\r\n56789\r\n0\r\n\r\n"),
        ("5\r\n01234\r\n0\r\n", "A: b", "\r\n\r\n"),
    ] {
        let talk = Talk::new()
            .client(get(0))
            .server(head)
            .server(before)
            .lose_server(lost)
            .server(after)
            .client(get(1))
            .server(sized(1));
        for talk in [talk.clone(), late(&talk)] {
            let lines = talk.lines();
            assert_eq!(lines.len(), 2, "{lines:?}");
            assert!(lines[0].ends_with("response-body incomplete: gap-acknowledged"), "{lines:?}");
            assert_eq!(lines[1], "GET /1 0 > 211 10 complete");
        }
    }
}

#[test]
fn a_gap_in_a_body_until_close_is_counted() {
    let talk = Talk::new()
        .client(get(0))
        .server("HTTP/1.0 200 OK\r\n\r\nabc")
        .lose_server("de")
        .server("f")
        .end(SERVER);
    assert_eq!(
        talk.lines(),
        ["GET /0 0 > 200 6-2 response-body incomplete: 2 bytes missing, gap-acknowledged"]
    );
}

#[test]
fn a_gap_in_a_head() {
    let response = sized(0);
    let (first, rest) = response.split_at(20);
    let (lost, rest) = rest.split_at(5);
    let talk = Talk::new()
        .client(get(0))
        .server(first)
        .lose_server(lost)
        .server(rest)
        .client(get(1))
        .server(sized(1));
    assert_eq!(
        talk.lines(),
        ["GET /0 0 > 210 0 response-head incomplete: gap-acknowledged", "GET /1 0 > 211 10 complete"]
    );
    let request = get(0);
    let (first, rest) = request.split_at(20);
    let (lost, rest) = rest.split_at(3);
    let talk = Talk::new()
        .client(first)
        .lose_client(lost)
        .client(rest)
        .server(sized(0))
        .client(get(1))
        .server(sized(1));
    assert_eq!(
        talk.lines(),
        ["GET /0 0 > 210 10 request-head incomplete: gap-acknowledged", "GET /1 0 > 211 10 complete"]
    );
}

#[test]
fn a_lost_request_leaves_its_response_unasked() {
    let mut talk = Talk::new();
    for number in 0..6 {
        talk = if number == 3 { talk.lose_client(get(3)) } else { talk.client(get(number)) };
        talk = talk.server(sized(number));
    }
    assert_eq!(
        talk.lines(),
        [
            "GET /0 0 > 210 10 complete",
            "GET /1 0 > 211 10 complete",
            "GET /2 0 > 212 10 complete",
            "- > 213 10 request-head incomplete: gap-acknowledged",
            "GET /4 0 > 214 10 complete",
            "GET /5 0 > 215 10 complete",
        ]
    );
    // A response that was sent before the request is never its answer, even if it is looked at later.
    let talk = Talk::new().client(get(0)).server(sized(0)).lose_client(get(1)).server(sized(1));
    let swapped = Talk { responses_late: true, ..talk.client(get(2)).server(sized(2)) };
    assert_eq!(
        swapped.lines(),
        [
            "GET /0 0 > 210 10 complete",
            "- > 211 10 request-head incomplete: gap-acknowledged",
            "GET /2 0 > 212 10 complete",
        ]
    );
}

#[test]
fn a_lost_request_with_its_response_shifts_nothing() {
    let talk = Talk::new()
        .client(get(0))
        .server(sized(0))
        .lose_client(get(1))
        .lose_server(sized(1))
        .client(get(2))
        .server(sized(2))
        .client(get(3))
        .server(sized(3));
    let expected = ["GET /0 0 > 210 10 complete", "GET /2 0 > 212 10 complete", "GET /3 0 > 213 10 complete"];
    assert_eq!(talk.lines(), expected);
    assert_eq!(late(&talk).lines(), expected);
}

#[test]
fn a_request_pipelined_behind_a_lost_one_is_not_given_its_answer() {
    let after = |talk: Talk| talk.client(get(2)).server(sized(2)).client(get(3)).server(sized(3));
    let known = ["GET /2 0 > 212 10 complete", "GET /3 0 > 213 10 complete"];
    // Its first request is lost, and the capture begins with the second.
    let talk = after(Talk::new().lose_client(get(0)).client(get(1)).server(sized(0)).server(sized(1)));
    let lines = talk.lines();
    assert_eq!(
        lines[..2],
        [
            "GET /1 0 > 210 10 response-head incomplete: pairing-uncertain",
            "- > 211 10 request-head incomplete: gap-acknowledged"
        ]
    );
    assert_eq!(lines[2..], known, "{lines:?}");
    assert_eq!(late(&talk).lines(), lines);
    // Lost behind one that was seen, and lost twice.
    let burst = |talk: Talk| talk.client(get(4)).lose_client(get(5)).client(get(6));
    let answers = |talk: Talk| after(talk.server(sized(4)).server(sized(5)).server(sized(6)));
    let third = Talk::new().lose_client(get(3));
    for (talk, complete) in [
        (answers(burst(Talk::new())), 3),
        // What was answered says nothing of the request that was lost behind it.
        (answers(burst(third.clone().server(sized(3)))), 3),
        (after(burst(third).server(sized(3)).server(sized(4)).server(sized(5)).server(sized(6))), 2),
    ] {
        let lines = talk.lines();
        let certain: Vec<_> = lines.iter().filter(|line| line.ends_with(" complete")).collect();
        assert!(certain.iter().all(|line| line[5..6] == line[13..14]), "{lines:?}");
        assert_eq!(certain.len(), complete, "{lines:?}");
    }
    // Nor does a lost part of an answer say that the one to the lost request is past.
    let talk = Talk::new()
        .client(get(0))
        .server(&chunked(0)[..55])
        .lose_server(&chunked(0)[55..])
        .lose_client(get(1))
        .client(get(2))
        .server(sized(1))
        .server(sized(2));
    assert!(!talk.lines().iter().any(|line| line.starts_with("GET /2") && line.ends_with(" complete")));
}

#[test]
fn the_answer_to_a_lost_head_request_has_no_body() {
    // Whatever tells of a body, the next status line at the start of a segment shows that there was none.
    for framing in ["Content-Length: 500", "Transfer-Encoding: chunked", "Content-Encoding: gzip\r\nX: y"] {
        let answer = format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n");
        let talk = Talk::new()
            .client(get(0))
            .server(sized(0))
            .lose_client("HEAD / HTTP/1.1\r\n\r\n")
            .server(&answer)
            .client(get(1))
            .server(sized(1))
            .client(get(2))
            .server(sized(2));
        assert_eq!(
            talk.lines(),
            [
                "GET /0 0 > 210 10 complete",
                "- > 200 0 request-head incomplete: gap-acknowledged",
                "GET /1 0 > 211 10 complete",
                "GET /2 0 > 212 10 complete",
            ]
        );
    }
    // One that was asked for with another method has the body that it says, and so has one that has begun.
    let message = sized(1);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", message.len());
    let asked = Talk::new().client(get(0)).server(&head).server(&message).client(get(2)).server(sized(2));
    let size = message.len();
    assert_eq!(asked.lines()[0], format!("GET /0 0 > 200 {size} complete"));
    let begun = Talk::new()
        .lose_client(get(0))
        .server(head.replace(&format!(": {size}"), &format!(": {}", size + 1)) + "x")
        .server(&message)
        .client(get(2))
        .server(sized(2));
    assert_eq!(
        begun.lines(),
        [
            format!("- > 200 {} request-head incomplete: gap-acknowledged", size + 1),
            "GET /2 0 > 212 10 complete".to_owned()
        ]
    );
}

#[test]
fn several_responses_in_one_gap() {
    let mut talk = Talk::new();
    for number in 0..5 {
        talk = talk.client(get(number));
        talk = match number {
            1 => talk.lose_server(sized(1)),
            2 => talk.lose_server(&sized(2)[..20]).server(&sized(2)[20..]),
            _ => talk.server(sized(number)),
        };
    }
    for talk in [talk.clone(), late(&talk)] {
        let found: Vec<_> = talk.lines();
        assert_eq!(
            found[..3],
            [
                "GET /0 0 > 210 10 complete",
                "GET /1 0 > - no response: gap-acknowledged",
                "GET /2 0 > - no response: gap-acknowledged",
            ]
        );
        assert_eq!(found[3], "GET /3 0 > 213 10 complete");
    }
}

#[test]
fn pipelined_across_a_gap_is_said_to_be_uncertain() {
    // How many responses the gap holds, and what is known again: the second request after the gap, or the first if
    // the responses that were seen are as many as they look.
    for (lost, certain_from) in [(1, 5), (2, 6)] {
        let mut talk = Talk::new().client((0..5).map(get).collect::<String>()).server(sized(0));
        talk = talk.lose_server((1..=lost).map(sized).collect::<String>());
        for number in lost + 1..5 {
            talk = talk.server(sized(number));
        }
        for number in 5..8 {
            talk = talk.client(get(number)).server(sized(number));
        }
        let lines = talk.lines();
        assert_eq!(lines.len(), 8, "{lines:#?}");
        for line in &lines {
            let number: usize = line.split(['/', ' ']).nth(2).unwrap().parse().unwrap();
            if number == 0 || number >= certain_from {
                assert_eq!(*line, format!("GET /{number} 0 > {} 10 complete", 210 + number));
            } else {
                assert!(line.ends_with("pairing-uncertain"), "{line}");
            }
        }
    }
}

/// Three requests at once, then one when all is there, then one more; `lost` is one piece of the three responses, which
/// the server sends in pieces that do not begin where responses do.
fn bursts(refills: bool) -> Talk {
    let burst = [sized(1), sized(2), sized(3)].concat();
    let (first, rest) = burst.split_at(70);
    let (second, third) = rest.split_at(70);
    let mut talk = Talk::new();
    if refills {
        // A client that was seen to send more while it waited may have done so again.
        talk = talk
            .client([get(7), get(8)].concat())
            .server(sized(7))
            .client(get(9))
            .server([sized(8), sized(9)].concat());
    }
    talk.client([get(1), get(2), get(3)].concat())
        .server(first)
        .lose_server(second)
        .server(third)
        .client(get(4))
        .server(sized(4))
        .client(get(5))
        .server(sized(5))
}

#[test]
fn a_burst_after_a_burst_is_certain_if_the_client_waits_for_all() {
    let lines = bursts(false).lines();
    assert_eq!(lines[3..], ["GET /4 0 > 214 10 complete", "GET /5 0 > 215 10 complete"], "{lines:?}");
    assert!(
        lines[..3].iter().all(|line| line.ends_with("gap-acknowledged") || line.ends_with("complete")),
        "{lines:?}"
    );
    let refills = bursts(true).lines();
    assert!(refills.iter().any(|line| line.ends_with("pairing-uncertain")), "{refills:?}");
}

#[test]
fn nobody_answers_what_was_not_received() {
    // The server had received the first of two requests when it sent the response behind the hole.
    use egret_http::{
        Connection, Context, Direction, Exchange, GapReason, Missing, Moment, Opened, Piece, Timestamp,
    };
    let mut found = Vec::new();
    let mut context =
        Context::new(|exchange: &Exchange| found.push(line(exchange)), egret_http::Limits::default());
    let mut connection = Connection::new(1, common::flow(), Opened::Handshake);
    let requests = [get(1), get(2)].concat();
    let mut say = |direction, offset, bytes: &str, ack| {
        let piece =
            Piece { offset, ack: Some(ack), ..Piece::new(direction, Timestamp::EPOCH, bytes.as_bytes()) };
        connection.data(piece, &mut context);
    };
    say(Direction::ClientToServer, 0, &requests, 0);
    let missing = Missing {
        direction: Direction::ServerToClient,
        offset: 0,
        len: 30,
        reason: GapReason::Acknowledged,
        at: Moment::default(),
    };
    connection.gap(missing, &mut context);
    let mut say = |direction, offset, bytes: &str, ack| {
        let piece =
            Piece { offset, ack: Some(ack), ..Piece::new(direction, Timestamp::EPOCH, bytes.as_bytes()) };
        connection.data(piece, &mut context);
    };
    say(Direction::ServerToClient, 30, &sized(1), get(1).len() as u64);
    say(Direction::ServerToClient, 30 + sized(1).len() as u64, &sized(2), requests.len() as u64);
    drop(context);
    assert_eq!(found, ["GET /1 0 > 211 10 complete", "GET /2 0 > 212 10 complete"]);
}

#[test]
fn the_last_of_a_burst_is_certain() {
    let head = "HTTP/1.1 210 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01";
    let talk =
        Talk::new().client(get(0) + &get(1)).server(head).lose_server("234\r\n0\r\n\r\n").server(sized(1));
    assert_eq!(
        talk.lines(),
        ["GET /0 0 > 210 5-3 response-body incomplete: gap-acknowledged", "GET /1 0 > 211 10 complete"]
    );
}

#[test]
fn a_gap_in_front_of_the_first_byte() {
    let talk = Talk::new()
        .lose_client(&get(0)[..5])
        .client(&get(0)[5..])
        .server(sized(0))
        .client(get(1))
        .server(sized(1));
    assert_eq!(
        talk.lines(),
        ["- > 210 10 request-head incomplete: gap-acknowledged", "GET /1 0 > 211 10 complete"]
    );
}

#[test]
fn what_is_behind_a_gap_may_be_cut_anywhere() {
    // The start line after the gap comes byte by byte, at the start of a segment each.
    let talk = Talk::new()
        .client(get(0))
        .server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n012")
        .lose_server("34\r\n5\r\n")
        .server("56789\r\n0\r\n\r\n")
        .client(get(1));
    let whole = talk.clone().server(sized(1));
    let mut bytes = talk;
    for byte in sized(1).bytes() {
        bytes = bytes.server([byte]);
    }
    assert_eq!(bytes.lines(), whole.lines());
    assert_eq!(whole.lines()[1], "GET /1 0 > 211 10 complete");
}

#[test]
fn without_acknowledgments_pairing_is_first_in_first_out() {
    let mut talk = Talk::new().client(get(0)).server(sized(0)).client(get(1)).server(sized(1));
    talk.acks = false;
    assert_eq!(talk.lines(), ["GET /0 0 > 210 10 complete", "GET /1 0 > 211 10 complete"]);
    let mut lost = Talk::new().client(get(0)).lose_server(sized(0)).client(get(1)).server(sized(1));
    lost.acks = false;
    let lines = lost.lines();
    assert!(lines.iter().all(|line| line.contains("pairing-uncertain")), "{lines:?}");
}

#[test]
fn times_packets_and_missing_bytes() {
    let talk = Talk::new()
        .client("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n")
        .client("ab")
        .client("cd")
        .server("HTTP/1.1 100 Continue\r\n\r\n")
        .server("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nab")
        .lose_server("cd")
        .server("ef");
    let (found, _) = talk.run(|exchange: &Exchange| {
        let (request, response) = (exchange.request().unwrap(), exchange.response().unwrap());
        let timing = exchange.timing();
        let ms = |time: Option<std::time::Duration>| time.map(|time| time.as_millis());
        (
            (request.transfer().first_packet, request.transfer().last_packet),
            (response.transfer().first_packet, response.transfer().last_packet, response.transfer().missing),
            [ms(timing.send), ms(timing.wait), ms(timing.receive), ms(timing.connect)],
            exchange.started().nanos() / 1_000_000,
        )
    });
    assert_eq!(found, [((1, 3), (5, 7, 2), [Some(2), Some(2), Some(2), None], 1)]);
}

#[test]
fn gaps_in_tunnels() {
    let talk = Talk::new()
        .client("CONNECT a:1 HTTP/1.1\r\n\r\n")
        .server("HTTP/1.1 200 OK\r\n\r\n")
        .client("ab")
        .lose_client("cde")
        .server("f")
        .end(CLIENT);
    assert_eq!(
        talk.lines(),
        [
            "CONNECT a:1 0 > 200 0 tunnel 2/1 missing 3 request-body incomplete: 3 bytes missing, gap-acknowledged"
        ]
    );
}
