//! An exchange under way: what will be reported, and what is known about it that will not.

use std::hint::black_box;

use crate::budget::{Budget, cost};
use crate::message::Message;
use crate::{Direction, Exchange, Part, Verdict, Why};

/// The most that one buffer of a slot may keep while it waits to be used again: of a head, and of a body, which is no more
/// than so small a part of the budget that all of them are a sixteenth.
const KEEP: usize = 4 << 10;
const KEEP_OF_BODY: usize = 16 << 10;
const PART_OF_BUDGET: usize = 1 << 12;

/// An exchange under way.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) exchange: Exchange,
    /// How far the client had received the server's stream when it began to send the request. The response begins
    /// there or later.
    pub(crate) acked: Option<u64>,
    /// Where the request begins in the client's stream.
    pub(crate) offset: u64,
    /// Where the last lost bytes in front of it end in the client's stream.
    pub(crate) lost_until: u64,
    /// Where the response begins in the server's stream, if it has.
    pub(crate) answered: Option<u64>,
    /// Whether the request before it had got no byte of its response when this one was sent.
    pub(crate) pipelined: bool,
    pub(crate) request: Progress,
    pub(crate) response: Progress,
    request_fault: Option<Fault>,
    response_fault: Option<Fault>,
}

/// How far a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing of it was there.
    Nothing,
    /// It has begun.
    Open,
    /// Nothing more will come of it.
    Done,
}

/// What is wrong with a message: the first thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) part: Part,
    pub(crate) missing: Option<u64>,
    pub(crate) why: Why,
}

impl Slot {
    /// What an empty one takes, in bytes, with what its messages may come to hold beside it.
    pub(crate) const SIZE: usize = size_of::<Self>() + 2 * Message::BESIDE;

    pub(crate) const fn new(exchange: Exchange) -> Self {
        Self {
            exchange,
            acked: None,
            offset: 0,
            lost_until: 0,
            answered: None,
            pipelined: false,
            request: Progress::Nothing,
            response: Progress::Nothing,
            request_fault: None,
            response_fault: None,
        }
    }

    /// Reads what its end will need.
    pub(crate) fn fetch(&self) {
        let Exchange { flow, request, response, informational, opened, ended, .. } = &self.exchange;
        black_box((self.acked, ended.packet, flow.source.port, informational.len(), *opened));
        black_box((self.offset, self.response_fault));
        for message in [&request.0, &response.0] {
            message.fetch();
            message.fetch_rest();
            message.headers.fetch(16);
        }
    }

    pub(crate) const fn message(&mut self, direction: Direction) -> &mut Message {
        match direction {
            Direction::ClientToServer => &mut self.exchange.request.0,
            Direction::ServerToClient => &mut self.exchange.response.0,
        }
    }

    pub(crate) const fn set(&mut self, direction: Direction, progress: Progress) {
        match direction {
            Direction::ClientToServer => self.request = progress,
            Direction::ServerToClient => self.response = progress,
        }
    }

    /// Adds to what is wrong with a message. The first reason stays; what is missing of the same part adds up.
    pub(crate) fn fault(&mut self, direction: Direction, fault: Fault) {
        let known = match direction {
            Direction::ClientToServer => &mut self.request_fault,
            Direction::ServerToClient => &mut self.response_fault,
        };
        match known {
            None => *known = Some(fault),
            Some(known) if known.part == fault.part => {
                known.missing =
                    known.missing.zip(fault.missing).map(|(known, more)| known.saturating_add(more));
            }
            Some(_) => {}
        }
    }

    /// What the exchange came to, if it ends as it is.
    pub(crate) fn verdict(&self, uncertain: bool) -> Verdict {
        match (self.request_fault.or(self.response_fault), uncertain) {
            (None, false) => Verdict::Complete,
            (Some(Fault { part, missing, why }), false) => Verdict::Incomplete { part, missing, why },
            (fault, true) => Verdict::Incomplete {
                part: match fault {
                    Some(fault) => fault.part,
                    None if self.exchange.has_response => Part::ResponseHead,
                    None => Part::Response,
                },
                missing: None,
                why: Why::PairingUncertain,
            },
        }
    }

    /// Makes it as new, but for buffers of a moderate size, which are used again.
    pub(crate) fn clear(&mut self, budget: &mut Budget) {
        budget.release(self.cost());
        self.exchange.informational = Vec::new();
        let keep_of_body = KEEP_OF_BODY.min(budget.limit() / PART_OF_BUDGET);
        for message in [&mut self.exchange.request.0, &mut self.exchange.response.0] {
            message.clear();
            for bytes in [&mut message.body.raw, &mut message.body.decoded] {
                bytes.shrink_to(keep_of_body);
            }
            message.headers.bytes.shrink_to(KEEP);
            message.headers.fields.shrink_to(KEEP / 16);
        }
        (self.acked, self.pipelined) = (None, false);
        (self.offset, self.lost_until, self.answered) = (0, 0, None);
        (self.request, self.response) = (Progress::Nothing, Progress::Nothing);
        (self.request_fault, self.response_fault) = (None, None);
        let exchange = &mut self.exchange;
        (exchange.has_request, exchange.has_response) = (false, false);
        (exchange.connect, exchange.tunnel, exchange.interim_lost) = (None, None, false);
        // Shrinking made it less than it was, so that this always fits.
        budget.take(self.cost());
    }

    /// What it takes, in bytes, with all its buffers.
    pub(crate) fn cost(&self) -> usize {
        let message = |message: &Message| {
            cost(&message.headers.bytes)
                + cost(&message.headers.fields)
                + cost(&message.trailers().bytes)
                + cost(&message.trailers().fields)
                + cost(&message.body.raw)
                + cost(&message.body.decoded)
        };
        Self::SIZE
            + message(&self.exchange.request.0)
            + message(&self.exchange.response.0)
            + self.exchange.informational.iter().map(|interim| message(&interim.0)).sum::<usize>()
            + cost(&self.exchange.informational)
    }
}
