//! An exchange as JSON.

use egret_http::{Body, Exchange, Headers, Message, MessageAnomaly, Response, Timing, Tunnel, Verdict};

use super::Bodies;
use crate::output::bytes::{Base64, Hex};
use crate::output::json::{HeadText, Json};
use crate::output::lines::cut_character;

pub(super) fn write(exchange: &Exchange, bodies: Bodies, json: &mut Json<'_>) {
    json.put("connection", exchange.connection());
    json.put("index", exchange.index());
    json.flow(exchange.client(), exchange.server(), exchange.flow().path);
    json.text("started", exchange.started());
    if let Some(request) = exchange.request() {
        json.inside("request", |json| {
            let words = Words::of(request);
            for (name, word) in
                [("method", request.method()), ("target", request.target()), ("version", request.version())]
            {
                json.head(name, (!word.is_empty()).then(|| words.text(word)));
            }
            message(request, Some(bodies), json);
        });
    }
    if let Some(response) = exchange.response() {
        json.inside("response", |json| answer(response, Some(bodies), json));
    }
    if !exchange.informational().is_empty() {
        // Interim responses have no body.
        json.objects("informational", exchange.informational().iter(), |response, json| {
            answer(response, None, json)
        });
    }
    let Timing { connect, send, wait, receive, .. } = exchange.timing();
    json.inside("timing", |json| {
        json.millis("connect_ms", connect);
        json.millis("send_ms", send);
        json.millis("wait_ms", wait);
        json.millis("receive_ms", receive);
    });
    if let Some(Tunnel { kind, client_bytes, server_bytes, missing, .. }) = exchange.tunnel() {
        json.inside("tunnel", |json| {
            json.put("kind", kind.name());
            json.put("client_bytes", client_bytes);
            json.put("server_bytes", server_bytes);
            json.count("missing", missing);
        });
    }
    verdict(exchange.verdict(), ["verdict", "part", "missing", "why"], json);
}

/// The verdict, under these names.
pub(super) fn verdict(verdict: Verdict, names: [&str; 4], json: &mut Json<'_>) {
    let [name, of, count, reason] = names;
    json.put(name, verdict.name());
    if let Verdict::Incomplete { part, missing, why } = verdict {
        json.put(of, part.name());
        json.maybe(count, missing);
        json.put(reason, why.name());
    }
}

fn answer(response: &Response, with_body: Option<Bodies>, json: &mut Json<'_>) {
    let words = Words::of(response);
    json.maybe("status", response.status());
    json.head("reason", response.reason().map(|reason| words.text(reason)));
    json.head("version", response.version().map(|version| words.text(version)));
    message(response, with_body, json);
}

/// What requests and responses have in common.
fn message(message: &Message, with_body: Option<Bodies>, json: &mut Json<'_>) {
    let words = Words::of(message);
    json.fields("headers", words.fields(message.headers()));
    if let Some(bodies) = with_body {
        json.inside("body", |json| body(message, bodies, json));
    }
    if !message.trailers().is_empty() {
        json.fields("trailers", words.fields(message.trailers()));
    }
    json.put("packets", (message.transfer().first_packet, message.transfer().last_packet));
    json.list("anomalies", message.anomalies().iter().map(MessageAnomaly::name));
}

fn body(message: &Message, bodies: Bodies, json: &mut Json<'_>) {
    let body = message.body();
    json.put("size", body.size());
    json.count("missing", body.missing());
    json.maybe("decoded_size", body.decoded_size());
    if message.encodings().next().is_some() {
        json.list("encodings", message.encodings());
    }
    json.maybe("undecoded", body.undecoded().map(|why| why.name()));
    if bodies.kept {
        let bytes = body.bytes();
        if bodies.redacted {
            json.maybe("redacted", (!bytes.is_empty()).then_some(true));
        } else {
            json.put("kept", bytes.len());
        }
        match shown_text(body) {
            Some(text) => json.string("text", text),
            None if bytes.is_empty() => {}
            None => json.text("base64", Base64(bytes)),
        }
    }
    for (name, digest) in [("sha256", body.sha256()), ("decoded_sha256", body.decoded_sha256())] {
        if let Some(digest) = digest {
            json.text(name, Hex(digest));
        }
    }
}

/// How the words of one message become text: all as Latin-1 where one of them is not UTF-8, so that what was sent can
/// be told from what is printed.
#[derive(Clone, Copy)]
pub(super) struct Words {
    latin1: bool,
}

impl Words {
    pub(super) fn of(message: &Message) -> Self {
        Self { latin1: message.anomalies().contains(MessageAnomaly::Latin1) }
    }

    pub(super) fn text(self, bytes: &[u8]) -> HeadText<'_> {
        HeadText { bytes, latin1: self.latin1 }
    }

    pub(super) fn fields(self, headers: &Headers) -> impl Iterator<Item = (HeadText<'_>, HeadText<'_>)> {
        headers.iter().map(move |(name, value)| (self.text(name), self.text(value)))
    }
}

/// What was kept of a body, if it is text. A character that was cut by the limit on kept bytes does not make it less so.
pub(super) fn shown_text(body: &Body) -> Option<&str> {
    let bytes = body.bytes();
    let cut = if body.is_whole() { 0 } else { cut_character(bytes).unwrap_or(0) };
    let text = std::str::from_utf8(bytes.get(..bytes.len() - cut)?).ok()?;
    (!text.is_empty()).then_some(text)
}
