//! GRE (RFC 2784, RFC 2890), with what rides on it: Ethernet (NVGRE, RFC 7637), MPLS, PPP in PPTP's version 1
//! (RFC 2637), mirrored frames (ERSPAN) and web cache redirection (WCCP).
//!
//! The key enters the path. PPTP's call id differs by direction and does not. Refuses: source routes (RFC 1701), which
//! nobody sends.

use std::fmt;

use crate::PathId;
use crate::layers::Fields;
use crate::link::ppp;
use crate::tunnel::erspan;
use crate::walk::{Next, Stopped, Visitor, Walk};

const NAME: &str = "gre";

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

pub(crate) const ETHERNET: u16 = 0x6558;
pub(crate) const PPP: u16 = 0x880b;
const WCCP: u16 = 0x883e;
pub(crate) const ERSPAN: u16 = 0x88be;
pub(crate) const ERSPAN_3: u16 = 0x22eb;

/// The fields of a GRE header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gre {
    pub(crate) flags: u16,
    pub(crate) protocol: u16,
    /// Of version 1: the length of what follows, and the number of the call.
    pub(crate) key: Option<u32>,
    pub(crate) sequence: Option<u32>,
    pub(crate) acknowledgment: Option<u32>,
}

impl Gre {
    pub(crate) fn version(self) -> u16 {
        self.flags & VERSION
    }

    pub(crate) fn has_checksum(self) -> bool {
        self.flags & CHECKSUM != 0
    }
}

/// Whether this may be a header over UDP: version 0 without routing.
pub(crate) fn fits(first: &[u8; 4]) -> bool {
    let [a, b, ..] = *first;
    u16::from_be_bytes([a, b]) & !(CHECKSUM | KEY | SEQUENCE) == 0
}

#[inline(never)]
pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    walk.enter_tunnel();
    let [f0, f1, p0, p1] = *walk.view(NAME, 4, |bytes| bytes.first_chunk::<4>())?;
    let (flags, protocol) = (u16::from_be_bytes([f0, f1]), u16::from_be_bytes([p0, p1]));
    if flags & VERSION > 1 {
        return Err(walk.malformed(NAME, "the version is neither 0 nor 1"));
    }
    if flags & ROUTING != 0 {
        return Err(walk.malformed(NAME, "it has source routes, which are no longer part of GRE"));
    }
    let mut length = 4;
    let mut field = |present: bool| -> Option<usize> {
        let at = length;
        length += if present { 4 } else { 0 };
        present.then_some(at)
    };
    let (_, key) = (field(flags & CHECKSUM != 0), field(flags & KEY != 0));
    let sequence = field(flags & SEQUENCE != 0);
    let acknowledgment = field(flags & VERSION == 1 && flags & ACKNOWLEDGMENT != 0);
    let bytes = walk.view(NAME, length as u32, |bytes| bytes.get(..length))?;
    let number = |at: usize| bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
    let header = Gre {
        flags,
        protocol,
        key: key.and_then(number),
        sequence: sequence.and_then(number),
        acknowledgment: acknowledgment.and_then(number),
    };
    if let (Some(key), 0) = (header.key, header.version()) {
        // In NVGRE the lowest byte spreads load and differs by direction. Its ids begin at 0x1000; a key below that
        // is a plain one.
        let key = if protocol == ETHERNET && key >> 8 >= 0x1000 { key >> 8 } else { key };
        walk.enter_path(NAME, PathId::GreKey(key))?;
    }
    walk.enter(NAME, length, |_| Fields::Gre(header))?;
    match (header.version(), header.key) {
        (1, Some(key)) => {
            walk.limit((key >> 16) as usize);
            // A mere acknowledgment.
            if key >> 16 == 0 { Ok(Next::Payload) } else { walk_protocol(walk, protocol) }
        }
        // The first kind of ERSPAN has no header of its own; the second always has a sequence number in front.
        (_, _) if protocol == ERSPAN && sequence.is_some() => erspan::walk_2(walk),
        _ => walk_protocol(walk, protocol),
    }
}

/// Goes by a protocol type, which is an ethertype or one of GRE's own numbers.
pub(crate) fn walk_protocol<'a, V: Visitor<'a>>(
    walk: &mut Walk<'a, '_, V>,
    protocol: u16,
) -> Result<Next, Stopped> {
    match protocol {
        ETHERNET | ERSPAN => Ok(Next::Ethernet),
        ERSPAN_3 => erspan::walk_3(walk),
        PPP => ppp::walk(walk),
        WCCP => {
            // Version 2 puts a header of four bytes in front; the first of IPv4 tells.
            if walk.rest().first().is_some_and(|byte| byte >> 4 != 4) {
                walk.enter("wccp", 4, |_| Fields::Bytes(4))?;
            }
            Ok(Next::EtherType(crate::net::IPV4))
        }
        // Below, the number would be taken for the length of a frame.
        0..=1500 => Err(walk.unsupported("gre protocol", protocol.into())),
        other => Ok(Next::EtherType(other)),
    }
}

impl fmt::Display for Gre {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {}, type {:#06x}", self.version(), self.protocol)?;
        match (self.version(), self.key) {
            (1, Some(key)) => write!(f, ", call {}, {} bytes", key & 0xffff, key >> 16)?,
            (_, Some(key)) => write!(f, ", key {key}")?,
            (_, None) => {}
        }
        if let Some(sequence) = self.sequence {
            write!(f, ", sequence {sequence}")?;
        }
        if let Some(acknowledgment) = self.acknowledgment {
            write!(f, ", acknowledges {acknowledgment}")?;
        }
        if self.has_checksum() { f.write_str(", with checksum") } else { Ok(()) }
    }
}
