//! What is not HTTP/1, or is not any more: noticed by content, counted by kind.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test asserts by panicking"
)]

mod common;

use common::{OK, Talk, check, line};
use egret_http::NotHttp;

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
