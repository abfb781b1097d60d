//! GENEVE (RFC 8926). Its options are passed over; the network identifier enters the path.

use std::fmt;

use crate::PathId;
use crate::layers::Fields;
use crate::tunnel::gre;
use crate::walk::{Next, Stopped, Visitor, Walk};

const NAME: &str = "geneve";

/// The fields of a GENEVE header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Geneve {
    pub(crate) flags: u8,
    pub(crate) protocol: u16,
    pub(crate) vni: u32,
    pub(crate) options_length: usize,
}

/// Whether this may be a header: there is only version 0.
pub(crate) fn fits(first: &[u8; 4]) -> bool {
    let [version, ..] = first;
    version >> 6 == 0
}

pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let [first, flags, p0, p1, a, b, c, _] = *walk.view(NAME, 8, |bytes| bytes.first_chunk::<8>())?;
    let header = Geneve {
        flags,
        protocol: u16::from_be_bytes([p0, p1]),
        vni: u32::from_be_bytes([0, a, b, c]),
        options_length: usize::from(first & 0x3f) * 4,
    };
    // The options may be cut: an id counts when the whole header is there.
    walk.enter(NAME, 8 + header.options_length, |_| Fields::Geneve(header))?;
    walk.enter_path(NAME, PathId::Vni(header.vni))?;
    // The numbers are those that GRE uses.
    gre::walk_protocol(walk, header.protocol)
}

impl fmt::Display for Geneve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vni {}, flags {:#04x}, type {:#06x}", self.vni, self.flags, self.protocol)?;
        write!(f, ", {} bytes of options", self.options_length)
    }
}
