//! Who talks to whom: the innermost addresses and ports, and the symmetric ids of the encapsulation around them.
//!
//! Promises: a flow is a plain `Copy` value; [`Flow::shard`] is stable across versions, platforms and runs, and
//! the same for both directions.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// One end of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The address of the innermost IP header.
    pub ip: IpAddr,
    /// The transport's port; 0 where the transport has none.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            IpAddr::V4(ip) => {
                // In one piece: every line of output has two of these, and formatting five numbers one by one takes
                // longer than all the rest of it.
                let mut text = [0; "255.255.255.255:65535".len()];
                let mut start = text.len();
                let [a, b, c, d] = ip.octets().map(u16::from);
                for (number, mark) in [(self.port, b':'), (d, b'.'), (c, b'.'), (b, b'.'), (a, 0)] {
                    let mut rest = number;
                    for slot in text.iter_mut().take(start).rev() {
                        *slot = b'0' + (rest % 10) as u8;
                        (rest, start) = (rest / 10, start - 1);
                        if rest == 0 {
                            break;
                        }
                    }
                    if let Some(slot) = text.iter_mut().take(start).next_back().filter(|_| mark != 0) {
                        (*slot, start) = (mark, start - 1);
                    }
                }
                f.write_str(std::str::from_utf8(text.get(start..).unwrap_or_default()).unwrap_or_default())
            }
            IpAddr::V6(ip) => write!(f, "[{ip}]:{}", self.port),
        }
    }
}

/// The direction of one packet between two endpoints, within one encapsulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// Who sent the packet.
    pub source: Endpoint,
    /// Who it was sent to.
    pub destination: Endpoint,
    /// The encapsulation ids on the way that are the same in both directions.
    pub path: Path,
}

impl Flow {
    /// The flow of the answer.
    pub const fn reversed(self) -> Self {
        Self { source: self.destination, destination: self.source, path: self.path }
    }

    /// Which of `shards` this connection belongs to: the same for both directions, on every machine, in every version.
    ///
    /// FNV-1a (64 bit) over the smaller endpoint, the larger endpoint (each as its 4 or 16 address bytes, then the
    /// port, big endian) and the path's 16 bytes, big endian; the upper half of the hash, modulo `shards`.
    /// It spreads load; it does not resist an attacker who aims at one shard. Zero shards count as one.
    pub fn shard(&self, shards: u32) -> u32 {
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        fn mix(hash: u64, bytes: &[u8]) -> u64 {
            bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
        }
        let mut hash = OFFSET;
        if let (IpAddr::V4(source), IpAddr::V4(destination)) = (self.source.ip, self.destination.ip) {
            // As numbers they are in order without a branch, which would be taken for every other packet.
            let number = |ip: Ipv4Addr, port| u64::from(ip.to_bits()) << 16 | u64::from(port);
            let (source, destination) =
                (number(source, self.source.port), number(destination, self.destination.port));
            for end in [source.min(destination), source.max(destination)] {
                let [_, _, bytes @ ..] = end.to_be_bytes();
                hash = mix(hash, &bytes);
            }
        } else {
            let (low, high) = (self.source.min(self.destination), self.source.max(self.destination));
            for end in [low, high] {
                hash = match end.ip {
                    IpAddr::V4(ip) => mix(hash, &ip.octets()),
                    IpAddr::V6(ip) => mix(hash, &ip.octets()),
                };
                hash = mix(hash, &end.port.to_be_bytes());
            }
        }
        hash = match self.path.key() {
            // Sixteen times nothing but the multiplication: most packets have no path.
            0 => hash.wrapping_mul(PRIME.wrapping_pow(16)),
            key => mix(hash, &key.to_be_bytes()),
        };
        ((hash >> 32) as u32) % shards.max(1)
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)?;
        f.write_str(" > ")?;
        self.destination.fmt(f)
    }
}

/// One id of an encapsulation that both directions share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PathId {
    /// A VLAN tag (IEEE 802.1Q or 802.1ad): the 12-bit id.
    Vlan(u16),
    /// The network identifier of VXLAN or GENEVE: 24 bits.
    Vni(u32),
    /// The key of a GRE tunnel; of NVGRE (RFC 7637), the 24-bit id of the virtual subnet.
    GreKey(u32),
    /// A PPPoE session.
    PppoeSession(u16),
    /// A service of a provider's backbone bridges (IEEE 802.1ah): the 24-bit I-SID.
    Service(u32),
}

impl fmt::Display for PathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vlan(id) => write!(f, "vlan {id}"),
            Self::Vni(id) => write!(f, "vni {id}"),
            Self::GreKey(key) => write!(f, "gre key {key}"),
            Self::PppoeSession(id) => write!(f, "pppoe session {id}"),
            Self::Service(id) => write!(f, "service {id}"),
        }
    }
}

/// The ids a packet passed on its way in, from the outside: part of its flow, so that the same addresses in two
/// VLANs are two connections.
///
/// Packed without loss into 128 bits (a VLAN takes 16, a GRE key 36, the others between), so that it is compared and
/// hashed like a number. The empty path is zero.
// Aligned like everything around it: with the alignment of its number, it would make eight bytes of nothing of each flow.
#[repr(Rust, packed(8))]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Path(u128);

impl Path {
    /// No encapsulation that has an id.
    pub const EMPTY: Self = Self(0);

    /// Each id is followed by its kind, which is never 0.
    const KIND_BITS: u32 = 4;

    /// Whether nothing on the way had an id.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The path as one number, equal exactly for equal paths.
    pub const fn key(self) -> u128 {
        self.0
    }

    /// The path with one more id further inside, or `None` when it would not fit any more.
    #[must_use]
    pub const fn entered(self, id: PathId) -> Option<Self> {
        let (kind, bits, value) = match id {
            PathId::Vlan(id) => (1, 12, (id & 0xfff) as u128),
            PathId::Vni(id) => (2, 24, (id & 0xff_ffff) as u128),
            PathId::GreKey(key) => (3, 32, key as u128),
            PathId::PppoeSession(id) => (4, 16, id as u128),
            PathId::Service(id) => (5, 24, (id & 0xff_ffff) as u128),
        };
        let width = bits + Self::KIND_BITS;
        if self.0 >> (u128::BITS - width) != 0 {
            return None;
        }
        Some(Self(self.0 << width | value << Self::KIND_BITS | kind))
    }

    /// The ids, from the outside in.
    pub fn ids(self) -> impl Iterator<Item = PathId> {
        // The innermost id is in the lowest bits, so they are unpacked backwards. Eight is what 128 bits can hold.
        let mut ids = [None; 8];
        let mut rest = self.0;
        for slot in ids.iter_mut().rev() {
            let value = rest >> Self::KIND_BITS;
            let (id, bits) = match rest & 0xf {
                1 => (PathId::Vlan((value & 0xfff) as u16), 12),
                2 => (PathId::Vni((value & 0xff_ffff) as u32), 24),
                3 => (PathId::GreKey(value as u32), 32),
                4 => (PathId::PppoeSession(value as u16), 16),
                5 => (PathId::Service((value & 0xff_ffff) as u32), 24),
                _ => break,
            };
            *slot = Some(id);
            rest = value >> bits;
        }
        ids.into_iter().flatten()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, id) in self.ids().enumerate() {
            write!(f, "{}{id}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow() -> Flow {
        let source = Endpoint { ip: IpAddr::from([10, 0, 0, 1]), port: 51234 };
        let destination = Endpoint { ip: IpAddr::from([10, 0, 0, 2]), port: 80 };
        Flow { source, destination, path: Path::EMPTY }
    }

    #[test]
    fn an_endpoint_is_written_as_others_write_it() {
        for (ip, port) in [([0, 0, 0, 0], 0), ([10, 0, 0, 1], 80), ([255, 255, 255, 255], 65_535)] {
            let endpoint = Endpoint { ip: IpAddr::from(ip), port };
            assert_eq!(endpoint.to_string(), std::net::SocketAddr::from((ip, port)).to_string());
        }
        let endpoint = Endpoint { ip: IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]), port: 8080 };
        assert_eq!(endpoint.to_string(), "[::1]:8080");
    }

    #[test]
    fn a_path_gives_back_what_it_was_entered_with() {
        let mut path = Path::EMPTY;
        let ids: Vec<u16> = vec![7, 0, 4095, 1, 2, 3, 4, 5];
        for id in &ids {
            path = path.entered(PathId::Vlan(*id)).expect("eight tags fit");
        }
        assert_eq!(path.entered(PathId::Vlan(9)), None, "a ninth does not");
        assert_eq!(path.ids().collect::<Vec<_>>(), ids.into_iter().map(PathId::Vlan).collect::<Vec<_>>());
        let ids = [
            PathId::Service(0xff_ffff),
            PathId::PppoeSession(0),
            PathId::GreKey(u32::MAX),
            PathId::Vni(1),
            PathId::Vlan(4094),
        ];
        let path = ids.iter().try_fold(Path::EMPTY, |path, id| path.entered(*id)).expect("124 bits");
        assert_eq!(path.ids().collect::<Vec<_>>(), ids);
        let shown = "service 16777215, pppoe session 0, gre key 4294967295, vni 1, vlan 4094";
        assert_eq!(path.to_string(), shown);
        assert_eq!(path.entered(PathId::Vlan(1)), None);
    }

    #[test]
    fn a_shard_is_symmetric_and_never_changes() {
        let flow = flow();
        assert_eq!(flow.shard(1 << 20), flow.reversed().shard(1 << 20));
        assert_eq!(flow.shard(0), 0);
        // Written down once: files that were split by an earlier version must go on fitting together.
        assert_eq!(flow.shard(1 << 16), 7055);
        let tagged = Flow { path: Path::EMPTY.entered(PathId::Vlan(7)).expect("fits"), ..flow };
        assert_ne!(flow.shard(1 << 16), tagged.shard(1 << 16));
    }
}
