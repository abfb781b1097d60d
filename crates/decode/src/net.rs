//! Network-layer headers, and which of them an ethertype announces.

use std::net::IpAddr;

use crate::link::llc;
use crate::tunnel::{backbone, mpls, pppoe, vlan, vntag};
use crate::walk::{Next, Stopped, Visitor, Walk};

mod arp;
mod ipv4;
mod ipv6;

pub use arp::Arp;
pub use ipv4::Ipv4;
pub(crate) use ipv4::Options;
pub(crate) use ipv6::Extension;
pub use ipv6::Ipv6;

/// The ethertype of IPv4.
pub(crate) const IPV4: u16 = 0x0800;
/// The ethertype of IPv6.
pub(crate) const IPV6: u16 = 0x86dd;

/// The ethertype of ARP.
pub(crate) const ARP: u16 = 0x0806;
/// The ethertype of MPLS; the one behind it is that of multicast.
pub(crate) const MPLS: u16 = 0x8847;

/// A network-layer header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Network {
    /// Internet Protocol, version 4 (RFC 791).
    Ipv4(Ipv4),
    /// Internet Protocol, version 6 (RFC 8200).
    Ipv6(Ipv6),
    /// Address Resolution Protocol for IPv4 over Ethernet (RFC 826).
    Arp(Arp),
}

impl Network {
    /// Source and destination, for IP.
    pub fn addresses(&self) -> Option<(IpAddr, IpAddr)> {
        match self {
            Self::Ipv4(header) => Some((header.source.into(), header.destination.into())),
            Self::Ipv6(header) => Some((header.source.into(), header.destination.into())),
            Self::Arp(_) => None,
        }
    }
}

/// Where a fragment's payload belongs in its datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fragment {
    /// The sender's number for the datagram (16 bits in IPv4, 32 in IPv6).
    pub identification: u32,
    /// Where this piece starts, in bytes.
    pub offset: u32,
    /// Whether more follows behind it.
    pub more: bool,
    /// Protocol number of the datagram's payload: of the header that follows directly.
    pub protocol: u8,
}

/// Goes by the ethertype that the header in front gave.
#[inline]
pub(crate) fn walk_ethertype<'a, V: Visitor<'a>>(
    walk: &mut Walk<'a, '_, V>,
    ethertype: u16,
) -> Result<Next, Stopped> {
    match ethertype {
        IPV4 => ipv4::walk(walk),
        IPV6 => ipv6::walk(walk),
        other => walk_rare(walk, other),
    }
}

#[inline(never)]
fn walk_rare<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>, ethertype: u16) -> Result<Next, Stopped> {
    match ethertype {
        ARP => arp::walk(walk),
        0x8100 | 0x88a8 | 0x9100 => vlan::walk(walk),
        MPLS | 0x8848 => mpls::walk(walk),
        0x8863 | 0x8864 => pppoe::walk(walk),
        0x88e7 => backbone::walk(walk),
        0x8926 => vntag::walk(walk),
        0x88e5 => Err(walk.encrypted("macsec")),
        // Up to 1,500 it is the length of an IEEE 802.3 frame, without the padding behind it.
        length @ 0..=1500 => {
            walk.limit(length.into());
            llc::walk(walk)
        }
        other => Err(walk.unsupported("ethertype", other.into())),
    }
}

/// Goes by the version in the first four bits.
pub(crate) fn walk_ip<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    match walk.rest().first().map(|byte| byte >> 4) {
        Some(4) => Ok(Next::EtherType(IPV4)),
        Some(6) => Ok(Next::EtherType(IPV6)),
        Some(_) => Err(walk.malformed("ip", "the version is neither 4 nor 6")),
        None => Err(walk.truncated("ip", 1)),
    }
}

/// Goes on behind the network header that was found in a fragment, as if its datagram had never been one.
pub(crate) fn behind_header<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    match walk.network {
        Some(Network::Ipv4(header)) => ipv4::behind_header(walk, header),
        Some(Network::Ipv6(header)) => ipv6::behind_header(walk, header),
        Some(Network::Arp(_)) | None => Ok(Next::Payload),
    }
}
