//! What was counted. Promises conservation: what a direction's segments carried is delivered, known already,
//! discarded for a named reason, or still waiting — nothing else.

/// What one direction of a connection came to. All figures are bytes of payload unless they say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Segments, with or without payload.
    pub packets: u64,
    /// Payload captured.
    pub seen: u64,
    /// Given to the stream.
    pub delivered: u64,
    /// Captured again with the same bytes.
    pub retransmitted: u64,
    /// Captured but not part of the stream.
    pub discarded: Discarded,
    /// Held until something in front of it arrives. Zero once a connection is over.
    pub waiting: u64,
    /// Reported missing.
    pub missing: u64,
    /// How many times bytes were reported missing.
    pub gaps: u64,
    /// Delivered at the end without the peer having acknowledged it.
    pub unacknowledged: u64,
}

impl Counts {
    /// Whether every captured byte is accounted for.
    pub const fn conserved(&self) -> bool {
        self.seen == self.delivered + self.retransmitted + self.discarded.total() + self.waiting
    }
}

/// Payload that was captured but is not part of the stream, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Discarded {
    /// Lost against other bytes for the same place.
    pub conflict: u64,
    /// Came after its gap had been reported, or from before the stream's start.
    pub late: u64,
    /// In a segment that the receiver's rules refuse.
    pub refused: u64,
    /// Taken out of the stream as urgent.
    pub urgent: u64,
    /// Of a connection that its stream ignores.
    pub ignored: u64,
}

impl Discarded {
    /// All of it.
    pub const fn total(&self) -> u64 {
        self.conflict + self.late + self.refused + self.urgent + self.ignored
    }
}
