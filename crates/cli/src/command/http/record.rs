//! An exchange as JSON.

use egret_http::{Body, Exchange, Headers, Message, MessageAnomaly, Response, Timing, Tunnel, Verdict};
use sha2::{Digest, Sha256};

use super::{Bodies, Digests, Pair};
use crate::output::bytes::{Base64, Hex};
use crate::output::json::{HeadText, Json};
use crate::output::lines::cut_character;

pub(super) fn write(exchange: &Exchange, bodies: Bodies, digests: Option<Digests>, json: &mut Json<'_>) {
    let (sent, received) = digests.map(|Digests { request, response }| (request, response)).unzip();
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
                json.maybe(name, (!word.is_empty()).then(|| words.text(word)));
            }
            message(request, Some((bodies, sent)), json);
        });
    }
    if let Some(response) = exchange.response() {
        json.inside("response", |json| answer(response, Some((bodies, received)), json));
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
    if let Some(Tunnel { client_bytes, server_bytes, missing, .. }) = exchange.tunnel() {
        json.inside("tunnel", |json| {
            json.put("client_bytes", client_bytes);
            json.put("server_bytes", server_bytes);
            json.count("missing", missing);
        });
    }
    let verdict = exchange.verdict();
    json.put("verdict", verdict.name());
    if let Verdict::Incomplete { part, missing, why } = verdict {
        json.put("part", part.name());
        json.maybe("missing", missing);
        json.put("why", why.name());
    }
}

fn answer(response: &Response, with_body: Option<(Bodies, Option<Pair>)>, json: &mut Json<'_>) {
    let words = Words::of(response);
    json.maybe("status", response.status());
    json.maybe("reason", response.reason().map(|reason| words.text(reason)));
    json.maybe("version", response.version().map(|version| words.text(version)));
    message(response, with_body, json);
}

/// What requests and responses have in common.
fn message(message: &Message, with_body: Option<(Bodies, Option<Pair>)>, json: &mut Json<'_>) {
    let words = Words::of(message);
    json.list("headers", words.fields(message.headers()));
    if let Some((bodies, digests)) = with_body {
        json.inside("body", |json| body(message, bodies, digests, json));
    }
    if !message.trailers().is_empty() {
        json.list("trailers", words.fields(message.trailers()));
    }
    json.put("packets", (message.transfer().first_packet, message.transfer().last_packet));
    json.list("anomalies", message.anomalies().iter().map(MessageAnomaly::name));
}

fn body(message: &Message, bodies: Bodies, digests: Option<Pair>, json: &mut Json<'_>) {
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
            Some(text) => json.put("text", text),
            None if bytes.is_empty() => {}
            None => json.text("base64", Base64(bytes)),
        }
    }
    if let Some(Pair { sent, decoded }) = digests {
        let hex = |digest: Box<Sha256>| Hex(digest.finalize());
        json.text("sha256", hex(sent.unwrap_or_default()));
        if let Some(decoded) = decoded.filter(|_| body.decoded_size().is_some()) {
            json.text("decoded_sha256", hex(decoded));
        }
    }
}

/// How the words of one message become text: all as Latin-1 where one of them is not UTF-8, so that what was sent can
/// be told from what is printed.
#[derive(Clone, Copy)]
struct Words {
    latin1: bool,
}

impl Words {
    fn of(message: &Message) -> Self {
        Self { latin1: message.anomalies().contains(MessageAnomaly::Latin1) }
    }

    fn text(self, bytes: &[u8]) -> HeadText<'_> {
        HeadText { bytes, latin1: self.latin1 }
    }

    fn fields(self, headers: &Headers) -> impl Iterator<Item = (HeadText<'_>, HeadText<'_>)> {
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
