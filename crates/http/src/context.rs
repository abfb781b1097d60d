//! What all connections of one assembler share: the user's handler, the buffers, the budget, the counts.

use std::collections::BTreeMap;

use egret_reassembly::{Direction, Ending, Flow, Opened, Timestamp};

use crate::body::Undecoded;
use crate::budget::{Budget, cost};
use crate::content::{DECODER, Decoder};
use crate::message::Message;
use crate::slot::Slot;
use crate::{
    BodyPiece, Decode, Exchange, Handler, Limits, MessageAnomaly, Moment, Part, Request, Response, Verdict,
    Why,
};

/// How many slots wait to be used again: enough for what is under way at a time on many connections.
const SPARE: usize = 64;

/// What decoders write into, a part of a body at a time.
const SCRATCH: usize = 16 << 10;

/// The handler of a user, with the limits, and the buffers and counts that all its connections share.
#[derive(Debug)]
pub struct Context<H> {
    pub(crate) handler: H,
    pub(crate) limits: Limits,
    pub(crate) stats: Stats,
    pub(crate) budget: Budget,
    #[expect(
        clippy::vec_box,
        reason = "the boxes go from here to a connection's queue and back without a copy"
    )]
    spare: Vec<Box<Slot>>,
    scratch: Vec<u8>,
}

/// What is said of an exchange that is not over.
const UNDER_WAY: Verdict =
    Verdict::Incomplete { part: Part::Response, missing: None, why: Why::Ended(Ending::EndOfCapture) };

impl<H: Handler> Context<H> {
    /// A context that gives what it finds to `handler`.
    pub fn new(handler: H, limits: Limits) -> Self {
        let budget = Budget::new(limits.memory);
        Self { handler, limits, stats: Stats::default(), budget, spare: Vec::new(), scratch: Vec::new() }
    }

    /// The handler.
    pub const fn handler(&self) -> &H {
        &self.handler
    }

    /// The handler, to be changed.
    pub const fn handler_mut(&mut self) -> &mut H {
        &mut self.handler
    }

    /// The handler, at the end.
    pub fn into_handler(self) -> H {
        self.handler
    }

    /// The limits it was made with.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What was counted so far.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// How many bytes are held of [`Limits::memory`].
    pub const fn memory_used(&self) -> usize {
        self.budget.used()
    }

    /// An empty slot; `None` if there is no memory for one.
    pub(crate) fn slot(
        &mut self,
        connection: u64,
        index: u64,
        flow: Flow,
        opened: Opened,
    ) -> Option<Box<Slot>> {
        if let Some(mut slot) = self.spare.pop() {
            let exchange = &mut slot.exchange;
            (exchange.connection, exchange.index) = (connection, index);
            (exchange.flow, exchange.opened) = (flow, opened);
            exchange.verdict = UNDER_WAY;
            return Some(slot);
        }
        if !self.budget.take(size_of::<Slot>()) {
            self.stats.no_memory += 1;
            return None;
        }
        Some(Box::new(Self::new_slot(connection, index, flow, opened)))
    }

    /// A slot that the budget knows nothing of.
    pub(crate) fn new_slot(connection: u64, index: u64, flow: Flow, opened: Opened) -> Slot {
        Slot::new(Exchange {
            connection,
            index,
            flow,
            opened,
            connect: None,
            has_request: false,
            request: Request::default(),
            has_response: false,
            response: Response::default(),
            informational: Vec::new(),
            interim_lost: false,
            tunnel: None,
            verdict: UNDER_WAY,
            ended: Moment { packet: 0, timestamp: Timestamp::EPOCH },
        })
    }

    /// Gives an exchange that is over to the handler, and takes its slot back.
    pub(crate) fn deliver(&mut self, mut slot: Box<Slot>, uncertain: bool, at: Moment) {
        self.tell(&mut slot, uncertain, at);
        if self.spare.len() < SPARE {
            slot.clear(&mut self.budget);
            self.spare.push(slot);
        } else {
            self.budget.release(slot.cost());
        }
    }

    /// Gives an exchange to the handler that the budget knows nothing of.
    pub(crate) fn deliver_unkept(&mut self, mut slot: Slot, at: Moment) {
        self.tell(&mut slot, false, at);
    }

    fn tell(&mut self, slot: &mut Slot, uncertain: bool, at: Moment) {
        slot.exchange.verdict = slot.verdict(uncertain);
        slot.exchange.ended = at;
        match slot.exchange.verdict {
            Verdict::Complete => self.stats.complete += 1,
            Verdict::Incomplete { why, .. } => *self.stats.incomplete.entry(why).or_default() += 1,
        }
        self.handler.exchange(&slot.exchange);
    }

    /// A buffer is not needed any more.
    pub(crate) fn release(&mut self, buffer: &Vec<u8>) {
        self.budget.release(cost(buffer));
    }

    /// The decoder for a message's body, if it has a coding and the limits ask for decoding.
    pub(crate) fn decoder(&mut self, message: &mut Message) -> Option<Box<Decoder>> {
        match self.limits.decode {
            Decode::Never => return None,
            Decode::Kept if self.limits.keep_body == 0 => return None,
            Decode::Kept | Decode::Always => {}
        }
        match Decoder::new(message.encodings()) {
            Ok(None) => None,
            Ok(Some(decoder)) if self.budget.take(DECODER) => Some(Box::new(decoder)),
            Ok(Some(_)) => {
                message.body.undecoded = Some(Undecoded::MemoryLimit);
                None
            }
            Err(reason) => {
                message.body.undecoded = Some(reason);
                None
            }
        }
    }

    /// The body is over, or cut off, for its decoder.
    pub(crate) fn decoded(&mut self, decoder: &Decoder, message: &mut Message, cut: Option<Undecoded>) {
        self.budget.release(DECODER);
        if decoder.has_trailing() {
            message.mark(MessageAnomaly::DataBehindCoding);
        }
        match cut.map_or_else(|| decoder.finish(), Err) {
            Ok(size) => message.body.decoded_size = size,
            Err(reason) => message.body.undecoded = Some(reason),
        }
    }

    /// The next bytes of a body, as sent: counted, kept as far as asked, decoded, and given to the handler.
    pub(crate) fn body(
        &mut self,
        slot: &mut Slot,
        direction: Direction,
        decoder: &mut Option<Box<Decoder>>,
        bytes: &[u8],
    ) {
        let keep = self.limits.keep_body;
        let body = &mut slot.message(direction).body;
        let offset = body.size;
        body.size = body.size.saturating_add(bytes.len() as u64);
        // What is kept is the beginning: behind a hole, or behind bytes that found no room, nothing is.
        if offset == body.raw.len() as u64 && body.raw.len() < keep {
            let wanted = bytes.get(..keep - body.raw.len()).unwrap_or(bytes);
            self.budget.extend(&mut body.raw, wanted);
        }
        self.handler.body(BodyPiece { exchange: &slot.exchange, direction, decoded: false, offset, bytes });
        let Some(mut undone) = decoder.take() else {
            return;
        };
        self.scratch.resize(SCRATCH, 0);
        let (handler, budget) = (&mut self.handler, &mut self.budget);
        let mut offset = undone.made();
        let result = undone.push(bytes, &mut self.scratch, &self.limits, |bytes| {
            let body = &mut slot.message(direction).body;
            if offset == body.decoded.len() as u64 && body.decoded.len() < keep {
                let wanted = bytes.get(..keep - body.decoded.len()).unwrap_or(bytes);
                budget.extend(&mut body.decoded, wanted);
            }
            handler.body(BodyPiece { exchange: &slot.exchange, direction, decoded: true, offset, bytes });
            offset += bytes.len() as u64;
        });
        match result {
            Ok(()) => *decoder = Some(undone),
            Err(reason) => self.decoded(&undone, slot.message(direction), Some(reason)),
        }
    }
}

/// What was found, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Exchanges that are complete.
    pub complete: u64,
    /// Exchanges that are not, by the reason.
    pub incomplete: BTreeMap<Why, u64>,
    /// Connections that do not speak HTTP/1, by what they speak.
    pub not_http: BTreeMap<NotHttp, u64>,
    /// How many times [`Limits::memory`] had no room for a head, or for the exchange that it belongs to. Those
    /// exchanges are reported all the same, as incomplete (`limit`).
    pub no_memory: u64,
}

/// What a connection speaks that does not speak HTTP/1, as far as its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NotHttp {
    /// TLS (RFC 8446): HTTPS, most likely.
    Tls,
    /// HTTP/2 without TLS, by its preface (RFC 9113 §3.4).
    Http2,
    /// SSH (RFC 4253 §4.2).
    Ssh,
    /// Something else.
    Other,
}

impl NotHttp {
    /// A stable name: `tls`, `http2`, `ssh`, `other`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Http2 => "http2",
            Self::Ssh => "ssh",
            Self::Other => "other",
        }
    }
}
