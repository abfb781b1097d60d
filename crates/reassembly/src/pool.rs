//! Every connection that is known: found by one hashed look-up, ended when it is silent, bounded in number and memory.
//!
//! Promises: no order comes from the hash; an attacker cannot choose its keys' places (the hash is seeded at random);
//! connections and waiting bytes never exceed [`Limits`]. What only ever saw a SYN is given up first.

use std::collections::BTreeSet;
use std::time::Duration;

use egret_decode::{Checksum, TcpFlags, Timestamp};
use foldhash::quality::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use crate::arrival::Arrival;
use crate::connection::{Env, Phase, Tracked};
use crate::delivered::Delivered;
use crate::half::MAX_WINDOW;
use crate::key::Key;
use crate::queue::Queues;
use crate::seq::{Numbering, distance};
use crate::stats::Stats;
use crate::strays::Strays;
use crate::{Checksums, Ending, Limits, Opened, Stream, StreamFactory};

/// How long a connection that is over is remembered, so that its last packets open no new one. Retransmissions of a
/// FIN come within seconds; Linux itself keeps TIME_WAIT for 60.
const TOMBSTONE: Duration = Duration::from_secs(30);

/// The streams of one assembler, and the factory that makes them.
pub struct StreamPool<F: StreamFactory> {
    factory: F,
    pub(crate) limits: Limits,
    hasher: RandomState,
    table: HashTable<u32>,
    slots: Vec<Option<Slot<F::Stream>>>,
    free: Vec<u32>,
    queues: Queues,
    /// Before this time no connection can have been silent for too long.
    next_sweep: Timestamp,
    deadlines: BTreeSet<(Timestamp, u64, u32)>,
    waiters: BTreeSet<(u64, u32)>,
    waiting: usize,
    delivered: Delivered,
    strays: Strays,
    pub(crate) stats: Stats,
}

struct Slot<S> {
    key: Key,
    tracked: Tracked<S>,
    /// Whether any of what follows is set.
    booked: bool,
    charged: usize,
    deadline: Option<Timestamp>,
    waits_since: Option<u64>,
}

/// In which order connections are given up when there are too many, and how long each kind may be silent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Nothing but a SYN or its answer.
    HalfOpen,
    /// Over.
    Tombstone,
    /// Begun in the middle.
    Midstream,
    /// Everything else.
    Established,
}

impl Class {
    pub(crate) const ALL: [Self; 4] = [Self::HalfOpen, Self::Tombstone, Self::Midstream, Self::Established];

    fn of<S>(tracked: &Tracked<S>) -> Self {
        match (tracked.phase, tracked.about.opened) {
            (Phase::Closed, _) => Self::Tombstone,
            (Phase::HalfOpen, _) => Self::HalfOpen,
            (_, Opened::Midstream) => Self::Midstream,
            (_, Opened::Handshake) => Self::Established,
        }
    }

    fn patience(self, limits: &Limits) -> Duration {
        match self {
            Self::Tombstone => TOMBSTONE.min(limits.idle),
            _ => limits.idle,
        }
    }
}

impl<F: StreamFactory> StreamPool<F> {
    /// A pool that has its streams made by `factory` and keeps to `limits`.
    pub fn new(factory: F, limits: Limits) -> Self {
        Self {
            factory,
            limits,
            hasher: RandomState::default(),
            table: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            queues: Queues::default(),
            next_sweep: Timestamp::from_nanos(i64::MAX),
            deadlines: BTreeSet::new(),
            waiters: BTreeSet::new(),
            waiting: 0,
            delivered: Delivered::default(),
            strays: Strays::default(),
            stats: Stats::default(),
        }
    }

    /// The factory that makes the streams.
    pub fn factory(&self) -> &F {
        &self.factory
    }

    /// Takes one segment.
    pub(crate) fn segment(
        &mut self,
        arrival: &Arrival<'_>,
        now: Timestamp,
        context: &mut <F::Stream as Stream>::Context,
    ) {
        self.stats.segments += 1;
        let key = Key::of(&arrival.flow);
        let packet = arrival.segment.packet;
        if let Some(index) = self.find(&key) {
            match self.fate(index, arrival) {
                Fate::Belongs => return self.deliver(index, arrival, now, context),
                Fate::Leftover => return self.stats.leftovers += 1,
                Fate::Replaces(ending) => self.remove(index, ending, now, packet, context),
                Fate::Reopens => {
                    let reopening = self
                        .slot_mut(index)
                        .and_then(|slot| slot.tracked.take_aside(|aside| &mut aside.reopening));
                    self.remove(index, Ending::Idle, now, packet, context);
                    if let Some(syn) = reopening {
                        let syn = syn.arrival();
                        let index = self.insert(key, Tracked::new(&syn, now), now, packet, context);
                        self.deliver(index, &syn, now, context);
                        return self.deliver(index, arrival, now, context);
                    }
                }
            }
        }
        let flags = arrival.segment.flags;
        let opens =
            flags.has(TcpFlags::SYN) || !arrival.segment.payload.is_empty() || arrival.segment.cut > 0;
        if !opens || flags.has(TcpFlags::RST) || self.is_damaged(arrival) {
            self.stats.strays += 1;
            if flags.has(TcpFlags::ACK)
                && !flags.has(TcpFlags::RST | TcpFlags::FIN)
                && !self.is_damaged(arrival)
            {
                self.strays.note(key, arrival);
            }
            return;
        }
        let mut tracked = Tracked::new(arrival, now);
        if let Some(stray) = self.strays.expects(&key, arrival) {
            tracked.begins_behind(stray.seq, arrival);
        }
        let index = self.insert(key, tracked, now, packet, context);
        self.deliver(index, arrival, now, context);
    }

    /// Whether something may be due by `now`.
    #[inline]
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        now >= self.next_sweep || self.deadlines.first().is_some_and(|(deadline, ..)| *deadline <= now)
    }

    /// Gives up everything whose time has come by `now`, and ends the connections that were silent for too long: those that
    /// began first come first, and each in the order of its times.
    pub(crate) fn advance(
        &mut self,
        now: Timestamp,
        packet: u64,
        context: &mut <F::Stream as Stream>::Context,
    ) {
        let overdue = self.deadlines.range(..=(now, u64::MAX, u32::MAX));
        let mut due: Vec<(u64, u32)> = overdue.map(|(_, id, index)| (*id, *index)).collect();
        while now >= self.next_sweep
            && let Some(index) = self.first_silent(now)
        {
            // The next one is found once this one is out of the way; who lives on comes back when it is touched.
            self.queues.remove(index);
            due.extend(self.slot(index).map(|slot| (slot.tracked.about.id, index)));
        }
        due.sort_unstable();
        due.dedup();
        for (_, index) in due {
            self.give_up(index, now, packet, context);
        }
    }

    /// Does what is due on one connection.
    fn give_up(
        &mut self,
        index: u32,
        now: Timestamp,
        packet: u64,
        context: &mut <F::Stream as Stream>::Context,
    ) {
        while let Some(Slot { tracked, deadline, .. }) = self.slot(index) {
            let until = tracked.last.after(Class::of(tracked).patience(&self.limits));
            match deadline.filter(|at| *at <= now) {
                Some(at) if at <= until => {
                    self.with(index, at, packet, context, |tracked, env| tracked.expire(env));
                }
                _ if until <= now => return self.remove(index, Ending::Idle, until, packet, context),
                _ => return,
            }
        }
    }

    /// Ends every connection, in the order they began.
    pub(crate) fn finish(
        &mut self,
        now: Timestamp,
        packet: u64,
        context: &mut <F::Stream as Stream>::Context,
    ) {
        let mut open: Vec<(u64, u32)> = (0..)
            .zip(&self.slots)
            .filter_map(|(index, slot)| slot.as_ref().map(|slot| (slot.tracked.about.id, index)))
            .collect();
        open.sort_unstable();
        for (_, index) in open {
            self.remove(index, Ending::EndOfCapture, now, packet, context);
        }
    }

    /// Whether a segment's checksum is wrong, and that counts whatever is known of its connection.
    fn is_damaged(&self, arrival: &Arrival<'_>) -> bool {
        self.limits.checksums == Checksums::Verify && arrival.checksum == Some(Checksum::Invalid)
    }

    /// What a segment is to the connection that has its addresses.
    fn fate(&self, index: u32, arrival: &Arrival<'_>) -> Fate {
        let Some(slot) = self.slot(index) else { return Fate::Belongs };
        let (tracked, segment) = (&slot.tracked, &arrival.segment);
        if segment.flags.has(TcpFlags::RST) || self.is_damaged(arrival) {
            return if tracked.phase == Phase::Closed { Fate::Leftover } else { Fate::Belongs };
        }
        let syn = segment.flags.has(TcpFlags::SYN);
        let numbering = tracked.half(tracked.direction(&arrival.flow)).numbering;
        if tracked.phase == Phase::Closed || tracked.finished.is_some() {
            let start = Numbering::starting_at(segment.seq.wrapping_add(u32::from(syn)));
            let near = |window: u64| {
                numbering.is_none_or(|numbering| {
                    let half = tracked.half(tracked.direction(&arrival.flow));
                    numbering.offset(half.next, segment.seq).abs_diff(half.next as i64) <= window
                })
            };
            let new = match (syn, segment.flags.has(TcpFlags::ACK)) {
                (true, _) => numbering != Some(start),
                (false, _) => !segment.payload.is_empty() && !near(MAX_WINDOW >> 8),
            };
            return match (new, tracked.phase) {
                (true, _) => Fate::Replaces(Ending::Finished),
                (false, Phase::Closed) => Fate::Leftover,
                (false, _) => Fate::Belongs,
            };
        }
        let syn_ack = syn && segment.flags.has(TcpFlags::ACK);
        let answers = |syn: &Arrival<'_>| {
            let (flow, expected) = (syn.flow, syn.segment.seq.wrapping_add(1));
            let agreed = syn_ack
                && arrival.flow == flow.reversed()
                && (0..=syn.segment.payload.len() as i64).contains(&distance(expected, segment.ack));
            // That the sender goes on says something only where the other side is never seen: whoever forges a SYN can
            // forge what follows.
            let alone = tracked.half(tracked.direction(&flow.reversed())).packets == 0;
            let goes_on = arrival.flow == flow && !segment.payload.is_empty() && segment.seq == expected;
            agreed || (alone && goes_on)
        };
        if tracked.aside().reopening.as_ref().is_some_and(|syn| answers(&syn.arrival())) {
            return Fate::Reopens;
        }
        // A SYN while the first segments are held must fit them; otherwise it is of another connection.
        let misfit = tracked.phase == Phase::Held
            && syn
            && tracked.aside().held.first().is_some_and(|held| {
                let held = held.arrival();
                let step = if held.flow == arrival.flow {
                    distance(segment.seq, held.segment.seq)
                } else {
                    distance(segment.seq, held.segment.ack)
                };
                !(0..MAX_WINDOW as i64).contains(&step)
            });
        if misfit { Fate::Replaces(Ending::Idle) } else { Fate::Belongs }
    }

    fn deliver(
        &mut self,
        index: u32,
        arrival: &Arrival<'_>,
        now: Timestamp,
        context: &mut <F::Stream as Stream>::Context,
    ) {
        self.with(index, now, arrival.segment.packet, context, |tracked, env| tracked.segment(arrival, env));
        while self.waiting > self.limits.memory - self.limits.for_fragments()
            && let Some(&(_, oldest)) = self.waiters.first()
        {
            self.stats.limits_hit += 1;
            self.with(oldest, now, arrival.segment.packet, context, |tracked, env| tracked.relieve(env));
        }
    }

    /// Lends a connection what it needs, and brings the pool's own books up to date afterwards.
    fn with(
        &mut self,
        index: u32,
        now: Timestamp,
        packet: u64,
        context: &mut <F::Stream as Stream>::Context,
        act: impl FnOnce(&mut Tracked<F::Stream>, &mut Env<'_, F>),
    ) {
        let Self { factory, limits, slots, delivered, .. } = self;
        let Some(Some(slot)) = slots.get_mut(index as usize) else { return };
        let class = Class::of(&slot.tracked);
        act(&mut slot.tracked, &mut Env { limits, factory, context, delivered, now, packet });
        if slot.booked || !slot.tracked.is_plain() {
            slot.tracked.tidy();
            let tracked = &slot.tracked;
            let (cost, deadline, waits_since) =
                (tracked.cost(), tracked.deadline(limits), tracked.waits_since());
            self.waiting = self.waiting + cost - slot.charged;
            slot.charged = cost;
            self.stats.peak_waiting = self.stats.peak_waiting.max(self.waiting);
            let id = tracked.about.id;
            if deadline != slot.deadline {
                slot.deadline.map(|old| self.deadlines.remove(&(old, id, index)));
                slot.deadline = deadline;
                deadline.map(|new| self.deadlines.insert((new, id, index)));
            }
            if waits_since != slot.waits_since {
                slot.waits_since.map(|old| self.waiters.remove(&(old, index)));
                slot.waits_since = waits_since;
                waits_since.map(|new| self.waiters.insert((new, index)));
            }
            slot.booked = cost > 0 || deadline.is_some() || waits_since.is_some();
        }
        let tracked = &slot.tracked;
        let (last, new_class) = (tracked.last, Class::of(tracked));
        let answered = tracked.halves.iter().any(|half| half.syn_ack);
        let ended = tracked.ending.filter(|_| class != Class::Tombstone);
        self.queues.touch(index, new_class, last);
        self.note_silence(new_class, last);
        if let Some(ending) = ended {
            self.count_end(index, ending);
            // A refused connection said nothing that could come again.
            if class == Class::HalfOpen && !answered && matches!(ending, Ending::Reset { .. }) {
                self.forget(index);
            }
        }
    }

    fn count_end(&mut self, index: u32, ending: Ending) {
        let Some(Some(slot)) = self.slots.get(index as usize) else { return };
        let [client, server] = &slot.tracked.halves;
        self.stats.count_end(ending, &client.counts(), &server.counts());
    }

    fn insert(
        &mut self,
        key: Key,
        tracked: Tracked<F::Stream>,
        now: Timestamp,
        packet: u64,
        context: &mut <F::Stream as Stream>::Context,
    ) -> u32 {
        while self.table.len() >= self.limits.connections.max(1) {
            let Some(victim) = self.queues.first() else { break };
            self.stats.limits_hit += 1;
            self.remove(victim, Ending::Evicted, now, packet, context);
        }
        self.stats.count_open(tracked.about.opened);
        let class = Class::of(&tracked);
        let slot = Some(Slot { key, tracked, booked: false, charged: 0, deadline: None, waits_since: None });
        let index = match self.free.pop() {
            Some(index) => {
                if let Some(place) = self.slots.get_mut(index as usize) {
                    *place = slot;
                }
                index
            }
            None => {
                if self.slots.len() == self.slots.capacity() {
                    // By an eighth, not by half: the table of connections is the largest thing there is.
                    self.slots.reserve_exact(1_024 + self.slots.len() / 8);
                }
                self.slots.push(slot);
                (self.slots.len() - 1) as u32
            }
        };
        let (hasher, slots) = (&self.hasher, &self.slots);
        self.table.insert_unique(hasher.hash_one(key), index, |index| hash_of(hasher, slots, *index));
        self.queues.touch(index, class, now);
        self.note_silence(class, now);
        self.stats.peak_connections = self.stats.peak_connections.max(self.table.len() as u64);
        index
    }

    /// Ends a connection, if it is not over yet, and forgets it.
    fn remove(
        &mut self,
        index: u32,
        ending: Ending,
        at: Timestamp,
        packet: u64,
        context: &mut <F::Stream as Stream>::Context,
    ) {
        self.with(index, at, packet, context, |tracked, env| tracked.close(ending, env));
        self.forget(index);
    }

    fn forget(&mut self, index: u32) {
        let Some(slot) = self.slots.get_mut(index as usize).and_then(Option::take) else { return };
        let hash = self.hasher.hash_one(slot.key);
        if let Ok(entry) = self.table.find_entry(hash, |candidate| *candidate == index) {
            entry.remove();
        }
        self.waiting -= slot.charged;
        slot.deadline.map(|deadline| self.deadlines.remove(&(deadline, slot.tracked.about.id, index)));
        slot.waits_since.map(|since| self.waiters.remove(&(since, index)));
        self.queues.remove(index);
        self.free.push(index);
    }

    /// The connection that was the first to be silent for too long.
    fn first_silent(&mut self, now: Timestamp) -> Option<u32> {
        loop {
            let fronts = Class::ALL.into_iter().filter_map(|class| {
                let (index, since) = self.queues.front(class)?;
                Some((since.after(class.patience(&self.limits)), index))
            });
            let first = fronts.min();
            self.next_sweep = first.map_or(Timestamp::from_nanos(i64::MAX), |(earliest, _)| earliest);
            let (earliest, index) = first.filter(|(earliest, _)| *earliest <= now)?;
            let tracked = &self.slot(index)?.tracked;
            let last = tracked.last;
            if last.after(Class::of(tracked).patience(&self.limits)) <= earliest {
                return Some(index);
            }
            self.queues.place_exactly(index, last);
        }
    }

    fn note_silence(&mut self, class: Class, last: Timestamp) {
        self.next_sweep = self.next_sweep.min(last.after(class.patience(&self.limits)));
    }

    fn find(&self, key: &Key) -> Option<u32> {
        let is_it = |index: &u32| self.slot(*index).is_some_and(|slot| slot.key == *key);
        self.table.find(self.hasher.hash_one(key), is_it).copied()
    }

    fn slot(&self, index: u32) -> Option<&Slot<F::Stream>> {
        self.slots.get(index as usize)?.as_ref()
    }

    fn slot_mut(&mut self, index: u32) -> Option<&mut Slot<F::Stream>> {
        self.slots.get_mut(index as usize)?.as_mut()
    }
}

fn hash_of<S>(hasher: &RandomState, slots: &[Option<Slot<S>>], index: u32) -> u64 {
    slots.get(index as usize).and_then(Option::as_ref).map_or(0, |slot| hasher.hash_one(slot.key))
}

/// What becomes of a segment whose addresses are known.
enum Fate {
    /// It is part of the connection.
    Belongs,
    /// The connection is over, and this is one of its last packets.
    Leftover,
    /// It does not belong to the connection, which has ended so: as if nothing were known.
    Replaces(Ending),
    /// It agrees to a SYN that offered a new connection with the same ports.
    Reopens,
}
