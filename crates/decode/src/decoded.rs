//! What one packet turned out to be: the innermost headers as plain values, the payload as a slice of the packet.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use egret_capture::Packet;

use crate::{Flow, Path, Stop, TcpOptions};

/// A packet and what is in it. Borrows the packet's bytes; a plain value otherwise.
///
/// Where there are several headers of a kind (a tunnel), these are the innermost.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Decoded<'a> {
    /// The packet itself.
    pub packet: Packet<'a>,
    /// The network header, if one was reached.
    pub network: Option<Network>,
    /// The transport header, if one was reached. Fragments have none: their transport is known once they are put
    /// together.
    pub transport: Option<Transport<'a>>,
    /// Encapsulation ids on the way in, also where there is no flow.
    pub path: Path,
    /// Source, destination and path, once there is an IP header. Ports are 0 until a transport that has ports.
    pub flow: Option<Flow>,
    /// What is behind the innermost header, without link-layer padding; of a fragment, its piece of the datagram.
    pub payload: &'a [u8],
    /// How many bytes of the payload were on the wire, directly behind `payload`, but not captured.
    pub cut: u32,
    /// Why decoding ended before a transport header was complete; `None` when it did not.
    pub stop: Option<Stop>,
}

impl<'a> Decoded<'a> {
    /// The TCP header, if this is a whole TCP segment.
    pub fn tcp(&self) -> Option<&Tcp<'a>> {
        match &self.transport {
            Some(Transport::Tcp(tcp)) => Some(tcp),
            _ => None,
        }
    }

    /// How this packet is a piece of an IP datagram, if it is one.
    pub fn fragment(&self) -> Option<Fragment> {
        match self.network {
            Some(Network::Ipv4(header)) => header.fragment,
            Some(Network::Ipv6(header)) => header.fragment,
            _ => None,
        }
    }
}

/// A network-layer header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Network {
    /// Internet Protocol, version 4 (RFC 791).
    Ipv4(Ipv4),
    /// Internet Protocol, version 6 (RFC 8200).
    Ipv6(Ipv6),
    /// Address Resolution Protocol for IPv4 over Ethernet (RFC 826).
    Arp(Arp),
}

/// The fields of an IPv4 header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv4 {
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// Protocol number of the payload.
    pub protocol: u8,
    /// Time to live.
    pub ttl: u8,
    /// Type of service: differentiated services and congestion notification.
    pub tos: u8,
    /// Identification.
    pub identification: u16,
    /// Do not fragment.
    pub dont_fragment: bool,
    /// Total length in bytes, as the header has it (0: segmentation was left to the network card).
    pub total_length: u16,
    /// Header length in bytes, 20 to 60.
    pub header_length: u8,
    /// Header checksum, as sent.
    pub checksum: u16,
    /// Set when this packet is not the whole datagram.
    pub fragment: Option<Fragment>,
}

/// The fields of an IPv6 header, and what its extension headers said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv6 {
    /// Source address.
    pub source: Ipv6Addr,
    /// Destination address.
    pub destination: Ipv6Addr,
    /// Protocol number of the payload, behind the extension headers.
    pub protocol: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// Traffic class.
    pub traffic_class: u8,
    /// Flow label.
    pub flow_label: u32,
    /// Payload length in bytes, as the header has it (0: a jumbogram, or segmentation left to the network card).
    pub payload_length: u16,
    /// Bytes of extension headers between this header and the payload.
    pub extensions_length: u16,
    /// Set when this packet is not the whole datagram.
    pub fragment: Option<Fragment>,
}

/// Where a fragment's payload belongs in its datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fragment {
    /// The sender's number for the datagram (16 bits in IPv4, 32 in IPv6).
    pub identification: u32,
    /// Where this piece starts, in bytes.
    pub offset: u32,
    /// Whether more follows behind it.
    pub more: bool,
    /// Protocol number of the datagram's payload: of the header that follows directly.
    pub protocol: u8,
}

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

/// A transport-layer header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport<'a> {
    /// Transmission Control Protocol (RFC 9293).
    Tcp(Tcp<'a>),
    /// User Datagram Protocol (RFC 768).
    Udp(Udp),
    /// ICMP (RFC 792) or, over IPv6, ICMPv6 (RFC 4443).
    Icmp(Icmp),
}

/// The fields of a TCP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tcp<'a> {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Sequence number of the first byte (of the SYN, if there is one).
    pub seq: u32,
    /// The next sequence number the sender expects; means nothing without the ACK flag.
    pub ack: u32,
    /// The flags.
    pub flags: TcpFlags,
    /// Window, not scaled.
    pub window: u16,
    /// Checksum, as sent.
    pub checksum: u16,
    /// Urgent pointer; means nothing without the URG flag.
    pub urgent: u16,
    /// The options.
    pub options: TcpOptions<'a>,
}

/// The TCP flags, of which [`Display`](std::fmt::Display) gives tcpdump's letters (`S.`, `P.`, `F.`, `R`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgment field means something.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer means something.
    pub const URG: u8 = 0x20;
    /// Congestion was echoed (RFC 3168).
    pub const ECE: u8 = 0x40;
    /// The congestion window was reduced (RFC 3168).
    pub const CWR: u8 = 0x80;

    /// Whether any of these flags is set.
    pub const fn has(self, flags: u8) -> bool {
        self.0 & flags != 0
    }
}

impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("none");
        }
        for (bit, letter) in ["F", "S", "R", "P", ".", "U", "E", "W"].into_iter().enumerate() {
            if self.0 >> bit & 1 == 1 {
                f.write_str(letter)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

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

/// The fields of an ICMP or ICMPv6 header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp {
    /// Message type.
    pub kind: u8,
    /// Message code.
    pub code: u8,
    /// Checksum, as sent.
    pub checksum: u16,
    /// The four bytes behind it, whose meaning is the type's (identifier and sequence of an echo, the next MTU, …).
    pub rest: [u8; 4],
}

impl Network {
    /// Source and destination, for IP.
    pub fn addresses(&self) -> Option<(IpAddr, IpAddr)> {
        match self {
            Self::Ipv4(header) => Some((header.source.into(), header.destination.into())),
            Self::Ipv6(header) => Some((header.source.into(), header.destination.into())),
            Self::Arp(_) => None,
        }
    }
}
