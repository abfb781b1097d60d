//! The one verb: packets go in, and the streams of their connections are called.
//!
//! Promises: time is packet time and never goes back; what is due happens before the packet that shows it: connection by
//! connection in the order of their ids, for each in the order of its deadlines.

use egret_decode::{Decoded, Flow, Fragment, Network, Packet, Tcp, TcpFlags, Timestamp, decode_datagram};

use crate::arrival::{Arrival, Held};
use crate::fragments::{Fragments, Whole};
use crate::in_order::Short;
use crate::pool::NOWHERE;
use crate::stats::FragmentStats;
use crate::{Checksums, Direction, Limits, Segment, Shard, Stats, Stream, StreamFactory, StreamPool};

/// How deep fragments of fragments are followed, in tunnels.
pub(crate) const MAX_FRAGMENT_NESTING: u32 = 4;

/// For how many packets connections are looked up at once: about as many loads as a core has under way at a time.
pub(crate) const AHEAD: usize = 16;

/// Puts packets together into streams.
///
/// * [`assemble`](Self::assemble) takes the packets, in the order of the capture;
/// * [`advance`](Self::advance) says that time has passed without any, on a quiet live link;
/// * [`finish`](Self::finish) says that there are no more, and ends what is still open;
/// * [`stats`](Self::stats) tells what happened, at any time.
///
/// A packet is taken when it comes, but for the first of all and any whose time is far ahead of the others: those wait,
/// copied, until the next packet, tick or end shows whether their time can be right.
///
/// All state is here and in the pool: assemblers are independent of each other. Several may share the work, each with
/// the connections of its [`Shard`]; all of them take every packet.
pub struct Assembler<F: StreamFactory> {
    pool: StreamPool<F>,
    shard: Shard,
    fragments: Fragments,
    clock: Clock,
    /// Segments whose time is not believed at once. They are taken when that is decided.
    undated: Vec<Held>,
    packet: u64,
}

/// What happens one after the other when a packet comes, or the time, or the end. Of what happens in one step, calls for
/// different connections come in the order of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The first packets of all are taken, once it is known when it all began.
    Start,
    /// What is due happens.
    Due,
    /// What waited until its time was believed is taken.
    Dated,
    /// The packet itself is taken, or everything ends.
    Own,
}

/// The context of the streams of an assembler.
type ContextOf<F> = <<F as StreamFactory>::Stream as Stream>::Context;

impl<F: StreamFactory> Assembler<F> {
    /// An assembler for the connections of `pool`.
    pub fn new(pool: StreamPool<F>) -> Self {
        Self::sharded(pool, Shard::WHOLE)
    }

    /// An assembler for those connections that are in `shard`.
    ///
    /// It is to be given all packets, those of other shards too. For all of them it keeps the time and puts datagrams
    /// together, so that it calls its streams as an assembler of everything would, with the same ids, times, packets and
    /// reasons, in the same order, as long as no limit is reached. [`Limits`] are its own: N shards in one process are given
    /// an N-th each. The [`Stats`] of all shards [add up](Stats::merge) to those of the whole.
    pub fn sharded(pool: StreamPool<F>, shard: Shard) -> Self {
        Self {
            pool,
            shard,
            fragments: Fragments::default(),
            clock: Clock::default(),
            undated: Vec::new(),
            packet: 0,
        }
    }

    /// Takes the next packet. What it is not, TCP or a fragment, only moves the clock.
    #[inline]
    pub fn assemble(&mut self, decoded: &Decoded<'_>, context: &mut ContextOf<F>) {
        let Packet { number, timestamp, .. } = decoded.packet;
        let now = self.pass(number, timestamp, context, &mut |_, _| {});
        self.take(decoded, NOWHERE, now, context);
    }

    /// Takes the next packets, one after the other, as [`assemble`](Self::assemble) does. What is known of their
    /// connections is looked for at once, so that with many of them the processor waits for memory a few times for all of
    /// these packets, and not for each anew; half as much time with 200,000 connections.
    pub fn assemble_all(&mut self, packets: &[Decoded<'_>], context: &mut ContextOf<F>) {
        for packets in packets.chunks(AHEAD) {
            for (place, decoded) in self.look_up(packets).into_iter().zip(packets) {
                let Packet { number, timestamp, .. } = decoded.packet;
                let now = self.pass(number, timestamp, context, &mut |_, _| {});
                self.take(decoded, place, now, context);
            }
        }
    }

    /// Looks for what is known of the connections of these packets, the first [`AHEAD`] of them, and has it brought near.
    #[inline]
    pub(crate) fn look_up(&self, packets: &[Decoded<'_>]) -> [u32; AHEAD] {
        // First what needs no memory from afar, so that as many of the loads behind it as can be are under way together.
        let mut hashes = [None; AHEAD];
        for (hash, decoded) in hashes.iter_mut().zip(packets) {
            if let (Some(_), Some(flow)) = (decoded.tcp(), &decoded.flow) {
                *hash = Some(self.pool.hasher.hash(flow));
            }
        }
        let places = hashes.map(|hash| hash.map_or(NOWHERE, |hash| self.pool.place(hash)));
        for place in places {
            self.pool.fetch(place);
        }
        for (place, decoded) in places.iter().zip(packets) {
            self.pool.fetch_stream(*place, decoded);
        }
        places
    }

    /// Says that it is now at least `timestamp`, and no packet of an earlier time is to come.
    pub fn advance(&mut self, timestamp: Timestamp, context: &mut ContextOf<F>) {
        self.tick(timestamp, context, &mut |_, _| {});
    }

    /// The end of the capture: every connection ends, in the order of their ids.
    pub fn finish(&mut self, context: &mut ContextOf<F>) {
        self.end(context, &mut |_, _| {});
    }

    /// What happened so far.
    pub fn stats(&self) -> Stats {
        // All shards see all fragments; one of them counts them.
        let fragments = if self.shard.index() == 0 { self.fragments.stats } else { FragmentStats::default() };
        Stats { fragments, ..self.pool.stats }
    }

    /// The pool, with the factory in it.
    pub fn pool(&self) -> &StreamPool<F> {
        &self.pool
    }

    /// Which of the connections are this assembler's.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// A packet comes: everything that happens before it is looked at. `step` is told what is about to happen. Returns what
    /// time it is.
    #[inline]
    pub(crate) fn pass(
        &mut self,
        number: u64,
        timestamp: Timestamp,
        context: &mut ContextOf<F>,
        step: &mut impl FnMut(Step, &mut ContextOf<F>),
    ) -> Timestamp {
        self.packet = number;
        if let Some(start) = self.clock.start(timestamp, &self.pool.limits) {
            step(Step::Start, context);
            self.date(start, context);
        }
        let now = self.clock.packet(timestamp, &self.pool.limits);
        if self.clock.now.is_some() {
            self.run(now, context, step);
        }
        now
    }

    /// A tick comes: see [`pass`](Self::pass).
    pub(crate) fn tick(
        &mut self,
        timestamp: Timestamp,
        context: &mut ContextOf<F>,
        step: &mut impl FnMut(Step, &mut ContextOf<F>),
    ) {
        let now = self.clock.tick(timestamp);
        self.run(now, context, step);
    }

    /// The end comes: see [`pass`](Self::pass).
    pub(crate) fn end(&mut self, context: &mut ContextOf<F>, step: &mut impl FnMut(Step, &mut ContextOf<F>)) {
        self.fragments.finish();
        self.run(self.clock.now(), context, step);
        step(Step::Own, context);
        self.pool.finish(self.clock.now(), self.packet, context);
    }

    #[inline]
    fn run(
        &mut self,
        now: Timestamp,
        context: &mut ContextOf<F>,
        step: &mut impl FnMut(Step, &mut ContextOf<F>),
    ) {
        if self.pool.is_due(now) {
            step(Step::Due, context);
            self.pool.advance(now, self.packet, context);
        }
        self.fragments.advance(now, &self.pool.limits);
        if !self.undated.is_empty() {
            step(Step::Dated, context);
            self.date(now, context);
        }
    }

    fn date(&mut self, now: Timestamp, context: &mut ContextOf<F>) {
        for held in std::mem::take(&mut self.undated) {
            let mut arrival = held.arrival();
            let place = self.pool.place(self.pool.hasher.hash(&held.arrival.flow));
            self.pool.segment(&mut arrival, place, now, context);
        }
    }

    /// Looks at a packet that has [come](Self::pass); `place` is where its connection was.
    #[inline]
    pub(crate) fn take(
        &mut self,
        decoded: &Decoded<'_>,
        place: u32,
        now: Timestamp,
        context: &mut ContextOf<F>,
    ) {
        if let Some(fragment) = decoded.fragment() {
            self.take_fragment(decoded, fragment, &[decoded.packet.number], now, context, 0);
        } else {
            self.take_segment(decoded, &[], place, now, context);
        }
    }

    /// Takes a fragment that came in `packets`: in one, or in fragments of the tunnel around it.
    #[cold]
    fn take_fragment(
        &mut self,
        decoded: &Decoded<'_>,
        fragment: Fragment,
        packets: &[u64],
        now: Timestamp,
        context: &mut ContextOf<F>,
        depth: u32,
    ) {
        if depth >= MAX_FRAGMENT_NESTING {
            return;
        }
        let whole = self.fragments.insert(decoded, fragment, packets, now, &self.pool.limits);
        let Some(Whole { payload, packets }) = whole else { return };
        let decoded = decode_datagram(decoded, &payload);
        match decoded.fragment() {
            Some(fragment) => self.take_fragment(&decoded, fragment, &packets, now, context, depth + 1),
            None => self.take_segment(&decoded, &packets, NOWHERE, now, context),
        }
    }

    /// Takes what is no fragment, if it is in this shard; `fragments` are the packets that it was put together from.
    #[inline]
    fn take_segment(
        &mut self,
        decoded: &Decoded<'_>,
        fragments: &[u64],
        place: u32,
        now: Timestamp,
        context: &mut ContextOf<F>,
    ) {
        if self.shard.has(decoded.flow.as_ref()) {
            self.take_own(decoded, fragments, place, now, context);
        }
    }

    /// Takes what is in this shard and no fragment.
    #[inline]
    pub(crate) fn take_own(
        &mut self,
        decoded: &Decoded<'_>,
        fragments: &[u64],
        place: u32,
        now: Timestamp,
        context: &mut ContextOf<F>,
    ) {
        let (Some(tcp), Some(flow)) = (decoded.tcp(), &decoded.flow) else { return };
        // A packet in front of it may have begun the connection.
        let place = if place == NOWHERE { self.pool.place(self.pool.hasher.hash(flow)) } else { place };
        let short = if fragments.is_empty() && !self.clock.doubts() {
            self.pool.in_order(place, decoded, (tcp, flow), now, context)
        } else {
            Short::Long
        };
        if matches!(short, Short::Long | Short::Ignored) {
            self.go_the_long_way(decoded, (tcp, flow), fragments, (place, short), now, context);
        }
    }

    /// Takes a segment of which there is more to be said than that it is next.
    fn go_the_long_way(
        &mut self,
        decoded: &Decoded<'_>,
        (tcp, flow): (&Tcp<'_>, &Flow),
        fragments: &[u64],
        (place, short): (u32, Short),
        now: Timestamp,
        context: &mut ContextOf<F>,
    ) {
        let segment = Segment {
            direction: Direction::ClientToServer,
            timestamp: decoded.packet.timestamp,
            packet: decoded.packet.number,
            seq: tcp.seq,
            ack: tcp.ack,
            flags: tcp.flags,
            window: tcp.window,
            urgent: tcp.flags.has(TcpFlags::URG).then_some(tcp.urgent),
            payload: decoded.payload,
            cut: decoded.cut,
            fragments,
        };
        let syn = tcp.flags.has(TcpFlags::SYN);
        let window_scale = if syn { tcp.options.window_scale() } else { None };
        let mut arrival = Arrival {
            segment,
            flow: *flow,
            window_scale,
            sack: syn && tcp.options.sack_permitted(),
            sent_at: tcp.options.timestamps().map(|(value, _)| value),
            checksum: (self.pool.limits.checksums != Checksums::Ignore).then(|| decoded.checksum()),
            identity: (tcp.checksum, identification(decoded)),
        };
        if self.clock.doubts() {
            self.undated.push(Held::new(&arrival));
        } else if short == Short::Ignored {
            self.pool.ignore(&mut arrival, place, now, context);
        } else {
            self.pool.segment(&mut arrival, place, now, context);
        }
    }
}

/// The identification of a packet's IP header, which IPv6 has none of.
#[inline]
pub(crate) fn identification(decoded: &Decoded<'_>) -> u16 {
    match decoded.network {
        Some(Network::Ipv4(header)) => header.identification,
        _ => 0,
    }
}

/// Packet time, made monotonic.
///
/// One packet with a broken time stamp must not end every connection, or keep all of them for ever: a time far ahead
/// counts once another packet agrees, and so does the first of all.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    pub(crate) now: Option<Timestamp>,
    /// The first packet's time, until it is known to be right.
    first: Option<Timestamp>,
    /// A packet claimed this time, which is far from all others; it counts once another one agrees.
    claimed: Option<Timestamp>,
}

impl Clock {
    pub(crate) fn now(&self) -> Timestamp {
        self.now.or(self.first).unwrap_or_default()
    }

    /// The time, unless anything about it is in doubt.
    #[inline]
    pub(crate) fn certain(&self) -> Option<Timestamp> {
        self.now.filter(|_| self.claimed.is_none())
    }

    /// Whether the packet's time is not believed yet.
    pub(crate) fn doubts(&self) -> bool {
        self.now.is_none() || self.claimed.is_some()
    }

    /// Decides when it all began, once `timestamp` shows that: the first packet's time, unless both packets behind it
    /// are of one time that is far in front of it.
    pub(crate) fn start(&mut self, timestamp: Timestamp, limits: &Limits) -> Option<Timestamp> {
        let first = self.first.filter(|_| self.now.is_none())?;
        let start = match self.claimed {
            None if timestamp.after(limits.idle) < first => return None,
            Some(second) if near(second, timestamp, limits) => second,
            _ => first,
        };
        self.claimed = None;
        self.now = Some(start);
        self.now
    }

    /// What time it is when a packet of this time comes.
    pub(crate) fn packet(&mut self, timestamp: Timestamp, limits: &Limits) -> Timestamp {
        let Some(now) = self.now else {
            match self.first {
                None => self.first = Some(timestamp),
                Some(_) => self.claimed = Some(timestamp),
            }
            return timestamp;
        };
        if timestamp <= now.after(limits.idle) {
            self.claimed = None;
            return *self.now.insert(now.max(timestamp));
        }
        let agrees = |claimed: &Timestamp| timestamp >= *claimed || near(*claimed, timestamp, limits);
        match self.claimed.take().filter(agrees) {
            Some(claimed) if near(claimed, timestamp, limits) => *self.now.insert(claimed.max(timestamp)),
            Some(claimed) => *self.now.insert(claimed),
            None => {
                self.claimed = Some(timestamp);
                now
            }
        }
    }

    /// A tick comes from the machine that captures: it needs no second opinion, and settles what is in doubt.
    pub(crate) fn tick(&mut self, timestamp: Timestamp) -> Timestamp {
        self.claimed = None;
        let now = self.now.map_or(timestamp, |now| now.max(timestamp));
        *self.now.insert(now)
    }
}

impl PartialEq for Clock {
    /// Whether both will say the same of every packet that comes.
    fn eq(&self, other: &Self) -> bool {
        let first = |clock: &Self| clock.first.filter(|_| clock.now.is_none());
        (self.now, self.claimed, first(self)) == (other.now, other.claimed, first(other))
    }
}

fn near(one: Timestamp, other: Timestamp, limits: &Limits) -> bool {
    one.max(other) <= one.min(other).after(limits.idle)
}
