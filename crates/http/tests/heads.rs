//! How heads are read: what is odd is named, what is kept is what was sent, what was not seen is not given.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test asserts by panicking"
)]

mod common;

use common::{OK, Talk, check};

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
        (" HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 0 {extra-space}"),
        ("\t \r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 0 {extra-space}"),
        (" \nhttp/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "200 0 {bare-lf extra-space bad-version}"),
        ("\r\n \rHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 0 {leading-empty-line extra-space}"),
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
fn a_name_that_is_folded_away_from_its_colon_is_a_name() {
    let odd = "{obs-fold space-before-colon no-colon}";
    for fold in ["\r\n :\r\n\t3", "\r\n : 3", "\r\n \r\n\t:3"] {
        let talk = Talk::new()
            .client("GET / HTTP/1.1\r\n\r\n")
            .server(format!("HTTP/1.1 200 OK\r\nA: b\r\nContent-Length{fold}\r\nC: d\r\n\r\nabc"))
            .client("GET /2 HTTP/1.1\r\n\r\n")
            .server(OK);
        check(&talk, &[&format!("GET / 0 > 200 3 {odd} complete"), "GET /2 0 > 200 2 complete"]);
    }
    // A colon further on is one of the value's, and so is one behind a name that has its own.
    for (fold, value) in [("A\r\n b: c", "b: c"), ("A:\r\n : c", ": c"), ("A\r\n :b\r\n :c", "b\r\n :c")] {
        let (found, _) = Talk::new()
            .client(format!("GET / HTTP/1.1\r\n{fold}\r\n\r\n"))
            .run(|exchange| exchange.request().unwrap().headers().get("a").map(<[u8]>::to_vec));
        assert_eq!(found, [Some(value.as_bytes().to_vec())], "{fold:?}");
    }
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
