//! Connections that are over: what has to be known of them, so that their last packets open no new ones.
//!
//! Promises: what is found depends on packet time alone; there are never more than [`Limits::connections`], each of about
//! sixty bytes with its part of the chains. They are apart from the connections that go on, which stay few, and near each
//! other in memory.

use std::collections::VecDeque;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use egret_decode::{Endpoint, Flow, Path, TcpFlags, Timestamp};

use crate::arrival::Arrival;
use crate::half::MAX_WINDOW;
use crate::key::{FlowHash, FlowHasher, is_same};
use crate::seq::distance;
use crate::{Limits, Segment};

/// How long a connection that is over is remembered. Retransmissions of a FIN come within seconds; Linux itself keeps
/// TIME_WAIT for 60.
const TOMBSTONE: Duration = Duration::from_secs(30);

/// For how many there is room at first.
const FIRST_ROOM: usize = 64;

/// How far from its end a connection's last packets may be.
const NEAR: u64 = MAX_WINDOW >> 8;

/// In the order in which they ended. Whose flows hash to the same place are in a chain, the latest first.
///
/// Nearly all of them are looked for in vain, once, and then are too old: nothing is done to take those out of their chains,
/// which end where they begin.
#[derive(Default)]
pub(crate) struct Tombstones {
    stones: VecDeque<Tombstone>,
    /// The number of the first: they are numbered in their order, modulo 2^32.
    first: u32,
    /// The latest in each chain, by number; a number that is not in use any more is none. A power of two, at least twice as
    /// many as there are tombstones.
    chains: Vec<u32>,
}

struct Tombstone {
    whose: Whose,
    /// Where its directions began and ended: from the client, and from the server.
    client: (u32, u32),
    server: (u32, u32),
    /// Whether that is known.
    known: (bool, bool),
    /// The one before in its chain, by number, if that is in use and in front of it.
    before: u32,
    /// Another connection has taken its place.
    gone: bool,
    /// When it was last heard of.
    last: Timestamp,
}

/// A flow from client to server, in as little memory as most of them need.
enum Whose {
    /// One without a path.
    V4(Ipv4Addr, Ipv4Addr, u16, u16),
    Other(Box<Flow>),
}

impl Whose {
    fn new(flow: Flow) -> Self {
        match (flow.source.ip, flow.destination.ip) {
            (IpAddr::V4(client), IpAddr::V4(server)) if flow.path.is_empty() => {
                Self::V4(client, server, flow.source.port, flow.destination.port)
            }
            _ => Self::Other(Box::new(flow)),
        }
    }

    fn flow(&self) -> Flow {
        match *self {
            Self::V4(client, server, from, to) => Flow {
                source: Endpoint { ip: client.into(), port: from },
                destination: Endpoint { ip: server.into(), port: to },
                path: Path::EMPTY,
            },
            Self::Other(ref flow) => **flow,
        }
    }
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
            self.pop();
        }
        let number = self.first.wrapping_add(self.stones.len() as u32);
        if self.stones.len() == self.stones.capacity() {
            // Twice as many, but no more than there may be.
            let most = limits.connections.max(1) - self.stones.len();
            self.stones.reserve_exact(self.stones.len().clamp(FIRST_ROOM.min(most), most));
        }
        self.stones.push_back(Tombstone::new(flow, ends, last));
        if self.chains.len() < 2 * self.stones.len() {
            self.chain_anew(hasher);
        } else {
            self.link(hasher.hash(&flow), number);
        }
        forgotten
    }

    /// Whether a segment is one of the last of a connection that is over. If it is of another connection with the same
    /// addresses, the one that is over is forgotten.
    pub(crate) fn is_leftover(
        &mut self,
        hash: FlowHash,
        arrival: &Arrival<'_>,
        damaged: bool,
        now: Timestamp,
        limits: &Limits,
    ) -> bool {
        let Some((behind, place)) = self.find(hash, &arrival.flow) else { return false };
        let Some(stone) = self.stones.get_mut(place) else { return false };
        let segment = &arrival.segment;
        let end = stone.end(arrival.flow.source == stone.whose.flow().source);
        let counts = !segment.flags.has(TcpFlags::RST) && !damaged;
        if stone.is_over(now, limits) || (counts && end.begins_anew(segment)) {
            // It leaves its chain, which would grow with each connection that uses the same ports.
            stone.gone = true;
            let (before, chain) = (stone.before, hash.among(self.chains.len()));
            let link = match behind {
                Some(behind) => self.stones.get_mut(behind).map(|behind| &mut behind.before),
                None => self.chains.get_mut(chain),
            };
            if let Some(link) = link {
                *link = before;
            }
            while self.stones.front().is_some_and(|oldest| oldest.gone) {
                self.pop();
            }
            return false;
        }
        true
    }

    /// Has what a look-up of a flow needs first brought near from wherever it is in memory.
    #[inline]
    pub(crate) fn fetch(&self, hash: FlowHash) {
        black_box(self.chains.get(hash.among(self.chains.len())).copied());
    }

    /// Where the tombstone of a flow is, and the one that is behind it in its chain.
    fn find(&self, hash: FlowHash, flow: &Flow) -> Option<(Option<usize>, usize)> {
        let mut behind = None;
        let mut number = *self.chains.get(hash.among(self.chains.len()))?;
        loop {
            // In front of the one behind it, since numbers come again after four thousand millions.
            let place = self.place(number).filter(|place| behind.is_none_or(|behind| *place < behind))?;
            let stone = self.stones.get(place)?;
            if is_same(&stone.whose.flow(), flow) {
                return Some((behind, place));
            }
            (behind, number) = (Some(place), stone.before);
        }
    }

    /// Where the tombstone of this number is, if it is in use.
    fn place(&self, number: u32) -> Option<usize> {
        let place = number.wrapping_sub(self.first) as usize;
        (place < self.stones.len()).then_some(place)
    }

    /// Puts a tombstone in front of its chain.
    fn link(&mut self, hash: FlowHash, number: u32) {
        let place = number.wrapping_sub(self.first) as usize;
        let index = hash.among(self.chains.len());
        if let (Some(stone), Some(latest)) = (self.stones.get_mut(place), self.chains.get_mut(index)) {
            stone.before = std::mem::replace(latest, number);
        }
    }

    /// Makes room for more chains, and puts all tombstones into them.
    #[cold]
    fn chain_anew(&mut self, hasher: &FlowHasher) {
        let count = (2 * self.stones.len()).max(FIRST_ROOM).next_power_of_two();
        // Nobody has this number for a long time.
        self.chains = vec![self.first.wrapping_sub(1); count];
        for place in 0..self.stones.len() {
            if let Some(stone) = self.stones.get(place).filter(|stone| !stone.gone) {
                let hash = hasher.hash(&stone.whose.flow());
                self.link(hash, self.first.wrapping_add(place as u32));
            }
        }
    }

    fn pop(&mut self) {
        if self.stones.pop_front().is_some() {
            self.first = self.first.wrapping_add(1);
        }
    }
}

impl Tombstone {
    fn new(flow: Flow, ends: [End; 2], last: Timestamp) -> Self {
        let [client, server] = ends.map(|end| end.numbers);
        Self {
            whose: Whose::new(flow),
            client: client.unwrap_or_default(),
            server: server.unwrap_or_default(),
            known: (client.is_some(), server.is_some()),
            before: 0,
            gone: false,
            last,
        }
    }

    /// Where what the client sent ended, or what the server did.
    fn end(&self, of_client: bool) -> End {
        let (known, numbers) =
            if of_client { (self.known.0, self.client) } else { (self.known.1, self.server) };
        End { numbers: known.then_some(numbers) }
    }

    fn is_over(&self, now: Timestamp, limits: &Limits) -> bool {
        self.last.after(TOMBSTONE.min(limits.idle)) <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Direction;
    use egret_decode::PathId;
    use proptest::prelude::*;

    #[test]
    fn a_flow_is_given_back_as_it_was() {
        let end = |ip: &str, port| Endpoint { ip: ip.parse().expect("an address"), port };
        let tagged = Path::EMPTY.entered(PathId::Vlan(7)).expect("it fits");
        for (source, destination, path) in [
            (end("10.0.0.1", 50_000), end("10.0.0.2", 80), Path::EMPTY),
            (end("10.0.0.1", 50_000), end("10.0.0.2", 80), tagged),
            (end("::1", 50_000), end("::2", 80), Path::EMPTY),
            (end("::1", 50_000), end("10.0.0.2", 80), Path::EMPTY),
        ] {
            let flow = Flow { source, destination, path };
            assert_eq!(Whose::new(flow).flow(), flow);
        }
    }

    /// There may be as many of them as connections, and four bytes for each of at most four times as many chains.
    #[test]
    fn a_tombstone_is_small() {
        assert!(size_of::<Tombstone>() <= 48, "{}", size_of::<Tombstone>());
        let (mut tombstones, hasher) = (Tombstones::default(), FlowHasher::default());
        for port in 0..5_000 {
            tombstones.add(&hasher, of(port), ENDS, Timestamp::EPOCH, &Limits::default());
            let (stones, chains) = (tombstones.stones.len(), tombstones.chains.len());
            assert!(chains >= 2 * stones && chains <= (4 * stones).max(FIRST_ROOM), "{stones} {chains}");
        }
    }

    const ENDS: [End; 2] = [End { numbers: Some((100, 200)) }, End { numbers: Some((300, 400)) }];

    fn of(port: u16) -> Flow {
        let end = |last, port| Endpoint { ip: [10, 0, 0, last].into(), port };
        Flow { source: end(1, port), destination: end(2, 80), path: Path::EMPTY }
    }

    /// A SYN of this flow that begins behind this number, or is one of a connection with [`ENDS`].
    fn syn(flow: Flow, seq: u32) -> Arrival<'static> {
        let segment = Segment {
            direction: Direction::ClientToServer,
            timestamp: Timestamp::EPOCH,
            packet: 0,
            seq,
            ack: 0,
            flags: TcpFlags(TcpFlags::SYN),
            window: 0,
            urgent: None,
            payload: b"",
            cut: 0,
            fragments: &[],
        };
        let (window_scale, sack, sent_at, checksum) = (None, false, None, None);
        Arrival { segment, flow, window_scale, sack, sent_at, checksum, identity: (0, 0) }
    }

    #[test]
    fn who_uses_the_same_ports_again_and_again_leaves_one() {
        let (mut tombstones, hasher) = (Tombstones::default(), FlowHasher::default());
        let (limits, now) = (Limits::default(), Timestamp::EPOCH);
        // One that stays, in front.
        tombstones.add(&hasher, of(1), ENDS, now, &limits);
        for _ in 0..2_000 {
            tombstones.add(&hasher, of(2), ENDS, now, &limits);
            assert!(!tombstones.is_leftover(hasher.hash(&of(2)), &syn(of(2), 7), false, now, &limits));
        }
        let mut number = tombstones.chains[hasher.hash(&of(2)).among(tombstones.chains.len())];
        let mut steps = 0;
        while let Some(place) = tombstones.place(number) {
            (number, steps) = (tombstones.stones[place].before, steps + 1);
        }
        assert!(steps <= 1, "{steps}");
    }

    proptest! {
        /// All are found that a list of them has, and no others, whatever chains they are in.
        #[test]
        fn it_is_what_a_list_would_say(
            what in prop::collection::vec((0_u16..150, prop_oneof![9 => Just(0), 1 => 0_u64..9], 0_u8..8), 0..600),
            connections in 1_usize..200,
            first: u32,
        ) {
            let limits = Limits { connections, ..Limits::default() };
            let (mut tombstones, hasher) = (Tombstones { first, ..Tombstones::default() }, FlowHasher::default());
            let (mut list, mut now): (Vec<(u16, Timestamp, bool)>, _) = (Vec::new(), Timestamp::EPOCH);
            for (port, seconds, kind) in what {
                now = now.after(Duration::from_secs(seconds));
                let over = |last: Timestamp| last.after(TOMBSTONE) <= now;
                let known = list.iter().position(|(known, _, gone)| *known == port && !gone);
                // A connection's own SYN, another one's, and else one that ends, which is known once.
                let (leftover, anew) = (kind == 0, kind < 3);
                if leftover || anew || known.is_some() {
                    let seq = if leftover { 99 } else { 7 };
                    let found = tombstones.is_leftover(hasher.hash(&of(port)), &syn(of(port), seq), false, now, &limits);
                    let expected = known.filter(|place| leftover && !over(list[*place].1));
                    prop_assert_eq!(found, expected.is_some());
                    if let Some(place) = known.filter(|_| !found) {
                        list[place].2 = true;
                    }
                    // Its place is free once all in front of it are gone.
                    while !found && list.first().is_some_and(|first| first.2) {
                        list.remove(0);
                    }
                } else {
                    let mut forgotten = 0;
                    while let Some((_, last, gone)) = list.first()
                        && (*gone || over(*last) || list.len() >= connections)
                    {
                        forgotten += u64::from(!gone && !over(*last));
                        list.remove(0);
                    }
                    list.push((port, now, false));
                    prop_assert_eq!(tombstones.add(&hasher, of(port), ENDS, now, &limits), forgotten);
                }
            }
        }
    }
}
