//! Every connection that is known: found by one hashed look-up, ended when it is silent, bounded in number and memory.
//!
//! Promises: no order comes from the hash; an attacker cannot choose its keys' places (the hash is seeded at random);
//! connections and waiting bytes never exceed [`Limits`]. What only ever saw a SYN is given up first.

use std::collections::BTreeSet;
use std::hint::black_box;

use egret_decode::{Checksum, Flow, TcpFlags, Timestamp};
use hashbrown::HashTable;

use crate::arrival::Arrival;
use crate::connection::{Env, Phase, Tracked};
use crate::delivered::Delivered;
use crate::fate::Fate;
use crate::half::Half;
use crate::key::{FlowHasher, is_same};
use crate::queue::Queues;
use crate::stats::Stats;
use crate::strays::Strays;
use crate::tombstones::Tombstones;
use crate::{Checksums, Ending, Limits, Opened, Stream, StreamFactory};

/// No place.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// The time that never comes.
const NEVER: Timestamp = Timestamp::from_nanos(i64::MAX);

/// The streams of one assembler, and the factory that makes them.
pub struct StreamPool<F: StreamFactory> {
    factory: F,
    pub(crate) limits: Limits,
    hasher: FlowHasher,
    /// The places of the connections that are not over. It holds nothing else: small, it stays in the cache.
    table: HashTable<u32>,
    slots: Vec<Option<Slot<F::Stream>>>,
    free: Vec<u32>,
    tombstones: Tombstones,
    queues: Queues,
    /// Before this time no connection can have been silent for too long.
    next_sweep: Timestamp,
    /// Before this time nothing is due: looked at with each packet, it spares a look at the rest.
    next_due: Timestamp,
    deadlines: BTreeSet<(Timestamp, u64, u32)>,
    waiters: BTreeSet<(u64, u32)>,
    waiting: usize,
    delivered: Delivered,
    strays: Strays,
    pub(crate) stats: Stats,
}

/// What each packet needs comes first, what few connections need last: with many connections, each line of memory that
/// a packet touches has to be fetched.
#[repr(C)]
struct Slot<S> {
    tracked: Tracked<S>,
    /// Where it is in the queues: its class, and the time it is queued under.
    class: Class,
    queued: Timestamp,
    /// Whether any of what follows is set.
    booked: bool,
    charged: usize,
    deadline: Option<Timestamp>,
    waits_since: Option<u64>,
}

impl<S> Slot<S> {
    fn is_of(&self, flow: &Flow) -> bool {
        is_same(&self.tracked.about.flow, flow)
    }
}

/// In which order connections are given up when there are too many, and how long each kind may be silent.
#[derive(Clone, Copy, PartialEq, Eq)]
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

    fn of<S>(tracked: &Tracked<S>) -> Self {
        match (tracked.phase, tracked.about.opened) {
            (Phase::HalfOpen, _) => Self::HalfOpen,
            (_, Opened::Midstream) => Self::Midstream,
            (_, Opened::Handshake) => Self::Established,
        }
    }
}

impl<F: StreamFactory> StreamPool<F> {
    /// A pool that has its streams made by `factory` and keeps to `limits`.
    pub fn new(factory: F, limits: Limits) -> Self {
        Self {
            factory,
            limits,
            hasher: FlowHasher::default(),
            table: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            tombstones: Tombstones::default(),
            queues: Queues::default(),
            next_sweep: NEVER,
            next_due: NEVER,
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

    /// Where the connection of a flow is now.
    #[inline]
    pub(crate) fn place(&self, flow: &Flow) -> u32 {
        self.find(self.hasher.hash(flow), flow).unwrap_or(NOWHERE)
    }

    /// Has these connections brought near from wherever they are in memory.
    pub(crate) fn fetch(&self, places: &[u32]) {
        let read = |Slot { tracked, .. }: &Slot<F::Stream>| {
            let [client, server] = &tracked.halves;
            let stream = tracked.stream.is_some();
            (tracked.last, client.next, client.scale, server.next, server.scale, stream)
        };
        for place in places {
            black_box(self.slot(*place).map(read));
        }
    }

    /// Takes one segment. Its connection is at `place`, or has to be looked for.
    pub(crate) fn segment(
        &mut self,
        arrival: &Arrival<'_>,
        place: u32,
        now: Timestamp,
        context: &mut <F::Stream as Stream>::Context,
    ) {
        self.stats.segments += 1;
        let packet = arrival.segment.packet;
        let is_there = self.slot(place).is_some_and(|slot| slot.is_of(&arrival.flow));
        if is_there && self.slot(place).is_some_and(|slot| slot.tracked.is_settled()) {
            return self.deliver(place, arrival, now, context);
        }
        let hash = self.hasher.hash(&arrival.flow);
        let index = if is_there { Some(place) } else { self.find(hash, &arrival.flow) };
        if let Some(index) = index {
            let damaged = self.is_damaged(arrival);
            match self.slot(index).map_or(Fate::Belongs, |slot| slot.tracked.fate(arrival, damaged)) {
                Fate::Belongs => return self.deliver(index, arrival, now, context),
                Fate::Replaces(ending) => self.remove(index, ending, now, packet, context),
                Fate::Reopens => {
                    let reopening = self
                        .slot_mut(index)
                        .and_then(|slot| slot.tracked.take_aside(|aside| &mut aside.reopening));
                    self.remove(index, Ending::Idle, now, packet, context);
                    if let Some(syn) = reopening {
                        let syn = syn.arrival();
                        let index = self.insert(hash, &syn, now, packet, context);
                        self.deliver(index, &syn, now, context);
                        return self.deliver(index, arrival, now, context);
                    }
                }
            }
        } else {
            let damaged = self.is_damaged(arrival);
            if self.tombstones.is_leftover(&self.hasher, hash, arrival, damaged, now, &self.limits) {
                return self.stats.leftovers += 1;
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
                self.strays.note(arrival);
            }
            return;
        }
        let stray = self.strays.expects(arrival);
        let index = self.insert(hash, arrival, now, packet, context);
        if let (Some(stray), Some(slot)) = (stray, self.slot_mut(index)) {
            slot.tracked.begins_behind(stray.seq, arrival);
        }
        self.deliver(index, arrival, now, context);
    }

    /// Whether something may be due by `now`.
    #[inline]
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        now >= self.next_due
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
        let first = self.deadlines.first().map_or(NEVER, |(deadline, ..)| *deadline);
        self.next_due = first.min(self.next_sweep);
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
            let until = tracked.last.after(self.limits.idle);
            match deadline.filter(|at| *at <= now) {
                Some(at) if at <= until => {
                    self.with(index, at, packet, context, |tracked, env| tracked.expire(env));
                    self.bury(index);
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

    fn deliver(
        &mut self,
        index: u32,
        arrival: &Arrival<'_>,
        now: Timestamp,
        context: &mut <F::Stream as Stream>::Context,
    ) {
        self.with(index, now, arrival.segment.packet, context, |tracked, env| tracked.segment(arrival, env));
        self.bury(index);
        while self.waiting > self.limits.memory - self.limits.for_fragments()
            && let Some(&(_, oldest)) = self.waiters.first()
        {
            self.stats.limits_hit += 1;
            self.with(oldest, now, arrival.segment.packet, context, |tracked, env| tracked.relieve(env));
            self.bury(oldest);
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
                if let Some(new) = deadline {
                    self.deadlines.insert((new, id, index));
                    self.next_due = self.next_due.min(new);
                }
            }
            if waits_since != slot.waits_since {
                slot.waits_since.map(|old| self.waiters.remove(&(old, index)));
                slot.waits_since = waits_since;
                waits_since.map(|new| self.waiters.insert((new, index)));
            }
            slot.booked = cost > 0 || deadline.is_some() || waits_since.is_some();
        }
        let tracked = &slot.tracked;
        if let Some(ending) = tracked.ending {
            let [client, server] = &tracked.halves;
            return self.stats.count_end(ending, &client.counts(), &server.counts());
        }
        let (class, last) = (Class::of(tracked), tracked.last);
        if class != slot.class || Queues::is_stale(slot.queued, last) {
            slot.class = class;
            slot.queued = self.queues.touch(index, class, last);
            self.note_silence(last);
        }
    }

    /// Puts a tombstone in the place of a connection that is over.
    #[inline]
    fn bury(&mut self, index: u32) {
        if let Some(slot) = self.slot(index)
            && let Some(ending) = slot.tracked.ending
        {
            let tracked = &slot.tracked;
            let answered = tracked.halves.iter().any(|half| half.syn_ack);
            // A refused connection said nothing that could come again.
            if slot.class != Class::HalfOpen || answered || !matches!(ending, Ending::Reset { .. }) {
                let ends = tracked.halves.each_ref().map(Half::end);
                let (flow, last) = (tracked.about.flow, tracked.last);
                let forgotten = self.tombstones.add(&self.hasher, flow, ends, last, &self.limits);
                self.stats.forgotten += forgotten;
            }
            self.forget(index);
        }
    }

    fn insert(
        &mut self,
        hash: u64,
        arrival: &Arrival<'_>,
        now: Timestamp,
        packet: u64,
        context: &mut <F::Stream as Stream>::Context,
    ) -> u32 {
        while self.table.len() >= self.limits.connections.max(1) {
            let Some(victim) = self.queues.first() else { break };
            self.stats.limits_hit += 1;
            self.remove(victim, Ending::Evicted, now, packet, context);
        }
        let index = self.free.pop().unwrap_or(self.slots.len() as u32);
        if index as usize == self.slots.len() {
            if self.slots.len() == self.slots.capacity() {
                // By an eighth, not by half: the table of connections is the largest thing there is.
                self.slots.reserve_exact(1_024 + self.slots.len() / 8);
            }
            self.slots.push(None);
        }
        let Some(place) = self.slots.get_mut(index as usize) else { return index };
        // Made in its place: see `forget`.
        let slot = place.insert(Slot {
            tracked: Tracked::new(arrival, now),
            class: Class::HalfOpen,
            queued: now,
            booked: false,
            charged: 0,
            deadline: None,
            waits_since: None,
        });
        slot.class = Class::of(&slot.tracked);
        slot.queued = self.queues.touch(index, slot.class, now);
        self.stats.count_open(slot.tracked.about.opened);
        let (hasher, slots) = (&self.hasher, &self.slots);
        self.table.insert_unique(hash, index, |index| hash_of(hasher, slots, *index));
        self.note_silence(now);
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
        let Some(place) = self.slots.get_mut(index as usize) else { return };
        let Some(slot) = place else { return };
        let hash = self.hasher.hash(&slot.tracked.about.flow);
        if let Ok(entry) = self.table.find_entry(hash, |candidate| *candidate == index) {
            entry.remove();
        }
        self.waiting -= slot.charged;
        slot.deadline.map(|deadline| self.deadlines.remove(&(deadline, slot.tracked.about.id, index)));
        slot.waits_since.map(|since| self.waiters.remove(&(since, index)));
        // Dropped where it is: it is large, and a copy of it would take longer than all of this.
        *place = None;
        self.queues.remove(index);
        self.free.push(index);
    }

    /// The connection that was the first to be silent for too long.
    fn first_silent(&mut self, now: Timestamp) -> Option<u32> {
        loop {
            let fronts = Class::ALL.into_iter().filter_map(|class| {
                let (index, since) = self.queues.front(class)?;
                Some((since.after(self.limits.idle), index))
            });
            let first = fronts.min();
            self.next_sweep = first.map_or(NEVER, |(earliest, _)| earliest);
            let (earliest, index) = first.filter(|(earliest, _)| *earliest <= now)?;
            let last = self.slot(index)?.tracked.last;
            if last.after(self.limits.idle) <= earliest {
                return Some(index);
            }
            self.queues.place_exactly(index, last);
        }
    }

    fn note_silence(&mut self, last: Timestamp) {
        self.next_sweep = self.next_sweep.min(last.after(self.limits.idle));
        self.next_due = self.next_due.min(self.next_sweep);
    }

    #[inline]
    fn find(&self, hash: u64, flow: &Flow) -> Option<u32> {
        let is_it = |index: &u32| self.slot(*index).is_some_and(|slot| slot.is_of(flow));
        self.table.find(hash, is_it).copied()
    }

    fn slot(&self, index: u32) -> Option<&Slot<F::Stream>> {
        self.slots.get(index as usize)?.as_ref()
    }

    fn slot_mut(&mut self, index: u32) -> Option<&mut Slot<F::Stream>> {
        self.slots.get_mut(index as usize)?.as_mut()
    }
}

fn hash_of<S>(hasher: &FlowHasher, slots: &[Option<Slot<S>>], index: u32) -> u64 {
    let slot = slots.get(index as usize).and_then(Option::as_ref);
    slot.map_or(0, |slot| hasher.hash(&slot.tracked.about.flow))
}
