//! What one packet turned out to be: the innermost headers as plain values, the payload as a slice of the packet.
//!
//! Promises: [`decode`] and [`decode_datagram`] are pure, never panic, allocate nothing, and hand out only slices
//! of the bytes they were given.

use egret_capture::Packet;

use crate::net::Network;
use crate::transport::{Tcp, Transport};
use crate::walk::{self, Unseen};
use crate::{Decoder, Flow, Fragment, Path, Stop};

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
    ///
    /// One case has both a header and a [`stop`](Self::stop): a TCP header of which the capture's snap length cut off
    /// options. All its fixed fields are there, `options` holds what was captured, and `payload` is empty.
    pub transport: Option<Transport<'a>>,
    /// Encapsulation ids on the way in, also where there is no flow.
    pub path: Path,
    /// Source, destination and path, once there is an IP header. Ports are 0 until a transport that has ports.
    pub flow: Option<Flow>,
    /// What is behind the innermost header, without link-layer padding; of a fragment, its piece of the datagram.
    pub payload: &'a [u8],
    /// How many bytes of the payload were on the wire, directly behind `payload`, but not captured.
    ///
    /// Only bytes that were on the wire count: what a header promises beyond [`Packet::wire_len`] never existed here.
    pub cut: u32,
    /// Why decoding ended before a transport header was complete; `None` when it did not.
    pub stop: Option<Stop>,
    /// The transport header and everything it covers; empty where its checksum cannot be verified.
    pub(crate) segment: &'a [u8],
    /// By what rules this was decoded, so that a datagram goes on by the same.
    pub(crate) decoder: &'a Decoder,
}

/// Decodes a packet: as far in as it can, with the reason where it had to stop.
///
/// A pure function of the packet: no state, no allocation, no error. The innermost network and transport headers win.
///
/// ```
/// use egret_decode::{LinkType, Packet, StopReason, Timestamp, decode};
///
/// let data = [0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
/// let (timestamp, link_type) = (Timestamp::EPOCH, LinkType::RAW);
/// let decoded = decode(Packet { number: 1, timestamp, link_type, interface: 0, data: &data, wire_len: 40 });
/// assert_eq!(decoded.flow.unwrap().to_string(), "10.0.0.1:0 > 10.0.0.2:0");
/// assert_eq!(decoded.stop.unwrap().reason, StopReason::Truncated { needed: 20, had: 0 });
/// assert_eq!(decoded.cut, 20);
/// ```
#[inline]
pub fn decode(packet: Packet<'_>) -> Decoded<'_> {
    Decoder::STANDARD.decode(packet)
}

/// Goes on behind the IP header of `fragment` with the payload of its whole datagram, put together by the caller.
///
/// The result keeps the fragment's number, time, link type, interface, path and network header (with
/// `fragment: None`); its `packet.data` is `payload`, and so is what [`Stop::offset`] counts in. Without an IP header
/// in `fragment` there is nothing to go on with, and `payload` comes back as it is. What decoded the fragment (a
/// [`Decoder`] with rules of its own, say) decodes the datagram.
pub fn decode_datagram<'a>(fragment: &Decoded<'a>, payload: &'a [u8]) -> Decoded<'a> {
    walk::datagram(fragment, payload, &mut Unseen)
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
