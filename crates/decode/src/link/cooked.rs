//! Linux "cooked" captures: the header that libpcap puts in place of the link layer's on the `any` device
//! ([version 1](https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html),
//! [version 2](https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html)).
//!
//! Written by hand: the SLL view of `pnet_packet` panics on 8 to 15 bytes.

use std::fmt;

use super::{Hardware, llc};
use crate::layers::Fields;
use crate::tunnel::gre;
use crate::walk::{Next, Stopped, Visitor, Walk};

const V1: &str = "linux-sll";
const V2: &str = "linux-sll2";

/// The fields of a cooked header, in either version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cooked {
    /// To whom the packet was sent, as `packet(7)` numbers it.
    pub(crate) packet_type: u16,
    /// The device's `ARPHRD_` type.
    pub(crate) device_type: u16,
    /// The sender's hardware address, of which `address_length` bytes count.
    pub(crate) address: [u8; 8],
    pub(crate) address_length: u16,
    pub(crate) protocol: u16,
    /// The device's index, in version 2.
    pub(crate) interface: Option<u32>,
}

#[inline(never)]
pub(crate) fn walk_v1<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let header = walk.view(V1, 16, |bytes| bytes.first_chunk::<16>())?;
    let [t0, t1, d0, d1, l0, l1, address @ .., p0, p1] = *header;
    enter(
        walk,
        V1,
        header.len(),
        Cooked {
            packet_type: u16::from_be_bytes([t0, t1]),
            device_type: u16::from_be_bytes([d0, d1]),
            address,
            address_length: u16::from_be_bytes([l0, l1]),
            protocol: u16::from_be_bytes([p0, p1]),
            interface: None,
        },
    )
}

#[inline(never)]
pub(crate) fn walk_v2<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let header = walk.view(V2, 20, |bytes| bytes.first_chunk::<20>())?;
    let [p0, p1, _, _, i0, i1, i2, i3, d0, d1, packet_type, address_length, address @ ..] = *header;
    enter(
        walk,
        V2,
        header.len(),
        Cooked {
            packet_type: packet_type.into(),
            device_type: u16::from_be_bytes([d0, d1]),
            address,
            address_length: address_length.into(),
            protocol: u16::from_be_bytes([p0, p1]),
            interface: Some(u32::from_be_bytes([i0, i1, i2, i3])),
        },
    )
}

fn enter<'a, V: Visitor<'a>>(
    walk: &mut Walk<'a, '_, V>,
    name: &'static str,
    length: usize,
    header: Cooked,
) -> Result<Next, Stopped> {
    walk.enter(name, length, |_| Fields::Cooked(header))?;
    match header.device_type {
        // Of these devices the protocol field means something else than an ethertype: FRAD, the three 802.11 kinds,
        // netlink.
        770 | 801..=803 | 824 => Err(walk.unsupported("device type", header.device_type.into())),
        // IP over GRE: it is that header's protocol type.
        778 => gre::walk_protocol(walk, header.protocol),
        // A frame of IEEE 802.3 without its addresses.
        _ if header.protocol == 4 => llc::walk(walk),
        // Numbers that Linux made up for frames without an ethertype; they are no lengths, as they would be in Ethernet.
        _ if header.protocol <= 1500 => Err(walk.unsupported("linux protocol", header.protocol.into())),
        _ => Ok(Next::EtherType(header.protocol)),
    }
}

impl fmt::Display for Cooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.packet_type {
            0 => f.write_str("in")?,
            1 => f.write_str("broadcast")?,
            2 => f.write_str("multicast")?,
            3 => f.write_str("other")?,
            4 => f.write_str("out")?,
            other => write!(f, "packet type {other}")?,
        }
        if let Some(interface) = self.interface {
            write!(f, ", interface {interface}")?;
        }
        write!(f, ", device type {}", self.device_type)?;
        let address = self.address.get(..self.address_length.into()).unwrap_or(&self.address);
        if !address.is_empty() {
            write!(f, ", from {}", Hardware(address))?;
        }
        write!(f, ", type {:#06x}", self.protocol)
    }
}
