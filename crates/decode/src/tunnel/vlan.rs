//! VLAN tags (IEEE 802.1Q), single or stacked (802.1ad, QinQ).
//!
//! Each id enters the packet's path. Id 0 is no VLAN but a mere priority, which one side of a connection may set
//! and the other not, and stays out of it.

use std::fmt;

use pnet_packet::vlan::VlanPacket;

use crate::layers::Fields;
use crate::walk::{Next, Stopped, Visitor, Walk};
use crate::{PathId, StopReason};

const NAME: &str = "vlan";
const LENGTH: usize = 4;

/// The fields of a VLAN tag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vlan {
    id: u16,
    priority: u8,
    drop_eligible: bool,
    ethertype: u16,
}

#[inline(never)]
pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let view = walk.view(NAME, LENGTH as u32, VlanPacket::new)?;
    let (id, ethertype) = (view.get_vlan_identifier(), view.get_ethertype().0);
    if id != 0 {
        let path = walk.path.entered(PathId::Vlan(id));
        walk.path = path.ok_or_else(|| walk.stop(NAME, StopReason::TooDeep))?;
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
