//! VN-tag: which virtual interface a frame is from and to, between a switch and its extension. The interfaces swap
//! places with the direction, so they are not part of the path.

use std::fmt;

use crate::layers::Fields;
use crate::walk::{Next, Stopped, Visitor, Walk};

const NAME: &str = "vntag";

/// The fields of a VN-tag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vntag {
    from: u16,
    to: u16,
    ethertype: u16,
}

#[inline(never)]
pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let [d0, d1, s0, s1, e0, e1] = *walk.view(NAME, 6, |bytes| bytes.first_chunk::<6>())?;
    let ethertype = u16::from_be_bytes([e0, e1]);
    walk.enter(NAME, 6, |_| {
        let (to, from) = (u16::from_be_bytes([d0, d1]) & 0x3fff, u16::from_be_bytes([s0, s1]) & 0xfff);
        Fields::Vntag(Vntag { from, to, ethertype })
    })?;
    Ok(Next::EtherType(ethertype))
}

impl fmt::Display for Vntag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {}, to {}, type {:#06x}", self.from, self.to, self.ethertype)
    }
}
