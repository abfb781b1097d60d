//! A packet on one line, in tcpdump's words: every header from the outside in, each packet inside another behind a colon.
//!
//! Differs from tcpdump's line where that needs state or tables: sequence numbers are those of the wire (its `-S`),
//! addresses and ports are numbers (its `-n`), and what is above TCP and UDP is named only where it is DNS or text.
//!
//! Promises: one line, whatever the packet holds; its length is bounded by a small multiple of the packet's.

use std::fmt;
use std::net::IpAddr;

use crate::layers::{Fields, Layer};
use crate::net::Extension;
use crate::{Decoded, Layers, Network, StopReason};

mod arp;
mod icmp;
mod link;
mod transport;
mod tunnel;

/// How deep fragments inside fragments are shown.
const MAX_NESTING: usize = 3;

/// A packet on one line. Made by [`Layers::line`].
pub struct Line<'l, 'a> {
    pub(crate) layers: &'l Layers<'a>,
    /// Show the link header too.
    pub(crate) link_header: bool,
    /// Show the first lines of text protocols.
    pub(crate) text: bool,
}

impl Line<'_, '_> {
    /// The line without what the peers said to each other in words: what they asked for may be secret.
    #[must_use]
    pub fn without_text(self) -> Self {
        Self { text: false, ..self }
    }
}

impl fmt::Display for Line<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer {
            f,
            link_header: self.link_header,
            text: self.text,
            addresses: None,
            open: 0,
            begun: false,
            previous: "",
        };
        writer.packet(self.layers, 0)?;
        (0..writer.open).try_for_each(|_| writer.f.write_str("}"))
    }
}

/// Where the line is.
struct Writer<'w, 'f> {
    f: &'w mut fmt::Formatter<'f>,
    link_header: bool,
    text: bool,
    /// The addresses of an IP header that was just begun: a transport header directly behind it adds its ports.
    addresses: Option<(IpAddr, IpAddr)>,
    /// Braces to close at the end.
    open: usize,
    /// Whether anything has been written.
    begun: bool,
    /// The name of the layer that was written last.
    previous: &'static str,
}

impl Writer<'_, '_> {
    fn packet(&mut self, layers: &Layers<'_>, depth: usize) -> fmt::Result {
        let decoded = layers.decoded();
        let mut last = None;
        for layer in layers {
            if !matches!(layer.fields(), Fields::Payload { .. }) {
                self.layer(layer, decoded)?;
                last = Some(layer);
            }
        }
        match decoded.fragment() {
            Some(fragment) => self.fragment(layers, fragment.offset, depth),
            None => self.end(decoded, last),
        }
    }

    fn layer(&mut self, layer: &Layer<'_>, decoded: &Decoded<'_>) -> fmt::Result {
        match layer.fields() {
            Fields::Ipv4(header, _) => {
                self.version("IP")?;
                let missing = u32::from(header.total_length).saturating_sub(layer.total() as u32);
                if missing > 0 {
                    write!(self.f, "truncated-ip - {missing} bytes missing! ")?;
                }
                self.addresses = Some((header.source.into(), header.destination.into()));
            }
            Fields::Ipv6(header) => {
                self.version("IP6")?;
                let missing = (u32::from(header.payload_length) + 40).saturating_sub(layer.total() as u32);
                if missing > 0 {
                    write!(self.f, "truncated-ip6 - {missing} bytes missing!")?;
                }
                self.addresses = Some((header.source.into(), header.destination.into()));
            }
            Fields::Tcp(header) => {
                self.ends(header.source_port, header.destination_port)?;
                transport::tcp(header, layer, decoded, self.text, self.f)?;
            }
            Fields::Udp(header) => {
                self.ends(header.source_port, header.destination_port)?;
                // Of a datagram that is a tunnel's, only the tunnel is told.
                if decoded.transport.is_some_and(|transport| transport == crate::Transport::Udp(*header)) {
                    transport::udp(header, decoded, self.f)?;
                }
            }
            Fields::Icmp(header) => {
                self.flush_addresses()?;
                icmp::message(header, layer, decoded, self.f)?;
            }
            Fields::Arp(header) => arp::packet(header, layer.total(), self.link_header, self.f)?,
            Fields::Extension(extension) => {
                self.flush_addresses()?;
                self.extension(extension, layer)?;
            }
            Fields::Payload { .. } => return Ok(()),
            fields => {
                self.flush_addresses()?;
                if link::header(fields, layer, self.link_header, self.f)? {
                    let stacked = self.previous == layer.name();
                    let opened = tunnel::header(fields, layer, stacked, self.link_header, self.f)?;
                    self.open += usize::from(opened);
                } else if !self.link_header && layer.name() != "linux-sll2" {
                    return Ok(());
                }
            }
        }
        self.begun = true;
        self.previous = layer.name();
        Ok(())
    }

    /// Which version of IP; the link header has told it already where it is shown.
    fn version(&mut self, name: &str) -> fmt::Result {
        self.flush_addresses()?;
        if self.link_header { Ok(()) } else { write!(self.f, "{name} ") }
    }

    /// The addresses alone, if they wait.
    fn flush_addresses(&mut self) -> fmt::Result {
        match self.addresses.take() {
            Some((source, destination)) => write!(self.f, "{source} > {destination}: "),
            None => Ok(()),
        }
    }

    /// The addresses with their ports, or the ports alone.
    fn ends(&mut self, source_port: u16, destination_port: u16) -> fmt::Result {
        match self.addresses.take() {
            Some((source, destination)) => {
                write!(self.f, "{source}.{source_port} > {destination}.{destination_port}: ")
            }
            None => write!(self.f, "{source_port} > {destination_port}: "),
        }
    }

    fn extension(&mut self, extension: &Extension, layer: &Layer<'_>) -> fmt::Result {
        let behind = layer.total().saturating_sub(layer.range().len());
        match extension {
            Extension::Options { .. } if layer.name() == "ipv6-hop-by-hop" => self.f.write_str("HBH "),
            Extension::Options { .. } => self.f.write_str("DSTOPT "),
            Extension::Routing { kind, segments_left, .. } => {
                let units = (layer.range().len() / 8).saturating_sub(1);
                write!(self.f, "RT6 (len={units}, type={kind}, segleft={segments_left}) ")
            }
            Extension::Fragment { offset, .. } => write!(self.f, "frag ({offset}|{behind}) "),
        }
    }

    /// What a fragment carries: the first one has the beginning of a transport header.
    fn fragment(&mut self, layers: &Layers<'_>, offset: u32, depth: usize) -> fmt::Result {
        let decoded = layers.decoded();
        match (decoded.network, offset) {
            (_, 0) if depth < MAX_NESTING => self.packet(&layers.of_datagram(decoded.payload), depth + 1),
            (Some(Network::Ipv4(header)), _) => {
                if let Some((source, destination)) = self.addresses.take() {
                    write!(self.f, "{source} > {destination}: ")?;
                }
                write!(self.f, "ip-proto-{}", header.protocol)
            }
            _ => self.flush_addresses(),
        }
    }

    /// What is said when no header is left: why decoding stopped, if it did.
    fn end(&mut self, decoded: &Decoded<'_>, last: Option<&Layer<'_>>) -> fmt::Result {
        self.flush_addresses()?;
        let Some(stop) = decoded.stop else {
            return match (self.begun, decoded.transport, decoded.network) {
                // "No next header", and whatever else has nothing more to tell.
                (true, None, Some(Network::Ipv6(_))) => self.f.write_str("no next header"),
                (true, ..) => Ok(()),
                _ => write!(self.f, "{}, length {}", decoded.packet.link_type, decoded.packet.wire_len),
            };
        };
        let length = decoded.payload.len() + decoded.cut as usize;
        match (stop.layer, stop.reason) {
            ("protocol", StopReason::Unsupported(2)) => icmp::group_management(decoded.payload, self.f),
            ("protocol", StopReason::Unsupported(number)) => write!(self.f, " ip-proto-{number} {length}"),
            ("esp", StopReason::Encrypted) => Ok(()),
            // Told already, in its place.
            ("tcp", StopReason::Truncated { .. }) if decoded.transport.is_some() => Ok(()),
            ("ethertype", StopReason::Unsupported(number)) => {
                link::unknown_type(last, number, length, self.link_header, self.f)
            }
            ("ppp protocol", StopReason::Unsupported(number)) => {
                link::ppp(number, decoded.payload, length, self.f)
            }
            _ if self.begun => write!(self.f, "[{stop}]"),
            _ => write!(self.f, "{stop}, length {}", decoded.packet.wire_len),
        }
    }
}
