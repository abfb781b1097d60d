//! Exchanges in few words, played through HTTP into models.

#![allow(dead_code, reason = "each test program uses some of it")]

use egret_model::{
    Connection, Context, Direction, Ending, Endpoint, Exchange, Flow, Limits, Model, Moment, Opened, Options,
    Path, Piece, Timestamp,
};

/// A call in few words.
#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) host: &'static str,
    pub(crate) status: u16,
    pub(crate) sent: Option<String>,
    pub(crate) answered: String,
    /// Header fields of the request, each with its line end.
    pub(crate) headers: String,
    /// Media types, if not JSON.
    pub(crate) sent_as: &'static str,
    pub(crate) answered_as: &'static str,
}

/// Gives the exchange of a call to `take`.
pub(crate) fn play(number: u64, call: &Call, mut take: impl FnMut(&Exchange)) {
    let end = |last, port| Endpoint { ip: [10, 0, 0, last].into(), port };
    let flow = Flow { source: end(1, 50_000), destination: end(2, 80), path: Path::EMPTY };
    let limits = Limits { keep_body: 1 << 16, ..Limits::default() };
    let mut context = Context::new(|exchange: &Exchange| take(exchange), limits);
    let mut connection = Connection::new(number, flow, Opened::Handshake);
    let Call { method, target, host, status, sent, answered, headers, sent_as, answered_as } = call;
    let json = |kind: &'static str| if kind.is_empty() { "application/json" } else { kind };
    let (sent_as, answered_as) = (json(sent_as), json(answered_as));
    let body = sent.clone().unwrap_or_default();
    let kind = if sent.is_some() { format!("Content-Type: {sent_as}\r\n") } else { String::new() };
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\n{headers}{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let response = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {answered_as}\r\nContent-Length: {}\r\n\r\n{answered}",
        answered.len()
    );
    let time = Timestamp::new(1_700_000_000 + number as i64, 0);
    for (direction, bytes) in [(Direction::ClientToServer, request), (Direction::ServerToClient, response)] {
        connection.data(Piece::new(direction, time, bytes.as_bytes()), &mut context);
    }
    connection.close(Ending::Finished, Moment::default(), &mut context);
}

/// The model of calls.
pub(crate) fn learned(calls: &[(u64, Call)]) -> Model {
    let mut model = Model::default();
    for (number, call) in calls {
        play(*number, call, |exchange| model.observe("a.pcap", exchange));
    }
    model
}

/// A call that asks for JSON.
pub(crate) fn get(target: &str, status: u16, answered: &str) -> Call {
    Call {
        method: "GET",
        target: target.into(),
        host: "api.example",
        status,
        answered: answered.into(),
        ..Call::default()
    }
}

/// A call that sends JSON.
pub(crate) fn send(method: &'static str, target: &str, sent: &str, answered: &str) -> Call {
    Call { method, sent: Some(sent.into()), ..get(target, 200, answered) }
}

/// Each call with a connection of its own.
pub(crate) fn numbered(calls: Vec<Call>) -> Vec<(u64, Call)> {
    calls.into_iter().enumerate().map(|(number, call)| (number as u64, call)).collect()
}

/// The operations that are found in calls.
pub(crate) fn templates(calls: Vec<Call>) -> Vec<String> {
    let model = learned(&numbered(calls));
    let description = model.describe(&Options::default());
    let operations = description.iter().flat_map(|description| description.operations());
    operations.map(|(method, path)| format!("{} {path}", method.name())).collect()
}
