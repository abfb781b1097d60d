//! The layers of a packet as a list, for people: the same walk as [`decode`](crate::decode), written down.
//!
//! Promises: in order from the outside in, without overlap, each within the packet's bytes; nothing on the heap.

use std::fmt;
use std::ops::Range;

use egret_capture::Packet;

use crate::link::cooked::Cooked;
use crate::link::ethernet::Ethernet;
use crate::link::llc::{Llc, Snap};
use crate::link::log::Log;
use crate::link::loopback::Loopback;
use crate::link::ppp::Ppp;
use crate::link::tagged::Tagged;
use crate::link::wlan::Wlan;
use crate::net::{Extension, Options};
use crate::text::Line;
use crate::transport::security::Security;
use crate::tunnel::backbone::Backbone;
use crate::tunnel::erspan::Erspan;
use crate::tunnel::geneve::Geneve;
use crate::tunnel::gre::Gre;
use crate::tunnel::gtp::Gtp;
use crate::tunnel::l2tp::L2tp;
use crate::tunnel::mpls::Mpls;
use crate::tunnel::pppoe::Pppoe;
use crate::tunnel::teredo::Origin;
use crate::tunnel::vlan::Vlan;
use crate::tunnel::vntag::Vntag;
use crate::tunnel::vxlan::Vxlan;
use crate::walk::{self, MAX_HEADERS, Visitor};
use crate::{Arp, Decoded, Decoder, Icmp, Ipv4, Ipv6, Tcp, Udp};

/// Every header a walk may enter, and the payload.
const CAPACITY: usize = MAX_HEADERS + 1;

/// Lists the layers of a packet, from the outside in.
///
/// ```
/// use egret_decode::{LinkType, Packet, Timestamp, layers};
///
/// let data = [2, 0, 0, 0, 0x45, 0, 0, 22, 0, 1, 0, 0, 64, 253, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 7, 7];
/// let (timestamp, link_type) = (Timestamp::EPOCH, LinkType::NULL);
/// let layers = layers(Packet { number: 1, timestamp, link_type, interface: 0, data: &data, wire_len: 26 });
/// let names: Vec<_> = layers.iter().map(|layer| layer.name()).collect();
/// assert_eq!(names, ["null", "ipv4", "payload"]);
/// for layer in &layers {
///     println!("{:?} {layer}", layer.range());
/// }
/// ```
pub fn layers(packet: Packet<'_>) -> Layers<'_> {
    Decoder::STANDARD.layers(packet)
}

/// One header of a packet, or its payload. [`Display`](fmt::Display) gives its name and fields on one line.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    name: &'static str,
    offset: u32,
    length: usize,
    total: usize,
    fields: Fields<'a>,
}

impl<'a> Layer<'a> {
    /// The stable name, in lower case: `ethernet`, `vlan`, `ipv4`, `ipv6-fragment`, `tcp`, …; the crate's table of what
    /// is decoded lists them. What is behind the last header, if anything is, is `payload`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Where its bytes are in the packet's. A header's range does not include what it carries.
    pub fn range(&self) -> Range<usize> {
        let start = self.offset as usize;
        start..start + self.length
    }

    /// How long the header is with what it carries, as it was on the wire.
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    pub(crate) fn fields(&self) -> &Fields<'a> {
        &self.fields
    }
}

impl fmt::Display for Layer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.fields)
    }
}

/// The layers of a packet, from the outside in, and what they amount to.
#[derive(Clone, Copy)]
pub struct Layers<'a> {
    list: List<'a>,
    decoded: Decoded<'a>,
}

impl<'a> Layers<'a> {
    /// Walks through a packet and takes the layers down.
    pub(crate) fn of(decoder: &'a Decoder, packet: Packet<'a>) -> Self {
        let mut list = List::new();
        let decoded = walk::packet(decoder, packet, &mut list);
        Self { list, decoded }
    }

    /// The layers behind the header of this fragment, of what is known of its datagram.
    pub(crate) fn of_datagram(&self, payload: &'a [u8]) -> Self {
        let mut list = List::new();
        let decoded = walk::datagram(&self.decoded, payload, &mut list);
        Self { list, decoded }
    }

    /// The layers, by reference.
    pub fn iter(&self) -> impl Iterator<Item = &Layer<'a>> {
        self.into_iter()
    }

    /// The packet and what is in it, as [`decode`](crate::decode) gives it.
    pub fn decoded(&self) -> &Decoded<'a> {
        &self.decoded
    }

    /// The packet on one line, in tcpdump's words; with `link_header`, what its `-e` shows too.
    pub fn line(&self, link_header: bool) -> Line<'_, 'a> {
        Line { layers: self, link_header, text: true }
    }
}

impl<'a, 'l> IntoIterator for &'l Layers<'a> {
    type Item = &'l Layer<'a>;
    type IntoIter = std::iter::Flatten<std::slice::Iter<'l, Option<Layer<'a>>>>;

    fn into_iter(self) -> Self::IntoIter {
        // What is not used is `None`, which flattening leaves out.
        self.list.slots.iter().flatten()
    }
}

impl fmt::Debug for Layers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// Where the layers are taken down.
#[derive(Clone, Copy)]
struct List<'a> {
    slots: [Option<Layer<'a>>; CAPACITY],
    length: usize,
}

impl List<'_> {
    const fn new() -> Self {
        Self { slots: [None; CAPACITY], length: 0 }
    }
}

impl<'a> Visitor<'a> for List<'a> {
    fn visit(
        &mut self,
        name: &'static str,
        offset: u32,
        (length, total): (usize, usize),
        fields: impl FnOnce() -> Fields<'a>,
    ) {
        if let Some(slot) = self.slots.get_mut(self.length) {
            *slot = Some(Layer { name, offset, length, total, fields: fields() });
            self.length += 1;
        }
    }
}

/// What is in a layer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fields<'a> {
    Ethernet(Ethernet),
    Cooked(Cooked),
    Loopback(Loopback),
    Vlan(Vlan),
    Log(Log<'a>),
    Llc(Llc),
    Snap(Snap),
    Tagged(Tagged),
    Wlan(Wlan),
    Ppp(Ppp),
    Backbone(Backbone),
    Erspan(Erspan),
    Geneve(Geneve),
    Gre(Gre),
    Gtp(Gtp),
    L2tp(L2tp),
    Mpls(Mpls),
    Pppoe(Pppoe),
    Origin(Origin),
    Vntag(Vntag),
    Vxlan(Vxlan),
    Security(Security),
    /// A header of which nothing is told but its length.
    Bytes(usize),
    Arp(Arp),
    Ipv4(Ipv4, Options<'a>),
    Ipv6(Ipv6),
    Extension(Extension),
    Tcp(Tcp<'a>),
    Udp(Udp),
    Icmp(Icmp),
    Payload {
        length: usize,
        cut: u32,
    },
}

impl fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ethernet(header) => header.fmt(f),
            Self::Cooked(header) => header.fmt(f),
            Self::Loopback(header) => header.fmt(f),
            Self::Vlan(header) => header.fmt(f),
            Self::Log(header) => header.fmt(f),
            Self::Llc(header) => header.fmt(f),
            Self::Snap(header) => header.fmt(f),
            Self::Tagged(header) => header.fmt(f),
            Self::Wlan(header) => header.fmt(f),
            Self::Ppp(header) => header.fmt(f),
            Self::Backbone(header) => header.fmt(f),
            Self::Erspan(header) => header.fmt(f),
            Self::Geneve(header) => header.fmt(f),
            Self::Gre(header) => header.fmt(f),
            Self::Gtp(header) => header.fmt(f),
            Self::L2tp(header) => header.fmt(f),
            Self::Mpls(header) => header.fmt(f),
            Self::Pppoe(header) => header.fmt(f),
            Self::Origin(header) => header.fmt(f),
            Self::Vntag(header) => header.fmt(f),
            Self::Vxlan(header) => header.fmt(f),
            Self::Security(header) => header.fmt(f),
            Self::Bytes(length) => write!(f, "{length} bytes"),
            Self::Arp(header) => header.fmt(f),
            Self::Ipv4(header, options) => write!(f, "{header}{options}"),
            Self::Ipv6(header) => header.fmt(f),
            Self::Extension(header) => header.fmt(f),
            Self::Tcp(header) => header.fmt(f),
            Self::Udp(header) => header.fmt(f),
            Self::Icmp(header) => header.fmt(f),
            Self::Payload { length, cut: 0 } => write!(f, "{length} bytes"),
            Self::Payload { length, cut } => write!(f, "{length} bytes, {cut} cut"),
        }
    }
}
