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
use egret_http::{NotHttp, TlsVersion, TunnelKind};

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

/// A TLS ClientHello, in one record: `www.example`, `h2` and `http/1.1`, TLS 1.3.
fn hello() -> Vec<u8> {
    let with_length = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes(), bytes].concat();
    let name = with_length(&[&[0][..], &with_length(b"www.example")].concat());
    let extensions = [
        [&[0, 0][..], &with_length(&name)].concat(),
        [&[0, 16][..], &with_length(&with_length(b"\x02h2\x08http/1.1"))].concat(),
        b"\0\x2b\0\x05\x04\x03\x04\x03\x03".to_vec(),
    ]
    .concat();
    let body = [&[3, 3][..], &[9; 32], &[0, 0, 2, 0x13, 1, 1, 0], &with_length(&extensions)].concat();
    let message = [&[1, 0][..], &with_length(&body)].concat();
    [&[0x16, 3, 1][..], &with_length(&message)].concat()
}

#[test]
fn tls_tells_which_server_is_asked_for() {
    let whole = Talk::new().client(hello()).server(b"\x16\x03\x03\0\x02ab").client("GET / HTTP/1.1\r\n\r\n");
    for talk in [&whole, &whole.byte_by_byte(), &whole.cut_into(50), &whole.clone().midstream()] {
        let (found, stats) = talk.run(line);
        assert!(found.is_empty());
        assert_eq!(stats.not_http.into_iter().collect::<Vec<_>>(), [(NotHttp::Tls, 1)]);
        assert_eq!(stats.tls.server_names.top(), [("www.example", 1)]);
        assert_eq!(stats.tls.protocols.top(), [("h2", 1), ("http/1.1", 1)]);
        assert_eq!(stats.tls.versions.into_iter().collect::<Vec<_>>(), [(TlsVersion(0x304), 1)]);
    }
    // What was not seen to its end is TLS all the same, and holds nothing.
    let cut = hello()[..60].to_vec();
    for talk in [
        Talk::new().client(&cut),
        Talk::new().client(&cut).end(common::CLIENT),
        Talk::new().client(&cut).server(b"\x16\x03\x03\0\x02ab"),
        Talk::new().client(&cut).lose_client("rest").client("more"),
        Talk::new().client(&cut).lose_server("what").client(&hello()[60..]),
        Talk { limits: egret_http::Limits { memory: 50, ..Default::default() }, ..Talk::new() }
            .client(hello()),
        Talk::new().server(&cut).client("x"),
        Talk::new().client(b"\x17\x03\x03\0\x20abc").midstream(),
    ] {
        for talk in [&talk, &talk.byte_by_byte()] {
            let (found, stats) = talk.run(line);
            assert!(found.is_empty());
            assert_eq!(stats.not_http.into_iter().collect::<Vec<_>>(), [(NotHttp::Tls, 1)], "{talk:?}");
            assert_eq!(stats.tls.server_names.total(), 0);
        }
    }
    assert_eq!(TlsVersion(0x304).to_string(), "TLS 1.3");
    assert_eq!(
        [TlsVersion(0x300), TlsVersion(0x201)].map(|version| version.to_string()),
        ["SSL 3.0", "0x0201"]
    );
}

#[test]
fn what_a_tunnel_holds_is_told_by_what_opened_it() {
    let upgrade = |request: &str, response: &str| {
        Talk::new()
            .client(format!("GET /ws HTTP/1.1\r\nConnection: upgrade\r\n{request}\r\n"))
            .server(format!("HTTP/1.1 101 Switching\r\n{response}\r\n"))
    };
    let connect = Talk::new().client("CONNECT a:1 HTTP/1.1\r\n\r\n").server("HTTP/1.1 200 OK\r\n\r\n");
    for (talk, kind, name) in [
        (upgrade("Upgrade: x\r\n", "Upgrade: WebSocket\r\n"), TunnelKind::WebSocket, "websocket"),
        (upgrade("Upgrade: h2c\r\n", ""), TunnelKind::Http2, "http2"),
        (upgrade("Upgrade: TLS/1.3, HTTP/1.1\r\n", ""), TunnelKind::Tls, "tls"),
        (upgrade("", "upgrade: something\r\n"), TunnelKind::Other, "other"),
        (upgrade("", ""), TunnelKind::Other, "other"),
        (connect, TunnelKind::Connect, "connect"),
    ] {
        let (found, stats) = talk.run(|exchange| exchange.tunnel().unwrap().kind);
        assert_eq!((found, kind.name()), (vec![kind], name));
        assert_eq!(stats.tunnels.into_iter().collect::<Vec<_>>(), [(kind, 1)]);
        assert!(stats.not_http.is_empty());
    }
}

#[test]
fn the_proxy_protocol_is_skipped() {
    let binary = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x0a\0\0\x01\x0a\0\0\x02\xc8\x22\0\x50";
    for header in [&b"PROXY TCP4 10.0.0.1 10.0.0.2 51234 80\r\n"[..], binary] {
        let request = [header, b"POST /x HTTP/1.1\r\nContent-Length: 2\r\n\r\nab"].concat();
        let talk = Talk::new().client(&request).server(OK).client("GET / HTTP/1.1\r\n\r\n").server(OK);
        check(&talk, &["POST /x 2 > 200 2 complete", "GET / 0 > 200 2 complete"]);
        assert_eq!(talk.run(line).1.proxied, 1);
        // In packets of its own, and in front of TLS.
        let apart = Talk::new().client(header).client("GET / HTTP/1.1\r\n\r\n").server(OK);
        check(&apart, &["GET / 0 > 200 2 complete"]);
        let tls = Talk::new().client(header).client(hello()).run(line).1;
        assert_eq!(tls.tls.server_names.total(), 1);
        assert_eq!(Talk::new().client(header).not_http(), Some(NotHttp::Other));
    }
    let (packets, stats) =
        Talk::new().client("POST / HTTP/1.1\r\n\r\n").byte_by_byte().server(OK).run(|exchange| {
            let transfer = exchange.request().unwrap().transfer();
            (transfer.first_packet, transfer.last_packet)
        });
    assert_eq!((packets, stats.proxied), (vec![(1, 19)], 0));
}

#[test]
fn counts_of_parts_add_up() {
    let talks = [
        Talk::new().client(hello()),
        Talk::new().client("GET / HTTP/1.1\r\n\r\n").server(OK),
        Talk::new().client("CONNECT a:1 HTTP/1.1\r\n\r\n").server("HTTP/1.1 200 OK\r\n\r\n"),
        Talk::new().client("GET / HTTP/1.1\r\n\r\n"),
    ];
    let mut sum = egret_http::Stats::default();
    for _ in 0..2 {
        talks.iter().for_each(|talk| sum.merge(&talk.run(line).1));
    }
    assert_eq!((sum.complete, sum.incomplete.values().sum::<u64>(), sum.not_http[&NotHttp::Tls]), (4, 2, 2));
    assert_eq!((sum.tls.server_names.top()[0].1, sum.tunnels[&TunnelKind::Connect]), (2, 2));
}
