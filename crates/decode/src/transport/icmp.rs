//! ICMP (RFC 792) and ICMPv6 (RFC 4443), whose headers have the same shape.
//!
//! Refuses: to look into the packet that an error message quotes; it is payload.

use std::fmt;

use super::Transport;
use crate::layers::Fields;
use crate::walk::{Next, Stopped, Visitor, Walk};

/// The fields of an ICMP or ICMPv6 header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp {
    /// Message type.
    pub kind: u8,
    /// Message code.
    pub code: u8,
    /// Checksum, as sent.
    pub checksum: u16,
    /// The four bytes behind it, whose meaning is the type's (identifier and sequence of an echo, the next MTU, …).
    pub rest: [u8; 4],
}

#[inline(never)]
pub(crate) fn walk<'a, V: Visitor<'a>>(
    walk: &mut Walk<'a, '_, V>,
    name: &'static str,
) -> Result<Next, Stopped> {
    let bytes = walk.view(name, 8, |bytes| bytes.first_chunk::<8>())?;
    let [kind, code, c0, c1, rest @ ..] = *bytes;
    let header = Icmp { kind, code, checksum: u16::from_be_bytes([c0, c1]), rest };
    walk.enter(name, bytes.len(), |_| Fields::Icmp(header))?;
    walk.transport = Some(Transport::Icmp(header));
    Ok(Next::Payload)
}

impl fmt::Display for Icmp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, code, checksum, rest: [a, b, c, d] } = *self;
        write!(f, "type {kind}, code {code}, checksum {checksum:#06x}")?;
        match kind {
            // Echo and its reply, in ICMP and in ICMPv6.
            0 | 8 | 128 | 129 => {
                let (id, sequence) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
                write!(f, ", echo id {id}, sequence {sequence}")
            }
            _ => write!(f, ", rest {:#010x}", u32::from_be_bytes([a, b, c, d])),
        }
    }
}
