//! What all connections of one assembler share: the user's handler, the buffers, the budget, the counts.

use egret_reassembly::{Decoded, Direction, Ending, Flow, Opened, Recording, Records, Timestamp};

use crate::body::{Framing, Undecoded};
use crate::budget::{Budget, cost};
use crate::content::{Content, Outcome};
use crate::head::Span;
use crate::message::Message;
use crate::slot::Slot;
use crate::{
    BodyPiece, Decode, Exchange, Handler, Limits, MessageAnomaly, Moment, Part, Request, Response, Stats,
    Verdict, Why,
};

/// How many slots wait to be used again: enough for what is under way at a time on many connections.
const SPARE: usize = 64;

/// How many sets of decoders wait to be used again.
const SPARE_CONTENTS: usize = 8;

/// For how many bytes of a body that have not come yet room is made.
const NEAR: usize = 16 << 10;

/// The SHA-256 of no bytes.
const NOTHING: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

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
    #[expect(
        clippy::vec_box,
        reason = "the boxes go from here to a connection's side and back without a copy"
    )]
    contents: Vec<Box<Content>>,
    scratch: Vec<u8>,
    /// Where the fields of the head at hand are, if it is plain.
    pub(crate) fields: Vec<(Span, Span)>,
}

/// For [`parallel`](egret_reassembly::parallel()): records are the handler's.
impl<H: Recording> Recording for Context<H> {
    type Item = H::Item;

    fn records(&mut self) -> &mut Records<H::Item> {
        self.handler.records()
    }

    fn packet(&mut self, decoded: &Decoded<'_>) {
        self.handler.packet(decoded);
    }
}

/// What is said of an exchange that is not over.
const UNDER_WAY: Verdict =
    Verdict::Incomplete { part: Part::Response, missing: None, why: Why::Ended(Ending::EndOfCapture) };

impl<H: Handler> Context<H> {
    /// A context that gives what it finds to `handler`.
    pub fn new(handler: H, limits: Limits) -> Self {
        let budget = Budget::new(limits.memory);
        Self {
            handler,
            limits,
            stats: Stats::default(),
            budget,
            spare: Vec::new(),
            contents: Vec::new(),
            scratch: Vec::new(),
            fields: Vec::new(),
        }
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
        if !self.budget.take(Slot::SIZE) {
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
        if self.limits.digest {
            for message in [&mut slot.exchange.request.0, &mut slot.exchange.response.0] {
                if message.body.size == 0 {
                    message.body.set_sha256(Some(NOTHING));
                }
            }
        }
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

    /// What decodes and digests a message's body, if the limits ask for either.
    pub(crate) fn content(&mut self, message: &mut Message) -> Option<Box<Content>> {
        let Limits { keep_body, decode, digest, .. } = self.limits;
        let decodes = match decode {
            Decode::Never => false,
            Decode::Kept => keep_body > 0 || digest,
            Decode::Always => true,
        } && message.encodings().next().is_some();
        if !decodes && !digest {
            return None;
        }
        let mut content = self.contents.pop().unwrap_or_default();
        let encodings = message.encodings().filter(|_| decodes);
        message.body.undecoded = content.begin(encodings, digest, &mut self.budget);
        if content.decodes() || digest {
            return Some(content);
        }
        self.take_back(content);
        None
    }

    /// The body is over; or it is not decoded and digested any more, for a reason.
    pub(crate) fn content_end(
        &mut self,
        mut content: Box<Content>,
        message: &mut Message,
        cut: Option<Undecoded>,
    ) {
        let [sent, made] = content.digests();
        if cut.is_none() {
            message.body.set_sha256(sent);
        }
        if content.decodes() {
            match cut.map_or_else(|| content.finish(), Err) {
                Ok(Outcome { size, trailing, unchecked }) => {
                    message.body.decoded_size = size;
                    message.body.set_decoded_sha256(made.filter(|_| size.is_some()));
                    for (is, anomaly) in [
                        (trailing, MessageAnomaly::DataBehindCoding),
                        (unchecked, MessageAnomaly::CodingChecksum),
                    ] {
                        if is {
                            message.mark(anomaly);
                        }
                    }
                }
                Err(reason) => message.body.undecoded = Some(reason),
            }
        }
        self.take_back(content);
    }

    /// Keeps what served a body for another, if it does not hold too much.
    fn take_back(&mut self, mut content: Box<Content>) {
        content.end_decoding(&mut self.budget);
        let held = content.charged();
        let (free, all) = (self.budget.free(), self.limits.memory);
        if self.contents.len() < SPARE_CONTENTS && held <= all / 16 && free >= all / 2 {
            self.contents.push(content);
        } else {
            self.budget.release(held);
        }
    }

    /// The next bytes of a body, as sent: counted, kept as far as asked, decoded, and given to the handler.
    pub(crate) fn body(
        &mut self,
        slot: &mut Slot,
        direction: Direction,
        content: &mut Option<Box<Content>>,
        bytes: &[u8],
    ) {
        let keep = self.limits.keep_body;
        let body = &mut slot.message(direction).body;
        let offset = body.size;
        body.size = body.size.saturating_add(bytes.len() as u64);
        // What is kept is the beginning: behind a hole, or behind bytes that found no room, nothing is.
        if offset == body.raw.len() as u64 && body.raw.len() < keep {
            let wanted = bytes.get(..keep - body.raw.len()).unwrap_or(bytes);
            if let (0, Framing::Length(length)) = (offset, body.framing)
                && self.budget.free() >= self.budget.limit() / 2
            {
                // Room is made once, where there is plenty. A length is only somebody's word: for what is far, when it comes.
                let near = usize::try_from(length).unwrap_or(usize::MAX).min(keep).min(NEAR);
                self.budget.reserve(&mut body.raw, near.max(wanted.len()));
            }
            self.budget.extend(&mut body.raw, wanted);
        }
        self.handler.body(BodyPiece { exchange: &slot.exchange, direction, decoded: false, offset, bytes });
        let Some(undone) = content else {
            return;
        };
        let (handler, scratch, limits) = (&mut self.handler, &mut self.scratch, &self.limits);
        let mut offset = undone.made();
        let result = undone.push(bytes, scratch, limits, &mut self.budget, &mut |bytes, budget| {
            let body = &mut slot.message(direction).body;
            if offset == body.decoded.len() as u64 && body.decoded.len() < keep {
                let wanted = bytes.get(..keep - body.decoded.len()).unwrap_or(bytes);
                budget.extend(&mut body.decoded, wanted);
            }
            handler.body(BodyPiece { exchange: &slot.exchange, direction, decoded: true, offset, bytes });
            offset += bytes.len() as u64;
        });
        if let Err(reason) = result {
            slot.message(direction).body.undecoded = Some(reason);
            undone.end_decoding(&mut self.budget);
            if !limits.digest
                && let Some(content) = content.take()
            {
                self.take_back(content);
            }
        }
    }
}
