//! The budget: kept, said when it is short, given back.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test asserts by panicking"
)]

mod common;

use common::{CLIENT, SERVER, Talk, line};
use egret_http::{Ending, Limits};

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
    // Interim responses, and whatever has no body, are followed by what follows them.
    let bodiless = talk
        .clone()
        .client("GET /one HTTP/1.1\r\n\r\nHEAD /two HTTP/1.1\r\n\r\n")
        .server("HTTP/1.1 100 C\r\n\r\nHTTP/1.1 204 No\r\n\r\nHTTP/1.1 304 No\r\n\r\n");
    let (lines, _) = bodiless.run(line);
    assert_eq!(
        lines,
        [
            "GET /one 0 > - no response: limit",
            "HEAD /two 0 > - no response: limit",
            "- > 100 0 request-head incomplete: limit",
            "- > 204 0 request-head incomplete: limit",
            "- > 304 0 request-head incomplete: limit",
        ],
    );
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
    // But for some buffers that wait to be used again.
    assert!(held[299] < 128 << 10, "a connection that is over holds nothing: {} bytes", held[299]);
}

/// What is held for a response that says how long it will be, when this much of its body has come.
fn held_for(length: &str, came: &[u8], limits: Limits) -> usize {
    use egret_http::{Connection, Context, Exchange, Opened, Piece, Timestamp};
    let mut context = Context::new(|_: &Exchange| (), limits);
    let mut connection = Connection::new(1, common::flow(), Opened::Handshake);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    for (direction, bytes) in
        [(CLIENT, &b"GET / HTTP/1.1\r\n\r\n"[..]), (SERVER, head.as_bytes()), (SERVER, came)]
    {
        connection.data(Piece::new(direction, Timestamp::EPOCH, bytes), &mut context);
    }
    context.memory_used()
}

#[test]
fn a_length_takes_no_memory() {
    let limits = Limits { keep_body: usize::MAX, ..Limits::default() };
    let without = held_for("9", b"", limits);
    for length in ["9", "16384", "1000000000", "18446744073709551615"] {
        assert!(held_for(length, b"", limits) <= without + 64, "{length} before there is a body");
        // Room for what is near is made once, and for nothing else.
        let more = held_for(length, b"x", limits) - without;
        assert!(more <= (16 << 10) + 64, "{length}: {more} bytes");
    }
    assert!(held_for("9000", b"x", limits) >= without + 9_000);
    let little = Limits { keep_body: 100, ..limits };
    assert!(held_for("9000", b"x", little) <= without + 200);
    // Where most of the budget is taken, there is room for what has come.
    let short = Limits { memory: without + 1_000, ..limits };
    assert!(held_for("9000", b"x", short) <= without + 100);
}

#[test]
fn what_waits_to_be_used_again_is_a_small_part_of_the_budget() {
    use egret_http::{Connection, Context, Exchange, Moment, Opened, Piece, Timestamp};
    let limits = Limits { memory: 4 << 20, keep_body: 1 << 20, ..Limits::default() };
    let mut context = Context::new(|_: &Exchange| (), limits);
    // As many exchanges at once as wait at most, each with long bodies both ways.
    let mut connections: Vec<_> =
        (0..64).map(|id| Connection::new(id, common::flow(), Opened::Handshake)).collect();
    let body = "x".repeat(12_000);
    let said = [
        (CLIENT, format!("POST / HTTP/1.1\r\nContent-Length: 12000\r\n\r\n{body}")),
        (SERVER, format!("HTTP/1.1 200 OK\r\nContent-Length: 12000\r\n\r\n{body}")),
    ];
    for (direction, bytes) in &said {
        for connection in &mut connections {
            connection.data(Piece::new(*direction, Timestamp::EPOCH, bytes.as_bytes()), &mut context);
        }
    }
    for connection in &mut connections {
        connection.close(Ending::Finished, Moment::default(), &mut context);
    }
    let (held, slots) = (context.memory_used(), 64 * 2_048);
    assert!(held <= limits.memory / 16 + slots, "{held} bytes");
}

#[test]
fn trailers_that_are_none_are_given_back() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    let held = |pieces: &[&str]| {
        use egret_http::{Connection, Context, Exchange, Moment, Opened, Piece, Timestamp};
        let mut context = Context::new(|_: &Exchange| (), Limits::default());
        let mut connection = Connection::new(1, common::flow(), Opened::Handshake);
        connection.data(Piece::new(CLIENT, Timestamp::EPOCH, b"GET / HTTP/1.1\r\n\r\n"), &mut context);
        for piece in [chunked].iter().chain(pieces) {
            connection.data(Piece::new(SERVER, Timestamp::EPOCH, piece.as_bytes()), &mut context);
        }
        connection.close(Ending::Finished, Moment::default(), &mut context);
        assert_eq!(context.stats().complete, 1, "{pieces:?}");
        context.memory_used()
    };
    let whole = held(&["\r\n"]);
    for pieces in [&["\r", "\n"][..], &["\n"], &["A: b\r\n", "\r\n"]] {
        assert_eq!(held(pieces), whole, "{pieces:?}");
    }
}

#[test]
fn ten_thousand_pipelined_requests() {
    use egret_http::{Connection, Context, Exchange, Moment, Opened, Piece, Timestamp};
    const DEEP: usize = 10_000;
    let (mut complete, mut peak) = (0, 0);
    let limits = Limits { queue: DEEP, ..Limits::default() };
    let mut context =
        Context::new(|exchange: &Exchange| complete += usize::from(exchange.verdict().is_complete()), limits);
    let mut connection = Connection::new(1, common::flow(), Opened::Handshake);
    for number in 0..DEEP {
        let request = format!("GET /items/{number} HTTP/1.1\r\nHost: example.test\r\nAccept: */*\r\n\r\n");
        connection.data(Piece::new(CLIENT, Timestamp::EPOCH, request.as_bytes()), &mut context);
        peak = peak.max(context.memory_used());
    }
    for _ in 0..DEEP {
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        connection.data(Piece::new(SERVER, Timestamp::EPOCH, response), &mut context);
    }
    connection.close(Ending::Finished, Moment::default(), &mut context);
    let left = context.memory_used();
    drop(context);
    assert_eq!(complete, DEEP);
    assert!(peak < DEEP * 1_500, "{} bytes a request", peak / DEEP);
    assert!(left < 200 << 10, "{left} bytes are still held");
}
