//! Where bodies end, and what is kept of them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test asserts by panicking"
)]

mod common;

use common::{OK, SERVER, Talk, check};
use egret_http::Ending;

#[test]
fn responses_without_a_body() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
    let talk = Talk::new()
        .client("HEAD / HTTP/1.1\r\n\r\n")
        .server(head)
        .client("GET /1 HTTP/1.1\r\n\r\n")
        .server("HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n")
        .client("GET /2 HTTP/1.1\r\n\r\n")
        .server("HTTP/1.1 304 Not\r\nContent-Length: 5\r\n\r\n")
        .client("GET /3 HTTP/1.1\r\n\r\n")
        .server(OK);
    check(
        &talk,
        &[
            "HEAD / 0 > 200 0 complete",
            "GET /1 0 > 204 0 complete",
            "GET /2 0 > 304 0 complete",
            "GET /3 0 > 200 2 complete",
        ],
    );
}

#[test]
fn chunked_both_ways() {
    let body = "5;ext=\"a;b\"\r\nhello\r\n6\r\n world\r\n0\r\nDigest: x\r\nB: y\r\n\r\n";
    let talk = Talk::keeping(100)
        .client(format!("PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{body}"))
        .server(format!("HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n{body}"))
        .client("GET / HTTP/1.1\r\n\r\n")
        .server(OK);
    check(
        &talk,
        &[
            "PUT /c 11 \"hello world\" +Digest=x +B=y > 200 11 \"hello world\" +Digest=x +B=y complete",
            "GET / 0 > 200 2 \"ok\" complete",
        ],
    );
}

#[test]
fn until_close() {
    let talk = |how| {
        Talk::new().client("GET / HTTP/1.0\r\n\r\n").server("HTTP/1.0 200 OK\r\n\r\nabcdef").closed(how)
    };
    check(&talk(Ending::Finished).end(SERVER), &["GET / 0 > 200 6 complete"]);
    check(&talk(Ending::EndOfCapture).end(SERVER), &["GET / 0 > 200 6 complete"]);
    check(&talk(Ending::Reset { checked: true }), &["GET / 0 > 200 6 response-body incomplete: reset"]);
    check(&talk(Ending::EndOfCapture), &["GET / 0 > 200 6 response-body incomplete: end-of-capture"]);
}

#[test]
fn both_lengths_and_bad_lengths() {
    let both =
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    let talk = Talk::new()
        .client("GET / HTTP/1.1\r\n\r\n")
        .server(both)
        .client("GET /2 HTTP/1.1\r\n\r\n")
        .server(OK);
    check(&talk, &["GET / 0 > 200 1 {length-and-chunked} complete", "GET /2 0 > 200 2 complete"]);
    let bad = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcde";
    let talk = Talk::new().client("GET / HTTP/1.1\r\n\r\n").server(bad).end(SERVER);
    check(&talk, &["GET / 0 > 200 5 {conflicting-content-length} complete"]);
}

#[test]
fn a_start_line_inside_a_body_is_body() {
    let inner = "GET /inner HTTP/1.1\r\n\r\n";
    let talk = Talk::keeping(9)
        .client(format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", inner.len()))
        .client(inner)
        .server("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n")
        .server("HTTP/1.1 404 x\n");
    check(&talk, &["POST / 23 \"GET /inne\" > 200 15 \"HTTP/1.1 \" complete"]);
}

#[test]
fn a_body_of_any_announced_length_costs_nothing() {
    let mut talk = Talk::keeping(1 << 30)
        .client("GET / HTTP/1.1\r\n\r\n")
        .server("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000000\r\n\r\nabc");
    talk.limits.memory = 8 << 10;
    check(
        &talk,
        &["GET / 0 > 200 3 \"abc\" response-body incomplete: 999999999999999997 bytes missing, finished"],
    );
    let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nabc";
    let talk = Talk::keeping(1 << 30).client("GET / HTTP/1.1\r\n\r\n").server(chunk);
    check(&talk, &["GET / 0 > 200 3 \"abc\" response-body incomplete: finished"]);
}

#[test]
fn a_server_that_ends_in_the_middle_says_so_at_once() {
    let talk = Talk::new()
        .client("GET / HTTP/1.1\r\n\r\n")
        .server(&OK[..OK.len() - 1])
        .end(SERVER)
        .closed(Ending::EndOfCapture);
    check(&talk, &["GET / 0 > 200 1 response-body incomplete: 1 bytes missing, finished"]);
}

#[test]
fn what_was_under_way_when_the_connection_ended() {
    for (how, name) in [
        (Ending::Finished, "finished"),
        (Ending::Reset { checked: true }, "reset"),
        (Ending::Idle, "idle"),
        (Ending::Evicted, "evicted"),
        (Ending::EndOfCapture, "end-of-capture"),
    ] {
        let request = "GET / HTTP/1.1\r\n\r\n";
        let unanswered = Talk::new().client(request).closed(how);
        check(&unanswered, &[&format!("GET / 0 > - no response: {name}")]);
        let body = Talk::new().client("PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc").closed(how);
        check(&body, &[&format!("PUT / 3 > - request-body incomplete: 6 bytes missing, {name}")]);
        let head = Talk::new().client("PUT /x HTTP/1.1\r\nContent-Le").closed(how);
        check(&head, &[&format!("PUT /x 0 > - request-head incomplete: {name}")]);
        let head = Talk::new().client(request).server("HTTP/1.1 200 O").closed(how);
        check(&head, &[&format!("GET / 0 > 200 0 response-head incomplete: {name}")]);
        let body = Talk::new().client(request).server(&OK[..OK.len() - 1]).closed(how);
        check(&body, &[&format!("GET / 0 > 200 1 response-body incomplete: 1 bytes missing, {name}")]);
        let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
        let chunked = Talk::new().client(request).server(chunk).closed(how);
        check(&chunked, &[&format!("GET / 0 > 200 5 response-body incomplete: {name}")]);
    }
}

#[test]
fn what_says_that_it_is_chunked_and_is_not() {
    let response = |head: &str| format!("{head}\r\nTransfer-Encoding: chunked\r\n\r\nX is no chunk");
    for (head, expected) in [
        ("HTTP/1.1 200 OK\r\nConnection: Close", "200 13 \"X is no chunk\" {bad-chunk} complete"),
        ("HTTP/1.0 200 OK", "200 13 \"X is no chunk\" {bad-chunk} complete"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 13",
            "200 13 \"X is no chunk\" {length-and-chunked bad-chunk} complete",
        ),
        // It goes on, and nobody knows where.
        ("HTTP/1.1 200 OK", "200 0 {bad-chunk} response-body incomplete: malformed"),
    ] {
        let talk = Talk::keeping(20).client("GET / HTTP/1.1\r\n\r\n").server(response(head)).end(SERVER);
        check(&talk, &[&format!("GET / 0 > {expected}")]);
    }
    // A length that was also given does not end where the chunks do.
    let smuggled = Talk::new()
        .client("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nX")
        .server(OK);
    assert!(smuggled.lines()[0].contains("request-body incomplete: malformed"));
}
