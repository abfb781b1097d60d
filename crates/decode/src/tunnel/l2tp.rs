//! L2TP version 2 (RFC 2661): PPP in UDP.
//!
//! Tunnel and session have ids of their own in each direction, so none is part of the path. Refuses: control messages;
//! they are the payload of their datagram.

use std::fmt;

use crate::layers::Fields;
use crate::link::ppp;
use crate::walk::{Next, Stopped, Visitor, Walk};

const NAME: &str = "l2tp";

const LENGTH: u16 = 0x4000;
const SEQUENCE: u16 = 0x0800;
const OFFSET: u16 = 0x0200;
const PRIORITY: u16 = 0x0100;

/// The fields of the header of a data message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct L2tp {
    flags: u16,
    pub(crate) tunnel: u16,
    pub(crate) session: u16,
    /// Sequence numbers: of this message, and of the next that is expected.
    pub(crate) sequence: Option<(u16, u16)>,
}

impl L2tp {
    /// tcpdump's letters for the flags.
    pub(crate) fn letters(self) -> impl Iterator<Item = char> {
        let letters = [(LENGTH, 'L'), (SEQUENCE, 'S'), (OFFSET, 'O'), (PRIORITY, 'P')];
        letters.into_iter().filter(move |(flag, _)| self.flags & flag != 0).map(|(_, letter)| letter)
    }
}

/// Whether this is a data message of version 2.
pub(crate) fn fits(first: &[u8; 4]) -> bool {
    let [a, b, ..] = *first;
    // Control messages have the highest bit set; the others are reserved.
    u16::from_be_bytes([a, b]) & !(LENGTH | SEQUENCE | OFFSET | PRIORITY) == 2
}

pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let mut length = 0;
    let flags = number(walk, &mut length)?;
    if flags & LENGTH != 0 {
        let total = number(walk, &mut length)?;
        walk.limit(total.into());
    }
    let (tunnel, session) = (number(walk, &mut length)?, number(walk, &mut length)?);
    let sequence = match flags & SEQUENCE {
        0 => None,
        _ => Some((number(walk, &mut length)?, number(walk, &mut length)?)),
    };
    if flags & OFFSET != 0 {
        length += usize::from(number(walk, &mut length)?);
    }
    walk.enter(NAME, length, |_| Fields::L2tp(L2tp { flags, tunnel, session, sequence }))?;
    ppp::walk(walk)
}

/// The number of 16 bits at `at`, which moves behind it.
fn number<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>, at: &mut usize) -> Result<u16, Stopped> {
    let start = *at;
    *at += 2;
    let bytes = walk.view(NAME, *at as u32, |bytes| bytes.get(start..)?.first_chunk::<2>())?;
    Ok(u16::from_be_bytes(*bytes))
}

impl fmt::Display for L2tp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tunnel {}, session {}", self.tunnel, self.session)?;
        self.sequence.map_or(Ok(()), |(this, next)| write!(f, ", sequence {this}, next {next}"))
    }
}
