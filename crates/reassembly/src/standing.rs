//! What the pool's books say of a connection: who is given up when, and what for.
//!
//! Promises: nothing here is a rule of TCP; what few connections need is behind a pointer.

use egret_decode::Timestamp;

use crate::Opened;
use crate::connection::{Phase, Tracked};

/// Where a connection is in the pool's queues, and what else the pool has noted of it.
#[derive(Debug)]
pub(crate) struct Standing {
    /// The time it is queued under.
    pub(crate) queued: Timestamp,
    pub(crate) class: Class,
    /// There for a connection for which something waits.
    pub(crate) booked: Option<Box<Booked>>,
}

impl Standing {
    /// That of a connection that has just begun.
    pub(crate) const fn new(now: Timestamp) -> Self {
        Self { queued: now, class: Class::HalfOpen, booked: None }
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
