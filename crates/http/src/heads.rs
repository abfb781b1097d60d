//! Heads, as their bytes come: gathered if they come in pieces, parsed once, and what they say about what follows.

use egret_reassembly::{Direction, Ending};

use crate::body::Framing;
use crate::chunked::Chunks;
use crate::claim::{Found, Head};
use crate::connection::Connection;
use crate::framing::Lengths;
use crate::message::Transfer;
use crate::parse::Kind;
use crate::scan::Scan;
use crate::side::{At, Gather, Lost, State};
use crate::slot::Progress;
use crate::sniff::{Sniff, Speaks, UNSURE, is_known_method, is_request_line, sniff, spaces_in_front};
use crate::{Context, Exchange, Handler, MessageAnomaly, Moment, NotHttp, TunnelKind, Why, plain};

/// How many interim responses of an exchange are kept.
const INTERIM: usize = 32;

impl Connection {
    /// Takes the next bytes of a head, or of what is in front of one; how many of them are that. None only if the
    /// direction turns out to be in another state.
    pub(crate) fn head<H: Handler>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        at: At,
        context: &mut Context<H>,
    ) -> usize {
        let side = self.side(direction);
        if let State::Head(gather) = &mut side.state {
            let before = gather.scan.before;
            let end = gather.scan.find(bytes);
            let piece = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
            if gather.take(piece, before, context.limits.head, &mut context.budget) {
                context.stats.no_memory += 1;
            }
            gather.transfer.add(at.packet, at.timestamp);
            debug_assert_eq!(gather.scan.before, before + piece.len(), "every byte is looked at once");
            return match self.judge(direction, if before == 0 { piece } else { &[] }) {
                Err(kind) => {
                    self.is_no_message(direction, kind, before as u64, at, context);
                    0 // Looked at again as what they are then.
                }
                Ok(()) => {
                    if end.is_some()
                        && let State::Head(gather) = std::mem::take(&mut self.side(direction).state)
                    {
                        self.gathered(direction, *gather, at.moment(), context);
                    }
                    piece.len()
                }
            };
        }
        let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        if blank > 0 {
            side.blank = true;
            return blank;
        }
        let (offset, ack) = (at.offset, at.ack);
        let mut transfer = Transfer::default();
        transfer.add(at.packet, at.timestamp);
        let kind = match direction {
            Direction::ClientToServer => Kind::Request,
            Direction::ServerToClient => Kind::Response,
        };
        if let Some((plain, scan)) = plain::read(kind, bytes, &mut context.fields)
            && scan.before <= context.limits.head
            && context.fields.len() <= context.limits.headers
        {
            let (end, plain) = (scan.before, Some(plain));
            let head = Head::InPlace(bytes.get(..end).unwrap_or_default());
            let found = Found { scan, offset, ack, transfer, has_slot: false, plain, fault: None };
            self.whole_head(direction, head, found, at.moment(), context);
            return end;
        }
        let mut scan = Scan::new();
        match scan.find(bytes) {
            Some(end) if end <= context.limits.head => {
                let head = bytes.get(..end).unwrap_or_default();
                if let Err(kind) = judge(direction, head, scan.first_line) {
                    self.is_no_message(direction, kind, 0, at, context);
                    return 0;
                }
                let found = Found { scan, offset, ack, transfer, has_slot: false, plain: None, fault: None };
                self.whole_head(direction, Head::InPlace(head), found, at.moment(), context);
                end
            }
            _ => {
                side.state = State::Head(Box::new(Gather::new(offset, ack, transfer)));
                self.head(direction, bytes, at, context)
            }
        }
    }

    /// Whether what is being gathered can still be a head. `all` is all of it, if all of it has come at once.
    fn judge(&mut self, direction: Direction, all: &[u8]) -> Result<(), NotHttp> {
        let State::Head(gather) = &mut self.side(direction).state else {
            return Ok(());
        };
        if !gather.certain {
            let bytes = if all.is_empty() { gather.beginning() } else { all };
            let certain = judge(direction, bytes, gather.scan.first_line)?;
            // A line that is not kept will not be there when it has ended.
            gather.certain = certain || gather.dropped > 0 && is_known_method(bytes);
            if gather.certain && self.speaks == Speaks::Something {
                self.speaks = Speaks::Http;
            }
        }
        Ok(())
    }

    /// A head was gathered to its end.
    fn gathered<H: Handler>(
        &mut self,
        direction: Direction,
        gather: Gather,
        at: Moment,
        context: &mut Context<H>,
    ) {
        let Gather { bytes, scan, offset, ack, transfer, has_slot, dropped, .. } = gather;
        let fault = (dropped > 0).then_some((Some(dropped), Why::Limit));
        let found = Found { scan, offset, ack, transfer, has_slot, plain: None, fault };
        self.whole_head(direction, Head::Gathered(bytes), found, at, context);
    }

    /// A head ends before it is whole. What is there of it is reported, if it can be told from anything else.
    pub(crate) fn cut_head<H: Handler>(
        &mut self,
        direction: Direction,
        mut gather: Gather,
        why: Why,
        at: Moment,
        context: &mut Context<H>,
    ) {
        let beginning = gather.beginning();
        let known = gather.certain || is_known_method(beginning) || beginning.starts_with(b"HTTP/1");
        if !known && direction == Direction::ServerToClient && matches!(why, Why::Ended(_)) {
            let gathered = gather.scan.before as u64;
            let at_gather = At { packet: at.packet, timestamp: at.timestamp, offset: 0, ack: None };
            self.server.state = State::Head(Box::new(gather));
            if self.simple_response(gathered, at_gather, context) {
                return if why == Why::Ended(Ending::Finished) {
                    self.message_end(direction, at, context);
                } else {
                    self.cut_body(direction, None, why, at, context);
                };
            }
            let State::Head(back) = std::mem::take(&mut self.server.state) else { return };
            gather = *back;
        }
        if !known && (self.speaks != Speaks::Http || self.side(direction).resync.is_some()) {
            let bytes = gather.scan.before as u64;
            if self.side(direction).resync.is_some() {
                // It was not found again.
                self.lose(direction, Lost { why, until: 0, len: 0, clean: false, bytes });
            }
            return context.release(&gather.bytes);
        }
        if gather.is_simple() && matches!(why, Why::Ended(_)) {
            return self.gathered(direction, gather, at, context);
        }
        let Gather { bytes, scan, offset, ack, transfer, has_slot, dropped, .. } = gather;
        // What was not kept was lost first.
        let why = if dropped > 0 { Why::Limit } else { why };
        let found = Found { scan, offset, ack, transfer, has_slot, plain: None, fault: Some((None, why)) };
        if self.add_head(direction, Head::Gathered(bytes), found, at, context).is_err() {
            return;
        }
        if direction == Direction::ServerToClient
            && let Some(slot) = self.queue.slots.front_mut()
        {
            match slot.exchange.response.status {
                // An interim response answers nothing, whole or not: the final one is still to come. Without a request
                // it is all that there is to tell.
                100 | 102..=199 if slot.exchange.has_request || !slot.exchange.informational.is_empty() => {
                    slot.exchange.has_response = false;
                    slot.exchange.response.0.clear();
                    slot.response = Progress::Nothing;
                    return;
                }
                0 if !matches!(why, Why::Ended(_)) => self.queue.doubt(),
                _ => {}
            }
        }
        self.message_end(direction, at, context);
    }

    /// The server begins to speak: if the client has said a line that may be a whole request, it is.
    pub(crate) fn end_simple_request<H: Handler>(&mut self, at: At, context: &mut Context<H>) {
        if let State::Head(gather) = &self.client.state
            && gather.is_simple()
            && at.ack.is_none_or(|acked| acked >= gather.offset.saturating_add(gather.scan.before as u64))
            && let State::Head(gather) = std::mem::take(&mut self.client.state)
        {
            self.gathered(Direction::ClientToServer, *gather, at.moment(), context);
        }
    }

    /// The first response on a connection has no head: it is one of HTTP/0.9, and its body lasts until the end. What of
    /// it was taken for the beginning of a head has `gathered` bytes. Whether it can be that.
    fn simple_response<H: Handler>(&mut self, gathered: u64, at: At, context: &mut Context<H>) -> bool {
        let asked = self
            .queue
            .slots
            .front()
            .is_some_and(|slot| slot.request == Progress::Done && slot.response == Progress::Nothing);
        if self.answered || !asked || self.server.resync.is_some() {
            return false;
        }
        let direction = Direction::ServerToClient;
        let State::Head(gather) = std::mem::take(&mut self.server.state) else {
            let mut transfer = Transfer::default();
            transfer.add(at.packet, at.timestamp);
            self.begin_simple_response(transfer, at.moment(), context);
            return true;
        };
        context.release(&gather.bytes);
        self.begin_simple_response(gather.transfer, at.moment(), context);
        let gathered = usize::try_from(gathered).unwrap_or(usize::MAX);
        self.content(direction, gather.beginning().get(..gathered).unwrap_or_default(), context);
        true
    }

    fn begin_simple_response<H: Handler>(
        &mut self,
        transfer: Transfer,
        at: Moment,
        context: &mut Context<H>,
    ) {
        let direction = Direction::ServerToClient;
        let blank = std::mem::take(&mut self.server.blank);
        self.answered = true;
        if let Some(slot) = self.queue.slots.front_mut() {
            slot.set(direction, Progress::Open);
            slot.exchange.has_response = true;
            let message = slot.message(direction);
            message.transfer = transfer;
            message.mark(MessageAnomaly::Http09);
            if blank {
                message.mark(MessageAnomaly::LeadingEmptyLine);
            }
        }
        self.begin_body(direction, Framing::UntilClose, Lengths::default(), false, at, context);
    }

    /// What comes is not a head: the connection is something else, or the direction is lost, with the bytes that
    /// were `gathered`. What a client says first and is no known protocol may be a request that nobody can read; the
    /// server's first words tell, if they are not waited for too long.
    fn is_no_message<H: Handler>(
        &mut self,
        direction: Direction,
        kind: NotHttp,
        gathered: u64,
        at: At,
        context: &mut Context<H>,
    ) {
        if direction == Direction::ServerToClient
            && kind == NotHttp::Other
            && self.simple_response(gathered, at, context)
        {
            return;
        }
        let found_again = self.side(direction).resync.is_some();
        let waits = found_again || direction == Direction::ClientToServer;
        if self.speaks == Speaks::Something && kind == NotHttp::Tls {
            return self.begin_hello(direction, usize::try_from(gathered).unwrap_or(0), context);
        }
        if self.speaks == Speaks::Something && (kind != NotHttp::Other || !waits) {
            return self.is_not_http(kind, context);
        }
        if let State::Head(gather) = &self.side(direction).state {
            context.release(&gather.bytes);
        }
        let lost = Lost { why: Why::Malformed, until: at.offset, len: 0, clean: false, bytes: gathered };
        self.lose(direction, lost);
    }

    /// A head is there, to its end.
    fn whole_head<H: Handler>(
        &mut self,
        direction: Direction,
        head: Head<'_>,
        found: Found,
        at: Moment,
        context: &mut Context<H>,
    ) {
        let cut = found.fault.is_some();
        let end = found.offset.saturating_add(found.scan.before as u64);
        let mut lengths = match self.add_head(direction, head, found, at, context) {
            Ok(lengths) => lengths,
            // No memory for the exchange: nobody would know whose body it is that follows, if one does.
            Err(true) => {
                if direction == Direction::ClientToServer {
                    self.queue.lose_requests(Why::Limit, self.next_index);
                    self.queue.found_requests(end);
                }
                return;
            }
            Err(false) => return self.lose(direction, Lost::at_limit()),
        };
        match direction {
            Direction::ClientToServer => {
                let framing = lengths.of_request();
                self.begin_body(direction, framing, lengths, cut, at, context);
            }
            Direction::ServerToClient => self.response_head(lengths, cut, at, context),
        }
    }

    /// A response head is there: an interim one, the beginning of a tunnel, or the final one.
    fn response_head<H: Handler>(
        &mut self,
        mut lengths: Lengths,
        cut: bool,
        at: Moment,
        context: &mut Context<H>,
    ) {
        let direction = Direction::ServerToClient;
        self.answered = true;
        let Some(slot) = self.queue.slots.front_mut() else {
            return;
        };
        let (status, exchange) = (slot.exchange.response.status, &mut slot.exchange);
        let connect = exchange.request.method() == b"CONNECT" && matches!(status, 200..=299);
        if status == 101 || connect {
            if self.client.state.is_body() {
                // The server did not wait for the rest, and nobody can tell it from what goes through the tunnel.
                self.cut(Direction::ClientToServer, None, Why::Malformed, at, context);
            }
            let Some(slot) = self.queue.slots.front_mut() else {
                return;
            };
            slot.response = Progress::Done;
            context.handler.response(&slot.exchange);
            let Exchange { request, response, .. } = &slot.exchange;
            let upgrade = response.headers().get("upgrade").or_else(|| request.headers().get("upgrade"));
            let kind = match connect {
                true => TunnelKind::Connect,
                false => upgrade.map_or(TunnelKind::Other, TunnelKind::of_upgrade),
            };
            return self.open_tunnel(kind, context);
        }
        if matches!(status, 100..=199) {
            exchange.has_response = false;
            slot.response = Progress::Nothing;
            if exchange.informational.len() < INTERIM
                && context.budget.reserve(&mut exchange.informational, 1) > 0
            {
                exchange.informational.push(std::mem::take(&mut exchange.response));
                context.handler.response(&slot.exchange);
            } else {
                exchange.response.0.clear();
                exchange.interim_lost = true;
            }
            return;
        }
        let lost = exchange.interim_lost;
        // A refusal in time is what was asked for.
        let early = slot.request == Progress::Open && !slot.waits();
        let exchange = &mut slot.exchange;
        if early {
            exchange.response.0.mark(MessageAnomaly::EarlyResponse);
        }
        if lost {
            exchange.response.0.mark(MessageAnomaly::TooManyInterim);
        }
        let head = exchange.request.method() == b"HEAD";
        let framing = lengths.of_response(status, head);
        self.begin_body(direction, framing, lengths, cut, at, context);
    }

    /// What follows is a body, or if there is none the next message.
    fn begin_body<H: Handler>(
        &mut self,
        direction: Direction,
        framing: Framing,
        lengths: Lengths,
        cut: bool,
        at: Moment,
        context: &mut Context<H>,
    ) {
        let Some(slot) = self.current(direction) else {
            return;
        };
        let message = slot.message(direction);
        message.anomalies.extend(lengths.anomalies);
        message.body.framing = framing;
        match direction {
            Direction::ClientToServer => context.handler.request(&slot.exchange),
            Direction::ServerToClient => context.handler.response(&slot.exchange),
        }
        let message = slot.message(direction);
        let content = match framing {
            Framing::None | Framing::Length(0) => None,
            _ => context.content(message),
        };
        // What tells the length of the body may have been in the part of the head that was not kept; but that a response
        // has none is not told by its head.
        let untold = match direction {
            Direction::ClientToServer => matches!(framing, Framing::None | Framing::UntilClose),
            Direction::ServerToClient => framing == Framing::UntilClose,
        };
        let lost = cut && untold;
        let side = self.side(direction);
        side.content = content;
        side.state = match framing {
            Framing::None | Framing::Length(0) => State::Start,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Chunked(Box::new(Chunks::new())),
            Framing::UntilClose => State::UntilClose,
        };
        if matches!(side.state, State::Start) || lost {
            self.message_end(direction, at, context);
        }
        if lost {
            self.lose(direction, Lost::at_limit());
        }
    }
}

/// Whether bytes can be the head that this direction sends: for sure, or as far as one can tell.
fn judge(direction: Direction, bytes: &[u8], first_line: Option<usize>) -> Result<bool, NotHttp> {
    let spaces = match direction {
        Direction::ServerToClient => spaces_in_front(bytes),
        Direction::ClientToServer => 0,
    };
    let bytes = bytes.get(spaces..).unwrap_or_default();
    match (sniff(bytes), direction) {
        (Sniff::Response, Direction::ServerToClient) => Ok(true),
        (Sniff::Request, Direction::ClientToServer) => match first_line {
            Some(end) => match bytes.get(..end) {
                Some(line) if is_request_line(line) => Ok(true),
                // So long that its end was not kept.
                None if is_known_method(bytes) => Ok(true),
                _ => Err(NotHttp::Other),
            },
            None if bytes.len() as u64 > UNSURE && !is_known_method(bytes) => Err(NotHttp::Other),
            None => Ok(false),
        },
        (Sniff::Partial, _) => Ok(false),
        (Sniff::Not(kind), _) => Err(kind),
        (Sniff::Request | Sniff::Response, _) => Err(NotHttp::Other),
    }
}
