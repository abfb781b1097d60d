//! Single rules, each in the shortest conversation that tells whether it holds.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test asserts by panicking"
)]

mod common;

use common::{CLIENT, OK, SERVER, Talk, check, flow};
use egret_http::{Connection, Context, Exchange, Limits, Opened, Piece, Timestamp, Verdict, Why};

const GET: &str = "GET / HTTP/1.1\r\n\r\n";

#[test]
fn a_gap_in_front_of_what_was_seen_first_is_the_reason() {
    let talk = Talk::new().midstream().lose_server("x".repeat(90)).server(OK);
    assert_eq!(talk.lines(), ["- > 200 2 request-head incomplete: gap-acknowledged"]);
    // Later, a response that nobody asked for is just that.
    let talk = Talk::new().midstream().server(OK).server(OK);
    let unasked = |why: &str| format!("- > 200 2 request-head incomplete: {why}");
    assert_eq!(talk.lines(), [unasked("midstream"), unasked("unasked")]);
}

#[test]
fn how_much_is_missing_is_said_where_it_is_of_one_response_alone() {
    let missing = |talk: &Talk| {
        let (found, _) = talk.run(Exchange::verdict);
        found
            .into_iter()
            .map(|verdict| match verdict {
                Verdict::Incomplete { missing, why: Why::Gap(_), .. } => missing,
                verdict => panic!("{verdict}"),
            })
            .collect::<Vec<_>>()
    };
    let hole = Some(OK.len() as u64);
    assert_eq!(missing(&Talk::new().client(GET).lose_server(OK)), [hole]);
    assert_eq!(missing(&Talk::new().client(GET).client(GET).lose_server(OK)), [None; 2]);
    // Nor where there was more than the hole.
    let more = Talk::new().client(GET).lose_server(OK).server("the rest").client(GET).lose_server(OK);
    assert_eq!(missing(&more), [None; 2]);
}

#[test]
fn a_head_of_which_no_status_is_left_is_in_doubt_if_several_wait() {
    let cut = |talk: Talk| talk.server("HTTP/1.").lose_server("1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let one = cut(Talk::new().client(GET)).client(GET).server(OK);
    let head = "GET / 0 > 0 0 response-head incomplete: gap-acknowledged";
    assert_eq!(one.lines(), [head, "GET / 0 > 200 2 complete"]);
    let two = cut(Talk::new().client(GET).client(GET)).server(OK);
    let lines = two.lines();
    assert!(lines.iter().all(|line| line.ends_with("pairing-uncertain")), "{lines:?}");
}

#[test]
fn an_interim_response_answers_nothing_even_if_it_is_cut_or_too_long() {
    let talk = Talk::new().client(GET).server("HTTP/1.1 103 Early").lose_server(" Hints\r\n\r\n").server(OK);
    let lines = talk.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("GET / 0 > 200 2 response-head incomplete"), "{lines:?}");
    let mut long = Talk::new()
        .client(GET)
        .server(format!("HTTP/1.1 103 Early Hints\r\nLink: {}\r\n\r\n", "x".repeat(200)))
        .server(OK)
        .client(GET)
        .server(OK);
    long.limits.head = 60;
    let first = "GET / 0 > 103 > 200 2 response-head incomplete: 176 bytes missing, limit";
    check(&long, &[first, "GET / 0 > 200 2 complete"]);
}

#[test]
fn what_never_has_a_body_has_none_behind_a_head_that_is_too_long() {
    let long =
        |status: &str| format!("HTTP/1.1 {status}\r\nX: {}\r\nContent-Length: 5\r\n\r\n", "x".repeat(200));
    for (method, status) in [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Not Modified")] {
        // In one packet with what follows, so that only counting on finds it.
        let request = format!("{method} / HTTP/1.1\r\n\r\n");
        let mut talk = Talk::new().client(request.repeat(2)).server(long(status) + "HTTP/1.1 204 No\r\n\r\n");
        talk.limits.head = 60;
        let lines = talk.lines();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].contains("limit") && lines[1].ends_with("> 204 0 complete"), "{method}: {lines:?}");
    }
}

#[test]
fn a_second_response_is_not_given_to_a_request_that_has_one() {
    let talk = Talk::new()
        .client("POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc")
        .server("HTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n")
        .server("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")
        .client("def");
    check(
        &talk,
        &["- > 400 0 request-head incomplete: unasked", "POST / 6 > 413 0 {early-response} complete"],
    );
}

#[test]
fn a_switch_of_protocols_does_not_wait_for_the_body() {
    let talk = Talk::new()
        .client("POST / HTTP/1.1\r\nUpgrade: x\r\nContent-Length: 10\r\n\r\nabc")
        .server("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n")
        .client("defghij");
    check(&talk, &["POST / 3 > 101 0 tunnel 7/0 request-body incomplete: 7 bytes missing, malformed"]);
}

#[test]
fn without_memory_nothing_is_read_behind_a_switch_of_protocols() {
    let mut talk = Talk::new().server("HTTP/1.1 101 Switching\r\n\r\nHTTP/1.1 204 No\r\n\r\n");
    talk.limits.memory = 0;
    assert_eq!(talk.lines(), ["- > 101 0 request-head incomplete: unasked"]);
}

#[test]
fn a_line_that_does_not_end_is_not_kept_for_long() {
    let mut context = Context::new(|_: &Exchange| (), Limits::default());
    let mut connection = Connection::new(1, flow(), Opened::Handshake);
    for _ in 0..20 {
        connection.data(Piece::new(CLIENT, Timestamp::EPOCH, "FROB ".repeat(200).as_bytes()), &mut context);
    }
    assert_eq!(context.memory_used(), 0);
    connection.data(Piece::new(SERVER, Timestamp::EPOCH, b"?"), &mut context);
    assert!(connection.not_http().is_some());
}

#[test]
fn trailers_are_kept_to_the_limit_of_heads() {
    let trailers = "X: y\r\n".repeat(40);
    let mut talk = Talk::new()
        .client(GET)
        .server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n")
        .server(trailers + "\r\n")
        .client(GET)
        .server(OK);
    talk.limits.head = 80;
    let kept = " +X=y".repeat(13);
    let lines = talk.lines();
    assert!(lines[0].starts_with(&format!("GET / 0 > 200 1{kept} +X=")), "{lines:?}");
    assert!(lines[0].ends_with("{trailers-too-long} complete"), "{lines:?}");
    assert_eq!(lines[1], "GET / 0 > 200 2 complete");
}

#[test]
fn what_may_be_a_request_line_turns_nothing_around() {
    let talk = Talk::new().midstream().server("GET to work with it").client(GET).server(OK);
    let (found, _) = talk.run(|exchange| (exchange.server().port, exchange.verdict().is_complete()));
    assert_eq!(found, [(80, true)]);
}

#[test]
fn the_data_of_a_chunk_may_begin_as_a_response_does() {
    let talk = Talk::keeping(9)
        .server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .server("5\r\n")
        .server("HTTP/\r\n0\r\n\r\n");
    assert_eq!(talk.lines(), ["- > 200 5 \"HTTP/\" request-head incomplete: unasked"]);
}

#[test]
fn short_bodies_may_become_much_longer_and_empty_ones_are_whole() {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut writer, &vec![0; 1 << 20]).unwrap();
    let coded = writer.finish().unwrap();
    assert!(coded.len() * 500 < 1 << 20);
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", coded.len());
    let talk = Talk::keeping(1).client(GET).server([head.as_bytes(), &coded].concat());
    let lines = talk.lines();
    assert!(lines[0].contains("=1048576 "), "{lines:?}");
    let empty = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    check(&Talk::keeping(1).client(GET).server(empty), &["GET / 0 > 200 0 complete"]);
}

#[test]
fn a_fold_with_nothing_in_it_adds_nothing() {
    let talk = Talk::new().client("GET / HTTP/1.1\r\nA: b\r\n \r\nC: d\r\n\r\n");
    let (found, _) = talk.run(|exchange| exchange.request().unwrap().headers().get("a").unwrap().to_vec());
    assert_eq!(found, [b"b"]);
}

#[test]
fn beyond_the_queue_no_response_is_given_to_another_request() {
    let request = |number: usize| format!("GET /{number} HTTP/1.1\r\n\r\n");
    let response =
        |number: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {number}\r\n\r\n{}", "x".repeat(number));
    let mut talk = Talk::new().client(request(0)).client(request(1)).client(request(2)).server(response(0));
    talk = talk.client(request(3)).client(request(4));
    for number in 1..5 {
        talk = talk.server(response(number));
    }
    let mut talk = talk.client(request(5)).server(response(5));
    talk.limits.queue = 2;
    let lines = talk.lines();
    let whole: Vec<_> =
        lines.iter().filter(|line| line.ends_with("complete") && !line.contains("incomplete")).collect();
    let expected: Vec<_> = [0, 1, 5].map(|number| format!("GET /{number} 0 > 200 {number} complete")).into();
    assert_eq!(whole, expected.iter().collect::<Vec<_>>(), "{lines:?}");
    // Nor to one that is still being sent.
    let mut talk = Talk::new()
        .client(request(0))
        .client(request(1))
        .client("POST /2 HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc")
        .server(response(0))
        .server(response(1))
        .client("def")
        .server(response(2));
    talk.limits.queue = 1;
    let lines = talk.lines();
    assert!(!lines.iter().any(|line| line.contains("POST /2 6 > 200 1")), "{lines:?}");
    assert!(lines.contains(&"- > 200 1 request-head incomplete: limit".to_owned()), "{lines:?}");
}

#[test]
fn behind_a_head_that_is_too_long_a_body_is_not_read_as_requests() {
    let head = format!("POST / HTTP/1.1\r\nX: {}\r\nContent-Length: 20\r\n\r\n", "x".repeat(200));
    let mut talk = Talk::new().client(head + "GET /in HTTP/1.1\r\n\r\n").server(OK).client(GET).server(OK);
    talk.limits.head = 60;
    let lines = talk.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].starts_with("GET / 0 > 200 2"), "{lines:?}");
}

#[test]
fn a_response_that_was_received_before_the_request_does_not_answer_it() {
    let mut talk = Talk::new().server(OK).client("GET / HTTP/1.1\r\nHo").client("st: a\r\n\r\n").server(OK);
    talk.responses_late = true;
    assert_eq!(talk.lines(), ["- > 200 2 request-head incomplete: unasked", "GET / 0 > 200 2 complete"]);
}
