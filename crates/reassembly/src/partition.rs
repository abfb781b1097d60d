//! A capture divided among several that each put their part together: which packet is for whom, and what time it is.
//!
//! Promises: a connection is in one part, with all fragments and tunnels that it came in; who puts a part together is told
//! the same as with the whole capture, with the same ids, as long as no limit is reached; packets stay in order in their
//! part. Datagrams are put together before it is decided whose they are, so the first fragment of one holds back, copied,
//! all that comes behind it, until the datagram is whole or given up: for 64 MiB at most ([`Limits::memory`]).

use std::collections::VecDeque;
use std::time::Duration;

use egret_decode::{Decoded, Fragment, LinkType, Packet, Timestamp, decode_datagram};

use crate::assembler::{Clock, MAX_FRAGMENT_NESTING};
use crate::fragments::{Fragments, Whole};
use crate::{Limits, Shard};

/// Where the packets of a [`Partition`] go.
pub trait Parts {
    /// The next packet of a part, which counts from 0.
    fn packet(&mut self, part: u32, packet: Packet<'_>);

    /// In the whole it was this time before the next packet of a part: whoever puts the part together is to
    /// [`advance`](crate::Assembler::advance) to it.
    fn time(&mut self, part: u32, now: Timestamp);
}

/// Divides the packets of a capture by connection, in one pass.
///
/// Part I of N has the connections of the [`Shard`] I/N; what has no flow is in the first part, and so are fragments of which
/// no datagram comes. Every packet is in one part.
///
/// [`take`](Self::take) takes the packets in the order of the capture, [`finish`](Self::finish) says that there are no more.
/// The time that a capture shows is in all its packets: where a part's own do not show it, the part is told. `Limits` are
/// those with which the parts will be put together; of them, `idle` and those of fragments count.
pub struct Partition {
    of: u32,
    limits: Limits,
    fragments: Fragments,
    /// The time at which packets come, and that at which they go to their parts.
    coming: Clock,
    going: Clock,
    /// What time it is for who has only a part's packets.
    parts: Vec<Clock>,
    /// Parts that have packets of which they do not know the time.
    doubting: Vec<u32>,
    held: VecDeque<Held>,
    /// Memory for what is held.
    bytes: usize,
    torn: u64,
}

/// A packet whose part, or that of one before it, is not known yet.
struct Held {
    number: u64,
    timestamp: Timestamp,
    link_type: LinkType,
    interface: u32,
    wire_len: u32,
    data: Box<[u8]>,
    part: Option<u32>,
}

impl Held {
    fn cost(&self) -> usize {
        size_of::<Self>() + self.data.len()
    }
}

/// A part is told the time at least so often. Its own packets would do, but for who takes a connection for dead sooner than
/// by default.
const QUIET: Duration = Duration::from_secs(1);

impl Partition {
    /// A division into so many parts; `None` if there would be none, or more than [`Shard::MOST`].
    pub fn new(of: u32, limits: Limits) -> Option<Self> {
        Shard::new(0, of)?;
        Some(Self {
            of,
            limits,
            fragments: Fragments::noting_losses(),
            coming: Clock::default(),
            going: Clock::default(),
            parts: vec![Clock::default(); usize::try_from(of).ok()?],
            doubting: Vec::new(),
            held: VecDeque::new(),
            bytes: 0,
            torn: 0,
        })
    }

    /// How many fragments went to the first part because their datagram could not be waited for any longer.
    pub fn torn(&self) -> u64 {
        self.torn
    }

    /// Takes the next packet.
    pub fn take(&mut self, decoded: &Decoded<'_>, parts: &mut impl Parts) {
        let packet = decoded.packet;
        self.coming.start(packet.timestamp, &self.limits);
        let now = self.coming.packet(packet.timestamp, &self.limits);
        if self.coming.now.is_some() {
            self.fragments.advance(now, &self.limits);
        }
        let fragment = decoded.fragment();
        if self.held.is_empty() && fragment.is_none() {
            return self.go(self.part_of(decoded), packet, parts);
        }
        let Packet { number, timestamp, link_type, interface, data, wire_len } = packet;
        let part = fragment.is_none().then(|| self.part_of(decoded));
        let held = Held { number, timestamp, link_type, interface, wire_len, data: data.into(), part };
        self.bytes += held.cost();
        self.held.push_back(held);
        if let Some(fragment) = fragment {
            self.take_fragment(decoded, fragment, &[number], now, 0);
        }
        self.release(parts);
    }

    /// The end of the capture: what is held goes to its part.
    pub fn finish(&mut self, parts: &mut impl Parts) {
        self.fragments.finish();
        self.release(parts);
        for (part, clock) in (0..).zip(&self.parts) {
            if *clock != Clock::default() && *clock != self.going {
                parts.time(part, self.going.now());
            }
        }
    }

    fn part_of(&self, decoded: &Decoded<'_>) -> u32 {
        decoded.flow.map_or(0, |flow| flow.shard(self.of))
    }

    /// Takes a fragment as an [`Assembler`](crate::Assembler) does.
    fn take_fragment(
        &mut self,
        decoded: &Decoded<'_>,
        fragment: Fragment,
        packets: &[u64],
        now: Timestamp,
        depth: u32,
    ) {
        if depth >= MAX_FRAGMENT_NESTING {
            return self.decide(packets, 0);
        }
        let whole = self.fragments.insert(decoded, fragment, packets, now, &self.limits);
        let Some(Whole { payload, packets }) = whole else { return };
        let decoded = decode_datagram(decoded, &payload);
        match decoded.fragment() {
            Some(fragment) => self.take_fragment(&decoded, fragment, &packets, now, depth + 1),
            None => self.decide(&packets, self.part_of(&decoded)),
        }
    }

    /// Says whose these packets are, if they are still held.
    fn decide(&mut self, packets: &[u64], part: u32) {
        for number in packets {
            let place = self.held.binary_search_by_key(number, |held| held.number);
            if let Some(held) = place.ok().and_then(|place| self.held.get_mut(place)) {
                held.part = Some(part);
            }
        }
    }

    /// Lets go what need not wait any longer.
    fn release(&mut self, parts: &mut impl Parts) {
        let lost = self.fragments.take_lost();
        self.decide(&lost, 0);
        while let Some(first) = self.held.front()
            && (first.part.is_some() || self.bytes > self.limits.memory)
            && let Some(held) = self.held.pop_front()
        {
            self.bytes -= held.cost();
            self.torn += u64::from(held.part.is_none());
            let Held { number, timestamp, link_type, interface, wire_len, ref data, part } = held;
            let packet = Packet { number, timestamp, link_type, interface, data, wire_len };
            self.go(part.unwrap_or(0), packet, parts);
        }
    }

    /// Gives a packet to its part, and tells all who must know what time it is.
    fn go(&mut self, part: u32, packet: Packet<'_>, parts: &mut impl Parts) {
        let Packet { timestamp, .. } = packet;
        let Self { limits, parts: clocks, going, .. } = self;
        // Nearly always all agree on the time, this packet's is the next, and its part needs not be told.
        if self.doubting.is_empty()
            && let Some(clock) = clocks.get_mut(part as usize)
            && let (Some(own), Some(now)) = (clock.certain(), going.certain())
            && own <= now
            && now <= timestamp
            && timestamp <= own.after(QUIET.min(limits.idle))
        {
            (clock.now, going.now) = (Some(timestamp), Some(timestamp));
            return parts.packet(part, packet);
        }
        let before = *going;
        let start = going.start(timestamp, limits);
        going.packet(timestamp, limits);
        // Before the packet is taken, what waited for it to confirm its time is.
        if !self.doubting.is_empty()
            && let Some(now) = start.or(going.now)
        {
            self.doubting.retain(|&other| {
                let others = other != part;
                if others && let Some(clock) = clocks.get_mut(other as usize) {
                    clock.tick(now);
                    parts.time(other, now);
                }
                !others
            });
        }
        let Some(clock) = clocks.get_mut(part as usize) else { return };
        let alone = after(*clock, timestamp, limits);
        let quiet = clock.now().after(QUIET) < timestamp && before.now > clock.now;
        if *clock != before
            && (clock.doubts() || alone != *going || quiet)
            && let Some(now) = start.or(going.now)
        {
            clock.tick(now);
            parts.time(part, now);
        }
        *clock = after(*clock, timestamp, limits);
        parts.packet(part, packet);
        // Others have confirmed an earlier time than this, of which the part knows nothing.
        if *clock != *going
            && let Some(now) = going.now
        {
            clock.tick(now);
            parts.time(part, now);
        }
        self.doubting.retain(|&other| other != part);
        if clock.doubts() {
            self.doubting.push(part);
        }
    }
}

/// A clock after a packet of this time.
fn after(mut clock: Clock, timestamp: Timestamp, limits: &Limits) -> Clock {
    clock.start(timestamp, limits);
    clock.packet(timestamp, limits);
    clock
}
