//! What was counted. Promises conservation: what a direction's segments carried is delivered, known already,
//! discarded for a named reason, or still waiting — nothing else.

use crate::{Ending, Opened};

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
    /// Captured again: with the same bytes, as far as that can be told (see [`Anomaly::Conflict`](crate::Anomaly::Conflict)).
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

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.packets += other.packets;
        self.seen += other.seen;
        self.delivered += other.delivered;
        self.retransmitted += other.retransmitted;
        self.discarded.conflict += other.discarded.conflict;
        self.discarded.late += other.discarded.late;
        self.discarded.refused += other.discarded.refused;
        self.discarded.urgent += other.discarded.urgent;
        self.discarded.ignored += other.discarded.ignored;
        self.waiting += other.waiting;
        self.missing += other.missing;
        self.gaps += other.gaps;
        self.unacknowledged += other.unacknowledged;
    }
}

/// What an [`Assembler`](crate::Assembler) has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// TCP segments, after defragmentation.
    pub segments: u64,
    /// Segments of connections that were over: last acknowledgments, late duplicates.
    pub leftovers: u64,
    /// Segments of no known connection that may not open one: an ACK, a RST or a FIN without data.
    pub strays: u64,
    /// Connections that began with a handshake.
    pub opened_handshake: u64,
    /// Connections that began in the middle.
    pub opened_midstream: u64,
    /// Connections by how they ended.
    pub ended: Ended,
    /// Connections of which only one side was captured, or only one said anything: those that have ended.
    pub one_sided: u64,
    /// Both directions of the connections that have ended, added up.
    pub totals: Counts,
    /// IP fragments.
    pub fragments: FragmentStats,
    /// The most connections that were open at a time.
    pub peak_connections: u64,
    /// The most memory that segments waited in, in bytes.
    pub peak_waiting: usize,
    /// How many times a limit took something away: a hole given up early, a connection evicted.
    pub limits_hit: u64,
    /// Connections that were over and forgotten before their time, since so many others were
    /// ([`Limits::connections`](crate::Limits::connections)). Nothing of them is lost; but what comes of one later counts as
    /// a stray, or opens a connection that there is not.
    pub forgotten: u64,
}

/// Connections by how they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Ended {
    /// With a FIN from both sides.
    pub finished: u64,
    /// With a RST.
    pub reset: u64,
    /// By silence, or because their ports were used again.
    pub idle: u64,
    /// At a limit.
    pub evicted: u64,
    /// With the capture.
    pub end_of_capture: u64,
}

/// What happened to IP fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FragmentStats {
    /// Fragments seen.
    pub fragments: u64,
    /// Datagrams put together.
    pub completed: u64,
    /// Datagrams given up: too old, over the budget, malformed, or unfinished at the end.
    pub incomplete: u64,
    /// Datagrams dropped because their fragments overlapped in part.
    pub overlapping: u64,
}

impl Stats {
    /// Adds up what was counted elsewhere: over all [shards](crate::Shard) this makes the counts of the whole. Of the two
    /// peaks it makes the most there can have been, since those of the parts need not have been at the same time.
    pub fn merge(&mut self, other: &Self) {
        self.segments += other.segments;
        self.leftovers += other.leftovers;
        self.strays += other.strays;
        self.opened_handshake += other.opened_handshake;
        self.opened_midstream += other.opened_midstream;
        self.ended.finished += other.ended.finished;
        self.ended.reset += other.ended.reset;
        self.ended.idle += other.ended.idle;
        self.ended.evicted += other.ended.evicted;
        self.ended.end_of_capture += other.ended.end_of_capture;
        self.one_sided += other.one_sided;
        self.totals.add(&other.totals);
        self.fragments.fragments += other.fragments.fragments;
        self.fragments.completed += other.fragments.completed;
        self.fragments.incomplete += other.fragments.incomplete;
        self.fragments.overlapping += other.fragments.overlapping;
        self.peak_connections += other.peak_connections;
        self.peak_waiting += other.peak_waiting;
        self.limits_hit += other.limits_hit;
        self.forgotten += other.forgotten;
    }

    pub(crate) fn count_open(&mut self, opened: Opened) {
        match opened {
            Opened::Handshake => self.opened_handshake += 1,
            Opened::Midstream => self.opened_midstream += 1,
        }
    }

    pub(crate) fn count_end(&mut self, ending: Ending, client: &Counts, server: &Counts) {
        match ending {
            Ending::Finished => self.ended.finished += 1,
            Ending::Reset { .. } => self.ended.reset += 1,
            Ending::Idle => self.ended.idle += 1,
            Ending::Evicted => self.ended.evicted += 1,
            Ending::EndOfCapture => self.ended.end_of_capture += 1,
        }
        self.one_sided += u64::from(client.packets == 0 || server.packets == 0);
        self.totals.add(client);
        self.totals.add(server);
    }
}
