//! Logical link control (IEEE 802.2), and SNAP behind it, which has an ethertype again.
//!
//! Refuses: every service but SNAP and IP itself, and the organisations whose numbers are no ethertypes.

use std::fmt;

use crate::layers::Fields;
use crate::net;
use crate::walk::{Next, Stopped, Visitor, Walk};

const LLC: &str = "llc";
const SNAP: &str = "snap";

const SNAP_SERVICE: u8 = 0xaa;
const IP_SERVICE: u8 = 0x06;
const UNNUMBERED: u8 = 0x03;

/// The fields of an LLC header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Llc {
    pub(crate) destination: u8,
    pub(crate) source: u8,
    pub(crate) control: u8,
}

/// The fields of a SNAP header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Snap {
    pub(crate) organisation: u32,
    pub(crate) protocol: u16,
}

#[inline(never)]
pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let [destination, source, control] = *walk.view(LLC, 3, |bytes| bytes.first_chunk::<3>())?;
    if control != UNNUMBERED || !matches!(destination, SNAP_SERVICE | IP_SERVICE) {
        return Err(walk.unsupported(LLC, destination.into()));
    }
    walk.enter(LLC, 3, |_| Fields::Llc(Llc { destination, source, control }))?;
    if destination == IP_SERVICE {
        return Ok(Next::EtherType(net::IPV4));
    }
    let [o0, o1, o2, p0, p1] = *walk.view(SNAP, 5, |bytes| bytes.first_chunk::<5>())?;
    let (organisation, protocol) = (u32::from_be_bytes([0, o0, o1, o2]), u16::from_be_bytes([p0, p1]));
    match (organisation, protocol) {
        // Encapsulated Ethernet (RFC 1042), and what bridges make of it (IEEE 802.1H).
        (0 | 0x0000f8, 1501..) => {}
        // Numbers below are no ethertypes, and would be taken for the length of a frame.
        (0, _) => return Err(walk.unsupported(SNAP, protocol.into())),
        _ => return Err(walk.unsupported(SNAP, organisation)),
    }
    walk.enter(SNAP, 5, |_| Fields::Snap(Snap { organisation, protocol }))?;
    Ok(Next::EtherType(protocol))
}

impl fmt::Display for Llc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x} > {:#04x}, control {:#04x}", self.source, self.destination, self.control)
    }
}

impl fmt::Display for Snap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "organisation {:#08x}, type {:#06x}", self.organisation, self.protocol)
    }
}
