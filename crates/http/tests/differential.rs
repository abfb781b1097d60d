//! The engine beside a plain reference parser, on conversations that proptest makes up: as they are, and with a byte
//! changed, taken out or put in. Where the reference can read them, the engine reads the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test asserts by panicking"
)]

mod made;
mod reference;

use std::collections::BTreeMap;

use egret_http::{
    Connection, Context, Decode, Direction, Ending, Endpoint, Exchange, Flow, Limits, MessageAnomaly, Moment,
    Opened, Path, Piece, Timestamp,
};
use made::{Conversation, Damage};
use proptest::prelude::*;
use reference::{Message, Pair};

const CLIENT: Direction = Direction::ClientToServer;
const SERVER: Direction = Direction::ServerToClient;

/// What the engine makes of two streams, in order of the exchanges, which come in pieces of these sizes. `turns` are
/// how far each side gets before the other goes on.
fn engine(turns: &[(Vec<u8>, Vec<u8>)], sizes: &[usize]) -> Vec<Exchange> {
    let mut found = BTreeMap::new();
    let limits = Limits { keep_body: 1 << 20, decode: Decode::Always, ..Limits::default() };
    let mut context = Context::new(
        |exchange: &Exchange| {
            assert!(found.insert(exchange.index(), exchange.clone()).is_none(), "told twice");
        },
        limits,
    );
    let end = |last, port| Endpoint { ip: [10, 0, 0, last].into(), port };
    let flow = Flow { source: end(1, 50_000), destination: end(2, 80), path: Path::EMPTY };
    let mut connection = Connection::new(1, flow, Opened::Handshake);
    let (mut offsets, mut packet) = ([0_u64; 2], 0);
    let mut sizes = sizes.iter().copied().cycle();
    for (client, server) in turns {
        for (direction, mut rest) in [(CLIENT, client.as_slice()), (SERVER, server.as_slice())] {
            while !rest.is_empty() {
                let (bytes, behind) = rest.split_at(sizes.next().unwrap().min(rest.len()));
                packet += 1;
                let (offset, ack) =
                    (offsets[direction as usize], Some(offsets[direction.reversed() as usize]));
                let timestamp = Timestamp::from_nanos(packet as i64 * 1_000);
                connection.data(Piece { direction, offset, timestamp, packet, ack, bytes }, &mut context);
                offsets[direction as usize] += bytes.len() as u64;
                rest = behind;
            }
        }
    }
    let at = Moment { packet, timestamp: Timestamp::from_nanos(packet as i64 * 1_000) };
    connection.end(CLIENT, at, &mut context);
    connection.end(SERVER, at, &mut context);
    connection.close(Ending::Finished, at, &mut context);
    drop(context);
    found.into_values().collect()
}

/// Fails where the two differ.
fn compare(pairs: &[Pair], exchanges: &[Exchange]) {
    assert_eq!(exchanges.len(), pairs.len(), "so many exchanges: {exchanges:#?}\ninstead of {pairs:#?}");
    for (pair, exchange) in pairs.iter().zip(exchanges) {
        let request = exchange.request().expect("the request is there");
        let start = [request.method(), request.target(), request.version()].map(<[u8]>::to_vec);
        message(&pair.request, &start, request);
        assert_eq!(exchange.informational().len(), pair.interim.len(), "interim responses");
        for (expected, interim) in pair.interim.iter().zip(exchange.informational()) {
            message(expected, &status(interim), interim);
        }
        if let Some(expected) = &pair.response {
            let response = exchange.response().expect("the response is there");
            message(expected, &status(response), response);
        } else {
            assert!(exchange.response().is_none(), "a response from nowhere");
        }
        let whole = pair.request.whole && pair.response.as_ref().is_some_and(|response| response.whole);
        assert_eq!(exchange.verdict().is_complete(), whole, "{exchange}");
        assert_eq!(exchange.tunnel().is_some(), pair.tunnel, "{exchange}");
    }
}

fn status(response: &egret_http::Response) -> [Vec<u8>; 3] {
    let words = [response.version().unwrap(), response.reason().unwrap()].map(<[u8]>::to_vec);
    let [version, reason] = words;
    [version, response.status().unwrap().to_string().into_bytes(), reason]
}

fn message(expected: &Message, start: &[Vec<u8>; 3], message: &egret_http::Message) {
    assert_eq!(&expected.start, start, "the start line");
    let fields = |headers: &egret_http::Headers| -> Vec<(Vec<u8>, Vec<u8>)> {
        headers.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
    };
    assert_eq!(fields(message.headers()), expected.fields, "the fields");
    assert_eq!(fields(message.trailers()), expected.trailers, "the trailers");
    let body = message.body();
    assert_eq!(body.framing().name(), expected.framing, "how the body ends");
    assert_eq!(body.raw(), expected.body, "the body");
    let decoded = reference::decoded(expected).filter(|_| expected.whole);
    if let Some(decoded) = &decoded {
        assert_eq!((body.undecoded(), body.decoded()), (None, decoded.as_slice()), "the decoded body");
    }
    let mut known = vec![
        MessageAnomaly::Latin1,
        MessageAnomaly::LeadingEmptyLine,
        MessageAnomaly::RepeatedContentLength,
        MessageAnomaly::LengthAndChunked,
        MessageAnomaly::EarlyResponse,
    ];
    if decoded.is_none() {
        known.extend([MessageAnomaly::DataBehindCoding, MessageAnomaly::CodingChecksum]);
    }
    let odd: Vec<_> = message.anomalies().iter().filter(|anomaly| !known.contains(anomaly)).collect();
    assert!(odd.is_empty(), "what is as the RFC has it is odd: {odd:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_made_up_is_read_as_the_reference_reads_it(
        conversation in made::conversation(),
        sizes in proptest::collection::vec(1..200_usize, 1..20),
        byte_by_byte in any::<bool>(),
    ) {
        let (client, server) = conversation.streams();
        let pairs = reference::conversation(&client, &server).expect("what is made up is well formed");
        prop_assert_eq!(pairs.len(), conversation.exchanges.len());
        let sizes = if byte_by_byte { vec![1] } else { sizes };
        compare(&pairs, &engine(&conversation.turns(), &sizes));
    }

    #[test]
    fn what_is_damaged_is_read_as_the_reference_reads_it_if_it_can(
        conversation in made::conversation(),
        damage in proptest::collection::vec(made::damage(), 1..3),
        sizes in proptest::collection::vec(1..200_usize, 1..20),
    ) {
        let (mut client, mut server) = conversation.streams();
        for Damage { server: side, place, what } in damage {
            what.apply(if side { &mut server } else { &mut client }, place);
        }
        let pairs = reference::conversation(&client, &server);
        // Everything is asked before anything is answered, so that only the order of messages counts.
        let exchanges = engine(&[(client, server)], &sizes);
        if let Some(pairs) = pairs {
            compare(&pairs, &exchanges);
        }
    }
}

/// Enough of what is damaged can still be read by the reference; else the second law says little.
#[test]
fn damage_often_leaves_something_to_compare() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut compared = 0;
    for _ in 0..200 {
        use proptest::strategy::ValueTree;
        let made = (made::conversation(), made::damage()).new_tree(&mut runner).unwrap().current();
        let (conversation, Damage { server: side, place, what }): (Conversation, Damage) = made;
        let (mut client, mut server) = conversation.streams();
        what.apply(if side { &mut server } else { &mut client }, place);
        compared += usize::from(reference::conversation(&client, &server).is_some());
    }
    assert!(compared > 60, "{compared} of 200");
}
