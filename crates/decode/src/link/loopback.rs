//! BSD loopback: four bytes of protocol family in front of the IP header
//! ([`NULL` and `LOOP`](https://www.tcpdump.org/linktypes.html)).
//!
//! `NULL` has the family in the byte order of the machine that captured, which the file does not reliably tell, and
//! `LOOP` in network byte order. Families are small numbers, so the order is read off the value itself, for both.

use std::fmt;

use crate::layers::Fields;
use crate::net;
use crate::walk::{Next, Stopped, Visitor, Walk};

/// The field of a loopback header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loopback {
    pub(crate) family: u32,
}

#[inline(never)]
pub(crate) fn walk<'a, V: Visitor<'a>>(
    walk: &mut Walk<'a, '_, V>,
    name: &'static str,
) -> Result<Next, Stopped> {
    let header = walk.view(name, 4, |bytes| bytes.first_chunk::<4>())?;
    let family = u32::from_be_bytes(*header).min(u32::from_le_bytes(*header));
    walk.enter(name, header.len(), |_| Fields::Loopback(Loopback { family }))?;
    walk_family(walk, family)
}

/// Goes by a protocol family as some system numbers it.
pub(crate) fn walk_family<'a, V: Visitor<'a>>(
    walk: &mut Walk<'a, '_, V>,
    family: u32,
) -> Result<Next, Stopped> {
    match family {
        2 => Ok(Next::EtherType(net::IPV4)),
        // AF_INET6 of Linux, Windows, NetBSD and OpenBSD, FreeBSD, macOS.
        10 | 23 | 24 | 28 | 30 => Ok(Next::EtherType(net::IPV6)),
        other => Err(walk.unsupported("protocol family", other)),
    }
}

impl fmt::Display for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "family {}", self.family)
    }
}
