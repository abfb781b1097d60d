//! An exchange as JSON.

use egret_http::{
    Body, Exchange, Headers, Message, MessageAnomaly, Request, Response, Timing, Tunnel, Verdict,
};
use egret_reassembly::Timestamp;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::{Digests, Pair};
use crate::output::bytes::{Base64, Hex};
use crate::output::json::{HeadText, Ids, Millis, Peer, Text, is_zero};
use crate::output::lines::cut_character;

#[derive(Serialize)]
pub(super) struct Record<'a> {
    connection: u64,
    index: u64,
    client: Peer,
    server: Peer,
    #[serde(skip_serializing_if = "Ids::is_empty")]
    path: Ids,
    started: Text<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<ResponseRecord<'a>>,
    #[serde(skip_serializing_if = "Interim::is_empty")]
    informational: Interim<'a>,
    timing: Times,
    #[serde(skip_serializing_if = "Option::is_none")]
    tunnel: Option<TunnelRecord>,
    #[serde(flatten)]
    verdict: VerdictRecord,
}

impl<'a> Record<'a> {
    pub(super) fn new(exchange: &'a Exchange, keeps: bool, digests: Option<Digests>) -> Self {
        let (sent, received) = match digests {
            Some(Digests { request, response }) => (Some(request), Some(response)),
            None => (None, None),
        };
        Self {
            connection: exchange.connection(),
            index: exchange.index(),
            client: exchange.client().into(),
            server: exchange.server().into(),
            path: Ids(exchange.flow().path),
            started: Text(exchange.started()),
            request: exchange.request().map(|request| RequestRecord::new(request, keeps, sent)),
            response: exchange.response().map(|response| {
                let body = BodyRecord::new(response, keeps, received);
                ResponseRecord::new(response, Some(body))
            }),
            informational: Interim(exchange.informational()),
            timing: exchange.timing().into(),
            tunnel: exchange.tunnel().map(TunnelRecord::from),
            verdict: exchange.verdict().into(),
        }
    }
}

#[derive(Serialize)]
struct RequestRecord<'a> {
    method: HeadText<'a>,
    target: HeadText<'a>,
    version: HeadText<'a>,
    headers: Fields<'a>,
    body: BodyRecord<'a>,
    #[serde(skip_serializing_if = "Fields::is_empty")]
    trailers: Fields<'a>,
    packets: (u64, u64),
    anomalies: Oddities<'a>,
}

impl<'a> RequestRecord<'a> {
    fn new(request: &'a Request, keeps: bool, digests: Option<Pair>) -> Self {
        let word = Words::of(request);
        Self {
            method: word.text(request.method()),
            target: word.text(request.target()),
            version: word.text(request.version()),
            headers: word.fields(request.headers()),
            body: BodyRecord::new(request, keeps, digests),
            trailers: word.fields(request.trailers()),
            packets: (request.transfer().first_packet, request.transfer().last_packet),
            anomalies: Oddities(request),
        }
    }
}

#[derive(Serialize)]
struct ResponseRecord<'a> {
    status: u16,
    reason: HeadText<'a>,
    version: HeadText<'a>,
    headers: Fields<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<BodyRecord<'a>>,
    #[serde(skip_serializing_if = "Fields::is_empty")]
    trailers: Fields<'a>,
    packets: (u64, u64),
    anomalies: Oddities<'a>,
}

impl<'a> ResponseRecord<'a> {
    fn new(response: &'a Response, body: Option<BodyRecord<'a>>) -> Self {
        let word = Words::of(response);
        Self {
            status: response.status(),
            reason: word.text(response.reason()),
            version: word.text(response.version()),
            headers: word.fields(response.headers()),
            body,
            trailers: word.fields(response.trailers()),
            packets: (response.transfer().first_packet, response.transfer().last_packet),
            anomalies: Oddities(response),
        }
    }
}

/// Interim responses; they have no body.
struct Interim<'a>(&'a [Response]);

impl Interim<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Interim<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|response| ResponseRecord::new(response, None)))
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

    fn fields(self, headers: &Headers) -> Fields<'_> {
        Fields { headers, words: self }
    }
}

/// Headers as a list of names with values.
struct Fields<'a> {
    headers: &'a Headers,
    words: Words,
}

impl Fields<'_> {
    fn is_empty(&self) -> bool {
        self.headers.is_empty()
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let words = self.words;
        serializer.collect_seq(self.headers.iter().map(|(name, value)| (words.text(name), words.text(value))))
    }
}

struct Oddities<'a>(&'a Message);

impl Serialize for Oddities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.anomalies().iter().map(MessageAnomaly::name))
    }
}

#[derive(Serialize)]
struct BodyRecord<'a> {
    size: u64,
    #[serde(skip_serializing_if = "is_zero")]
    missing: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded_size: Option<u64>,
    #[serde(skip_serializing_if = "Encodings::is_empty")]
    encodings: Encodings<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undecoded: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<Text<Base64<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<Text<Hex<[u8; 32]>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded_sha256: Option<Text<Hex<[u8; 32]>>>,
}

impl<'a> BodyRecord<'a> {
    fn new(message: &'a Message, keeps: bool, digests: Option<Pair>) -> Self {
        let body = message.body();
        let bytes = body.bytes();
        let text = shown_text(body);
        let (sent, decoded) = match digests {
            Some(Pair { sent, decoded }) => (Some(sent.unwrap_or_default()), decoded),
            None => (None, None),
        };
        let hex = |digest: Box<Sha256>| Text(Hex(digest.finalize().into()));
        Self {
            size: body.size(),
            missing: body.missing(),
            decoded_size: body.decoded_size(),
            encodings: Encodings(message),
            undecoded: body.undecoded().map(|why| why.name()),
            kept: keeps.then_some(bytes.len()),
            text,
            base64: (text.is_none() && !bytes.is_empty()).then_some(Text(Base64(bytes))),
            sha256: sent.map(hex),
            decoded_sha256: decoded.filter(|_| body.decoded_size().is_some()).map(hex),
        }
    }
}

/// What was kept of a body, if it is text. A character that was cut by the limit on kept bytes does not make it less so.
pub(super) fn shown_text(body: &Body) -> Option<&str> {
    let bytes = body.bytes();
    let cut = if body.is_whole() { 0 } else { cut_character(bytes).unwrap_or(0) };
    let text = std::str::from_utf8(bytes.get(..bytes.len() - cut)?).ok()?;
    (!text.is_empty()).then_some(text)
}

/// The content codings, in the order they were applied.
struct Encodings<'a>(&'a Message);

impl Encodings<'_> {
    fn is_empty(&self) -> bool {
        self.0.encodings().next().is_none()
    }
}

impl Serialize for Encodings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.encodings())
    }
}

#[derive(Serialize)]
struct Times {
    #[serde(skip_serializing_if = "Option::is_none")]
    connect_ms: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    send_ms: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wait_ms: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receive_ms: Option<Millis>,
}

impl From<Timing> for Times {
    fn from(timing: Timing) -> Self {
        Self {
            connect_ms: timing.connect.map(Millis),
            send_ms: timing.send.map(Millis),
            wait_ms: timing.wait.map(Millis),
            receive_ms: timing.receive.map(Millis),
        }
    }
}

#[derive(Serialize)]
struct TunnelRecord {
    client_bytes: u64,
    server_bytes: u64,
    #[serde(skip_serializing_if = "is_zero")]
    missing: u64,
}

impl From<Tunnel> for TunnelRecord {
    fn from(tunnel: Tunnel) -> Self {
        let Tunnel { client_bytes, server_bytes, missing, .. } = tunnel;
        Self { client_bytes, server_bytes, missing }
    }
}

#[derive(Serialize)]
struct VerdictRecord {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
}

impl From<Verdict> for VerdictRecord {
    fn from(verdict: Verdict) -> Self {
        let (part, missing, why) = match verdict {
            Verdict::Incomplete { part, missing, why } => (Some(part.name()), missing, Some(why.name())),
            _ => (None, None, None),
        };
        Self { verdict: verdict.name(), part, missing, why }
    }
}
