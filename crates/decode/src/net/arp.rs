//! ARP for IPv4 over Ethernet (RFC 826).
//!
//! Refuses: other address families, whose packets keep their bytes as payload.

use std::fmt;
use std::net::Ipv4Addr;

use pnet_packet::arp::ArpPacket;

use super::Network;
use crate::layers::Fields;
use crate::link::Hardware;
use crate::walk::{Next, Stopped, Visitor, Walk};

const NAME: &str = "arp";
const LENGTH: usize = 28;

/// The fields of an ARP packet for IPv4 over Ethernet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arp {
    /// 1 asks, 2 answers.
    pub operation: u16,
    /// Sender's hardware address.
    pub sender_mac: [u8; 6],
    /// Sender's address.
    pub sender_ip: Ipv4Addr,
    /// Target's hardware address.
    pub target_mac: [u8; 6],
    /// Target's address.
    pub target_ip: Ipv4Addr,
}

#[inline(never)]
pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let view = walk.view(NAME, LENGTH as u32, ArpPacket::new)?;
    if view.get_protocol_type().0 != super::IPV4 || view.get_proto_addr_len() != 4 {
        return Err(walk.unsupported("arp protocol", view.get_protocol_type().0.into()));
    }
    if view.get_hw_addr_len() != 6 {
        return Err(walk.unsupported("arp hardware", view.get_hardware_type().0.into()));
    }
    let header = Arp {
        operation: view.get_operation().0,
        sender_mac: view.get_sender_hw_addr().octets(),
        sender_ip: view.get_sender_proto_addr(),
        target_mac: view.get_target_hw_addr().octets(),
        target_ip: view.get_target_proto_addr(),
    };
    walk.enter(NAME, LENGTH, |_| Fields::Arp(header))?;
    // Nothing belongs to an ARP packet behind its addresses; Ethernet pads it.
    walk.limit(0);
    walk.network = Some(Network::Arp(header));
    Ok(Next::Payload)
}

impl fmt::Display for Arp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, sender_ip, target_ip, .. } = self;
        let (sender, target) = (Hardware(&self.sender_mac), Hardware(&self.target_mac));
        match operation {
            1 => f.write_str("request")?,
            2 => f.write_str("reply")?,
            other => write!(f, "operation {other}")?,
        }
        write!(f, ", sender {sender_ip} at {sender}, target {target_ip} at {target}")
    }
}
