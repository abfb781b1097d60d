//! The outermost header: what a capture's link type says the packet begins with.

use std::fmt;

use egret_capture::LinkType;

use crate::walk::{Next, Stopped, Visitor, Walk};

pub(crate) mod cooked;
pub(crate) mod ethernet;
pub(crate) mod loopback;

#[inline]
pub(crate) fn walk<'a, V: Visitor<'a>>(
    walk: &mut Walk<'a, '_, V>,
    link_type: LinkType,
) -> Result<Next, Stopped> {
    match link_type {
        LinkType::ETHERNET => ethernet::walk(walk),
        LinkType::LINUX_SLL => cooked::walk_v1(walk),
        LinkType::LINUX_SLL2 => cooked::walk_v2(walk),
        LinkType::NULL => loopback::walk(walk, "null"),
        LinkType::LOOP => loopback::walk(walk, "loop"),
        LinkType::RAW => Ok(Next::Ip),
        LinkType::IPV4 => Ok(Next::EtherType(crate::net::IPV4)),
        LinkType::IPV6 => Ok(Next::EtherType(crate::net::IPV6)),
        LinkType(other) => Err(walk.unsupported("link type", other.into())),
    }
}

/// A hardware address as people write it: bytes in hexadecimal with colons between them.
pub(crate) struct Hardware<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hardware<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if index == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}
