//! IPv6 (RFC 8200) and its extension headers: hop-by-hop options, routing, fragment, destination options and
//! authentication (RFC 4302).
//!
//! A payload length of 0 belongs to a jumbogram (RFC 2675), which has its length in a hop-by-hop option, or means that
//! segmentation was left to the network card; then the packet's own length counts. At most
//! [`MAX_EXTENSIONS`] extension headers are passed. A fragment header that says "the whole datagram" (atomic, RFC 6946)
//! makes no fragment.

use std::fmt;
use std::net::Ipv6Addr;

use pnet_packet::ipv6::{FragmentPacket, Ipv6Packet};

use super::{Fragment, Network};
use crate::StopReason;
use crate::layers::Fields;
use crate::transport::security::walk_authentication;
use crate::walk::{Next, Stopped, Visitor, Walk};

const NAME: &str = "ipv6";
const LENGTH: usize = 40;
const FRAGMENT_LENGTH: usize = 8;
/// RFC 8200 §4.1 lists seven in its recommended order; one more is kindness.
const MAX_EXTENSIONS: usize = 8;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const NO_NEXT_HEADER: u8 = 59;
const DESTINATION: u8 = 60;

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

/// The fields of an extension header, for the layer listing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Extension {
    /// Hop-by-hop or destination options.
    Options {
        next: u8,
        length: usize,
        jumbo: Option<u32>,
    },
    Routing {
        next: u8,
        kind: u8,
        segments_left: u8,
    },
    Fragment {
        next: u8,
        identification: u32,
        offset: u32,
        more: bool,
    },
}

#[inline(never)]
pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let view = walk.view(NAME, LENGTH as u32, Ipv6Packet::new)?;
    if view.get_version() != 6 {
        return Err(walk.malformed(NAME, "the version is not 6"));
    }
    // The view puts an address together from eight shifted pairs; copying sixteen bytes is several times faster.
    let (source, destination) = walk.view(NAME, LENGTH as u32, addresses)?;
    let mut header = Ipv6 {
        source: Ipv6Addr::from(*source),
        destination: Ipv6Addr::from(*destination),
        protocol: view.get_next_header().0,
        hop_limit: view.get_hop_limit(),
        traffic_class: view.get_traffic_class(),
        flow_label: view.get_flow_label(),
        payload_length: view.get_payload_length(),
        extensions_length: 0,
        fragment: None,
    };
    walk.enter(NAME, LENGTH, |_| Fields::Ipv6(header))?;
    // With nothing to follow, 0 is simply the truth, and what is there is padding.
    if header.payload_length != 0 || header.protocol == NO_NEXT_HEADER {
        walk.limit(header.payload_length.into());
    }
    extensions(walk, &mut header)
}

/// The two addresses at the end of the fixed header.
fn addresses(header: &[u8]) -> Option<(&[u8; 16], &[u8; 16])> {
    let (source, rest) = header.get(8..)?.split_first_chunk()?;
    Some((source, rest.first_chunk()?))
}

/// Goes on behind the fragment header of a datagram that was put together.
pub(crate) fn behind_header<'a, V: Visitor<'a>>(
    walk: &mut Walk<'a, '_, V>,
    header: Ipv6,
) -> Result<Next, Stopped> {
    // What was in front of the fragment header is out of sight by now, and may have been a source route.
    walk.unverifiable = usize::from(header.extensions_length) > FRAGMENT_LENGTH;
    extensions(walk, &mut Ipv6 { fragment: None, ..header })
}

/// Passes the extension headers and stores the network header with what they said, also when they end in a stop.
#[inline]
fn extensions<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>, header: &mut Ipv6) -> Result<Next, Stopped> {
    let passed = pass_extensions(walk, header);
    walk.network = Some(Network::Ipv6(*header));
    passed
}

#[inline]
fn pass_extensions<'a, V: Visitor<'a>>(
    walk: &mut Walk<'a, '_, V>,
    header: &mut Ipv6,
) -> Result<Next, Stopped> {
    for count in 0.. {
        let name = match header.protocol {
            HOP_BY_HOP => "ipv6-hop-by-hop",
            ROUTING => "ipv6-routing",
            FRAGMENT => "ipv6-fragment",
            AUTHENTICATION => "authentication",
            DESTINATION => "ipv6-destination",
            NO_NEXT_HEADER => return Ok(Next::Payload),
            _ => break,
        };
        if count == MAX_EXTENSIONS {
            return Err(walk.stop(name, StopReason::TooDeep));
        }
        pass(walk, header, name)?;
        if header.fragment.is_some() {
            return Ok(Next::Payload);
        }
    }
    Ok(Next::Protocol(header.protocol))
}

/// Passes one extension header, of the kind that `header.protocol` names.
#[inline(never)]
fn pass<'a, V: Visitor<'a>>(
    walk: &mut Walk<'a, '_, V>,
    header: &mut Ipv6,
    name: &'static str,
) -> Result<(), Stopped> {
    // Every extension header begins with what follows it and its own length, and is 8 bytes at least.
    if header.protocol == AUTHENTICATION {
        let (next, length) = walk_authentication(walk)?;
        header.protocol = next;
        header.extensions_length = header.extensions_length.saturating_add(length as u16);
        return Ok(());
    }
    let [next, units, kind, segments_left, ..] = *walk.view(name, 8, |bytes| bytes.first_chunk::<8>())?;
    let length = match header.protocol {
        FRAGMENT => FRAGMENT_LENGTH,
        _ => (usize::from(units) + 1) * 8,
    };
    match header.protocol {
        HOP_BY_HOP | DESTINATION => {
            let jumbo = walk.rest().get(2..length).and_then(jumbo_length);
            walk.enter(name, length, |_| Fields::Extension(Extension::Options { next, length, jumbo }))?;
            if let (0, HOP_BY_HOP, Some(jumbo)) = (header.payload_length, header.protocol, jumbo) {
                // It counts from behind the fixed header, as the payload length does.
                let passed = usize::from(header.extensions_length) + length;
                walk.limit((jumbo as usize).saturating_sub(passed));
            }
        }
        ROUTING => {
            walk.enter(name, length, |_| {
                Fields::Extension(Extension::Routing { next, kind, segments_left })
            })?;
            walk.unverifiable |= segments_left != 0;
        }
        _ => {
            let view = walk.view(name, length as u32, FragmentPacket::new)?;
            // The masks of the view are wrong; the field is right.
            let field = view.get_fragment_offset_with_flags();
            let (identification, offset, more) = (view.get_id(), u32::from(field & !0b111), field & 1 != 0);
            walk.enter(name, length, |_| {
                Fields::Extension(Extension::Fragment { next, identification, offset, more })
            })?;
            header.fragment =
                (more || offset != 0).then_some(Fragment { identification, offset, more, protocol: next });
        }
    }
    header.protocol = next;
    // A datagram may be put together again and again, each time with more of them.
    header.extensions_length = header.extensions_length.saturating_add(length as u16);
    Ok(())
}

/// The length in a jumbo payload option (RFC 2675 §2), if there is one and it is over 65,535 as it must be.
fn jumbo_length(mut options: &[u8]) -> Option<u32> {
    while let Some((&kind, rest)) = options.split_first() {
        // A single byte of padding is the only option without a length.
        if kind == 0 {
            options = rest;
            continue;
        }
        let (&length, rest) = rest.split_first()?;
        let (data, rest) = rest.split_at_checked(length.into())?;
        if let (0xc2, Ok(data)) = (kind, <[u8; 4]>::try_from(data)) {
            return Some(u32::from_be_bytes(data)).filter(|length| *length > u32::from(u16::MAX));
        }
        options = rest;
    }
    None
}

impl fmt::Display for Ipv6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, destination, protocol, hop_limit, traffic_class, flow_label, .. } = self;
        write!(f, "{source} > {destination}, protocol {protocol}, hop limit {hop_limit}")?;
        write!(f, ", class {traffic_class:#04x}, flow {flow_label:#07x}, length {}", self.payload_length)
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options { next, length, jumbo } => {
                write!(f, "next {next}, {length} bytes")?;
                jumbo.map_or(Ok(()), |jumbo| write!(f, ", jumbo {jumbo}"))
            }
            Self::Routing { next, kind, segments_left } => {
                write!(f, "next {next}, type {kind}, segments left {segments_left}")
            }
            Self::Fragment { next, identification, offset, more } => {
                write!(
                    f,
                    "next {next}, id {identification:#010x}, at {offset}{}",
                    if *more { "+" } else { "" }
                )
            }
        }
    }
}
