//! What is read from conversations of which nothing is lost: heads, bodies, pairing, verdicts.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test asserts by panicking"
)]

mod common;

use common::{CLIENT, SERVER, Talk, line};
use egret_http::{Decode, Ending, Limits, NotHttp};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The lines of a conversation, which are the same however it is cut.
#[track_caller]
fn check(talk: &Talk, expected: &[&str]) {
    assert_eq!(talk.lines(), expected);
    for size in [1, 2, 3, 7, 16] {
        assert_eq!(talk.cut_into(size).lines(), expected, "in pieces of {size}");
    }
}

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
fn tunnels() {
    let connect = Talk::new()
        .client("CONNECT a:443 HTTP/1.1\r\n\r\n")
        .server("HTTP/1.1 200 Connection established\r\nContent-Length: 7\r\n\r\n")
        .client("\x16\x03\x01\x00\x05hello")
        .server("GET / HTTP/1.1\r\n\r\n");
    check(&connect, &["CONNECT a:443 0 > 200 0 tunnel 10/18 complete"]);
    let upgrade = Talk::new()
        .client("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
        .server(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81\x02hi")
        .client(b"\x81\x80abcd");
    check(&upgrade, &["GET /ws 0 > 101 0 tunnel 6/4 complete"]);
    let refused = Talk::new()
        .client("CONNECT a:443 HTTP/1.1\r\n\r\n")
        .server("HTTP/1.1 407 Proxy\r\nContent-Length: 2\r\n\r\nno")
        .client("GET / HTTP/1.1\r\n\r\n")
        .server(OK);
    check(&refused, &["CONNECT a:443 0 > 407 2 complete", "GET / 0 > 200 2 complete"]);
    let eager = Talk::new()
        .client("CONNECT a:443 HTTP/1.1\r\n\r\n")
        .client("\x16\x03\x01\x00\x05hello")
        .server("HTTP/1.1 200 OK\r\n\r\n");
    check(&eager, &["CONNECT a:443 0 > 200 0 tunnel 10/0 complete"]);
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
fn a_server_that_ends_in_the_middle_says_so_at_once() {
    let talk = Talk::new()
        .client("GET / HTTP/1.1\r\n\r\n")
        .server(&OK[..OK.len() - 1])
        .end(SERVER)
        .closed(Ending::EndOfCapture);
    check(&talk, &["GET / 0 > 200 1 response-body incomplete: 1 bytes missing, finished"]);
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
fn odd_heads_are_read_and_named() {
    for (request, expected) in [
        ("GET /a HTTP/1.1\nHost: x\n\n", "GET /a 0 {bare-lf}"),
        ("\r\n\r\nGET /a HTTP/1.1\r\n\r\n", "GET /a 0 {leading-empty-line}"),
        ("GET /a b HTTP/1.1\r\n\r\n", "GET /a b 0 {space-in-target}"),
        ("GET  /a HTTP/1.1\r\n\r\n", "GET /a 0 {extra-space}"),
        ("GET /a HTTP/1.1 \r\n\r\n", "GET /a 0 {extra-space}"),
        ("get /a HTTP/1.1\r\n\r\n", "get /a 0"),
        ("FROB /a HTTP/1.1\r\n\r\n", "FROB /a 0"),
        ("GET /a HTTP/1.2\r\n\r\n", "GET /a 0 {bad-version}"),
        ("GET /a HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "GET /a 0 {obs-fold}"),
        ("GET /a HTTP/1.1\r\nA : b\r\n\r\n", "GET /a 0 {space-before-colon}"),
        ("GET /a HTTP/1.1\r\nAb\r\n\r\n", "GET /a 0 {no-colon}"),
        ("GET /a HTTP/1.1\r\nA b: c\r\n\r\n", "GET /a 0 {bad-name}"),
        ("GET /a HTTP/1.1\r\n: c\r\n\r\n", "GET /a 0 {bad-name}"),
        ("GET /a HTTP/1.1\r\nA: b\0\r\n\r\n", "GET /a 0 {control-character}"),
        ("GET /a HTTP/1.1\r\nA: b\rc\r\n\r\n", "GET /a 0 {bare-cr}"),
    ] {
        check(&Talk::new().client(request).server(OK), &[&format!("{expected} > 200 2 complete")]);
    }
    let latin = Talk::new().client(b"GET /caf\xe9 HTTP/1.1\r\n\r\n").server(OK);
    check(&latin, &["GET /café 0 {latin-1} > 200 2 complete"]);
    let utf8 = Talk::new().client("GET /café HTTP/1.1\r\n\r\n").server(OK);
    check(&utf8, &["GET /café 0 > 200 2 complete"]);
    for (response, expected) in [
        ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200 0"),
        ("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200 0"),
        ("ICY 200 OK\r\nContent-Length: 0\r\n\r\n", "200 0 {bad-version}"),
        ("HTTP/1.1 99 OK\r\nContent-Length: 0\r\n\r\n", "99 0 {bad-status}"),
        ("HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n", "0 0 {bad-status}"),
        ("HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "0 0 {bad-start-line}"),
        ("HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n", "200 0 {extra-space}"),
        ("HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", "200 0 {bad-version}"),
    ] {
        let talk = Talk::new().client("GET / HTTP/1.1\r\n\r\n").server(response);
        check(&talk, &[&format!("GET / 0 > {expected} complete")]);
    }
}

#[test]
fn names_and_values_are_kept_as_sent() {
    let head = "GET / HTTP/1.1\r\nHOST: a\r\nx-y:  b c \t\r\nX-Y:d\r\nEmpty:\r\n\r\n";
    for odd in [head.to_owned(), head.replace("\r\n\r\n", "\r\nodd line\r\n\r\n")] {
        let talk = Talk::new().client(&odd);
        let (found, _) = talk.run(|exchange| {
            let request = exchange.request().unwrap();
            let headers = request.headers();
            assert_eq!(headers.get("x-y"), Some(&b"b c"[..]));
            assert_eq!(headers.all("X-y").collect::<Vec<_>>(), [&b"b c"[..], b"d"]);
            assert_eq!(headers.get("none"), None);
            assert_eq!(request.version(), b"HTTP/1.1");
            headers.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).take(4).collect::<Vec<_>>()
        });
        let expected = [("HOST", "a"), ("x-y", "b c"), ("X-Y", "d"), ("Empty", "")];
        assert_eq!(
            found,
            [expected.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))]
        );
    }
}

#[test]
fn reasons_and_folded_values_are_whole() {
    let talk = Talk::new()
        .client("GET / HTTP/1.1\r\nA: b\r\n  c \r\n\td\r\nB: e\r\n\r\n")
        .server(b"HTTP/1.1 404 Nicht gefund\xe9n \r\nContent-Length: 0\r\n\r\n");
    let (found, _) = talk.run(|exchange| {
        let value = exchange.request().unwrap().headers().get("a").unwrap().to_vec();
        (value, exchange.response().unwrap().reason().unwrap().to_vec())
    });
    assert_eq!(found, [(b"b\r\n  c \r\n\td".to_vec(), b"Nicht gefund\xe9n ".to_vec())]);
}

#[test]
fn gzip_and_deflate_are_undone() {
    let page = include_bytes!("data/page.txt");
    for (coding, coded) in [
        ("gzip", &include_bytes!("data/page.gz")[..]),
        ("x-gzip", include_bytes!("data/page.gz")),
        ("deflate", include_bytes!("data/page.zlib")),
        ("deflate", include_bytes!("data/page.deflate")),
    ] {
        let mut response = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n",
            coded.len()
        )
        .into_bytes();
        response.extend_from_slice(coded);
        let talk = Talk::keeping(10).client("GET / HTTP/1.1\r\n\r\n").server(&response);
        let kept = page[..10].escape_ascii().to_string();
        let size = coded.len();
        check(&talk, &[&format!("GET / 0 > 200 {size}={} \"{kept}\" complete", page.len())]);
        // Nothing kept, nothing decoded, unless decoding is asked for.
        let mut talk = Talk::new().client("GET / HTTP/1.1\r\n\r\n").server(&response);
        check(&talk, &[&format!("GET / 0 > 200 {size} complete")]);
        talk.limits.decode = Decode::Always;
        check(&talk, &[&format!("GET / 0 > 200 {size}={} complete", page.len())]);
        // Cut off: as sent, and why.
        let cut = Talk::keeping(4).client("GET / HTTP/1.1\r\n\r\n").server(&response[..response.len() - 9]);
        let (found, _) = cut.run(|exchange| {
            let body = exchange.response().unwrap().body().clone();
            (body.bytes().to_vec(), body.undecoded().map(|reason| reason.name()))
        });
        assert_eq!(found, [(coded[..4].to_vec(), Some("truncated"))]);
        // Not what it says: the same.
        let broken =
            format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: 9\r\n\r\n\x07not that");
        let broken = Talk::keeping(3).client("GET / HTTP/1.1\r\n\r\n").server(broken);
        check(&broken, &["GET / 0 > 200 9!broken \"\\x07no\" complete"]);
    }
}

#[test]
fn codings_that_are_not_undone_are_named() {
    for (coding, name) in [
        ("br", "unknown-coding"),
        ("zstd", "unknown-coding"),
        ("bogus", "unknown-coding"),
        ("gzip, gzip", "stacked-codings"),
        ("deflate, identity, x-gzip", "stacked-codings"),
    ] {
        let response =
            format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: 3\r\n\r\nabc");
        let talk = Talk::keeping(9).client("GET / HTTP/1.1\r\n\r\n").server(response);
        check(&talk, &[&format!("GET / 0 > 200 3!{name} \"abc\" complete")]);
    }
    let none = "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc";
    check(
        &Talk::keeping(9).client("GET / HTTP/1.1\r\n\r\n").server(none),
        &["GET / 0 > 200 3 \"abc\" complete"],
    );
    let empty = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n";
    check(&Talk::keeping(9).client("GET / HTTP/1.1\r\n\r\n").server(empty), &["GET / 0 > 200 0 complete"]);
}

#[test]
fn gzip_members_follow_one_another_and_what_is_behind_them_is_named() {
    let coded = include_bytes!("data/page.gz");
    let size = include_bytes!("data/page.txt").len();
    let response = |body: &[u8]| {
        let mut response =
            format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len())
                .into_bytes();
        response.extend_from_slice(body);
        response
    };
    let sizes = |talk: &Talk| {
        talk.run(|exchange| {
            let response = exchange.response().unwrap();
            (
                response.body().decoded_size(),
                response.anomalies().iter().map(|a| a.name()).collect::<Vec<_>>(),
            )
        })
        .0
    };
    let twice =
        Talk::keeping(1).client("GET / HTTP/1.1\r\n\r\n").server(response(&[&coded[..], coded].concat()));
    assert_eq!(sizes(&twice), [(Some(2 * size as u64), vec![])]);
    assert_eq!(sizes(&twice.byte_by_byte()), sizes(&twice));
    let behind =
        Talk::keeping(1).client("GET / HTTP/1.1\r\n\r\n").server(response(&[&coded[..], b"xyz"].concat()));
    assert_eq!(sizes(&behind), [(Some(size as u64), vec!["data-behind-coding"])]);
    assert_eq!(sizes(&behind.byte_by_byte()), sizes(&behind));
}

#[test]
fn a_bomb_is_stopped() {
    // 16 MiB of zeros, in 16 kB.
    let bomb = include_bytes!("data/zeros.gz");
    let mut response =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", bomb.len())
            .into_bytes();
    response.extend_from_slice(bomb);
    let mut talk = Talk::keeping(5).client("GET / HTTP/1.1\r\n\r\n").server(&response);
    let size = bomb.len();
    check(&talk, &[&format!("GET / 0 > 200 {size}!ratio-limit \"\\x1f\\x8b\\x08\\x00\\x00\" complete")]);
    talk.limits.ratio = 2_000;
    talk.limits.decoded = 10 << 20;
    assert_eq!(
        talk.lines(),
        [format!("GET / 0 > 200 {size}!size-limit \"\\x1f\\x8b\\x08\\x00\\x00\" complete")]
    );
    talk.limits.decoded = 16 << 20;
    assert_eq!(
        talk.lines(),
        [format!("GET / 0 > 200 {size}=16777216 \"\\x00\\x00\\x00\\x00\\x00\" complete")]
    );
}

#[test]
fn heads_beyond_the_limits_are_marked_and_the_connection_goes_on() {
    let mut talk = Talk::new()
        .client(format!("GET /{} HTTP/1.1\r\nA: b\r\n\r\n", "x".repeat(3_000)))
        .server(OK)
        .client("GET /2 HTTP/1.1\r\n\r\n")
        .server(OK);
    assert_eq!(talk.lines().len(), 2);
    talk.limits.head = 1_000;
    let short = |exchange: &egret_http::Exchange| {
        let request = exchange.request().unwrap();
        let odd: Vec<_> = request.anomalies().iter().map(|a| a.name()).collect();
        (
            request.target().len(),
            odd.join(" "),
            exchange.response().unwrap().status(),
            exchange.verdict().to_string(),
        )
    };
    for talk in [talk.clone(), talk.byte_by_byte()] {
        let (found, _) = talk.run(short);
        let verdict = "request-head incomplete: 2024 bytes missing, limit";
        assert_eq!(found[0], (996, "head-too-long".to_owned(), Some(200), verdict.to_owned()));
        if found.len() == 2 {
            assert_eq!(found[1], (2, String::new(), Some(200), "complete".to_owned()));
        }
    }
}

#[test]
fn a_long_target_and_many_headers_are_no_trouble() {
    let target = format!("/{}", "x".repeat(100_000));
    let headers: String = (0..1_000).map(|number| format!("H{number}: {number}\r\n")).collect();
    let talk = Talk::new().client(format!("GET {target} HTTP/1.1\r\n{headers}\r\n")).server(OK);
    for talk in [talk.clone(), talk.cut_into(64), talk.cut_into(1_448)] {
        let (found, _) = talk.run(|exchange| {
            let request = exchange.request().unwrap();
            assert!(request.anomalies().is_empty());
            assert!(exchange.verdict().is_complete());
            (request.target().len(), request.headers().len(), request.headers().get("h999") == Some(b"999"))
        });
        assert_eq!(found, [(100_001, 1_000, true)]);
    }
    let mut talk = talk;
    talk.limits.headers = 100;
    let (found, _) = talk.run(|exchange| {
        let request = exchange.request().unwrap();
        (request.headers().len(), format!("{:?}", request.anomalies()))
    });
    assert_eq!(found, [(100, "{TooManyHeaders}".to_owned())]);
}

#[test]
fn the_length_is_known_even_behind_too_many_headers() {
    let headers: String = (0..300).map(|number| format!("H{number}: {number}\r\n")).collect();
    let mut talk = Talk::new()
        .client(format!("POST / HTTP/1.1\r\n{headers}Content-Length: 3\r\n\r\nabc"))
        .server(OK)
        .client("GET / HTTP/1.1\r\n\r\n")
        .server(OK);
    talk.limits.headers = 10;
    check(&talk, &["POST / 3 {too-many-headers} > 200 2 complete", "GET / 0 > 200 2 complete"]);
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
fn what_is_not_http_is_counted_by_kind() {
    for (bytes, kind) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], NotHttp::Tls),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", NotHttp::Http2),
        (b"SSH-2.0-OpenSSH_9.2\r\n", NotHttp::Ssh),
        (b"\0\0\0\x08\x04\xd2\x16\x2f", NotHttp::Other),
        (b"PING\r\n", NotHttp::Other),
        (b"USER anonymous\r\n", NotHttp::Other),
        (b"OPTIONS sip:a SIP/2.0\r\n\r\n", NotHttp::Other),
    ] {
        let talk = Talk::new().client(bytes).client("GET / HTTP/1.1\r\n\r\n");
        assert_eq!(talk.not_http(), Some(kind), "{}", bytes.escape_ascii());
        assert_eq!(talk.byte_by_byte().not_http(), Some(kind), "{}", bytes.escape_ascii());
    }
    assert_eq!(Talk::new().server("SSH-2.0-x\r\n").client("SSH-2.0-y\r\n").not_http(), Some(NotHttp::Ssh));
    assert_eq!(Talk::new().client("QUIT").not_http(), Some(NotHttp::Other));
    assert_eq!(Talk::new().server("220 mail ESMTP\r\n").not_http(), Some(NotHttp::Other));
    assert_eq!(Talk::new().server("\x17\x03\x03\x00\x20abc").midstream().not_http(), Some(NotHttp::Tls));
    assert_eq!(Talk::new().server("something").client("else").midstream().not_http(), Some(NotHttp::Other));
    let (_, stats) = Talk::new().run(line);
    assert!(stats.not_http.is_empty(), "nothing was said, so nothing is known");
    // Unknown words that go on without a line end are not waited for long.
    let endless = Talk::new().client("word ".repeat(4_000));
    assert_eq!(endless.cut_into(100).not_http(), Some(NotHttp::Other));
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
fn the_budget_holds() {
    use egret_http::{Connection, Context, Direction, Exchange, Moment, Opened, Piece, Timestamp};
    let limits = Limits { memory: 64 << 10, keep_body: 1 << 20, ..Limits::default() };
    let mut kept = Vec::new();
    let mut context = Context::new(
        |exchange: &Exchange| kept.push(exchange.response().map(|response| response.body().bytes().len())),
        limits,
    );
    let mut connections: Vec<_> =
        (0..100).map(|id| Connection::new(id, common::flow(), Opened::Handshake)).collect();
    let body = vec![b'x'; 4 << 10];
    let say = |connection: &mut Connection, direction, bytes: &[u8], context: &mut Context<_>| {
        connection.data(Piece::new(direction, Timestamp::EPOCH, bytes), context);
        assert!(context.memory_used() <= limits.memory + 1_024, "{} bytes", context.memory_used());
    };
    for connection in &mut connections {
        say(connection, Direction::ClientToServer, b"GET / HTTP/1.1\r\n\r\n", &mut context);
        say(
            connection,
            Direction::ServerToClient,
            b"HTTP/1.1 200 OK\r\nContent-Length: 8192\r\n\r\n",
            &mut context,
        );
        say(connection, Direction::ServerToClient, &body, &mut context);
        say(connection, Direction::ServerToClient, &body[1..], &mut context);
    }
    for connection in &mut connections {
        say(connection, Direction::ServerToClient, b"x", &mut context);
        connection.close(Ending::Finished, Moment::default(), &mut context);
    }
    let incomplete: u64 = context.stats().incomplete.values().sum();
    let (complete, no_memory) = (context.stats().complete, context.stats().no_memory);
    drop(connections);
    drop(context);
    assert!(no_memory > 0, "a hundred such exchanges do not fit");
    assert_eq!(complete + incomplete, kept.len() as u64);
    assert!(kept.contains(&Some(8_192)), "the first were kept: {kept:?}");
}

#[test]
fn a_word_that_was_not_seen_to_its_end_is_not_given() {
    type Words<'a> = (Option<&'a [u8]>, Option<u16>, Option<&'a [u8]>);
    let cases: [(&str, Words<'_>); 6] = [
        ("HTTP/1", (None, None, None)),
        ("HTTP/1.1", (None, None, None)),
        ("HTTP/1.1 20", (Some(b"HTTP/1.1"), None, None)),
        ("HTTP/1.1 200 O", (Some(b"HTTP/1.1"), Some(200), None)),
        ("HTTP/1.1 200 OK\r\nA", (Some(b"HTTP/1.1"), Some(200), Some(b"OK"))),
        ("HTTP/1.1 200\r\n\r\n", (Some(b"HTTP/1.1"), Some(200), Some(b""))),
    ];
    for (head, words) in cases {
        let talk = Talk::new().client("GET / HTTP/1.1\r\n\r\n").server(head);
        let (found, _) = talk.run(|exchange| {
            let response = exchange.response().unwrap();
            (response.version(), response.status(), response.reason()) == words
        });
        assert_eq!(found, [true], "{}", head.escape_debug());
    }
    let (found, _) = Talk::new().client("GET /long HTTP/1").run(|exchange| {
        let request = exchange.request().unwrap();
        (request.target().to_vec(), request.version().to_vec())
    });
    assert_eq!(found, [(b"/long".to_vec(), Vec::new())]);
}

#[test]
fn the_server_tells_whether_unreadable_bytes_were_a_request() {
    let answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    for bytes in [&b"\xdd\0\0\0 GET /txt HTTP/1.1\r\n\r\n"[..], b"G{T / HTTP/1.1\r\n\r\n", b"NONSENSE\r\n"] {
        check(&Talk::new().client(bytes).server(answer), &["- > 400 0 request-head incomplete: malformed"]);
        // What follows is an exchange like any other.
        let talk = Talk::new().client(bytes).server(answer).client("GET / HTTP/1.1\r\n\r\n").server(answer);
        let lines = talk.lines();
        assert_eq!(lines, ["- > 400 0 request-head incomplete: malformed", "GET / 0 > 400 0 complete"]);
        assert_eq!(Talk::new().client(bytes).not_http(), Some(NotHttp::Other));
        assert_eq!(Talk::new().client(bytes).server("+OK\r\n").not_http(), Some(NotHttp::Other));
        assert_eq!(Talk::new().client(bytes).server("SSH-2.0-x\r\n").not_http(), Some(NotHttp::Ssh));
    }
    // Protocols that are known are not waited for, and nothing is waited for long.
    for bytes in [&b"\x16\x03\x01\x02\x00\x01"[..], b"SSH-2.0-x\r\n", b"PRI * HTTP/2.0\r\n\r\n", &[0; 9_000]]
    {
        let talk = Talk::new().client(bytes).server(answer);
        assert!(talk.not_http().is_some() && talk.cut_into(100).not_http().is_some());
    }
}

#[test]
fn what_finds_no_memory_is_said() {
    let none = Limits { memory: 0, ..Limits::default() };
    let talk = Talk { limits: none, ..Talk::new() };
    // What is whole in one packet is read in place, as far as it goes.
    let whole = talk
        .clone()
        .client("GET /one HTTP/1.1\r\n\r\n")
        .server("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none")
        .client("POST /two HTTP/1.1\r\nContent-Length: 3\r\n\r\ntwo")
        .server("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    let (lines, stats) = whole.run(line);
    assert_eq!(
        lines,
        [
            "GET /one 0 > - no response: limit",
            "- > 200 0 request-head incomplete: limit",
            "POST /two 0 > - request-body incomplete: limit",
            "- > 404 0 request-head incomplete: limit",
        ],
    );
    assert_eq!(stats.no_memory, 4);
    // What comes in pieces is not, but it is known for what it is, at its end and without one.
    for end in ["\r\n", ""] {
        let pieces =
            talk.clone().client("GET /").client("one HTTP/1.1\r\nHost: a").client("\r\n").client(end);
        for talk in [&pieces, &pieces.byte_by_byte()] {
            let (lines, stats) = talk.run(line);
            assert_eq!(
                lines,
                ["  0 > - request-head incomplete: limit"].map(|line| {
                    if end.is_empty() {
                        line.to_owned()
                    } else {
                        line.replace("limit", "30 bytes missing, limit")
                    }
                })
            );
            assert!(stats.not_http.is_empty() && stats.no_memory > 0);
        }
    }
    // What is not HTTP is not taken for it.
    for bytes in ["QUIT now\r\n", "\x16\x03\x01\x02\x00\x01", "SSH-2.0-x\r\n"] {
        assert!(talk.clone().client(bytes).not_http().is_some(), "{}", bytes.escape_debug());
        assert!(talk.clone().client(bytes).byte_by_byte().not_http().is_some(), "{}", bytes.escape_debug());
    }
}

#[test]
fn everything_is_given_back() {
    use egret_http::{Connection, Context, Exchange, Moment, Opened, Piece, Timestamp};
    let mut context = Context::new(|_: &Exchange| (), Limits { keep_body: 1 << 20, ..Limits::default() });
    let mut held = Vec::new();
    for round in 0..300_u64 {
        let mut connection = Connection::new(round, common::flow(), Opened::Handshake);
        let requests = "GET / HTTP/1.1\r\nA: b\r\n\r\n".repeat(30);
        let responses = format!(
            "HTTP/1.1 102 x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n{}",
            "x".repeat(30_000)
        );
        for (direction, bytes) in [(CLIENT, &requests), (SERVER, &responses), (SERVER, &responses)] {
            for piece in bytes.as_bytes().chunks([1, 7, 100, 7_000][round as usize % 4]) {
                connection.data(Piece::new(direction, Timestamp::EPOCH, piece), &mut context);
            }
        }
        connection.close(Ending::Finished, Moment::default(), &mut context);
        held.push(context.memory_used());
    }
    assert_eq!(held[100..104], held[296..], "what is held grows");
    assert!(held[299] < 64 << 10, "a connection that is over holds nothing: {} bytes", held[299]);
}
