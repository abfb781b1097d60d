//! One connection, both directions of it: from bytes to exchanges.
//!
//! Promises: every exchange is delivered once, with a verdict; a response answers the request it was sent for, or
//! none. How heads are read is in `heads.rs`, bodies in `bodies.rs`, pairing in `queue.rs`; here is what is common.

use std::hint::black_box;
use std::time::Duration;

use egret_reassembly::{Direction, Ending, Flow, Opened};

use crate::behind::Behind;
use crate::queue::Queue;
use crate::side::{At, Lost, Side, State};
use crate::slot::{Fault, Progress, Slot};
use crate::sniff::{Speaks, UNSURE};
use crate::{Context, Handler, Missing, Moment, NotHttp, Part, Piece, Why};

/// One HTTP/1 connection, from the bytes of its two directions to exchanges. Needs no packets.
///
/// Call [`data`](Self::data) and [`gap`](Self::gap) in the order of the stream for each direction, and across
/// directions in the order of causes: a response not before the request that it answers; then
/// [`end`](Self::end) for a direction that said it has ended, and [`close`](Self::close) once.
// In this order in memory, so that a piece of a body needs few lines of it.
#[repr(C)]
#[derive(Debug)]
pub struct Connection {
    pub(crate) speaks: Speaks,
    /// Whether the guess of who is the client turned out wrong.
    pub(crate) turned: bool,
    /// Whether a response has begun.
    pub(crate) answered: bool,
    pub(crate) opened: Opened,
    pub(crate) client: Side,
    pub(crate) server: Side,
    pub(crate) queue: Queue,
    /// What the server said behind a hole, while answers may be found in there.
    pub(crate) behind: Option<Box<Behind>>,
    pub(crate) id: u64,
    pub(crate) flow: Flow,
    pub(crate) connect: Option<Duration>,
    pub(crate) next_index: u64,
    /// The latest packet and time that anything was decided at. What waited for others comes later than its packet.
    pub(crate) latest: Moment,
}

impl Connection {
    /// A connection of which nothing was said yet. `id` is what exchanges will carry; `flow` is from client to
    /// server, which an [`Opened::Midstream`] connection corrects by what is said on it.
    pub fn new(id: u64, flow: Flow, opened: Opened) -> Self {
        let side = |start| Side {
            state: match opened {
                // It may begin anywhere in a message.
                Opened::Midstream => {
                    let why = Why::Midstream;
                    State::Lost(Box::new(Lost { why, until: 0, len: 0, clean: false, bytes: 0 }))
                }
                _ => start,
            },
            ..Side::default()
        };
        Self {
            id,
            flow,
            opened,
            connect: None,
            turned: false,
            answered: false,
            speaks: Speaks::Nothing,
            client: side(State::Prefix(None)),
            server: side(State::Start),
            queue: Queue::default(),
            behind: None,
            next_index: 0,
            latest: Moment::default(),
        }
    }

    /// How long the connection took to be made, which the first exchange will tell.
    pub const fn connected(&mut self, connect: Duration) {
        self.connect = Some(connect);
    }

    /// The next bytes of one direction.
    pub fn data<H: Handler>(&mut self, piece: Piece<'_>, context: &mut Context<H>) {
        if self.goes_on_with_body(piece, context) || self.not_http().is_some() {
            return;
        }
        if self.speaks == Speaks::Nothing && !piece.bytes.is_empty() {
            self.speaks = Speaks::Something;
        }
        if self.speaks == Speaks::Something
            && matches!(self.side(self.role(piece.direction).reversed()).state, State::Hello(_))
        {
            self.end_hello(context); // The server answers what was not seen to its end.
            return;
        }
        let direction = self.find(self.role(piece.direction), piece.bytes, context);
        let Piece { offset, timestamp, packet, ack, bytes, .. } = piece;
        let at = At { packet, timestamp, offset, ack };
        if self.behind.is_some()
            && direction == Direction::ClientToServer
            && ack == Some(self.server.position)
        {
            self.find_behind(at.moment(), context); // The client goes on, and all that was said is received.
        }
        if direction == Direction::ServerToClient {
            self.end_simple_request(at, context);
        }
        if self.has_no_body(direction, bytes) {
            self.body_is_none(at.moment(), context);
        }
        self.said(direction, bytes, at, context);
        self.side(direction).position = offset.saturating_add(bytes.len() as u64);
        self.settle(at.moment(), context);
        if let State::Lost(lost) = &self.client.state
            && let Lost { why: Why::Malformed, bytes: UNSURE.., .. } = **lost
            && self.speaks == Speaks::Something
        {
            self.is_not_http(NotHttp::Other, context); // The server had time to say what this is.
        }
    }

    /// Takes bytes of one direction, all of them.
    pub(crate) fn said<H: Handler>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        mut at: At,
        context: &mut Context<H>,
    ) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.goes_on(direction, rest, at.ack) {
                self.message_end(direction, at.moment(), context);
            }
            // What tells what the server had received before a head is in pieces that end in front of it.
            let before_head = direction == Direction::ServerToClient
                && matches!(
                    self.server.state,
                    State::Lost(_) | State::Length(_) | State::Chunked(_) | State::UntilClose
                );
            let taken = match &mut self.side(direction).state {
                State::Start | State::Head(_) => self.head(direction, rest, at, context),
                State::Length(_) | State::Chunked(_) | State::UntilClose => {
                    self.body(direction, rest, at, context)
                }
                State::Tunnel => {
                    self.tunnel(direction, rest.len() as u64);
                    rest.len()
                }
                State::Lost(lost) => {
                    lost.bytes = lost.bytes.saturating_add(rest.len() as u64);
                    self.keep_behind(direction, rest, at, context);
                    rest.len()
                }
                State::Ended => rest.len(),
                State::Prefix(_) => self.prefix(direction, rest, at, context),
                State::Hello(_) => self.hello(direction, rest, context),
            };
            rest = rest.get(taken..).unwrap_or_default();
            if before_head && rest.is_empty() {
                self.queue.heard(at.ack);
            }
            at.offset = at.offset.saturating_add(taken as u64);
        }
    }

    /// Bytes of one direction that are missing; what comes next is what is behind them.
    pub fn gap<H: Handler>(&mut self, missing: Missing, context: &mut Context<H>) {
        if self.not_http().is_some() || self.end_hello(context) {
            return;
        }
        let direction = self.role(missing.direction);
        if direction == Direction::ServerToClient {
            self.forget_behind(context);
        }
        let Missing { offset, len, at, .. } = missing;
        let why = Why::Gap(missing.reason);
        let until = offset.saturating_add(len);
        self.side(direction).position = until;
        let left = match &mut self.side(direction).state {
            State::Length(left) => *left,
            State::Chunked(chunks) => chunks.data_left().unwrap_or(0),
            State::UntilClose => u64::MAX,
            State::Tunnel => return self.tunnel_gap(direction, len, why),
            State::Lost(lost) => {
                (lost.until, lost.len) = (until, lost.len.saturating_add(len));
                if lost.why == Why::Midstream {
                    lost.why = why;
                }
                return self.settle(at, context);
            }
            State::Ended => return,
            State::Start | State::Head(_) | State::Prefix(_) | State::Hello(_) => 0,
        };
        if left > 0 {
            self.skip_body(direction, len.min(left), why, at, context);
        }
        if len > left {
            let clean = matches!(self.side(direction).state, State::Start | State::Prefix(_));
            let lost = Lost { why, until, len: len - left, clean, bytes: 0 };
            self.cut(direction, None, why, at, context);
            self.lose(direction, lost);
            self.settle(at, context);
        }
    }

    /// That many bytes of one direction were sent again.
    pub fn retransmitted(&mut self, direction: Direction, bytes: u64) {
        let direction = self.role(direction);
        let transfer = match &mut self.side(direction).state {
            State::Head(gather) => Some(&mut gather.transfer),
            _ => self.current(direction).map(|slot| &mut slot.message(direction).transfer),
        };
        if let Some(transfer) = transfer {
            transfer.retransmitted = transfer.retransmitted.saturating_add(bytes);
        }
    }

    /// One direction said that it has ended (a FIN): a body that lasts until then is complete.
    pub fn end<H: Handler>(&mut self, direction: Direction, at: Moment, context: &mut Context<H>) {
        if self.not_http().is_some() || self.end_hello(context) {
            return;
        }
        let direction = self.role(direction);
        if let State::UntilClose = self.side(direction).state {
            self.message_end(direction, at, context);
        } else {
            self.cut(direction, None, Why::Ended(Ending::Finished), at, context);
        }
        if !matches!(self.side(direction).state, State::Lost(_) | State::Tunnel) {
            self.side(direction).state = State::Ended;
        }
    }

    /// The connection is over: what is still under way is delivered as it is.
    pub fn close<H: Handler>(&mut self, how: Ending, at: Moment, context: &mut Context<H>) {
        let why = Why::Ended(how);
        self.find_behind(at, context);
        if self.not_http().is_none() && !self.end_hello(context) {
            self.cut(Direction::ClientToServer, None, why, at, context);
            self.cut(Direction::ServerToClient, None, why, at, context);
        }
        let (why, missing) = match &self.server.state {
            State::Lost(lost) => match **lost {
                // One request, and one hole where its response must have been.
                Lost { why: gap @ Why::Gap(_), len, clean: true, bytes: 0, .. }
                    if self.queue.slots.len() == 1 =>
                {
                    (gap, Some(len))
                }
                Lost { why: why @ (Why::Gap(_) | Why::Malformed | Why::Limit), .. } => (why, None),
                _ => (why, None),
            },
            _ => (why, None),
        };
        while let Some(slot) = self.queue.slots.pop_front() {
            self.finish_unanswered(slot, missing, why, at, context);
        }
        if self.speaks == Speaks::Something {
            self.is_not_http(NotHttp::Other, context);
        }
    }

    /// What it speaks, once it is clear that it is not HTTP/1. Nothing more will come of it.
    pub const fn not_http(&self) -> Option<NotHttp> {
        match self.speaks {
            Speaks::Not(kind) => Some(kind),
            _ => None,
        }
    }

    /// Its id.
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// From client to server, as far as known by now.
    pub const fn flow(&self) -> Flow {
        self.flow
    }

    /// How it began.
    pub const fn opened(&self) -> Opened {
        self.opened
    }

    /// Reads what the next bytes of a direction will need, so many of them.
    #[inline]
    pub(crate) fn fetch(&self, direction: Direction, len: u64) {
        black_box((self.speaks, self.client.position, self.server.position));
        black_box((self.behind.is_some(), self.latest.timestamp));
        match self.role(direction) {
            Direction::ClientToServer => {
                black_box(self.flow.destination.port);
                if let Some(slot) = self.queue.slots.back() {
                    slot.exchange.request.0.fetch();
                }
            }
            Direction::ServerToClient => {
                let Some(slot) = self.queue.slots.front() else { return };
                slot.exchange.response.0.fetch();
                // With its last bytes, an exchange is delivered and looked at as a whole. A head may be all there is of it.
                match self.server.state {
                    State::Length(left) if left <= len => slot.fetch(),
                    State::Start => slot.fetch(),
                    _ => {}
                }
            }
        }
    }

    pub(crate) const fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::ClientToServer => &mut self.client,
            Direction::ServerToClient => &mut self.server,
        }
    }

    /// The exchange whose message of this direction is under way, or would be.
    pub(crate) fn current(&mut self, direction: Direction) -> Option<&mut Slot> {
        match direction {
            Direction::ClientToServer => self.queue.slots.back_mut(),
            Direction::ServerToClient => self.queue.slots.front_mut(),
        }
    }

    pub(crate) const fn role(&self, direction: Direction) -> Direction {
        if self.turned { direction.reversed() } else { direction }
    }

    /// The message under way in this direction ends here, whole or not; lost directions stay lost.
    pub(crate) fn cut<H: Handler>(
        &mut self,
        direction: Direction,
        missing: Option<u64>,
        why: Why,
        at: Moment,
        context: &mut Context<H>,
    ) {
        if direction == Direction::ClientToServer && matches!(why, Why::Ended(_)) && self.is_refused() {
            return self.message_end(direction, at, context);
        }
        match std::mem::take(&mut self.side(direction).state) {
            State::Head(gather) => self.cut_head(direction, *gather, why, at, context),
            State::Length(left) => {
                let missing = missing.or(Some(left));
                self.cut_body(direction, missing, why, at, context);
            }
            State::Chunked(_) | State::UntilClose => self.cut_body(direction, missing, why, at, context),
            state => self.side(direction).state = state,
        }
    }

    /// A body under way is not whole.
    pub(crate) fn cut_body<H: Handler>(
        &mut self,
        direction: Direction,
        missing: Option<u64>,
        why: Why,
        at: Moment,
        context: &mut Context<H>,
    ) {
        if let Some(slot) = self.current(direction) {
            slot.fault(direction, Fault { part: body_of(direction), missing, why });
        }
        self.message_end(direction, at, context);
    }

    /// The message under way in this direction is over.
    pub(crate) fn message_end<H: Handler>(
        &mut self,
        direction: Direction,
        at: Moment,
        context: &mut Context<H>,
    ) {
        self.side(direction).state = State::Start;
        if let Some(content) = self.side(direction).content.take()
            && let Some(slot) = self.current(direction)
        {
            context.content_end(content, slot.message(direction), None);
        }
        let Some(slot) = self.current(direction) else {
            return;
        };
        slot.set(direction, Progress::Done);
        let done = slot.request == Progress::Done && slot.response == Progress::Done;
        let answered = slot.response != Progress::Nothing;
        let index = slot.exchange.index;
        let slot = match direction {
            Direction::ServerToClient if done => self.queue.slots.pop_front(),
            Direction::ClientToServer if done => self.queue.slots.pop_back(),
            Direction::ClientToServer
                if !answered
                    && (self.queue.slots.len() > context.limits.queue || self.queue.has_skipped()) =>
            {
                self.queue.skip(index);
                let slot = self.queue.slots.pop_back();
                return slot.map_or((), |slot| self.finish_unanswered(slot, None, Why::Limit, at, context));
            }
            _ => None,
        };
        if let Some(slot) = slot {
            self.finish(slot, at, context);
        }
    }

    /// Delivers an exchange that is over.
    pub(crate) fn finish<H: Handler>(&mut self, slot: Box<Slot>, at: Moment, context: &mut Context<H>) {
        let uncertain = self.queue.is_uncertain(&slot);
        self.latest = self.latest.max(at);
        context.deliver(slot, uncertain, self.latest);
    }

    /// Delivers an exchange whose response did not come, if it did not.
    pub(crate) fn finish_unanswered<H: Handler>(
        &mut self,
        mut slot: Box<Slot>,
        missing: Option<u64>,
        why: Why,
        at: Moment,
        context: &mut Context<H>,
    ) {
        if slot.response == Progress::Nothing {
            let fault = Fault { part: Part::Response, missing, why };
            slot.fault(Direction::ServerToClient, fault);
        }
        self.finish(slot, at, context);
    }

    /// Delivers what has lost its response for certain, as soon as that is known.
    fn settle<H: Handler>(&mut self, at: Moment, context: &mut Context<H>) {
        let State::Lost(lost) = &mut self.server.state else {
            return;
        };
        let only = lost.clean && lost.bytes == 0;
        let (why, mut missing) = (lost.why, only.then_some(lost.len));
        while self.queue.front_is_lost(self.server.position) {
            if let State::Lost(lost) = &mut self.server.state {
                // What follows was in front of the next response, which then did not begin with the hole.
                lost.clean = false;
            }
            match self.queue.slots.pop_front() {
                Some(slot) => self.finish_unanswered(slot, missing.take(), why, at, context),
                None => return,
            }
        }
    }
}

pub(crate) const fn body_of(direction: Direction) -> Part {
    match direction {
        Direction::ClientToServer => Part::RequestBody,
        Direction::ServerToClient => Part::ResponseBody,
    }
}

pub(crate) const fn head_of(direction: Direction) -> Part {
    match direction {
        Direction::ClientToServer => Part::RequestHead,
        Direction::ServerToClient => Part::ResponseHead,
    }
}

impl Moment {
    /// The later packet, and the later time.
    pub(crate) fn max(self, other: Self) -> Self {
        Self { packet: self.packet.max(other.packet), timestamp: self.timestamp.max(other.timestamp) }
    }
}

impl At {
    pub(crate) const fn moment(&self) -> Moment {
        Moment { packet: self.packet, timestamp: self.timestamp }
    }
}
