//! The exchange that a head belongs to: a new one, the one it answers, or, without memory for either, one of its own.
//!
//! Promises: every head that was told from what is not HTTP is in an exchange, whatever the budget says.

use egret_reassembly::{Direction, Opened};

use crate::body::Framing;
use crate::budget::{Budget, cost};
use crate::connection::{Connection, head_of};
use crate::framing::Lengths;
use crate::head::Span;
use crate::message::Transfer;
use crate::parse::{Kind, parse};
use crate::plain::Plain;
use crate::scan::Scan;
use crate::side::{Lost, State};
use crate::slot::{Fault, Progress, Slot};
use crate::sniff::Speaks;
use crate::{Context, Handler, Limits, MessageAnomaly, Moment, Part, Why, lenient};

/// A head, wherever its bytes are.
pub(crate) enum Head<'a> {
    /// In the packet.
    InPlace(&'a [u8]),
    /// Gathered from several.
    Gathered(Vec<u8>),
}

impl Head<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Head::InPlace(bytes) => bytes,
            Head::Gathered(bytes) => bytes,
        }
    }
}

/// What is known of a head besides its bytes.
pub(crate) struct Found {
    pub(crate) scan: Scan,
    pub(crate) offset: u64,
    pub(crate) ack: Option<u64>,
    pub(crate) transfer: Transfer,
    pub(crate) has_slot: bool,
    /// What it is, if it was read the short way. Its fields are then in [`Context::fields`].
    pub(crate) plain: Option<Plain>,
    /// Why it is not whole, if it is not.
    pub(crate) fault: Option<(Option<u64>, Why)>,
}

impl Connection {
    /// Puts a head where its exchange is; what it says about the body. Without memory for the exchange, it is over, and
    /// delivered with what the head says; the error is whether the next message follows the head.
    pub(crate) fn add_head<H: Handler>(
        &mut self,
        direction: Direction,
        head: Head<'_>,
        found: Found,
        at: Moment,
        context: &mut Context<H>,
    ) -> Result<Lengths, bool> {
        self.speaks = Speaks::Http;
        let side = self.side(direction);
        let (blank, lost) = (std::mem::take(&mut side.blank), side.resync.take().map(|lost| *lost));
        let claimed = match direction {
            Direction::ClientToServer if found.has_slot => Ok(()),
            Direction::ClientToServer => self.add_request(found.offset, found.ack, context),
            Direction::ServerToClient => self.pair((found.offset, found.ack), lost, at, context),
        };
        let unclaimed = match (claimed, self.current(direction)) {
            (Ok(()), Some(slot)) => {
                let (limits, budget) = (&context.limits, &mut context.budget);
                let (lengths, whole) =
                    slot.put(direction, head, &found, (blank, &context.fields), limits, budget);
                context.stats.no_memory += u64::from(!whole);
                return Ok(lengths);
            }
            (Ok(()), None) => Why::Limit,
            (Err(why), _) => why,
        };
        Err(self.stand_alone(direction, head, &found, (blank, unclaimed), at, context))
    }

    /// Delivers the exchange of a head at once, since there is no memory to keep it until the rest of it has come.
    /// What it needs is held meanwhile beside the budget: one head. Whether it has no body, whatever was asked.
    fn stand_alone<H: Handler>(
        &mut self,
        direction: Direction,
        head: Head<'_>,
        found: &Found,
        (blank, why): (bool, Why),
        at: Moment,
        context: &mut Context<H>,
    ) -> bool {
        if let Head::Gathered(bytes) = &head {
            context.release(bytes);
        }
        let mut slot = Context::<H>::new_slot(self.id, self.next_index, self.flow, self.opened);
        self.next_index += 1;
        let mut unbounded = Budget::new(usize::MAX);
        let (mut lengths, _) =
            slot.put(direction, head, found, (blank, &context.fields), &context.limits, &mut unbounded);
        let limit = |part| Fault { part, missing: None, why: Why::Limit };
        let bodiless = match direction {
            Direction::ClientToServer => {
                slot.exchange.connect = self.connect.take();
                let bodiless = lengths.of_request() == Framing::None;
                if !bodiless {
                    slot.fault(direction, limit(Part::RequestBody));
                }
                slot.fault(direction.reversed(), limit(Part::Response));
                bodiless
            }
            Direction::ServerToClient => {
                let part = Part::RequestHead;
                slot.fault(direction.reversed(), Fault { part, missing: None, why });
                // A switch of protocols is not followed by a message.
                let status = slot.exchange.response.status;
                status != 101 && lengths.of_response(status, false) == Framing::None
            }
        };
        self.latest = self.latest.max(at);
        context.deliver_unkept(slot, self.latest);
        bodiless && found.fault.is_none()
    }

    /// Adds an exchange for a request that begins.
    fn add_request<H: Handler>(
        &mut self,
        offset: u64,
        ack: Option<u64>,
        context: &mut Context<H>,
    ) -> Result<(), Why> {
        let mut slot = context.slot(self.id, self.next_index, self.flow, self.opened).ok_or(Why::Limit)?;
        slot.exchange.connect = self.connect.take();
        self.next_index += 1;
        slot.offset = offset;
        let server = &self.server;
        let whole = !matches!(server.state, State::Lost(_)) && server.resync.is_none();
        let certain = whole && ack.is_some_and(|acked| acked <= server.position);
        self.queue.add(slot, ack, certain);
        Ok(())
    }

    /// Brings the exchange to the front of the queue that a response answers which begins at `offset`.
    fn pair<H: Handler>(
        &mut self,
        (offset, received): (u64, Option<u64>),
        lost: Option<Lost>,
        at: Moment,
        context: &mut Context<H>,
    ) -> Result<(), Why> {
        if self.queue.slots.is_empty()
            && let State::Head(gather) = &self.client.state
            && gather.certain
            && gather.ack.is_none_or(|acked| acked <= offset)
        {
            // The response to a request of which the head is still being sent: a refusal.
            let (offset, ack, transfer) = (gather.offset, gather.ack, gather.transfer);
            self.add_request(offset, ack, context)?;
            if let State::Head(gather) = &mut self.client.state {
                gather.has_slot = true;
            }
            if let Some(slot) = self.queue.slots.back_mut() {
                (slot.exchange.has_request, slot.request) = (true, Progress::Open);
                slot.exchange.request.0.transfer = transfer;
            }
        }
        let pairing = self.queue.pair(offset, received, lost.as_ref());
        let mut missing =
            lost.filter(|lost| pairing.lost == 1 && lost.clean && lost.bytes == 0).map(|lost| lost.len);
        let why = lost.map_or(Why::PairingUncertain, |lost| lost.why);
        for _ in 0..pairing.lost {
            if let Some(slot) = self.queue.slots.pop_front() {
                self.finish_unanswered(slot, missing.take(), why, at, context);
            }
        }
        if let Err(why) = pairing.answers {
            let midstream = self.opened == Opened::Midstream && why == Why::Unasked && self.next_index == 0;
            let why = if midstream { Why::Midstream } else { why };
            let mut slot = context.slot(self.id, self.next_index, self.flow, self.opened).ok_or(why)?;
            self.next_index += 1;
            slot.request = Progress::Done;
            slot.fault(Direction::ClientToServer, Fault { part: Part::RequestHead, missing: None, why });
            self.queue.slots.push_front(slot);
        }
        Ok(())
    }
}

impl Slot {
    /// Puts a head into the exchange: what it says about the body, and whether there was room to keep it.
    fn put(
        &mut self,
        direction: Direction,
        head: Head<'_>,
        found: &Found,
        (blank, fields): (bool, &[(Span, Span)]),
        limits: &Limits,
        budget: &mut Budget,
    ) -> (Lengths, bool) {
        self.set(direction, Progress::Open);
        let kind = match direction {
            Direction::ClientToServer => {
                self.exchange.has_request = true;
                Kind::Request
            }
            Direction::ServerToClient => {
                self.exchange.has_response = true;
                self.answered = Some(found.offset);
                Kind::Response
            }
        };
        let message = self.message(direction);
        if blank {
            message.mark(MessageAnomaly::LeadingEmptyLine);
        }
        message.transfer = found.transfer;
        let lengths = if let Some(plain) = found.plain {
            (message.start, message.status) = (plain.start, plain.status);
            if budget.extend(&mut message.headers.fields, fields) < fields.len() {
                message.mark(MessageAnomaly::TooManyHeaders);
            }
            plain.lengths
        } else if found.fault.is_some() {
            lenient::parse(kind, head.bytes(), message, limits, budget)
        } else {
            parse(kind, head.bytes(), &found.scan, message, limits, budget)
        };
        let whole = match head {
            Head::InPlace(bytes) => budget.extend(&mut message.headers.bytes, bytes) == bytes.len(),
            Head::Gathered(bytes) => {
                // Some of it was not kept, and not for want of memory. A head of just this length is whole.
                if bytes.len() >= limits.head && matches!(found.fault, Some((_, Why::Limit))) {
                    message.mark(MessageAnomaly::HeadTooLong);
                }
                budget.release(cost(&message.headers.bytes));
                message.headers.bytes = bytes;
                true
            }
        };
        let fault = found.fault.or((!whole).then_some((None, Why::Limit)));
        if let Some((missing, why)) = fault {
            self.fault(direction, Fault { part: head_of(direction), missing, why });
        }
        (lengths, whole)
    }
}
