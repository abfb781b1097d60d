//! The one verb: packets go in, and the streams of their connections are called.
//!
//! Promises: time is packet time and never goes back; what is due happens in the order of the deadlines, before the
//! packet that shows that they have passed.

use egret_decode::{Decoded, Network, TcpFlags, Timestamp, decode_datagram};

use crate::arrival::{Arrival, Held};
use crate::fragments::Fragments;
use crate::{Checksums, Direction, Limits, Segment, Stats, Stream, StreamFactory, StreamPool};

/// How deep fragments of fragments are followed, in tunnels.
const MAX_FRAGMENT_NESTING: u32 = 4;

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
/// All state is here and in the pool: assemblers are independent of each other.
pub struct Assembler<F: StreamFactory> {
    pool: StreamPool<F>,
    fragments: Fragments,
    clock: Clock,
    /// Segments whose time is not believed at once. They are taken when that is decided.
    undated: Vec<Held>,
    packet: u64,
}

impl<F: StreamFactory> Assembler<F> {
    /// An assembler for the connections of `pool`.
    pub fn new(pool: StreamPool<F>) -> Self {
        Self {
            pool,
            fragments: Fragments::default(),
            clock: Clock::default(),
            undated: Vec::new(),
            packet: 0,
        }
    }

    /// Takes the next packet. What it is not, TCP or a fragment, only moves the clock.
    pub fn assemble(&mut self, decoded: &Decoded<'_>, context: &mut <F::Stream as Stream>::Context) {
        self.packet = decoded.packet.number;
        if let Some(start) = self.clock.start(decoded.packet.timestamp, &self.pool.limits) {
            self.pass(start, context);
        }
        let now = self.clock.packet(decoded.packet.timestamp, &self.pool.limits);
        if self.clock.now.is_some() {
            self.pass(now, context);
        }
        self.take(decoded, now, context, 0);
    }

    /// Says that it is now at least `timestamp`, and no packet of an earlier time is to come.
    pub fn advance(&mut self, timestamp: Timestamp, context: &mut <F::Stream as Stream>::Context) {
        let now = self.clock.tick(timestamp);
        self.pass(now, context);
    }

    /// The end of the capture: every connection ends, in the order of their ids.
    pub fn finish(&mut self, context: &mut <F::Stream as Stream>::Context) {
        self.fragments.finish();
        self.pass(self.clock.now(), context);
        self.pool.finish(self.clock.now(), self.packet, context);
    }

    /// What happened so far.
    pub fn stats(&self) -> Stats {
        Stats { fragments: self.fragments.stats, ..self.pool.stats }
    }

    /// The pool, with the factory in it.
    pub fn pool(&self) -> &StreamPool<F> {
        &self.pool
    }

    fn pass(&mut self, now: Timestamp, context: &mut <F::Stream as Stream>::Context) {
        self.pool.advance(now, self.packet, context);
        self.fragments.advance(now, &self.pool.limits);
        for held in std::mem::take(&mut self.undated) {
            self.pool.segment(&held.arrival(), now, context);
        }
    }

    fn take(
        &mut self,
        decoded: &Decoded<'_>,
        now: Timestamp,
        context: &mut <F::Stream as Stream>::Context,
        depth: u32,
    ) {
        if let Some(fragment) = decoded.fragment() {
            if depth < MAX_FRAGMENT_NESTING
                && let Some(whole) = self.fragments.insert(decoded, fragment, now, &self.pool.limits)
            {
                self.take(&decode_datagram(decoded, &whole), now, context, depth + 1);
            }
            return;
        }
        let (Some(tcp), Some(flow)) = (decoded.tcp(), decoded.flow) else { return };
        let identification = match decoded.network {
            Some(Network::Ipv4(header)) => header.identification,
            _ => 0,
        };
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
        };
        let syn = tcp.flags.has(TcpFlags::SYN);
        let window_scale = if syn { tcp.options.window_scale() } else { None };
        let arrival = Arrival {
            segment,
            flow,
            window_scale,
            sent_at: tcp.options.timestamps().map(|(value, _)| value),
            checksum: (self.pool.limits.checksums != Checksums::Ignore).then(|| decoded.checksum()),
            identity: (tcp.checksum, identification),
        };
        if self.clock.doubts() {
            self.undated.push(Held::new(&arrival));
        } else {
            self.pool.segment(&arrival, now, context);
        }
    }
}

/// Packet time, made monotonic.
///
/// One packet with a broken time stamp must not end every connection, or keep all of them for ever: a time far ahead
/// counts once another packet agrees, and so does the first of all.
#[derive(Debug, Default)]
struct Clock {
    now: Option<Timestamp>,
    /// The first packet's time, until it is known to be right.
    first: Option<Timestamp>,
    /// A packet claimed this time, which is far from all others; it counts once another one agrees.
    claimed: Option<Timestamp>,
}

impl Clock {
    fn now(&self) -> Timestamp {
        self.now.or(self.first).unwrap_or_default()
    }

    /// Whether the packet's time is not believed yet.
    fn doubts(&self) -> bool {
        self.now.is_none() || self.claimed.is_some()
    }

    /// Decides when it all began, once `timestamp` shows that: the first packet's time, unless both packets behind it
    /// are of one time that is far in front of it.
    fn start(&mut self, timestamp: Timestamp, limits: &Limits) -> Option<Timestamp> {
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
    fn packet(&mut self, timestamp: Timestamp, limits: &Limits) -> Timestamp {
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
            Some(claimed) => *self.now.insert(claimed.min(timestamp)),
            None => {
                self.claimed = Some(timestamp);
                now
            }
        }
    }

    /// A tick comes from the machine that captures: it needs no second opinion.
    fn tick(&mut self, timestamp: Timestamp) -> Timestamp {
        let now = self.now.map_or(timestamp, |now| now.max(timestamp));
        *self.now.insert(now)
    }
}

fn near(one: Timestamp, other: Timestamp, limits: &Limits) -> bool {
    one.max(other) <= one.min(other).after(limits.idle)
}
