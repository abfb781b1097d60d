//! Behind a hole in what a server says, where the next response begins in the middle of a segment.
//!
//! A direction that is lost is found again where a segment begins with a start line. A server that answers several
//! requests at once puts its responses into segments without regard to where one ends, so that of a burst whose first
//! response lost its head nothing may ever be found like that. What is behind the hole is therefore kept until it is known
//! where the burst ends, and then looked at as a whole.
//!
//! Promises: a response is found in here only if the bytes from its status line on are, to the last one, the answers to
//! all requests that wait, one each (but to the first, where the hole began with its answer), with plain heads and bodies
//! that end by themselves; where they end, the client went on with all of them received, or nothing more came. Whatever is
//! found is said to be uncertain. Each byte is kept once and looked at a bounded number of times; what is held is on the
//! budget, and forgotten beyond [`WINDOW`]; and a burst has a bounded number of requests.
//!
//! What can still be taken for a response, and is then a lie that says it may be one: a recorded response with which a body
//! ends, if the hole took the head of that body and all that was left of the answer in front of it. Of a hole that took a
//! part of one answer only, nothing in that answer's body is taken for the next: the number of the answers would be wrong, unless a length in it was made to
//! fit what follows.

use egret_reassembly::Direction;
use memchr::memmem;

use crate::body::Framing;
use crate::budget::{Budget, cost};
use crate::chunked::{Chunk, Chunks};
use crate::connection::Connection;
use crate::head::Span;
use crate::parse::Kind;
use crate::side::{At, Lost, State};
use crate::slot::Slot;
use crate::{Context, Handler, Moment, Why, plain};

/// How far behind a hole the answers may end: a burst of a usual size.
const WINDOW: u64 = 64 << 10;

/// How many pieces of it there may be.
const PIECES: usize = 256;

/// How many places are tried. A body that holds more status lines is a record of messages.
const TRIES: usize = 8;

/// What a server said behind a hole, without another one in it.
#[derive(Debug, Default)]
pub(crate) struct Behind {
    bytes: Vec<u8>,
    /// Where each piece begins in the bytes, and how it came.
    pieces: Vec<(usize, At)>,
}

impl Connection {
    /// Keeps what a lost server says, if the answers to several requests at once may be in there.
    pub(crate) fn keep_behind<H: Handler>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        at: At,
        context: &mut Context<H>,
    ) {
        let State::Lost(lost) = &self.server.state else {
            return;
        };
        let Lost { why: Why::Gap(_), until, clean, .. } = **lost else {
            return;
        };
        if direction == Direction::ClientToServer {
            return;
        }
        let end = at.offset.saturating_add(bytes.len() as u64);
        let near = end.saturating_sub(until) <= WINDOW;
        // Whether it is worth it is looked at once, at the first byte: there may be many requests, and many pieces.
        let wanted = self.behind.is_some()
            || at.offset == until && self.queue.slots.len() > usize::from(clean) && self.queue.is_burst();
        let kept = near && wanted && self.behind.get_or_insert_default().take(bytes, at, &mut context.budget);
        if !kept {
            self.forget_behind(context);
        }
    }

    /// What was kept is of no use any more.
    pub(crate) fn forget_behind<H: Handler>(&mut self, context: &mut Context<H>) {
        if let Some(behind) = self.behind.take() {
            context.budget.release(behind.cost());
        }
    }

    /// The answers that wait to be found are all there by now, if they are. Called where the client goes on with all that
    /// was said received, or nothing more will be said.
    pub(crate) fn find_behind<H: Handler>(&mut self, at: Moment, context: &mut Context<H>) {
        let Some(behind) = self.behind.take() else {
            return;
        };
        let lost = match &self.server.state {
            State::Lost(lost) => Some(**lost),
            _ => None,
        };
        if let Some(lost) = lost
            && self.queue.is_burst()
            && let Some(start) =
                behind.answers(self.queue.slots.iter().skip(usize::from(lost.clean)), &mut context.fields)
        {
            if lost.clean
                && let Some(slot) = self.queue.slots.pop_front()
            {
                self.finish_unanswered(slot, None, lost.why, at, context);
            }
            self.queue.doubt_all();
            self.latest = self.latest.max(at); // They are told now, whenever they came.
            self.server.state = State::Start;
            for (bytes, at) in behind.from(start) {
                self.said(Direction::ServerToClient, bytes, at, context);
            }
        }
        context.budget.release(behind.cost());
    }
}

impl Behind {
    /// Takes the next bytes; whether there was room for them.
    fn take(&mut self, bytes: &[u8], at: At, budget: &mut Budget) -> bool {
        self.pieces.len() < PIECES
            && budget.push(&mut self.pieces, (self.bytes.len(), at))
            && budget.extend(&mut self.bytes, bytes) == bytes.len()
    }

    fn cost(&self) -> usize {
        cost(&self.bytes) + cost(&self.pieces)
    }

    /// Where the answers to all that wait begin, and nothing else follows.
    fn answers<'a>(
        &self,
        waiting: impl Iterator<Item = &'a Slot> + Clone,
        fields: &mut Vec<(Span, Span)>,
    ) -> Option<usize> {
        memmem::find_iter(&self.bytes, b"HTTP/1.").take(TRIES).find(|start| {
            let mut place = *start;
            let mut each = waiting.clone();
            each.all(|slot| match self.answer(place, slot, fields) {
                Some(end) => {
                    place = end;
                    true
                }
                None => false,
            }) && place == self.bytes.len()
        })
    }

    /// Where the answer to a request ends that begins at `place`, with the interim ones in front of it.
    fn answer(&self, mut place: usize, slot: &Slot, fields: &mut Vec<(Span, Span)>) -> Option<usize> {
        let request = &slot.exchange.request;
        let at = self.at(place)?;
        // The server had the request, and the client not yet the answer.
        if slot.acked.is_some_and(|acked| acked > at.offset)
            || at.ack.is_some_and(|received| received <= slot.offset)
            || request.method() == b"CONNECT"
        {
            return None;
        }
        loop {
            let rest = self.bytes.get(place..)?;
            let (head, scan) = plain::read(Kind::Response, rest, fields)?;
            let mut lengths = head.lengths;
            place += scan.before;
            let body = rest.get(scan.before..)?;
            place += match lengths.of_response(head.status, request.method() == b"HEAD") {
                _ if !lengths.anomalies.is_empty() || head.status == 101 => return None,
                Framing::None => 0,
                Framing::Length(length) => usize::try_from(length).ok().filter(|end| *end <= body.len())?,
                Framing::Chunked => chunked(body)?,
                // Nothing ends it, so that it proves nothing.
                Framing::UntilClose => return None,
            };
            if !matches!(head.status, 100..=199) {
                return Some(place);
            }
        }
    }

    /// How the byte at `place` came.
    fn at(&self, place: usize) -> Option<At> {
        let next = self.pieces.partition_point(|(begin, _)| *begin <= place);
        let (begin, at) = self.pieces.get(next.checked_sub(1)?)?;
        Some(At { offset: at.offset.saturating_add((place - begin) as u64), ..*at })
    }

    /// What is there from `start` on, piece by piece.
    fn from(&self, start: usize) -> impl Iterator<Item = (&[u8], At)> {
        let ends = self.pieces.iter().skip(1).map(|(begin, _)| *begin).chain([self.bytes.len()]);
        self.pieces.iter().zip(ends).filter_map(move |((begin, _), end)| {
            let begin = start.max(*begin);
            let bytes = self.bytes.get(begin..end).filter(|bytes| !bytes.is_empty())?;
            Some((bytes, self.at(begin)?))
        })
    }
}

/// Where a chunked body ends that has nothing odd, if it ends in there.
fn chunked(body: &[u8]) -> Option<usize> {
    let (mut chunks, mut place, mut odd) = (Chunks::new(), 0, false);
    loop {
        let rest = body.get(place..).filter(|rest| !rest.is_empty() && !odd)?;
        match chunks.step(rest, |_| odd = true) {
            Chunk::Framing(taken) | Chunk::Data(taken) => place += taken,
            Chunk::Trailers { bytes, last } => {
                place += bytes;
                if last {
                    return Some(place);
                }
            }
            Chunk::Bad => return None,
        }
    }
}
