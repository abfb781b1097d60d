//! IPv4 (RFC 791).
//!
//! A total length of 0 means that the kernel left segmentation to the network card; then the packet's own length
//! counts. Otherwise the total length decides where the payload ends, as far as the packet reaches.

use std::fmt;
use std::net::Ipv4Addr;

use pnet_packet::ipv4::Ipv4Packet;

use super::{Fragment, Network};
use crate::layers::Fields;
use crate::walk::{Next, Stopped, Visitor, Walk};

const NAME: &str = "ipv4";
const MIN_LENGTH: usize = 20;

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

#[inline]
pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let view = walk.view(NAME, MIN_LENGTH as u32, Ipv4Packet::new)?;
    let header_length = view.get_header_length() * 4;
    let total_length = view.get_total_length();
    if view.get_version() != 4 {
        return Err(walk.malformed(NAME, "the version is not 4"));
    }
    if usize::from(header_length) < MIN_LENGTH {
        return Err(walk.malformed(NAME, "the header length is below 20 bytes"));
    }
    if total_length != 0 {
        if total_length < header_length.into() {
            return Err(walk.malformed(NAME, "the total length is below the header length"));
        }
        walk.limit(total_length.into());
    }
    let (identification, flags) = (view.get_identification(), view.get_flags());
    let (protocol, offset) = (view.get_next_level_protocol().0, u32::from(view.get_fragment_offset()) * 8);
    let more = flags & 0b001 != 0;
    let header = Ipv4 {
        source: view.get_source(),
        destination: view.get_destination(),
        protocol,
        ttl: view.get_ttl(),
        tos: view.get_dscp() << 2 | view.get_ecn(),
        identification,
        dont_fragment: flags & 0b010 != 0,
        total_length,
        header_length,
        checksum: view.get_checksum(),
        fragment: (more || offset != 0).then_some(Fragment {
            identification: identification.into(),
            offset,
            more,
            protocol,
        }),
    };
    if usize::from(header_length) > MIN_LENGTH {
        let options = walk.rest().get(MIN_LENGTH..header_length.into()).unwrap_or_default();
        walk.unverifiable |= Options(options).any(|(kind, data)| is_pending_route(kind, data));
    }
    walk.enter(NAME, header_length.into(), |bytes| {
        Fields::Ipv4(header, Options(bytes.get(MIN_LENGTH..).unwrap_or_default()))
    })?;
    walk.network = Some(Network::Ipv4(header));
    Ok(if header.fragment.is_some() { Next::Payload } else { Next::Protocol(protocol) })
}

/// Goes on behind the header of a datagram that was put together.
pub(crate) fn behind_header<'a, V: Visitor<'a>>(
    walk: &mut Walk<'a, '_, V>,
    header: Ipv4,
) -> Result<Next, Stopped> {
    // The options are out of sight by now, and a source route may have been among them.
    walk.unverifiable = usize::from(header.header_length) > MIN_LENGTH;
    walk.network = Some(Network::Ipv4(Ipv4 { fragment: None, ..header }));
    Ok(Next::Protocol(header.protocol))
}

/// Whether this is a source route (loose or strict) that still has hops to go.
fn is_pending_route(kind: u8, data: &[u8]) -> bool {
    // The pointer counts from the option's first byte, which is two in front of the data.
    matches!(kind, 131 | 137) && data.first().is_some_and(|pointer| usize::from(*pointer) <= data.len() + 2)
}

/// The options of an IPv4 header, as kind and data (without kind and length byte); the first malformed one ends it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options<'a>(&'a [u8]);

impl<'a> Iterator for Options<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&kind, rest) = self.0.split_first()?;
        let (data, rest) = match kind {
            0 => (rest.get(..0)?, rest.get(..0)?),
            1 => (rest.get(..0)?, rest),
            _ => {
                let (&length, rest) = rest.split_first()?;
                rest.split_at_checked(usize::from(length).checked_sub(2)?)?
            }
        };
        self.0 = rest;
        Some((kind, data))
    }
}

impl fmt::Display for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (kind, data)) in self.enumerate() {
            f.write_str(if index == 0 { ", options [" } else { ", " })?;
            match kind {
                0 => f.write_str("eol")?,
                1 => f.write_str("nop")?,
                7 => f.write_str("record-route")?,
                68 => f.write_str("timestamp")?,
                131 => f.write_str("loose-source-route")?,
                137 => f.write_str("strict-source-route")?,
                148 => f.write_str("router-alert")?,
                _ => write!(f, "{kind} ({} bytes)", data.len())?,
            }
        }
        if self.clone().next().is_some() { f.write_str("]") } else { Ok(()) }
    }
}

impl fmt::Display for Ipv4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, destination, protocol, ttl, tos, identification, total_length, .. } = self;
        write!(f, "{source} > {destination}, protocol {protocol}, ttl {ttl}, tos {tos:#04x}")?;
        write!(f, ", id {identification}, length {total_length}, checksum {:#06x}", self.checksum)?;
        if self.dont_fragment {
            f.write_str(", dont-fragment")?;
        }
        if let Some(fragment) = self.fragment {
            write!(f, ", fragment at {}{}", fragment.offset, if fragment.more { "+" } else { "" })?;
        }
        Ok(())
    }
}
