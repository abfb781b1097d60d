//! What is in a packet.

mod decoded;
mod flow;
mod stop;

pub use decoded::{Arp, Decoded, Fragment, Icmp, Ipv4, Ipv6, Network, Tcp, TcpFlags, Transport, Udp};
pub use egret_capture::{Capture, LinkType, Packet, Timestamp};
pub use flow::{Endpoint, Flow, Path, PathId};
pub use stop::{Stop, StopReason};

/// The options of a TCP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpOptions<'a> {
    bytes: &'a [u8],
}

/// Decodes a packet.
pub fn decode(packet: Packet<'_>) -> Decoded<'_> {
    Decoded {
        packet,
        network: None,
        transport: None,
        path: Path::EMPTY,
        flow: None,
        payload: packet.data,
        cut: packet.cut(),
        stop: None,
    }
}
