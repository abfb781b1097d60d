//! The outermost header: what a capture's link type says the packet begins with.

use std::fmt;

use egret_capture::LinkType;

use crate::walk::{Next, Stopped, Visitor, Walk};

pub(crate) mod cooked;
pub(crate) mod ethernet;
pub(crate) mod llc;
pub(crate) mod log;
pub(crate) mod loopback;
pub(crate) mod ppp;
pub(crate) mod tagged;
pub(crate) mod wlan;

#[inline]
pub(crate) fn walk<'a, V: Visitor<'a>>(
    walk: &mut Walk<'a, '_, V>,
    link_type: LinkType,
) -> Result<Next, Stopped> {
    match link_type {
        LinkType::ETHERNET => ethernet::walk_outer(walk),
        other => walk_rare(walk, other),
    }
}

#[inline(never)]
fn walk_rare<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>, link_type: LinkType) -> Result<Next, Stopped> {
    match link_type {
        LinkType::LINUX_SLL => cooked::walk_v1(walk),
        LinkType::LINUX_SLL2 => cooked::walk_v2(walk),
        LinkType::NULL => loopback::walk(walk, "null"),
        LinkType::LOOP => loopback::walk(walk, "loop"),
        LinkType::RAW => Ok(Next::Ip),
        LinkType::IPV4 => Ok(Next::EtherType(crate::net::IPV4)),
        LinkType::IPV6 => Ok(Next::EtherType(crate::net::IPV6)),
        LinkType::PPP | LinkType::PPP_HDLC => ppp::walk_serial(walk),
        LinkType::PPP_PPPD | LinkType::PPP_WITH_DIR => ppp::walk_directed(walk),
        LinkType::PPP_ETHER => crate::tunnel::pppoe::walk(walk),
        LinkType::C_HDLC => ppp::walk_cisco(walk),
        LinkType::IEEE802_11 => wlan::walk_plain(walk),
        LinkType::IEEE802_11_RADIOTAP => wlan::walk_radiotap(walk),
        LinkType::IEEE802_11_PRISM | LinkType::IEEE802_11_AVS => wlan::walk_prism(walk),
        LinkType::PPI => log::walk_ppi(walk),
        LinkType::PFLOG => log::walk_pflog(walk),
        LinkType::NFLOG => log::walk_nflog(walk),
        LinkType::FDDI => tagged::walk_fddi(walk),
        LinkType::DSA_TAG_DSA => tagged::walk(walk, "dsa", 4),
        LinkType::DSA_TAG_BRCM => tagged::walk(walk, "dsa-brcm", 4),
        LinkType::DSA_TAG_EDSA => tagged::walk(walk, "edsa", 8),
        LinkType::DSA_TAG_BRCM_PREPEND => tagged::walk_in_front(walk, "dsa-brcm-prepend"),
        LinkType(other) => Err(walk.unsupported("link type", other.into())),
    }
}

/// A hardware address as people write it: bytes in hexadecimal with colons between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hardware<'a>(pub &'a [u8]);

impl fmt::Display for Hardware<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if index == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}
