//! Connections that are over: what has to be known of them, so that their last packets open no new ones.
//!
//! Promises: what is found depends on packet time alone; there are never more than [`Limits::connections`], each of about
//! fifty bytes. They are apart from the connections that go on, which stay few, and near each other in memory.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use egret_decode::{Endpoint, Flow, Path, TcpFlags, Timestamp};
use hashbrown::HashTable;

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
    whose: Whose,
    /// Where its directions began and ended: from the client, and from the server.
    client: (u32, u32),
    server: (u32, u32),
    /// Whether that is known.
    known: (bool, bool),
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
            self.pop(hasher);
        }
        let number = self.first.wrapping_add(self.stones.len() as u32);
        if self.stones.len() == self.stones.capacity() {
            // Twice as many, but no more than there may be.
            let most = limits.connections.max(1) - self.stones.len();
            self.stones.reserve_exact(self.stones.len().clamp(FIRST_ROOM.min(most), most));
        }
        self.stones.push_back(Tombstone::new(flow, ends, last));
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
                && stones.get(place(*number)).is_some_and(|stone| is_same(&stone.whose.flow(), &arrival.flow))
        };
        let Ok(entry) = table.find_entry(hash.spread(), is_it) else { return false };
        let Some(stone) = stones.get_mut(place(entry.get().1)) else { return false };
        let segment = &arrival.segment;
        let end = stone.end(arrival.flow.source == stone.whose.flow().source);
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
            && let hash = hasher.hash(&stone.whose.flow()).spread()
            && let Ok(entry) = self.table.find_entry(hash, |(_, known)| *known == number)
        {
            entry.remove();
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
    use egret_decode::PathId;

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

    /// There may be as many of them as connections.
    #[test]
    fn a_tombstone_is_small() {
        assert!(size_of::<Tombstone>() <= 48, "{}", size_of::<Tombstone>());
    }
}
