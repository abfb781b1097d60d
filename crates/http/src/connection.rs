//! One connection, both directions of it: the state machine from bytes to exchanges.

use std::time::Duration;

use egret_reassembly::{Direction, Ending, Flow, GapReason, Opened, Timestamp};

use crate::{Context, Handler, Moment, NotHttp};

/// The next bytes of one direction.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// Who sent them.
    pub direction: Direction,
    /// Where the first of them is in its direction's stream.
    pub offset: u64,
    /// When they were captured.
    pub timestamp: Timestamp,
    /// The number of the packet they came in.
    pub packet: u64,
    /// How far their sender had received the other direction when it sent them: an offset there, where known. It
    /// keeps requests and responses together where bytes are missing.
    pub ack: Option<u64>,
    /// The bytes.
    pub bytes: &'a [u8],
}

impl<'a> Piece<'a> {
    /// Bytes of which no more is known than who sent them and when.
    pub const fn new(direction: Direction, timestamp: Timestamp, bytes: &'a [u8]) -> Self {
        Self { direction, offset: 0, timestamp, packet: 0, ack: None, bytes }
    }
}

/// Bytes of one direction that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// Who sent them.
    pub direction: Direction,
    /// Where the first of them is in its direction's stream.
    pub offset: u64,
    /// How many.
    pub len: u64,
    /// Why.
    pub reason: GapReason,
    /// When that was decided.
    pub at: Moment,
}

/// One HTTP/1 connection, from the bytes of its two directions to exchanges. Needs no packets.
///
/// Call [`data`](Self::data) and [`gap`](Self::gap) in the order of the stream for each direction, and across
/// directions in the order of causes: a response not before the request that it answers; then
/// [`end`](Self::end) for a direction that said it has ended, and [`close`](Self::close) once.
#[derive(Debug)]
pub struct Connection {
    id: u64,
    flow: Flow,
    opened: Opened,
}

impl Connection {
    /// A connection of which nothing was said yet. `id` is what exchanges will carry; `flow` is from client to
    /// server, which a [`Opened::Midstream`] connection corrects by what is said on it.
    pub const fn new(id: u64, flow: Flow, opened: Opened) -> Self {
        Self { id, flow, opened }
    }

    /// How long the connection took to be made, for the first exchange.
    pub fn connected(&mut self, _connect: Duration) {}

    /// The next bytes of one direction.
    pub fn data<H: Handler>(&mut self, _piece: Piece<'_>, _context: &mut Context<H>) {}

    /// Bytes of one direction that are missing; what comes next is what is behind them.
    pub fn gap<H: Handler>(&mut self, _missing: Missing, _context: &mut Context<H>) {}

    /// That many bytes of one direction were sent again.
    pub fn retransmitted(&mut self, _direction: Direction, _bytes: u64) {}

    /// One direction said that it has ended (a FIN): what lasts until then is complete.
    pub fn end<H: Handler>(&mut self, _direction: Direction, _at: Moment, _context: &mut Context<H>) {}

    /// The connection is over: what is still under way is delivered as it is.
    pub fn close<H: Handler>(&mut self, _how: Ending, _at: Moment, _context: &mut Context<H>) {}

    /// What it speaks, once it is clear that it is not HTTP/1. Nothing more will come of it.
    pub const fn not_http(&self) -> Option<NotHttp> {
        None
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
}
