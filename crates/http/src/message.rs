//! A request or a response, and what the two have in common.

use std::hint::black_box;
use std::ops::Deref;
use std::time::Duration;

use egret_reassembly::Timestamp;

use crate::body::Body;
use crate::head::{Headers, Span, text};
use crate::{MessageAnomalies, MessageAnomaly};

/// What requests and responses have in common.
// In this order in memory: each piece of a body needs the first two.
#[repr(C)]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    pub(crate) transfer: Transfer,
    pub(crate) body: Body,
    pub(crate) headers: Headers,
    /// The three words of the start line, in the order they are in.
    pub(crate) start: [Span; 3],
    pub(crate) status: u16,
    pub(crate) anomalies: MessageAnomalies,
    /// Nearly no message has any.
    pub(crate) trailers: Option<Box<Headers>>,
}

impl Message {
    /// The headers.
    pub const fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The fields behind a chunked body.
    pub const fn trailers(&self) -> &Headers {
        const NOTHING: &Headers = &Headers { bytes: Vec::new(), fields: Vec::new() };
        match &self.trailers {
            Some(trailers) => trailers,
            None => NOTHING,
        }
    }

    /// The body.
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// What is odd about the message.
    pub const fn anomalies(&self) -> MessageAnomalies {
        self.anomalies
    }

    /// When and in which packets it came.
    pub const fn transfer(&self) -> &Transfer {
        &self.transfer
    }

    /// The content codings of the body as text, in the order they were applied (`Content-Encoding`, RFC 9110 §8.4).
    pub fn encodings(&self) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        self.headers
            .all("content-encoding")
            .flat_map(|value| value.split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|coding| !coding.is_empty())
            .map(text)
    }

    /// The media type, without its parameters, as text (`Content-Type`, RFC 9110 §8.3).
    pub fn media_type(&self) -> Option<std::borrow::Cow<'_, str>> {
        let value = self.headers.get("content-type")?;
        let essence = value.split(|byte| *byte == b';').next()?.trim_ascii();
        (!essence.is_empty()).then(|| text(essence))
    }

    /// The trailers, to change them.
    pub(crate) fn trailers_mut(&mut self) -> &mut Headers {
        self.trailers.get_or_insert_default()
    }

    /// What it may take beside itself, in bytes, but for what it holds of the message's.
    pub(crate) const BESIDE: usize = size_of::<Headers>() + Body::DIGESTS;

    /// Reads what the next bytes of its body will need.
    #[inline]
    pub(crate) fn fetch(&self) {
        black_box((self.transfer.first, self.body.size, self.body.raw.len()));
    }

    /// Reads the rest of it, but for what it points to.
    pub(crate) fn fetch_rest(&self) {
        let Self { body, headers, status, trailers, .. } = self;
        black_box((body.decoded.len(), headers.bytes.len(), *status, trailers.is_some()));
    }

    fn word(&self, number: usize) -> &[u8] {
        self.seen(number).unwrap_or_default()
    }

    /// A word of the start line, if it was seen to its end, and kept.
    fn seen(&self, number: usize) -> Option<&[u8]> {
        let Span { start, end } = *self.start.get(number)?;
        if end == 0 { None } else { self.headers.bytes.get(start as usize..end as usize) }
    }

    /// Whether a response is one of HTTP/1.0, or calls itself so.
    pub(crate) fn is_http_1_0(&self) -> bool {
        self.word(0).eq_ignore_ascii_case(b"HTTP/1.0")
    }

    pub(crate) const fn mark(&mut self, anomaly: MessageAnomaly) {
        self.anomalies.insert(anomaly);
    }

    pub(crate) fn clear(&mut self) {
        let Self { headers, start, status, anomalies, trailers, body, transfer } = self;
        headers.clear();
        (*start, *status) = ([Span::default(); 3], 0);
        anomalies.clear();
        *trailers = None;
        body.clear();
        *transfer = Transfer::default();
    }
}

/// A request. Everything that responses have too is on [`Message`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request(pub(crate) Message);

impl Request {
    /// The method, as sent (`GET`). Empty if the head was lost before it.
    pub fn method(&self) -> &[u8] {
        self.word(0)
    }

    /// The target, as sent (`/path?query`), as far as it was seen.
    pub fn target(&self) -> &[u8] {
        self.word(1)
    }

    /// The version, as sent (`HTTP/1.1`). Empty if it was not seen to its end, and in HTTP/0.9, which has none.
    pub fn version(&self) -> &[u8] {
        self.word(2)
    }
}

impl Deref for Request {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.0
    }
}

/// A response. Everything that requests have too is on [`Message`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response(pub(crate) Message);

impl Response {
    /// The version, as sent (`HTTP/1.1`). `None` if it was not seen to its end.
    pub fn version(&self) -> Option<&[u8]> {
        self.seen(0)
    }

    /// The status code. `None` if it was not seen to its end, or is no number that a status could be.
    pub const fn status(&self) -> Option<u16> {
        match self.0.status {
            0 => None,
            status => Some(status),
        }
    }

    /// The reason phrase, as sent (`Not Found`); often empty. `None` if it was not seen to its end.
    pub fn reason(&self) -> Option<&[u8]> {
        self.seen(2)
    }
}

impl Deref for Response {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.0
    }
}

/// When and in which packets a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Transfer {
    /// The packet that its first byte came in.
    pub first_packet: u64,
    /// The packet that its last byte came in.
    pub last_packet: u64,
    /// The time of the earliest of its packets.
    pub first: Timestamp,
    /// The time of the latest of its packets.
    pub last: Timestamp,
    /// Bytes of it, framing included, that are not in the capture.
    pub missing: u64,
    /// Bytes that were sent again while it was the current message of its direction.
    pub retransmitted: u64,
    /// Whether any packet was added yet.
    pub(crate) seen: bool,
}

impl Transfer {
    /// From the earliest to the latest packet.
    pub const fn duration(&self) -> Duration {
        self.last.since(self.first)
    }

    /// Adds the packet of its next bytes.
    pub(crate) fn add(&mut self, packet: u64, timestamp: Timestamp) {
        if !self.seen {
            self.seen = true;
            self.first_packet = packet;
            self.first = timestamp;
            self.last = timestamp;
        }
        self.last_packet = packet;
        self.first = self.first.min(timestamp);
        self.last = self.last.max(timestamp);
    }
}
