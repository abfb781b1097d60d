//! PPP (RFC 1661), with or without the address and control bytes of HDLC-like framing (RFC 1662), and Cisco's HDLC.
//!
//! Refuses: PPP's own control protocols, and what is compressed.

use std::fmt;

use crate::layers::Fields;
use crate::net;
use crate::walk::{Next, Stopped, Visitor, Walk};

const NAME: &str = "ppp";
const C_HDLC: &str = "c-hdlc";

/// The field of a PPP header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ppp {
    pub(crate) protocol: u16,
}

/// A frame as serial lines have it: PPP, or Cisco's HDLC by its first byte.
pub(crate) fn walk_serial<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    match walk.rest() {
        [0x0f | 0x8f, ..] => walk_cisco(walk),
        _ => self::walk(walk),
    }
}

/// A frame behind a byte that says who sent it, in the address byte's place or in front of it.
pub(crate) fn walk_directed<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    if let [0 | 1, 0x03, ..] = walk.rest() {
        walk.enter("ppp-direction", 2, |_| Fields::Bytes(2))?;
    } else {
        walk.enter("ppp-direction", 1, |_| Fields::Bytes(1))?;
    }
    self::walk(walk)
}

#[inline(never)]
pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    // Address and control are always these, and may be left out. So may the first byte of the protocol, if it is 0: the
    // last byte of a protocol is odd, the first one even.
    let framing = if let [0xff, 0x03, ..] = walk.rest() { 2 } else { 0 };
    let first = walk.view(NAME, framing as u32 + 1, |bytes| bytes.get(framing).copied())?;
    let (length, protocol) = match first & 1 {
        1 => (framing + 1, first.into()),
        _ => {
            let length = framing + 2;
            let last = walk.view(NAME, length as u32, |bytes| bytes.get(length - 1).copied())?;
            (length, u16::from_be_bytes([first, last]))
        }
    };
    walk.enter(NAME, length, |_| Fields::Ppp(Ppp { protocol }))?;
    match protocol {
        0x0021 => Ok(Next::EtherType(net::IPV4)),
        0x0057 => Ok(Next::EtherType(net::IPV6)),
        0x0281 | 0x0283 => Ok(Next::EtherType(net::MPLS)),
        other => Err(walk.unsupported("ppp protocol", other.into())),
    }
}

/// Address, control, ethertype.
pub(crate) fn walk_cisco<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let [_, _, p0, p1] = *walk.view(C_HDLC, 4, |bytes| bytes.first_chunk::<4>())?;
    let protocol = u16::from_be_bytes([p0, p1]);
    walk.enter(C_HDLC, 4, |_| Fields::Ppp(Ppp { protocol }))?;
    match protocol {
        0..=1500 => Err(walk.unsupported("ethertype", protocol.into())),
        other => Ok(Next::EtherType(other)),
    }
}

impl fmt::Display for Ppp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "type {:#06x}", self.protocol)
    }
}
