//! VXLAN (RFC 7348), and its extension with a next-protocol field (draft-ietf-nvo3-vxlan-gpe).
//!
//! The network identifier enters the path. Refuses: what a GPE header announces beyond Ethernet and IP.

use std::fmt;

use crate::PathId;
use crate::layers::Fields;
use crate::walk::{Next, Stopped, Visitor, Walk};

/// The fields of a VXLAN header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vxlan {
    pub(crate) flags: u8,
    pub(crate) vni: u32,
    /// In a GPE header, what follows.
    pub(crate) next: Option<u8>,
}

/// Whether this may be a header: the flag that there is an identifier must be set.
pub(crate) fn fits(first: &[u8; 4]) -> bool {
    let [flags, ..] = first;
    flags & 0x08 != 0
}

pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    enter(walk, "vxlan", |_, _| None)?;
    Ok(Next::Ethernet)
}

pub(crate) fn walk_gpe<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    // The flag P says that the next protocol is given.
    let header = enter(walk, "vxlan-gpe", |flags, next| (flags & 0x04 != 0).then_some(next))?;
    match header.next {
        None | Some(3) => Ok(Next::Ethernet),
        Some(1 | 2) => Ok(Next::Ip),
        Some(other) => Err(walk.unsupported("vxlan-gpe protocol", other.into())),
    }
}

fn enter<'a, V: Visitor<'a>>(
    walk: &mut Walk<'a, '_, V>,
    name: &'static str,
    next: impl FnOnce(u8, u8) -> Option<u8>,
) -> Result<Vxlan, Stopped> {
    let [flags, _, _, protocol, a, b, c, _] = *walk.view(name, 8, |bytes| bytes.first_chunk::<8>())?;
    let header = Vxlan { flags, vni: u32::from_be_bytes([0, a, b, c]), next: next(flags, protocol) };
    walk.enter_path(name, PathId::Vni(header.vni))?;
    walk.enter(name, 8, |_| Fields::Vxlan(header))?;
    Ok(header)
}

impl fmt::Display for Vxlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vni {}, flags {:#04x}", self.vni, self.flags)?;
        self.next.map_or(Ok(()), |next| write!(f, ", next {next}"))
    }
}
