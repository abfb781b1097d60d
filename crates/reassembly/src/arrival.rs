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
    /// Whether a SYN allows selective acknowledgments.
    pub(crate) sack: bool,
    /// The time stamp option's value: the sender's clock.
    pub(crate) sent_at: Option<u32>,
    /// Whether the TCP checksum is right; `None` when it was not looked at.
    pub(crate) checksum: Option<Checksum>,
    /// TCP checksum and IP identification, which tell a packet captured twice from a retransmission.
    pub(crate) identity: (u16, u16),
}

impl Arrival<'_> {
    /// The same segment with these bytes for a payload, put together from these packets.
    fn carrying<'b>(&self, payload: &'b [u8], fragments: &'b [u64]) -> Arrival<'b> {
        let Segment { direction, timestamp, packet, seq, ack, flags, window, urgent, cut, .. } = self.segment;
        let segment = Segment {
            direction,
            timestamp,
            packet,
            seq,
            ack,
            flags,
            window,
            urgent,
            payload,
            cut,
            fragments,
        };
        let Self { flow, window_scale, sack, sent_at, checksum, identity, .. } = *self;
        Arrival { segment, flow, window_scale, sack, sent_at, checksum, identity }
    }
}

/// A segment kept from the first moments of a midstream connection, or the data of a SYN.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) arrival: Arrival<'static>,
    pub(crate) payload: Box<[u8]>,
    fragments: Box<[u64]>,
}

impl Held {
    pub(crate) fn new(arrival: &Arrival<'_>) -> Self {
        let Segment { payload, fragments, .. } = arrival.segment;
        Self { arrival: arrival.carrying(&[], &[]), payload: payload.into(), fragments: fragments.into() }
    }

    pub(crate) fn arrival(&self) -> Arrival<'_> {
        self.arrival.carrying(&self.payload, &self.fragments)
    }

    pub(crate) fn cost(&self) -> usize {
        self.payload.len() + size_of_val(&*self.fragments) + HELD_COST
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

/// A segment beyond the window, and whether what was known of the window was up to date.
#[derive(Debug)]
pub(crate) struct Doubtful {
    pub(crate) held: Held,
    pub(crate) fresh: bool,
}

/// Segments that are kept before the rules are applied to them.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    /// The first ones of a connection that begins in its middle.
    pub(crate) held: Vec<Held>,
    /// When the first of them came, by the clock that never goes back.
    pub(crate) began: Timestamp,
    /// SYNs with data of which it is not known yet whether it counts.
    pub(crate) fast_opens: Vec<Held>,
    /// A SYN with a new initial sequence number: nothing yet, until the other side agrees to it.
    pub(crate) reopening: Option<Held>,
    /// Segments that run ahead of the other direction, in the order of their packets.
    pub(crate) early: Vec<Early>,
    /// What the receiver had not allowed to be sent, as far as is known; it counts once it is acknowledged.
    pub(crate) doubtful: Vec<Doubtful>,
}

impl Aside {
    /// Nothing is kept.
    pub(crate) const fn new() -> Self {
        Self {
            held: Vec::new(),
            began: Timestamp::EPOCH,
            fast_opens: Vec::new(),
            reopening: None,
            early: Vec::new(),
            doubtful: Vec::new(),
        }
    }

    /// All of them.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &Held> {
        let Self { held, fast_opens, reopening, early, doubtful, .. } = self;
        let early = early.iter().map(|early| &early.held);
        let doubtful = doubtful.iter().map(|doubtful| &doubtful.held);
        held.iter().chain(fast_opens).chain(reopening).chain(doubtful).chain(early)
    }
}
