//! Teredo (RFC 4380): IPv6 in UDP datagrams that pass an address translator.
//!
//! Datagrams from and to servers and relays have port 3544; those between peers have any, and are known by the Teredo
//! addresses in the IPv6 header and by lengths that agree to the byte.

use std::fmt;

use crate::layers::Fields;
use crate::net;
use crate::walk::{Next, Stopped, Visitor, Walk};

const AUTHENTICATION: &str = "teredo-authentication";
const ORIGIN: &str = "teredo-origin";

/// Whether this may be Teredo on its port: an IPv6 header, or one of the two indications in front of it.
pub(crate) fn fits(first: &[u8; 4]) -> bool {
    matches!(first, [0, 0 | 1, ..]) || matches!(first, [version, ..] if version >> 4 == 6)
}

/// Whether this is an IPv6 packet of exactly the datagram's length from or to a Teredo address (2001::/32).
#[inline]
pub(crate) fn is_between_peers<'a, V: Visitor<'a>>(walk: &Walk<'a, '_, V>) -> bool {
    walk.rest().first().is_some_and(|byte| byte >> 4 == 6) && has_teredo_addresses(walk)
}

#[inline(never)]
fn has_teredo_addresses<'a, V: Visitor<'a>>(walk: &Walk<'a, '_, V>) -> bool {
    let Some(header) = walk.rest().first_chunk::<40>() else { return false };
    let [_, _, _, _, l0, l1, _, _, s0, s1, s2, s3, .., d0, d1, d2, d3, _, _, _, _, _, _, _, _, _, _, _, _] =
        *header;
    let length = 40 + usize::from(u16::from_be_bytes([l0, l1]));
    let prefix = [0x20, 0x01, 0, 0];
    length == walk.rest().len() + walk.cut() as usize
        && ([s0, s1, s2, s3] == prefix || [d0, d1, d2, d3] == prefix)
}

#[inline(never)]
pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    walk.enter_tunnel();
    if let [0, 1, ..] = walk.rest() {
        // Lengths of the client's name and of the authentication value, then both, a nonce and a byte of confirmation.
        let [_, _, name, value] = *walk.view(AUTHENTICATION, 4, |bytes| bytes.first_chunk::<4>())?;
        let length = 13 + usize::from(name) + usize::from(value);
        walk.enter(AUTHENTICATION, length, |_| Fields::Bytes(length))?;
    }
    if let [0, 0, ..] = walk.rest() {
        let [_, _, p0, p1, address @ ..] = *walk.view(ORIGIN, 8, |bytes| bytes.first_chunk::<8>())?;
        // Both are sent with all bits turned, so that no translator finds them.
        let origin =
            Origin { port: !u16::from_be_bytes([p0, p1]), address: (!u32::from_be_bytes(address)).into() };
        walk.enter(ORIGIN, 8, |_| Fields::Origin(origin))?;
    }
    Ok(Next::EtherType(net::IPV6))
}

/// As whom the server saw the client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    address: std::net::Ipv4Addr,
    port: u16,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.address, self.port)
    }
}
