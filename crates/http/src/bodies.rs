//! Bodies, as their bytes come: framing taken off, counted, kept, decoded.

use egret_reassembly::Direction;

use crate::body::Framing;
use crate::budget::cost;
use crate::chunked::Chunk;
use crate::connection::{Connection, body_of};
use crate::framing::decimal;
use crate::lenient;
use crate::side::{At, Lost, State};
use crate::slot::Fault;
use crate::sniff::Speaks;
use crate::{Context, Handler, MessageAnomaly, Moment, Piece, Undecoded, Why};

impl Connection {
    /// The short way for most pieces: those from the middle of a body of known length. Whether it is one; then it was taken,
    /// just as it would have been the long way, in which nothing else has anything to do with it.
    #[inline]
    pub(crate) fn goes_on_with_body<H: Handler>(
        &mut self,
        piece: Piece<'_>,
        context: &mut Context<H>,
    ) -> bool {
        let Piece { offset, timestamp, packet, ack, bytes, .. } = piece;
        let (len, direction) = (bytes.len() as u64, self.role(piece.direction));
        // What is gathered may be a request that ends when its response begins.
        if self.speaks != Speaks::Http || self.behind.is_some() || matches!(self.client.state, State::Head(_))
        {
            return false;
        }
        let (side, slot) = match direction {
            Direction::ClientToServer => (&mut self.client, self.queue.slots.back_mut()),
            Direction::ServerToClient => (&mut self.server, self.queue.slots.front_mut()),
        };
        let (State::Length(left), Some(slot)) = (&mut side.state, slot) else { return false };
        let message = slot.message(direction);
        // With its first byte and with its last one, there is more to a body; and with none there is nothing.
        if len == 0 || len >= *left || message.body.size == 0 {
            return false;
        }
        *left -= len;
        side.position = offset.saturating_add(len);
        message.transfer.add(packet, timestamp);
        context.body(slot, direction, &mut side.content, bytes);
        if direction == Direction::ServerToClient {
            self.queue.heard(ack);
        }
        true
    }

    /// Takes the next bytes of a body; how many of them are the body's.
    pub(crate) fn body<H: Handler>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        at: At,
        context: &mut Context<H>,
    ) -> usize {
        if let Some(slot) = self.current(direction) {
            slot.message(direction).transfer.add(at.packet, at.timestamp);
        }
        match &mut self.side(direction).state {
            State::Length(left) => {
                let taken = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= taken as u64;
                let over = *left == 0;
                self.content(direction, bytes.get(..taken).unwrap_or_default(), context);
                if over {
                    self.message_end(direction, at.moment(), context);
                }
                taken
            }
            State::UntilClose => {
                self.content(direction, bytes, context);
                bytes.len()
            }
            State::Chunked(_) => self.chunked(direction, bytes, at, context),
            _ => bytes.len(),
        }
    }

    /// The response under way has no body, although its head says so.
    pub(crate) fn body_is_none<H: Handler>(&mut self, at: Moment, context: &mut Context<H>) {
        let content = self.server.content.take();
        if let Some(slot) = self.queue.slots.front_mut() {
            let message = &mut slot.exchange.response.0;
            if let Some(content) = content {
                context.content_end(content, message, None);
            }
            let body = &mut message.body;
            (body.framing, body.undecoded) = (Framing::None, None);
            body.decoded_size = None;
            body.set_decoded_sha256(None);
        }
        self.message_end(Direction::ServerToClient, at, context);
    }

    /// Takes a step in a chunked body.
    fn chunked<H: Handler>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        at: At,
        context: &mut Context<H>,
    ) -> usize {
        if direction == Direction::ServerToClient && self.is_not_chunked(bytes) {
            return 0;
        }
        let mut odd = None;
        let State::Chunked(chunks) = &mut self.side(direction).state else {
            return bytes.len();
        };
        let step = chunks.step(bytes, |anomaly| odd = Some(anomaly));
        if let (Some(anomaly), Some(slot)) = (odd, self.current(direction)) {
            slot.message(direction).mark(anomaly);
        }
        match step {
            Chunk::Framing(taken) => taken,
            Chunk::Data(taken) => {
                self.content(direction, bytes.get(..taken).unwrap_or_default(), context);
                taken
            }
            Chunk::Trailers { bytes: taken, last } => {
                self.trailers(direction, bytes.get(..taken).unwrap_or_default(), last, context);
                if last {
                    self.message_end(direction, at.moment(), context);
                }
                taken
            }
            Chunk::Bad => {
                self.cut_body(direction, None, Why::Malformed, at.moment(), context);
                let lost = Lost { why: Why::Malformed, until: at.offset, len: 0, clean: false, bytes: 0 };
                self.lose(direction, lost);
                bytes.len()
            }
        }
    }

    /// Whether a response that says it is chunked begins with what is no chunk, and ends otherwise: with a length that it
    /// also gives, or with the connection, if it says so. Then it is read like that from here on.
    fn is_not_chunked(&mut self, bytes: &[u8]) -> bool {
        let State::Chunked(chunks) = &self.server.state else {
            return false;
        };
        if !chunks.is_untouched() || bytes.first().is_none_or(u8::is_ascii_hexdigit) {
            return false;
        }
        let Some(slot) = self.queue.slots.front_mut() else {
            return false;
        };
        let message = &mut slot.exchange.response.0;
        if message.body.size > 0 {
            return false;
        }
        let is_close = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(b"close");
        let closes = message.headers.get("connection").is_some_and(is_close) || message.is_http_1_0();
        let framing = match message.headers.get("content-length").and_then(decimal) {
            Some(length) if length > 0 => Framing::Length(length),
            _ if closes => Framing::UntilClose,
            _ => return false,
        };
        message.body.framing = framing;
        message.mark(MessageAnomaly::BadChunk);
        self.server.state = match framing {
            Framing::Length(length) => State::Length(length),
            _ => State::UntilClose,
        };
        true
    }

    /// Keeps trailers, and finds their fields at the end.
    fn trailers<H: Handler>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        last: bool,
        context: &mut Context<H>,
    ) {
        let Some(slot) = self.current(direction) else {
            return;
        };
        let (limits, budget) = (&context.limits, &mut context.budget);
        let message = slot.message(direction);
        if last && message.trailers.is_none() && bytes == b"\r\n" {
            return; // Nearly always there are none.
        }
        let room = limits.head.saturating_sub(message.trailers().bytes.len());
        let kept = budget.extend(&mut message.trailers_mut().bytes, bytes.get(..room).unwrap_or(bytes));
        if kept < bytes.len() {
            message.mark(MessageAnomaly::TrailersTooLong);
        }
        if last {
            // The fields are told by their places, so that the bytes can be lent while they are found.
            let mut anomalies = message.anomalies;
            let trailers = message.trailers_mut();
            let section = std::mem::take(&mut trailers.bytes);
            lenient::fields(&section, 0, trailers, &mut anomalies, limits, budget);
            trailers.bytes = section;
            message.anomalies = anomalies;
            if let Some(none) = message.trailers.take_if(|trailers| trailers.is_empty()) {
                budget.release(cost(&none.bytes) + cost(&none.fields));
            }
        }
    }

    /// The next bytes of what the body holds.
    pub(crate) fn content<H: Handler>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        context: &mut Context<H>,
    ) {
        if bytes.is_empty() {
            return;
        }
        let mut content = self.side(direction).content.take();
        if let Some(slot) = self.current(direction) {
            context.body(slot, direction, &mut content, bytes);
        }
        self.side(direction).content = content;
    }

    /// Counts on over bytes of a body that are missing; at most as many as are left of it, or of its chunk.
    pub(crate) fn skip_body<H: Handler>(
        &mut self,
        direction: Direction,
        bytes: u64,
        why: Why,
        at: Moment,
        context: &mut Context<H>,
    ) {
        let content = self.side(direction).content.take();
        if let Some(slot) = self.current(direction) {
            let message = slot.message(direction);
            if let Some(content) = content {
                context.content_end(content, message, Some(Undecoded::Gap));
            }
            message.body.size = message.body.size.saturating_add(bytes);
            message.body.missing = message.body.missing.saturating_add(bytes);
            message.transfer.missing = message.transfer.missing.saturating_add(bytes);
            slot.fault(direction, Fault { part: body_of(direction), missing: Some(bytes), why });
        }
        let over = match &mut self.side(direction).state {
            State::Length(left) => {
                *left = left.saturating_sub(bytes);
                *left == 0
            }
            State::Chunked(chunks) => {
                chunks.skip(bytes);
                false
            }
            _ => false,
        };
        if over {
            self.message_end(direction, at, context);
        }
    }
}
