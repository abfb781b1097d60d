//! VLAN tags (IEEE 802.1Q), single or stacked (802.1ad, QinQ).
//!
//! Each id enters the packet's path. Id 0 is no VLAN but a mere priority, which one side of a connection may set
//! and the other not, and stays out of it, as all of them do for a [`Decoder`](crate::Decoder) that ignores VLANs.

use std::fmt;

use pnet_packet::vlan::VlanPacket;

use crate::PathId;
use crate::layers::Fields;
use crate::walk::{Next, Stopped, Visitor, Walk};

const NAME: &str = "vlan";
const LENGTH: usize = 4;

/// The fields of a VLAN tag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vlan {
    pub(crate) id: u16,
    pub(crate) priority: u8,
    pub(crate) drop_eligible: bool,
    pub(crate) ethertype: u16,
}

#[inline(never)]
pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let view = walk.view(NAME, LENGTH as u32, VlanPacket::new)?;
    let (id, ethertype) = (view.get_vlan_identifier(), view.get_ethertype().0);
    if id != 0 && !walk.decoder.ignore_vlan {
        walk.enter_path(NAME, PathId::Vlan(id))?;
    }
    walk.enter(NAME, LENGTH, |_| {
        let (priority, drop_eligible) =
            (view.get_priority_code_point().0, view.get_drop_eligible_indicator() == 1);
        Fields::Vlan(Vlan { id, priority, drop_eligible, ethertype })
    })?;
    Ok(Next::EtherType(ethertype))
}

impl fmt::Display for Vlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "id {}, priority {}", self.id, self.priority)?;
        if self.drop_eligible {
            f.write_str(", drop eligible")?;
        }
        write!(f, ", type {:#06x}", self.ethertype)
    }
}
