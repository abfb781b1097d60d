//! GTP-U version 1 (3GPP TS 29.281): the packets of a mobile phone between the stations and the core of its network.
//!
//! The tunnel's endpoint id differs by direction and is not part of the path. Refuses: every message that carries no
//! packet; it is the payload of its datagram.

use std::fmt;

use crate::StopReason;
use crate::layers::Fields;
use crate::walk::{Next, Stopped, Visitor, Walk};

const NAME: &str = "gtp-u";
/// The extension headers of one message. The specification defines seven kinds.
const MAX_EXTENSIONS: usize = 8;

/// The fields of a GTP-U header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gtp {
    /// The id of the tunnel's end that the message goes to.
    pub(crate) endpoint: u32,
    pub(crate) sequence: Option<u16>,
    /// Bytes of extension headers.
    pub(crate) extensions_length: usize,
}

/// Whether this is version 1, GTP and not GTP', and the message "here is a packet".
pub(crate) fn fits(first: &[u8; 4]) -> bool {
    let [flags, kind, ..] = first;
    flags & 0xf0 == 0x30 && *kind == 0xff
}

pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let [flags, _, l0, l1, endpoint @ ..] = *walk.view(NAME, 8, |bytes| bytes.first_chunk::<8>())?;
    walk.limit(8 + usize::from(u16::from_be_bytes([l0, l1])));
    let (mut length, mut sequence) = (8, None);
    // One of the flags for a sequence number, an N-PDU number or extensions: the fields of all three are there.
    if flags & 0x07 != 0 {
        let [.., s0, s1, _, mut next] = *walk.view(NAME, 12, |bytes| bytes.first_chunk::<12>())?;
        length = 12;
        sequence = (flags & 0x02 != 0).then(|| u16::from_be_bytes([s0, s1]));
        let mut count = 0;
        while flags & 0x04 != 0 && next != 0 {
            if count == MAX_EXTENSIONS {
                return Err(walk.stop(NAME, StopReason::TooDeep));
            }
            count += 1;
            // Each begins with its length in units of four bytes and ends with the kind of the next.
            let at = length;
            let units = walk.view(NAME, at as u32 + 4, |bytes| bytes.get(at..at + 4)?.first().copied())?;
            if units == 0 {
                return Err(walk.malformed(NAME, "an extension header has length 0"));
            }
            length += usize::from(units) * 4;
            next = walk.view(NAME, length as u32, |bytes| bytes.get(length - 1).copied())?;
        }
    }
    let header = Gtp {
        endpoint: u32::from_be_bytes(endpoint),
        sequence,
        extensions_length: length.saturating_sub(12),
    };
    walk.enter(NAME, length, |_| Fields::Gtp(header))?;
    Ok(Next::Ip)
}

impl fmt::Display for Gtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "endpoint {:#010x}", self.endpoint)?;
        if let Some(sequence) = self.sequence {
            write!(f, ", sequence {sequence}")?;
        }
        write!(f, ", {} bytes of extensions", self.extensions_length)
    }
}
