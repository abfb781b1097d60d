//! Every connection that is known: found by one hashed look-up, ended when it is silent, bounded in number and memory.
//!
//! Promises: no order comes from the hash; an attacker cannot choose its keys' places (the hash is seeded at random);
//! connections and waiting bytes never exceed [`Limits`]. What only ever saw a SYN is given up first.

use std::collections::BTreeSet;

use egret_decode::{Checksum, Decoded, Flow, Tcp, TcpFlags, Timestamp};
use hashbrown::HashTable;

use crate::arrival::Arrival;
use crate::closing::Closing;
use crate::connection::{Env, Tracked};
use crate::delivered::Delivered;
use crate::fate::Fate;
use crate::half::Half;
use crate::in_order::Short;
use crate::key::{FlowHash, FlowHasher};
use crate::queue::Queues;
use crate::slots::Slots;
use crate::standing::{Booked, Class, NEVER};
use crate::stats::Stats;
use crate::strays::Strays;
use crate::tombstones::Tombstones;
use crate::{Checksums, Ending, Limits, Stream, StreamFactory};

/// No place.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// The streams of one assembler, and the factory that makes them.
pub struct StreamPool<F: StreamFactory> {
    factory: F,
    pub(crate) limits: Limits,
    pub(crate) hasher: FlowHasher,
    /// The places of the connections that are not over, with what their flows hash to. Small, it stays in the cache.
    table: HashTable<(FlowHash, u32)>,
    slots: Slots<F::Stream>,
    tombstones: Tombstones,
    queues: Queues,
    /// Before this time no connection can have been silent for too long.
    next_sweep: Timestamp,
    /// Before this time nothing is due: looked at with each packet, it spares a look at the rest.
    next_due: Timestamp,
    deadlines: BTreeSet<(Timestamp, u64, u32)>,
    closing: Closing,
    waiters: BTreeSet<(u64, u32)>,
    waiting: usize,
    delivered: Delivered,
    strays: Strays,
    pub(crate) stats: Stats,
}

impl<F: StreamFactory> StreamPool<F> {
    /// A pool that has its streams made by `factory` and keeps to `limits`.
    pub fn new(factory: F, limits: Limits) -> Self {
        Self {
            factory,
            limits,
            hasher: FlowHasher::default(),
            table: HashTable::new(),
            slots: Slots::default(),
            tombstones: Tombstones::default(),
            queues: Queues::default(),
            next_sweep: NEVER,
            next_due: NEVER,
            deadlines: BTreeSet::new(),
            closing: Closing::default(),
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

    /// Where the connection of a flow with this hash is, most probably, if it is known: nothing but the table is looked at. If
    /// it is not, whether it is over will be asked next.
    #[inline]
    pub(crate) fn place(&self, hash: FlowHash) -> u32 {
        let Some((_, index)) = self.table.find(hash.spread(), |(known, _)| *known == hash) else {
            self.tombstones.fetch(hash);
            return NOWHERE;
        };
        *index
    }

    /// Has what a packet will need of its connection brought near from wherever it is in memory.
    #[inline]
    pub(crate) fn fetch(&self, place: u32) {
        self.at(place).inspect(|tracked| tracked.fetch());
    }

    /// The same with what its stream will need, which the connection points to: that has to be near by then.
    #[inline]
    pub(crate) fn fetch_stream(&self, place: u32, decoded: &Decoded<'_>) {
        self.at(place).inspect(|tracked| tracked.fetch_stream(decoded));
    }

    /// Takes one segment, if its connection is at `place` and it can go the short way.
    #[inline]
    pub(crate) fn in_order(
        &mut self,
        place: u32,
        decoded: &Decoded<'_>,
        (tcp, flow): (&Tcp<'_>, &Flow),
        now: Timestamp,
        context: &mut <F::Stream as Stream>::Context,
    ) -> Short {
        let Self { factory, limits, slots, delivered, stats, .. } = self;
        let tracked = slots.at_mut(place);
        let is_it = |tracked: &&mut Tracked<_>| tracked.is_of(flow) && tracked.is_calm();
        let Some(tracked) = tracked.filter(is_it) else { return Short::Long };
        let packet = decoded.packet.number;
        let mut env = Env { limits, factory, context, delivered, now, packet };
        let waited = tracked.finished;
        let short = tracked.in_order(decoded, (tcp, flow), &mut env);
        stats.segments += u64::from(short != Short::Long);
        match short {
            Short::Gone if Queues::is_stale(tracked.standing.queued, tracked.last) => {
                self.book(place, waited)
            }
            Short::Moved => {
                self.book(place, waited);
                self.bury(place);
            }
            _ => {}
        }
        short
    }

    /// Goes on with a segment of the connection at `place`, which has lost interest.
    pub(crate) fn ignore(
        &mut self,
        arrival: &mut Arrival<'_>,
        place: u32,
        now: Timestamp,
        context: &mut <F::Stream as Stream>::Context,
    ) {
        let packet = arrival.segment.packet;
        self.with(place, now, packet, context, |tracked, env| tracked.ignored(arrival, env));
        self.bury(place);
    }

    /// Takes one segment. Its connection is at `place`, unless another one has come there; if that is [`NOWHERE`], it is not
    /// known.
    pub(crate) fn segment(
        &mut self,
        arrival: &mut Arrival<'_>,
        place: u32,
        now: Timestamp,
        context: &mut <F::Stream as Stream>::Context,
    ) {
        self.stats.segments += 1;
        let packet = arrival.segment.packet;
        let there = self.at(place).filter(|tracked| tracked.is_of(&arrival.flow));
        if there.is_some_and(Tracked::is_settled) {
            return self.deliver(place, arrival, now, context);
        }
        let hash = self.hasher.hash(&arrival.flow);
        let index = match there {
            Some(_) => Some(place),
            None if place == NOWHERE => None,
            None => self.find(hash, &arrival.flow),
        };
        if let Some(index) = index {
            let damaged = self.is_damaged(arrival);
            match self.at(index).map_or(Fate::Belongs, |tracked| tracked.fate(arrival, damaged)) {
                Fate::Belongs => return self.deliver(index, arrival, now, context),
                Fate::Replaces(ending) => self.remove(index, ending, now, packet, context),
                Fate::Reopens => {
                    let reopening = self
                        .at_mut(index)
                        .and_then(|tracked| tracked.take_aside(|aside| &mut aside.reopening));
                    self.remove(index, Ending::Idle, now, packet, context);
                    if let Some(syn) = reopening {
                        let mut syn = syn.arrival();
                        let index = self.insert(hash, &syn, now, packet, context);
                        self.deliver(index, &mut syn, now, context);
                        return self.deliver(index, arrival, now, context);
                    }
                }
            }
        } else {
            let damaged = self.is_damaged(arrival);
            if self.tombstones.is_leftover(hash, arrival, damaged, now, &self.limits) {
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
        if let (Some(stray), Some(tracked)) = (stray, self.at_mut(index)) {
            tracked.begins_behind(stray.seq, arrival);
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
        while let Some((id, index)) = self.closing.pop(now) {
            // It may have ended since, and another one be there.
            if self.at(index).is_some_and(|tracked| tracked.about.id == id) {
                due.push((id, index));
            }
        }
        while now >= self.next_sweep
            && let Some(index) = self.first_silent(now)
        {
            // The next one is found once this one is out of the way; who lives on comes back when it is touched.
            self.queues.remove(index);
            due.extend(self.at(index).map(|tracked| (tracked.about.id, index)));
        }
        due.sort_unstable();
        due.dedup();
        for (_, index) in due {
            self.give_up(index, now, packet, context);
        }
        let first = self.deadlines.first().map_or(NEVER, |(deadline, ..)| *deadline);
        self.next_due = first.min(self.closing.first().unwrap_or(NEVER)).min(self.next_sweep);
    }

    /// Does what is due on one connection.
    fn give_up(
        &mut self,
        index: u32,
        now: Timestamp,
        packet: u64,
        context: &mut <F::Stream as Stream>::Context,
    ) {
        while let Some(tracked) = self.at(index) {
            let until = tracked.last.after(self.limits.idle);
            match tracked.due().filter(|at| *at <= now) {
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
        let mut open: Vec<(u64, u32)> =
            self.slots.iter().map(|(index, tracked)| (tracked.about.id, index)).collect();
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
        arrival: &mut Arrival<'_>,
        now: Timestamp,
        context: &mut <F::Stream as Stream>::Context,
    ) {
        let packet = arrival.segment.packet;
        self.with(index, now, packet, context, |tracked, env| tracked.segment(arrival, env));
        self.bury(index);
        while self.waiting > self.limits.memory - self.limits.for_fragments()
            && let Some(&(_, oldest)) = self.waiters.first()
        {
            self.stats.limits_hit += 1;
            self.with(oldest, now, packet, context, |tracked, env| tracked.relieve(env));
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
        let Some(tracked) = slots.at_mut(index) else { return };
        let waited = tracked.finished;
        act(tracked, &mut Env { limits, factory, context, delivered, now, packet });
        self.book(index, waited);
    }

    /// Brings the pool's own books up to date after something happened to a connection, of which both sides had said all at
    /// the time `waited`.
    fn book(&mut self, index: u32, waited: Timestamp) {
        let Self { limits, slots, .. } = self;
        let Some(tracked) = slots.at_mut(index) else { return };
        // Most connections end without anything else to be booked of them, and soon after they have said all.
        let plain = tracked.standing.booked.is_none() && tracked.is_plain();
        let in_line = match tracked.last_ack_until().filter(|_| plain && waited == NEVER) {
            Some(until) => {
                self.next_due = self.next_due.min(until);
                self.closing.push(until, tracked.about.id, index)
            }
            None => true,
        };
        if !plain || !in_line {
            tracked.tidy();
            let (charged, deadline, waits_since) =
                (tracked.cost(), tracked.deadline(limits), tracked.waits_since());
            let booked = Booked { charged, deadline, waits_since };
            let before = tracked.standing.booked.as_deref().copied().unwrap_or_default();
            self.waiting = self.waiting + charged - before.charged;
            self.stats.peak_waiting = self.stats.peak_waiting.max(self.waiting);
            let id = tracked.about.id;
            if deadline != before.deadline {
                before.deadline.map(|old| self.deadlines.remove(&(old, id, index)));
                if let Some(new) = deadline {
                    self.deadlines.insert((new, id, index));
                    self.next_due = self.next_due.min(new);
                }
            }
            if waits_since != before.waits_since {
                before.waits_since.map(|old| self.waiters.remove(&(old, index)));
                waits_since.map(|new| self.waiters.insert((new, index)));
            }
            if booked == Booked::default() {
                tracked.standing.booked = None;
            } else {
                **tracked.standing.booked.get_or_insert_default() = booked;
            }
        }
        if let Some(ending) = tracked.ending {
            let [client, server] = &tracked.halves;
            return self.stats.count_end(ending, &client.counts(), &server.counts());
        }
        let (class, last) = (Class::of(tracked), tracked.last);
        if class != tracked.class || Queues::is_stale(tracked.standing.queued, last) {
            tracked.class = class;
            tracked.standing.queued = self.queues.touch(index, class, last);
            self.note_silence(last);
        }
    }

    /// Puts a tombstone in the place of a connection that is over.
    #[inline]
    fn bury(&mut self, index: u32) {
        if let Some(tracked) = self.at(index)
            && let Some(ending) = tracked.ending
        {
            let answered = tracked.halves.iter().any(|half| half.syn_ack);
            // A refused connection said nothing that could come again.
            if tracked.class != Class::HalfOpen || answered || !matches!(ending, Ending::Reset { .. }) {
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
        hash: FlowHash,
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
        let Self { slots, closing, .. } = self;
        closing.tidy(|id, index| {
            slots.at(index).is_some_and(|tracked| tracked.about.id == id && tracked.finished().is_some())
        });
        let inserted = slots.insert(|| Tracked::new(arrival, now));
        let Some((index, tracked)) = inserted else { return NOWHERE };
        let class = Class::of(tracked);
        tracked.class = class;
        tracked.standing.queued = self.queues.touch(index, class, now);
        self.stats.count_open(tracked.about.opened);
        self.table.insert_unique(hash.spread(), (hash, index), |(hash, _)| hash.spread());
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
        let Some(tracked) = self.slots.at(index) else { return };
        let hash = self.hasher.hash(&tracked.about.flow).spread();
        if let Ok(entry) = self.table.find_entry(hash, |(_, known)| *known == index) {
            entry.remove();
        }
        if let Some(booked) = &tracked.standing.booked {
            self.waiting -= booked.charged;
            booked.deadline.map(|deadline| self.deadlines.remove(&(deadline, tracked.about.id, index)));
            booked.waits_since.map(|since| self.waiters.remove(&(since, index)));
        }
        self.slots.remove(index);
        self.queues.remove(index);
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
            let last = self.at(index)?.last;
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
    fn find(&self, hash: FlowHash, flow: &Flow) -> Option<u32> {
        let is_it = |(known, index): &(FlowHash, u32)| {
            *known == hash && self.at(*index).is_some_and(|tracked| tracked.is_of(flow))
        };
        self.table.find(hash.spread(), is_it).map(|(_, index)| *index)
    }

    #[inline]
    fn at(&self, index: u32) -> Option<&Tracked<F::Stream>> {
        self.slots.at(index)
    }

    fn at_mut(&mut self, index: u32) -> Option<&mut Tracked<F::Stream>> {
        self.slots.at_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Assembler, Close, Connection, Data, Gap};
    use egret_decode::{LinkType, Packet, decode};

    struct Nothing;

    impl StreamFactory for Nothing {
        type Stream = Self;

        fn new_stream(&mut self, _: &Connection) -> Self {
            Self
        }
    }

    impl Stream for Nothing {
        type Context = ();

        fn reassembled(&mut self, _: Data<'_>, (): &mut ()) {}

        fn gap(&mut self, _: Gap, (): &mut ()) {}

        fn complete(&mut self, _: Close, (): &mut ()) {}
    }

    const SYN: u8 = TcpFlags::SYN;
    const ACK: u8 = TcpFlags::ACK;
    const FIN: u8 = TcpFlags::FIN;

    /// What each connection says to its end, but for the last acknowledgment: from the client or not, its numbers, its flags.
    const SAID: [(bool, u32, u32, u8); 5] = [
        (true, 0, 0, SYN),
        (false, 900, 1, SYN | ACK),
        (true, 1, 901, ACK),
        (true, 1, 901, ACK | FIN),
        (false, 901, 2, ACK | FIN),
    ];

    /// Connections of these ports say one thing after the other, all at one time.
    fn said<'s>(
        ports: std::ops::RangeInclusive<u16>,
        what: impl Iterator<Item = &'s (bool, u32, u32, u8)> + Clone,
    ) -> Assembler<Nothing> {
        let limits = Limits { checksums: Checksums::Ignore, ..Limits::default() };
        let mut assembler = Assembler::new(StreamPool::new(Nothing, limits));
        let all = ports.flat_map(|port| what.clone().map(move |what| (port, *what)));
        for (number, (port, (client, seq, ack, flags))) in (1..).zip(all) {
            let mut data =
                *b"\x45\0\0\x28\0\0\0\0\x40\x06\0\0\x0a\0\0\x01\x0a\0\0\x01------------\x50-\x03\xe8\0\0\0\0";
            let (source, destination) = if client { (port, 80) } else { (80, port) };
            data[20..22].copy_from_slice(&source.to_be_bytes());
            data[22..24].copy_from_slice(&destination.to_be_bytes());
            data[24..28].copy_from_slice(&seq.to_be_bytes());
            data[28..32].copy_from_slice(&ack.to_be_bytes());
            data[33] = flags;
            let packet = Packet {
                number,
                timestamp: Timestamp::EPOCH,
                link_type: LinkType::IPV4,
                interface: 0,
                data: &data,
                wire_len: 40,
            };
            assembler.assemble(&decode(packet), &mut ());
        }
        assembler.advance(Timestamp::EPOCH, &mut ());
        assembler
    }

    /// Connections that come and go at one time leave nothing behind that waits for that time to pass.
    #[test]
    fn who_has_ended_is_not_waited_for() {
        let assembler = said(1_001..=2_000, SAID.iter().chain(&[(true, 2, 902, ACK)]));
        let pool = assembler.pool();
        assert_eq!((pool.stats.ended.finished, pool.table.len()), (1_000, 0));
        assert!(pool.closing.len() < 100, "{}", pool.closing.len());
    }

    /// Nor does a connection that goes on and on without the last acknowledgment.
    #[test]
    fn a_connection_is_waited_for_once() {
        let again = std::iter::repeat_n(&(true, 2, 901, ACK), 1_000);
        let assembler = said(1_001..=1_001, SAID.iter().chain(again));
        let pool = assembler.pool();
        assert_eq!((pool.stats.segments, pool.table.len(), pool.closing.len()), (1_005, 1, 1));
    }
}
