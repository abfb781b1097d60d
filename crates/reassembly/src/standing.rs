//! What the pool's books say of a connection: who is given up when, and what for.
//!
//! Promises: nothing here is a rule of TCP; what few connections need is behind a pointer.

use egret_decode::Timestamp;

use crate::arrival::{Aside, Held};
use crate::connection::{LAST_ACK, Phase, Tracked};
use crate::half::Half;
use crate::{Limits, Opened, Stream};

/// The time that never comes.
pub(crate) const NEVER: Timestamp = Timestamp::from_nanos(i64::MAX);

/// Where a connection is in the pool's queues, and what else the pool has noted of it.
#[derive(Debug)]
pub(crate) struct Standing {
    /// The time it is queued under.
    pub(crate) queued: Timestamp,
    /// There for a connection for which something waits.
    pub(crate) booked: Option<Box<Booked>>,
}

impl Standing {
    /// That of a connection that has just begun.
    pub(crate) const fn new(now: Timestamp) -> Self {
        Self { queued: now, booked: None }
    }
}

/// What waits, since when, and for how long.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Booked {
    /// Bytes of memory.
    pub(crate) charged: usize,
    pub(crate) deadline: Option<Timestamp>,
    /// The packet since which something waits.
    pub(crate) waits_since: Option<u64>,
}

/// In which order connections are given up when there are too many, and how long each kind may be silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Nothing but a SYN or its answer.
    HalfOpen,
    /// Begun in the middle.
    Midstream,
    /// Everything else.
    Established,
}

impl Class {
    pub(crate) const ALL: [Self; 3] = [Self::HalfOpen, Self::Midstream, Self::Established];

    pub(crate) fn of<S>(tracked: &Tracked<S>) -> Self {
        match (tracked.phase, tracked.about.opened) {
            (Phase::HalfOpen, _) => Self::HalfOpen,
            (_, Opened::Midstream) => Self::Midstream,
            (_, Opened::Handshake) => Self::Established,
        }
    }
}

impl<S: Stream> Tracked<S> {
    /// Whether there is nothing here but what every connection has: nothing waits, nothing is remembered.
    pub(crate) fn is_plain(&self) -> bool {
        self.aside.is_none() && self.halves.iter().all(Half::is_trouble_free)
    }

    /// When something is due, as far as the pool knows.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        match &self.standing.booked {
            Some(booked) => booked.deadline,
            // What is booked of nobody else is what nearly every connection waits for at its end.
            None => self.last_ack_until(),
        }
    }

    /// When both sides had said all, once they have. The last acknowledgment is still waited for, so that it is counted.
    #[inline]
    pub(crate) const fn finished(&self) -> Option<Timestamp> {
        if self.finished.nanos() == NEVER.nanos() { None } else { Some(self.finished) }
    }

    /// Both sides have said all.
    pub(crate) fn finish(&mut self, now: Timestamp) {
        if self.finished().is_none() {
            self.finished = now;
        }
    }

    /// Until when the last acknowledgment is waited for, where both sides have said all.
    pub(crate) fn last_ack_until(&self) -> Option<Timestamp> {
        self.finished().map(|finished| finished.after(LAST_ACK))
    }

    /// Frees what is needed no longer.
    pub(crate) fn tidy(&mut self) {
        if self.aside.as_ref().is_some_and(|aside| aside.segments().next().is_none()) {
            self.aside = None;
        }
        self.halves.iter_mut().for_each(Half::tidy);
    }

    /// What this connection keeps waiting, in bytes of memory.
    pub(crate) fn cost(&self) -> usize {
        let aside = self
            .aside
            .as_ref()
            .map_or(0, |aside| size_of::<Aside>() + aside.segments().map(Held::cost).sum::<usize>());
        aside + self.halves.iter().map(Half::cost).sum::<usize>()
    }

    /// The packet since which something of this connection waits.
    pub(crate) fn waits_since(&self) -> Option<u64> {
        let aside = self.aside().segments().map(|held| held.arrival.segment.packet);
        self.halves.iter().filter_map(Half::waits_since).chain(aside).min()
    }

    /// When something must be given up if nothing else happens. Silence of the whole connection is the pool's matter.
    pub(crate) fn deadline(&self, limits: &Limits) -> Option<Timestamp> {
        let held = self.aside().held.first().map(|_| self.aside().began.after(limits.slack));
        let early = self.aside().early.first().map(|early| early.since.after(limits.slack));
        self.halves
            .iter()
            .filter_map(|half| half.deadline(limits))
            .chain(held)
            .chain(early)
            .chain(self.last_ack_until())
            .min()
    }
}
