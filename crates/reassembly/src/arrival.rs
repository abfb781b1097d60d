//! Segments on their way to a connection, and those that are kept for a while before the rules are applied to them.
//!
//! Promises: what is kept is a copy with its real cost known; nothing is decided here.

use egret_decode::{Checksum, Flow, Timestamp};

use crate::Segment;

/// What a held segment costs besides its payload.
const HELD_COST: usize = 128;

/// A segment as it comes from the pool: whose it is, and what the rules need of its headers beyond [`Segment`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival<'a> {
    /// As captured; the direction is meaningless until the connection has set it.
    pub(crate) segment: Segment<'a>,
    /// Its flow, as sent.
    pub(crate) flow: Flow,
    /// The window scale option, in a SYN.
    pub(crate) window_scale: Option<u8>,
    /// The time stamp option's value: the sender's clock.
    pub(crate) sent_at: Option<u32>,
    /// Whether the TCP checksum is right; `None` when it was not looked at.
    pub(crate) checksum: Option<Checksum>,
    /// TCP checksum and IP identification, which tell a packet captured twice from a retransmission.
    pub(crate) identity: (u16, u16),
}

impl Arrival<'_> {
    /// The same segment with these bytes for a payload.
    pub(crate) fn carrying<'b>(&self, payload: &'b [u8]) -> Arrival<'b> {
        let Segment { direction, timestamp, packet, seq, ack, flags, window, urgent, cut, .. } = self.segment;
        let segment = Segment { direction, timestamp, packet, seq, ack, flags, window, urgent, payload, cut };
        let Self { flow, window_scale, sent_at, checksum, identity, .. } = *self;
        Arrival { segment, flow, window_scale, sent_at, checksum, identity }
    }
}

/// A segment kept from the first moments of a midstream connection, or the data of a SYN.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) arrival: Arrival<'static>,
    pub(crate) payload: Box<[u8]>,
}

impl Held {
    pub(crate) fn new(arrival: &Arrival<'_>) -> Self {
        Self { arrival: arrival.carrying(&[]), payload: arrival.segment.payload.into() }
    }

    pub(crate) fn arrival(&self) -> Arrival<'_> {
        self.arrival.carrying(&self.payload)
    }

    pub(crate) fn cost(&self) -> usize {
        self.payload.len() + HELD_COST
    }
}

/// A segment that acknowledges what was not seen yet, and since when it waits for that.
#[derive(Debug)]
pub(crate) struct Early {
    pub(crate) held: Held,
    pub(crate) since: Timestamp,
    /// How many segments the connection had had then.
    pub(crate) packets: u64,
}
