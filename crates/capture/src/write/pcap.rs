//! Classic pcap with nanoseconds, little-endian: the header waits for the first packet's link type.

use crate::interface::InterfaceTable;
use crate::{Interface, LinkType, Packet};

/// What tcpdump writes for "no limit"; readers size their buffers by it.
const NO_SNAP_LENGTH: u32 = 262_144;

pub(super) struct Pcap {
    interfaces: InterfaceTable,
    /// Set once the header is written.
    link_type: Option<LinkType>,
}

impl Pcap {
    pub(super) fn new(interfaces: InterfaceTable) -> Self {
        Self { interfaces, link_type: None }
    }

    /// The link type of this file, if the packet has another.
    pub(super) fn other_link_type(&self, packet: &Packet<'_>) -> Option<LinkType> {
        self.link_type.filter(|&link_type| link_type != packet.link_type)
    }

    pub(super) fn write(&mut self, packet: &Packet<'_>, output: &mut Vec<u8>) {
        if self.link_type.is_none() {
            let interface = self.interfaces.get(packet.interface);
            self.begin(packet.link_type, interface, output);
        }
        let (seconds, nanos) = packet.timestamp.seconds_and_nanos();
        // The format has 32 bits without a sign: 1970 to 2106.
        let (seconds, nanos) = match u32::try_from(seconds) {
            Ok(seconds) => (seconds, nanos),
            Err(_) if seconds < 0 => (0, 0),
            Err(_) => (u32::MAX, 999_999_999),
        };
        for number in [seconds, nanos, packet.data.len() as u32, packet.wire_len] {
            output.extend_from_slice(&number.to_le_bytes());
        }
        output.extend_from_slice(packet.data);
    }

    /// Writes the header of a file that got no packet.
    pub(super) fn begin_empty(&mut self, output: &mut Vec<u8>) {
        if self.link_type.is_some() {
            return;
        }
        let interface = self.interfaces.get(0);
        let link_type = interface.as_ref().map_or(LinkType::ETHERNET, |interface| interface.link_type);
        self.begin(link_type, interface, output)
    }

    fn begin(&mut self, link_type: LinkType, interface: Option<Interface>, output: &mut Vec<u8>) {
        let snap_length = match interface {
            Some(Interface { snap_length, .. }) if snap_length > 0 => snap_length,
            _ => NO_SNAP_LENGTH,
        };
        let mut header = Vec::with_capacity(24);
        header.extend(0xa1b2_3c4d_u32.to_le_bytes());
        header.extend(2_u16.to_le_bytes());
        header.extend(4_u16.to_le_bytes());
        // Time zone and accuracy: zero in every file there is.
        header.extend([0; 8]);
        header.extend(snap_length.to_le_bytes());
        header.extend(u32::from(link_type.0).to_le_bytes());
        output.extend_from_slice(&header);
        self.link_type = Some(link_type);
    }
}
