//! Connections that are over: what has to be known of them, so that their last packets open no new ones.
//!
//! Promises: what is found depends on packet time alone; there are never more than [`Limits::connections`], each of about
//! a hundred bytes. They are apart from the connections that go on, which stay few, and near each other in memory.

use std::collections::VecDeque;
use std::time::Duration;

use egret_decode::{Flow, TcpFlags, Timestamp};
use hashbrown::HashTable;

use crate::arrival::Arrival;
use crate::half::MAX_WINDOW;
use crate::key::{FlowHash, FlowHasher, is_same};
use crate::seq::distance;
use crate::{Limits, Segment};

/// How long a connection that is over is remembered. Retransmissions of a FIN come within seconds; Linux itself keeps
/// TIME_WAIT for 60.
const TOMBSTONE: Duration = Duration::from_secs(30);

/// How far from its end a connection's last packets may be.
const NEAR: u64 = MAX_WINDOW >> 8;

/// In the order in which they ended.
#[derive(Default)]
pub(crate) struct Tombstones {
    stones: VecDeque<Tombstone>,
    /// The number of the first: they are numbered in their order, modulo 2^32.
    first: u32,
    /// Their numbers, with what their flows hash to.
    table: HashTable<(FlowHash, u32)>,
}

struct Tombstone {
    /// From client to server.
    flow: Flow,
    ends: [End; 2],
    /// When it was last heard of.
    last: Timestamp,
    /// Another connection has taken its place.
    gone: bool,
}

/// Where a direction of a connection began and ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    /// The sequence number of its first byte and the one behind its last, if it had any.
    pub(crate) numbers: Option<(u32, u32)>,
}

impl End {
    /// Whether a segment of this direction is not one of its last, so that it must be of another connection.
    pub(crate) fn begins_anew(self, segment: &Segment<'_>) -> bool {
        if segment.flags.has(TcpFlags::SYN) {
            return self.numbers.is_none_or(|(start, _)| start != segment.seq.wrapping_add(1));
        }
        let far = |(_, next)| distance(next, segment.seq).unsigned_abs() > NEAR;
        !segment.payload.is_empty() && self.numbers.is_some_and(far)
    }
}

impl Tombstones {
    /// Remembers a connection; how many others had to be forgotten before their time for that.
    pub(crate) fn add(
        &mut self,
        hasher: &FlowHasher,
        flow: Flow,
        ends: [End; 2],
        last: Timestamp,
        limits: &Limits,
    ) -> u64 {
        let mut forgotten = 0;
        while let Some(oldest) = self.stones.front()
            && (oldest.gone || oldest.is_over(last, limits) || self.stones.len() >= limits.connections.max(1))
        {
            forgotten += u64::from(!oldest.gone && !oldest.is_over(last, limits));
            self.pop(hasher);
        }
        let number = self.first.wrapping_add(self.stones.len() as u32);
        self.stones.push_back(Tombstone { flow, ends, last, gone: false });
        let hash = hasher.hash(&flow);
        self.table.insert_unique(hash.spread(), (hash, number), |(hash, _)| hash.spread());
        forgotten
    }

    /// Whether a segment is one of the last of a connection that is over. If it is of another connection with the same
    /// addresses, the one that is over is forgotten.
    pub(crate) fn is_leftover(
        &mut self,
        hasher: &FlowHasher,
        hash: FlowHash,
        arrival: &Arrival<'_>,
        damaged: bool,
        now: Timestamp,
        limits: &Limits,
    ) -> bool {
        let Self { stones, first, table } = self;
        let place = |number: u32| number.wrapping_sub(*first) as usize;
        let is_it = |(known, number): &(FlowHash, u32)| {
            *known == hash
                && stones.get(place(*number)).is_some_and(|stone| is_same(&stone.flow, &arrival.flow))
        };
        let Ok(entry) = table.find_entry(hash.spread(), is_it) else { return false };
        let Some(stone) = stones.get_mut(place(entry.get().1)) else { return false };
        let segment = &arrival.segment;
        let [client, server] = stone.ends;
        let end = if arrival.flow.source == stone.flow.source { client } else { server };
        let counts = !segment.flags.has(TcpFlags::RST) && !damaged;
        if stone.is_over(now, limits) || (counts && end.begins_anew(segment)) {
            stone.gone = true;
            entry.remove();
            while self.stones.front().is_some_and(|oldest| oldest.gone) {
                self.pop(hasher);
            }
            return false;
        }
        true
    }

    fn pop(&mut self, hasher: &FlowHasher) {
        let number = self.first;
        let Some(stone) = self.stones.pop_front() else { return };
        self.first = number.wrapping_add(1);
        if !stone.gone
            && let hash = hasher.hash(&stone.flow).spread()
            && let Ok(entry) = self.table.find_entry(hash, |(_, known)| *known == number)
        {
            entry.remove();
        }
    }
}

impl Tombstone {
    fn is_over(&self, now: Timestamp, limits: &Limits) -> bool {
        self.last.after(TOMBSTONE.min(limits.idle)) <= now
    }
}
