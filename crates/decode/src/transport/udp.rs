//! UDP (RFC 768).
//!
//! A length of 0 is that of a jumbogram (RFC 2675 §4): IP's length counts. A length beyond the IP payload is not
//! believed.

use std::fmt;

use pnet_packet::udp::UdpPacket;

use super::Transport;
use crate::layers::Fields;
use crate::tunnel;
use crate::walk::{Next, Stopped, Visitor, Walk};

const NAME: &str = "udp";
const LENGTH: usize = 8;

/// The fields of a UDP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Udp {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Length in bytes, header included, as sent.
    pub length: u16,
    /// Checksum, as sent; 0 means none.
    pub checksum: u16,
}

#[inline(never)]
pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let view = walk.view(NAME, LENGTH as u32, UdpPacket::new)?;
    let header = Udp {
        source_port: view.get_source(),
        destination_port: view.get_destination(),
        length: view.get_length(),
        checksum: view.get_checksum(),
    };
    let length = usize::from(header.length);
    if length != 0 {
        if length < LENGTH {
            return Err(walk.malformed(NAME, "the length is below 8 bytes"));
        }
        walk.limit(length);
    }
    walk.found_segment();
    walk.enter(NAME, LENGTH, |_| Fields::Udp(header))?;
    walk.ports = (header.source_port, header.destination_port);
    walk.transport = Some(Transport::Udp(header));
    tunnel::walk_udp(walk, walk.ports)
}

impl fmt::Display for Udp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source_port, destination_port, length, checksum } = self;
        write!(f, "{source_port} > {destination_port}, length {length}, checksum {checksum:#06x}")
    }
}
