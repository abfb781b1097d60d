//! What connections are told apart by: the two ends, whichever speaks, and the networks on the way.

use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

use egret_decode::{Endpoint, Flow};
use foldhash::quality::RandomState;

/// Whether two flows are of one connection.
#[inline]
pub(crate) fn is_same(one: &Flow, other: &Flow) -> bool {
    one.path == other.path
        && ((one.source == other.source && one.destination == other.destination)
            || (one.source == other.destination && one.destination == other.source))
}

/// What a flow hashes to. Tables of flows hold it beside the place of what is known of the flow: a look-up goes there only
/// if it is equal, nearly never in vain, and nothing is looked up when a table grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FlowHash(u32);

impl FlowHash {
    /// For the table: which chooses by the lowest of these bits, and then tells apart by the highest.
    pub(crate) const fn spread(self) -> u64 {
        (self.0 as u64) << 32 | self.0 as u64
    }

    /// One of `count` places, which is a power of two.
    pub(crate) const fn among(self, count: usize) -> usize {
        self.0 as usize & count.wrapping_sub(1)
    }
}

/// Hashes flows, both directions of a connection alike. Seeded at random: nobody can choose where his connections go.
#[derive(Default)]
pub(crate) struct FlowHasher(RandomState);

impl FlowHasher {
    /// The sum of what the two ends give, so that they need not be put in order.
    #[inline]
    pub(crate) fn hash(&self, flow: &Flow) -> FlowHash {
        let ends = self.end(&flow.source).wrapping_add(self.end(&flow.destination));
        // Most packets have no path.
        let all = match flow.path.key() {
            0 => ends,
            path => ends.wrapping_add(self.0.hash_one(path)),
        };
        FlowHash((all >> 32) as u32)
    }

    #[inline]
    fn end(&self, end: &Endpoint) -> u64 {
        let mut hasher = self.0.build_hasher();
        match end.ip {
            IpAddr::V4(ip) => hasher.write_u64(u64::from(ip.to_bits()) << 16 | u64::from(end.port)),
            IpAddr::V6(ip) => {
                hasher.write_u128(ip.to_bits());
                hasher.write_u64(end.port.into());
            }
        }
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egret_decode::{Path, PathId};

    fn end(ip: impl Into<IpAddr>, port: u16) -> Endpoint {
        Endpoint { ip: ip.into(), port }
    }

    #[test]
    fn both_directions_are_one_connection_and_everything_else_is_another() {
        let (a, b) = (end([10, 0, 0, 1], 1), end([10, 0, 0, 2], 2));
        let (c, d) = (end([0_u16, 0, 0, 0, 0, 0, 0, 1], 1), end([0_u16, 0, 0, 0, 0, 0, 0, 2], 2));
        let tagged = Path::EMPTY.entered(PathId::Vlan(7)).expect("it fits");
        let flow = |source, destination, path| Flow { source, destination, path };
        let mut flows = vec![flow(a, a, Path::EMPTY)];
        for (source, destination) in [(a, b), (c, d), (end([10, 0, 0, 1], 2), end([10, 0, 0, 2], 1))] {
            flows.extend([flow(source, destination, Path::EMPTY), flow(source, destination, tagged)]);
        }
        let hasher = FlowHasher::default();
        for (at, one) in flows.iter().enumerate() {
            for (place, other) in flows.iter().enumerate() {
                for other in [*other, other.reversed()] {
                    assert_eq!(is_same(one, &other), at == place, "{one} and {other}");
                    assert_eq!(hasher.hash(one) == hasher.hash(&other), at == place, "{one} and {other}");
                }
            }
        }
    }
}
