//! What holds for any input: however bytes are cut into pieces, the exchanges are the same; whatever the bytes are,
//! nothing panics, the memory stays in its bounds, and every exchange is told once.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test asserts by panicking"
)]

mod common;

use std::collections::{HashMap, HashSet};

use common::{CLIENT, SERVER, Step, Talk, line};
use egret_http::{
    BodyPiece, Connection, Context, Decode, Ending, Exchange, GapReason, Handler, Limits, Missing, Moment,
    Opened, Piece, Timestamp,
};
use proptest::prelude::*;

/// Conversations that touch every rule.
fn conversations() -> Vec<Talk> {
    let page = include_bytes!("data/page.gz");
    let gzip = [
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", page.len())
            .as_bytes(),
        page,
    ]
    .concat();
    let request = "POST /a?b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
        3;x=y\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nA: b\r\nC: d\r\n\r\n";
    vec![
        Talk::keeping(100).client(request).server(gzip),
        Talk::keeping(100)
            .client("GET /1 HTTP/1.1\r\n\r\nHEAD /2 HTTP/1.1\r\nA : b\r\n\r\n\r\nPUT /3 HTTP/1.1\nContent-Length: 3\n\nabc")
            .server("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
            .server("HTTP/1.1 100 C\r\n\r\nHTTP/1.1 201 OK\nTransfer-Encoding: chunked\n\n2\nab\n0\n\n"),
        Talk::new().client("GET / HTTP/1.0\r\n\r\n").server("HTTP/1.0 200 OK\r\nX: y\r\n z\r\n\r\nuntil the end").end(SERVER),
        Talk::new()
            .client("CONNECT a:1 HTTP/1.1\r\n\r\n")
            .server("HTTP/1.1 200 OK\r\n\r\n\x16\x03\x01")
            .client("\x16\x03\x01\x00\x05hello"),
        Talk::new().client("GET / HTTP/1.1\r\n\r\n").server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz"),
        Talk::new().client(b"GET /\xe9 x HTTP/1.1\r\nNo colon\r\n\r\n").server("ICY 200 OK\r\nContent-Length: 1\r\n\r\n."),
        Talk::new().client("SSH-2.0-x\r\n").server("SSH-2.0-y\r\n"),
    ]
}

#[test]
fn every_cut_into_two_gives_the_same() {
    for talk in conversations() {
        let whole = talk.lines();
        for (number, step) in talk.steps.iter().enumerate() {
            let Step::Say(direction, bytes) = step else { continue };
            for cut in 1..bytes.len() {
                let mut talk = talk.clone();
                let (first, second) = bytes.split_at(cut);
                let pieces = [first, second].map(|piece| Step::Say(*direction, piece.to_vec()));
                talk.steps.splice(number..=number, pieces);
                assert_eq!(talk.lines(), whole, "step {number} cut at {cut}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_gives_the_same(
        which in 0..7_usize,
        sizes in proptest::collection::vec(1..40_usize, 1..40),
    ) {
        let talk = conversations().swap_remove(which);
        let mut sizes = sizes.into_iter().cycle();
        let mut pieces = Vec::new();
        for step in &talk.steps {
            let Step::Say(direction, bytes) = step else {
                pieces.push(step.clone());
                continue;
            };
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at(sizes.next().unwrap().min(rest.len()));
                pieces.push(Step::Say(*direction, piece.to_vec()));
                rest = behind;
            }
        }
        let cut = Talk { steps: pieces, ..talk.clone() };
        prop_assert_eq!(cut.lines(), talk.lines());
    }
}

/// Any call of a connection's methods.
#[derive(Debug, Clone)]
enum Call {
    Data { server: bool, bytes: Vec<u8>, ack: Option<u64> },
    Gap { server: bool, len: u64 },
    End { server: bool },
    Retransmitted { server: bool, bytes: u64 },
}

fn call() -> impl Strategy<Value = Call> {
    let word = prop_oneof![
        Just("GET / HTTP/1.1\r\n".to_owned()),
        Just("CONNECT a HTTP/1.1\r\n\r\n".to_owned()),
        Just("HEAD /x HTTP/1.1\r\n\r\n".to_owned()),
        Just("POST /x y HTTP/1.2 \n".to_owned()),
        Just("HTTP/1.1 200 OK\r\n".to_owned()),
        Just("HTTP/1.1 101 S\r\n\r\n".to_owned()),
        Just("HTTP/1.1 100 C\r\n\r\n".to_owned()),
        Just("HTTP/1.1 9\r\n".to_owned()),
        Just("Content-Length: 5\r\n".to_owned()),
        Just("Content-Length: 18446744073709551615\r\n".to_owned()),
        Just("Transfer-Encoding: chunked\r\n\r\n".to_owned()),
        Just("Content-Encoding: gzip\r\n".to_owned()),
        Just("Content-Encoding: deflate\r\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\n".to_owned()),
        Just(" folded\r\n".to_owned()),
        Just("5\r\nhello\r\n".to_owned()),
        Just("0\r\n\r\n".to_owned()),
        Just("7fffffffffffffff\r\n".to_owned()),
        Just("\u{1f}\u{8b}".to_owned()),
        "\\PC{0,20}",
    ];
    let text = proptest::collection::vec(word, 1..6).prop_map(|words| words.concat().into_bytes());
    let bytes = prop_oneof![4 => text, 1 => proptest::collection::vec(any::<u8>(), 1..60)];
    let len = prop_oneof![1..100_u64, any::<u64>()];
    prop_oneof![
        10 => (any::<bool>(), bytes, proptest::option::of(0..500_u64))
            .prop_map(|(server, bytes, ack)| Call::Data { server, bytes, ack }),
        2 => (any::<bool>(), len.clone()).prop_map(|(server, len)| Call::Gap { server, len }),
        1 => any::<bool>().prop_map(|server| Call::End { server }),
        1 => (any::<bool>(), len).prop_map(|(server, bytes)| Call::Retransmitted { server, bytes }),
    ]
}

/// Checks what is called against what was promised.
#[derive(Default)]
struct Checker {
    heads: HashSet<(u64, bool)>,
    over: HashSet<u64>,
    /// Bytes of each body in its pieces, as sent and decoded.
    pieces: HashMap<(u64, bool, bool), u64>,
}

impl Handler for Checker {
    fn request(&mut self, exchange: &Exchange) {
        assert!(exchange.request().is_some());
        assert!(self.heads.insert((exchange.index(), false)), "a request head twice");
    }

    fn response(&mut self, exchange: &Exchange) {
        if exchange.response().is_some() {
            assert!(self.heads.insert((exchange.index(), true)), "a response head twice");
        }
    }

    fn body(&mut self, piece: BodyPiece<'_>) {
        let key = (piece.exchange.index(), piece.direction == SERVER, piece.decoded);
        assert!(!self.over.contains(&key.0), "a piece of an exchange that is over");
        assert!(!piece.bytes.is_empty());
        let known = self.pieces.entry(key).or_default();
        assert!(piece.offset >= *known, "pieces go forward");
        assert!(!piece.decoded || piece.offset == *known, "decoded pieces have no holes");
        *known = piece.offset.saturating_add(piece.bytes.len() as u64);
    }

    fn exchange(&mut self, exchange: &Exchange) {
        assert!(self.over.insert(exchange.index()), "an exchange twice");
        let seen = exchange.request().is_some() || exchange.response().is_some();
        assert!(seen || !exchange.informational().is_empty(), "an exchange of nothing");
        for (server, message) in
            [(false, exchange.request().map(|m| &**m)), (true, exchange.response().map(|m| &**m))]
        {
            let Some(body) = message.map(|message| message.body()) else { continue };
            let pieces =
                |decoded| self.pieces.get(&(exchange.index(), server, decoded)).copied().unwrap_or(0);
            assert!(pieces(false) <= body.size());
            assert!(body.missing() > 0 || pieces(false) == body.size());
            if let Some(size) = body.decoded_size() {
                assert_eq!(pieces(true), size);
            }
        }
        // Its text never panics either.
        assert!(!exchange.to_string().contains('\n'));
        assert!(!line(exchange).is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_every_exchange_is_told_once(
        calls in proptest::collection::vec(call(), 1..40),
        midstream in any::<bool>(),
        small in any::<bool>(),
        memory in prop_oneof![Just(0_usize), Just(6_000)],
    ) {
        let limits = if small {
            Limits { memory, head: 60, headers: 2, queue: 2, keep_body: 30, decoded: 100, ..Limits::default() }
        } else {
            Limits { keep_body: 1_000, decode: Decode::Always, ..Limits::default() }
        };
        let opened = if midstream { Opened::Midstream } else { Opened::Handshake };
        let mut context = Context::new(Checker::default(), limits);
        let mut connection = Connection::new(1, common::flow(), opened);
        let mut offsets = [0_u64; 2];
        for (number, call) in calls.into_iter().enumerate() {
            let side = |server| if server { SERVER } else { CLIENT };
            let packet = number as u64;
            let timestamp = Timestamp::from_nanos(number as i64);
            let at = Moment { packet, timestamp };
            match call {
                Call::Data { server, bytes, ack } => {
                    let (direction, offset) = (side(server), offsets[usize::from(server)]);
                    let piece = Piece { direction, offset, timestamp, packet, ack, bytes: &bytes };
                    connection.data(piece, &mut context);
                    offsets[usize::from(server)] = offset.saturating_add(bytes.len() as u64);
                }
                Call::Gap { server, len } => {
                    let (direction, offset) = (side(server), offsets[usize::from(server)]);
                    connection.gap(Missing { direction, offset, len, reason: GapReason::Limit, at }, &mut context);
                    offsets[usize::from(server)] = offset.saturating_add(len);
                }
                Call::End { server } => connection.end(side(server), at, &mut context),
                Call::Retransmitted { server, bytes } => connection.retransmitted(side(server), bytes),
            }
            prop_assert!(context.memory_used() <= limits.memory + 256, "{} bytes", context.memory_used());
        }
        connection.close(Ending::Idle, Moment::default(), &mut context);
        let told = context.handler().over.len() as u64;
        let counted = context.stats().complete + context.stats().incomplete.values().sum::<u64>();
        prop_assert_eq!(told, counted);
        let highest = context.handler().over.iter().max().map_or(0, |index| index + 1);
        prop_assert_eq!(told, highest, "every exchange that began is told");
    }
}
