//! ERSPAN: frames that a switch mirrors (draft-foschiano-erspan), in their second and third form.
//!
//! Session and VLAN are told and not part of the path: the frame inside keeps its own tags.

use std::fmt;

use crate::layers::Fields;
use crate::walk::{Next, Stopped, Visitor, Walk};

const NAME: &str = "erspan";

/// The fields of an ERSPAN header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Erspan {
    pub(crate) version: u8,
    pub(crate) vlan: u16,
    pub(crate) session: u16,
}

impl Erspan {
    fn new([v0, v1, s0, s1]: [u8; 4]) -> Self {
        Self {
            version: v0 >> 4,
            vlan: u16::from_be_bytes([v0, v1]) & 0xfff,
            session: u16::from_be_bytes([s0, s1]) & 0x3ff,
        }
    }
}

/// Behind a GRE header of type 0x88be with a sequence number.
pub(crate) fn walk_2<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let [first @ .., _, _, _, _] = *walk.view(NAME, 8, |bytes| bytes.first_chunk::<8>())?;
    walk.enter(NAME, 8, |_| Fields::Erspan(Erspan::new(first)))?;
    Ok(Next::Ethernet)
}

/// Behind a GRE header of type 0x22eb.
pub(crate) fn walk_3<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let [v0, v1, s0, s1, .., g0, g1] = *walk.view(NAME, 12, |bytes| bytes.first_chunk::<12>())?;
    // The last bit says that eight bytes about the platform follow.
    let length = if g1 & 1 == 0 { 12 } else { 20 };
    walk.enter(NAME, length, |_| Fields::Erspan(Erspan::new([v0, v1, s0, s1])))?;
    match g0 >> 2 & 0x1f {
        0 => Ok(Next::Ethernet),
        2 => Ok(Next::Ip),
        other => Err(walk.unsupported("erspan frame type", other.into())),
    }
}

impl fmt::Display for Erspan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {}, vlan {}, session {}", self.version, self.vlan, self.session)
    }
}
