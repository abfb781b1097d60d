//! HTTP/0.9: requests of one line, responses without a head.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test asserts by panicking"
)]

mod common;

use common::{CLIENT, OK, SERVER, Talk, check};
use egret_http::{Ending, NotHttp};

#[test]
fn a_line_and_what_comes_back() {
    for line in ["GET /page\r\n", "GET /page\n", "GET /page\r\n\r\n"] {
        let odd = if line.contains('\r') { "{http-0.9}" } else { "{bare-lf http-0.9}" };
        let talk =
            Talk::keeping(20).client(line).server("<p>It is.</p>").server("\r\nGET it\r\n").end(SERVER);
        let kept = "<p>It is.</p>\\r\\nGET i";
        check(&talk, &[&format!("GET /page 0 {odd} > 0 23 \"{kept}\" {{http-0.9}} complete")]);
    }
}

#[test]
fn the_ends_of_a_connection_are_the_ends_of_its_messages() {
    for (how, verdict) in [
        (Ending::Finished, "complete"),
        (Ending::Reset { checked: true }, "response-body incomplete: reset"),
        (Ending::EndOfCapture, "response-body incomplete: end-of-capture"),
    ] {
        // A word that might have become a status line.
        for body in ["all", "HTTP", "POST", "x"] {
            let talk = Talk::new().client("GET /\r\n").server(body).closed(how);
            let size = body.len();
            check(&talk, &[&format!("GET / 0 {{http-0.9}} > 0 {size} {{http-0.9}} {verdict}")]);
        }
        let unanswered = Talk::new().client("GET /\r\n").closed(how);
        check(&unanswered, &[&format!("GET / 0 {{http-0.9}} > - no response: {}", how.name())]);
    }
    let half = Talk::new().client("GET /\r\n").end(CLIENT).server("all").end(SERVER);
    check(&half, &["GET / 0 {http-0.9} > 0 3 {http-0.9} complete"]);
    let lost = Talk::new().client("GET /\r\n").lose_client("Host: a\r\n\r\n").server(OK);
    check(&lost, &["GET / 0 {http-0.9} > 200 2 request-head incomplete: gap-acknowledged"]);
}

#[test]
fn a_request_without_a_version_may_have_headers_and_a_response_with_a_head() {
    let headers = Talk::new().client("GET /x?a b\r\nHost: a\r\n\r\n").server("plain").end(SERVER);
    check(&headers, &["GET /x?a b 0 {space-in-target bad-start-line} > 0 5 {http-0.9} complete"]);
    let answered = Talk::new().client("GET /x\r\n").server(OK).client("GET /y HTTP/1.1\r\n\r\n").server(OK);
    check(&answered, &["GET /x 0 {http-0.9} > 200 2 complete", "GET /y 0 > 200 2 complete"]);
    let with = Talk::new().client("GET http://a/ \r\nHost: a\r\n\r\n").server(OK);
    check(&with, &["GET http://a/ 0 {extra-space bad-start-line} > 200 2 complete"]);
}

#[test]
fn a_response_without_a_head_to_any_request() {
    let talk = Talk::keeping(9)
        .client("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .server("<html>")
        .server("</html>")
        .end(SERVER);
    check(&talk, &["GET / 0 > 0 13 \"<html></h\" {http-0.9} complete"]);
    // Only the first: later it is a response that cannot be read.
    let second = Talk::new()
        .client("GET /1 HTTP/1.1\r\n\r\n")
        .server(OK)
        .client("GET /2 HTTP/1.1\r\n\r\n")
        .server("<html>")
        .end(SERVER);
    check(&second, &["GET /1 0 > 200 2 complete", "GET /2 0 > - no response: malformed"]);
    let gap = Talk::new()
        .client("GET / HTTP/1.1\r\n\r\n")
        .lose_server("HTTP/1.1 200 OK\r\n\r\n")
        .server("rest")
        .end(SERVER);
    assert_eq!(gap.lines(), ["GET / 0 > - no response: gap-acknowledged"]);
}

#[test]
fn spaces_belong_to_what_they_are_in_front_of() {
    // More than a line end, or more spaces than anybody passes over in front of a status line.
    for body in
        [" <p>", " ", " \n\nHTTP/1.1 200 OK\n\n", " \n \nHTTP/1.1 200 OK\n\n", "         HTTP/1.1 200 OK\n\n"]
    {
        let talk = Talk::keeping(90).client("GET /\r\n").server(body).end(SERVER);
        let (size, text) = (body.len(), body.escape_default());
        check(&talk, &[&format!("GET / 0 {{http-0.9}} > 0 {size} \"{text}\" {{http-0.9}} complete")]);
    }
}

#[test]
fn words_that_are_no_request() {
    for line in [
        "GET page\r\n",
        "get /page\r\n",
        "GET key value\r\n",
        "GET /x RTSP/1.0\r\n",
        "GET \r\n",
        "POST x\r\n",
        "POST /x RTSP/1.0\r\n",
        "GET\r\n",
    ] {
        assert_eq!(Talk::new().client(line).server("-ERR\r\n").not_http(), Some(NotHttp::Other), "{line:?}");
    }
}

#[test]
fn versions_that_were_forgotten_or_written_small() {
    let forgotten = Talk::new().client("DELETE /HTTP/1.1\r\nHost: a\r\n\r\n").server(OK);
    check(&forgotten, &["DELETE /HTTP/1.1 0 {bad-start-line} > 200 2 complete"]);
    let small =
        Talk::new().client("GET / HTTP/1.1\r\n\r\n").server("http/1.1 200 ok\r\nContent-Length: 1\r\n\r\nx");
    check(&small, &["GET / 0 > 200 1 {bad-version} complete"]);
}

#[test]
fn what_another_protocol_answers_is_no_page() {
    for banner in ["SSH-2.0-OpenSSH_9.2\r\n", "\x16\x03\x01\x02\0\x01"] {
        let talk = Talk::new().client("GET / HTTP/1.1\r\n\r\n").server(banner).end(SERVER);
        check(&talk, &["GET / 0 > - no response: malformed"]);
    }
}
