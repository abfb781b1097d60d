//! Which response answers which request, on connections of which nothing is lost.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test asserts by panicking"
)]

mod common;

use common::{CLIENT, OK, SERVER, Talk, check};

#[test]
fn one_request_and_its_response() {
    check(&Talk::new().client("GET / HTTP/1.1\r\nHost: a\r\n\r\n").server(OK), &["GET / 0 > 200 2 complete"]);
}

#[test]
fn keep_alive() {
    let mut talk = Talk::new();
    for _ in 0..3 {
        talk = talk.client("POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").server(OK);
    }
    check(&talk, &["POST /a 3 > 200 2 complete"; 3]);
}

#[test]
fn pipelined() {
    let requests: String = (0..25).map(|number| format!("GET /{number} HTTP/1.1\r\n\r\n")).collect();
    let responses: String =
        (0..25).map(|number| format!("HTTP/1.1 {} X\r\nContent-Length: 1\r\n\r\nx", 200 + number)).collect();
    let expected: Vec<_> = (0..25)
        .map(|number| {
            let (status, size) = (200 + number, u8::from(number != 4));
            format!("GET /{number} 0 > {status} {size} complete")
        })
        .collect();
    // 204 has no body, so that its "x" is what follows: skip it in this conversation.
    let responses = responses.replace("204 X\r\nContent-Length: 1\r\n\r\nx", "204 X\r\n\r\n");
    let talk = Talk::new().client(requests).server(responses);
    check(&talk, &expected.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_thousand_requests_wait_within_the_default_limits_and_no_more() {
    const BEYOND: usize = 3;
    let count = 1_000 + BEYOND;
    let mut talk = Talk::new();
    let request = |number| format!("GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n");
    // Each is its own length, so that no response fits another request.
    let response =
        |number| format!("HTTP/1.1 200 OK\r\nContent-Length: {number}\r\n\r\n{}", "x".repeat(number));
    for number in 0..count {
        talk = talk.client(request(number));
    }
    for number in 0..count {
        talk = talk.server(response(number));
    }
    // What was beyond is past, and the queue is as it was.
    talk = talk.client("GET /last HTTP/1.1\r\n\r\n").server(OK);
    let lines = talk.lines();
    let waits = |number| format!("GET /{number} 0 > 200 {number} complete");
    let expected: Vec<_> = (1_000..count)
        .map(|number| format!("GET /{number} 0 > - no response: limit"))
        .chain((0..1_000).map(waits))
        .chain((1_000..count).map(|number| format!("- > 200 {number} request-head incomplete: limit")))
        .chain(["GET /last 0 > 200 2 complete".to_owned()])
        .collect();
    assert_eq!(lines.len(), expected.len());
    for (line, expected) in lines.iter().zip(&expected) {
        assert_eq!(line, expected);
    }
}

#[test]
fn interim_responses_belong_to_the_exchange() {
    let talk = Talk::new()
        .client("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        .server("HTTP/1.1 100 Continue\r\n\r\n")
        .client("abc")
        .server("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        .server(OK);
    check(&talk, &["POST / 3 > 100 > 103 > 200 2 complete"]);
}

#[test]
fn too_many_interim_responses_are_counted_out() {
    let talk =
        Talk::new().client("GET / HTTP/1.1\r\n\r\n").server("HTTP/1.1 102 P\r\n\r\n".repeat(40)).server(OK);
    let (found, _) = talk.run(|exchange| {
        (
            exchange.informational().len(),
            exchange.response().unwrap().anomalies().iter().map(|a| a.name()).collect::<Vec<_>>(),
        )
    });
    assert_eq!(found, [(32, vec!["too-many-interim"])]);
}

#[test]
fn a_response_before_the_request_has_ended() {
    let talk = Talk::new()
        .client("POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc")
        .server("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        .client("def")
        .client("GET /2 HTTP/1.1\r\n\r\n")
        .server(OK);
    check(&talk, &["POST / 6 > 413 0 {early-response} complete", "GET /2 0 > 200 2 complete"]);
    let cut = Talk::new()
        .client("POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc")
        .server("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    check(&cut, &["POST / 3 > 413 0 {early-response} request-body incomplete: 3 bytes missing, finished"]);
    let head = Talk::new()
        .client("GET /long HTTP/1.1\r\nCookie: aaaaaa")
        .server("HTTP/1.1 431 Too Large\r\nContent-Length: 0\r\n\r\n");
    check(&head, &["GET /long 0 > 431 0 {early-response} request-head incomplete: finished"]);
}

#[test]
fn responses_that_nobody_asked_for() {
    check(
        &Talk::new().server("HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n"),
        &["- > 408 0 request-head incomplete: unasked"],
    );
    let twice = Talk::new().client("GET / HTTP/1.1\r\n\r\n").server(OK).server(OK);
    check(&twice, &["GET / 0 > 200 2 complete", "- > 200 2 request-head incomplete: unasked"]);
}

#[test]
fn the_client_is_told_by_content_where_it_was_guessed() {
    let talk = Talk::new().server("GET / HTTP/1.1\r\n\r\n").client(OK).midstream();
    assert_eq!(talk.lines(), ["GET / 0 > 200 2 complete"]);
    let (flows, _) = talk.run(|exchange| (exchange.client().port, exchange.server().port));
    assert_eq!(flows, [(80, 50_000)]);
    let response_first = Talk::new().client(OK).server("GET / HTTP/1.1\r\n\r\n").client(OK).midstream();
    assert_eq!(
        response_first.lines(),
        ["- > 200 2 request-head incomplete: midstream", "GET / 0 > 200 2 complete"]
    );
}

#[test]
fn a_capture_that_begins_in_the_middle_of_a_body() {
    let talk = Talk::new()
        .server("rest of a body that nobody saw the head of")
        .server("GET of it")
        .client("GET /1 HTTP/1.1\r\n\r\n")
        .server(OK)
        .midstream();
    assert_eq!(talk.lines(), ["GET /1 0 > 200 2 complete"]);
}

#[test]
fn more_requests_than_the_queue_holds() {
    let mut talk = Talk::new();
    talk.limits.queue = 3;
    for number in 0..5 {
        talk = talk.client(format!("GET /{number} HTTP/1.1\r\n\r\n"));
    }
    for number in 0..5 {
        talk = talk.server(format!("HTTP/1.1 20{number} X\r\nContent-Length: 0\r\n\r\n"));
    }
    let talk = talk.client("GET /last HTTP/1.1\r\n\r\n").server(OK);
    check(
        &talk,
        &[
            "GET /3 0 > - no response: limit",
            "GET /4 0 > - no response: limit",
            "GET /0 0 > 200 0 complete",
            "GET /1 0 > 201 0 complete",
            "GET /2 0 > 202 0 complete",
            "- > 203 0 request-head incomplete: limit",
            "- > 204 0 request-head incomplete: limit",
            "GET /last 0 > 200 2 complete",
        ],
    );
}

#[test]
fn a_body_that_was_refused_in_time_is_not_missing() {
    let request = |framing: &str| format!("PUT /big HTTP/1.1\r\nExpect: 100-Continue\r\n{framing}\r\n\r\n");
    let refusal = "HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno";
    for framing in ["Content-Length: 9000", "Transfer-Encoding: chunked"] {
        let refused = Talk::new().client(request(framing)).server(refusal);
        check(&refused, &["PUT /big 0 > 417 2 complete"]);
        check(&refused.clone().end(CLIENT).end(SERVER), &["PUT /big 0 > 417 2 complete"]);
        let next = refused.clone().client("POST /next HTTP/1.1\r\nContent-Length: 2\r\n\r\nab").server(OK);
        check(&next, &["PUT /big 0 > 417 2 complete", "POST /next 2 > 200 2 complete"]);
        // An unknown method is known by its line.
        let unknown = refused.clone().client("FROB /next HTTP/1.1\r\n\r\n").server(OK);
        assert_eq!(unknown.lines(), ["PUT /big 0 > 417 2 complete", "FROB /next 0 > 200 2 complete"]);
        // Granted, and then cut off.
        let granted = Talk::new().client(request(framing)).server("HTTP/1.1 100 Go on\r\n\r\n");
        assert!(granted.lines()[0].contains("request-body incomplete"), "{:?}", granted.lines());
        // Nobody answered.
        assert!(Talk::new().client(request(framing)).lines()[0].contains("request-body incomplete"));
    }
    // The client did not wait, or sends the body all the same.
    let sent =
        Talk::new().client(request("Content-Length: 5")).server(refusal).client("12345").client(get("/2"));
    check(&sent.server(OK), &["PUT /big 5 > 417 2 complete", "GET /2 0 > 200 2 complete"]);
    let before = Talk::new().client(request("Content-Length: 5")).client("123").server(refusal);
    check(
        &before,
        &["PUT /big 3 > 417 2 {early-response} request-body incomplete: 2 bytes missing, finished"],
    );
    // What the client sent before it had the refusal is the body, whatever it looks like.
    let mut crossed = Talk::new().client(request("Content-Length: 18")).server(refusal).client(get("/"));
    crossed.acks = true;
    assert_eq!(get("/").len(), 18);
    crossed.crossing = true;
    check(&crossed, &["PUT /big 18 > 417 2 complete"]);
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\n\r\n")
}
