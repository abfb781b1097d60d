//! Ethernet II, and the length that stands in the ethertype's place in IEEE 802.3 frames, which go on with LLC.

use std::fmt;

use pnet_packet::ethernet::EthernetPacket;

use super::Hardware;
use crate::layers::Fields;
use crate::walk::{Next, Stopped, Visitor, Walk};

const NAME: &str = "ethernet";
const LENGTH: usize = 14;

/// The fields of an Ethernet header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ethernet {
    pub(crate) destination: [u8; 6],
    pub(crate) source: [u8; 6],
    pub(crate) ethertype: u16,
}

#[inline]
pub(crate) fn walk_outer<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let view = walk.view(NAME, LENGTH as u32, EthernetPacket::new)?;
    let ethertype = view.get_ethertype().0;
    walk.enter(NAME, LENGTH, |_| {
        let (destination, source) = (view.get_destination().octets(), view.get_source().octets());
        Fields::Ethernet(Ethernet { destination, source, ethertype })
    })?;
    Ok(Next::EtherType(ethertype))
}

/// A frame inside another packet. Kept out of line: it is rare, and the walk gets no faster for having two copies.
#[inline(never)]
pub(crate) fn walk_inner<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    walk_outer(walk)
}

impl fmt::Display for Ethernet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { destination, source, ethertype } = self;
        write!(f, "{} > {}, type {ethertype:#06x}", Hardware(source), Hardware(destination))
    }
}
