//! A packet on a line, in tcpdump's form.
//!
//! Differs from tcpdump's where that needs state or tables: times are UTC, sequence numbers are those of the wire
//! (tcpdump's `-S`), ports and addresses are numbers (`-n`), and what is above TCP and UDP is only counted.

use std::fmt;

use egret_decode::{
    Arp, Decoded, Endpoint, Icmp, Network, Stop, StopReason, Tcp, TcpFlags, TcpOption, TcpOptions, Transport,
};

use crate::output::protocol::Protocol;
use crate::output::text::Clock;

/// The line.
pub(super) struct Line<'a>(pub(super) &'a Decoded<'a>);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decoded = self.0;
        write!(f, "{} ", Clock(decoded.packet.timestamp))?;
        let (family, icmp) = match &decoded.network {
            Some(Network::Ipv4(_)) => ("IP", "ICMP "),
            Some(Network::Ipv6(_)) => ("IP6", "ICMP6, "),
            Some(Network::Arp(header)) => return arp(header, decoded.payload.len(), f),
            _ => return unknown(decoded, f),
        };
        let Some(flow) = decoded.flow else { return unknown(decoded, f) };
        let ports = matches!(decoded.transport, Some(Transport::Tcp(_) | Transport::Udp(_)));
        let (from, to) = (End { end: flow.source, ports }, End { end: flow.destination, ports });
        write!(f, "{family} {from} > {to}: ")?;
        let length = decoded.payload.len() + decoded.cut as usize;
        match &decoded.transport {
            Some(Transport::Tcp(header)) => tcp(header, length, f)?,
            Some(Transport::Udp(_)) => write!(f, "UDP, length {length}")?,
            Some(Transport::Icmp(header)) => {
                // tcpdump counts the header of 8 bytes too.
                write!(f, "{icmp}{}, length {}", Message { header, v6: icmp != "ICMP " }, length + 8)?;
            }
            _ => {
                if let Some(protocol) = Protocol::of(decoded) {
                    write!(f, "{protocol}")?;
                }
                if let Some(fragment) = decoded.fragment() {
                    let more = if fragment.more { "+" } else { "" };
                    write!(f, " fragment id {}, offset {}{more}", fragment.identification, fragment.offset)?;
                }
                write!(f, ", length {length}")?;
            }
        }
        match &decoded.stop {
            Some(Stop { reason: StopReason::Unsupported(_), .. }) | None => Ok(()),
            Some(stop) => write!(f, " [{stop}]"),
        }
    }
}

/// What no network header was found in.
fn unknown(decoded: &Decoded<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match decoded.stop {
        Some(stop) => write!(f, "{stop}, length {}", decoded.packet.wire_len),
        None => write!(f, "{}, length {}", decoded.packet.link_type, decoded.packet.wire_len),
    }
}

fn arp(header: &Arp, payload: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Arp { operation, sender_mac, sender_ip, target_ip, .. } = header;
    match operation {
        1 => write!(f, "ARP, Request who-has {target_ip} tell {sender_ip}")?,
        2 => write!(f, "ARP, Reply {sender_ip} is-at {}", Mac(*sender_mac))?,
        other => write!(f, "ARP, operation {other}")?,
    }
    // The header of ARP for IPv4 over Ethernet.
    write!(f, ", length {}", 28 + payload)
}

fn tcp(header: &Tcp<'_>, length: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Tcp { seq, ack, flags, window, urgent, options, .. } = header;
    write!(f, "Flags [{flags}]")?;
    if length > 0 {
        let end = seq.wrapping_add(u32::try_from(length).unwrap_or(u32::MAX));
        write!(f, ", seq {seq}:{end}")?;
    } else if flags.has(TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST) {
        write!(f, ", seq {seq}")?;
    }
    if flags.has(TcpFlags::ACK) {
        write!(f, ", ack {ack}")?;
    }
    write!(f, ", win {window}")?;
    if flags.has(TcpFlags::URG) {
        write!(f, ", urg {urgent}")?;
    }
    if options.iter().next().is_some() {
        write!(f, ", options [{}]", Options(options))?;
    }
    write!(f, ", length {length}")
}

/// TCP options in tcpdump's words.
struct Options<'a>(&'a TcpOptions<'a>);

impl fmt::Display for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, option) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            match option {
                TcpOption::SackPermitted => f.write_str("sackOK")?,
                TcpOption::Timestamps { value, echo } => write!(f, "TS val {value} ecr {echo}")?,
                TcpOption::Sack(blocks) => {
                    write!(f, "sack {} ", blocks.into_iter().count())?;
                    blocks.into_iter().try_for_each(|(start, end)| write!(f, "{{{start}:{end}}}"))?;
                }
                TcpOption::Unknown { kind, .. } => write!(f, "unknown-{kind}")?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

/// An address, and behind a point the port where there is one.
struct End {
    end: Endpoint,
    ports: bool,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ports {
            true => write!(f, "{}.{}", self.end.ip, self.end.port),
            false => write!(f, "{}", self.end.ip),
        }
    }
}

/// What an ICMP message says.
struct Message<'a> {
    header: &'a Icmp,
    v6: bool,
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Icmp { kind, code, rest: [a, b, c, d], .. } = *self.header;
        let name = match (self.v6, kind, code) {
            (false, 0, _) | (true, 129, _) => "echo reply",
            (false, 8, _) | (true, 128, _) => "echo request",
            (false, 3, 0) => "net unreachable",
            (false, 3, 1) => "host unreachable",
            (false, 3, 2) => "protocol unreachable",
            (false, 3, 3) => "port unreachable",
            (false, 3, 4) => "unreachable - need to frag",
            (false, 3, _) | (true, 1, _) => "destination unreachable",
            (false, 5, _) | (true, 137, _) => "redirect",
            (false, 11, 0) => "time exceeded in-transit",
            (false, 11, _) | (true, 3, _) => "time exceeded",
            (true, 2, _) => "packet too big",
            (true, 133, _) => "router solicitation",
            (true, 134, _) => "router advertisement",
            (true, 135, _) => "neighbor solicitation",
            (true, 136, _) => "neighbor advertisement",
            _ => return write!(f, "type-{kind} code-{code}"),
        };
        f.write_str(name)?;
        if name.starts_with("echo") {
            write!(f, ", id {}, seq {}", u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))?;
        }
        Ok(())
    }
}

/// A hardware address.
#[derive(Clone, Copy)]
pub(super) struct Mac(pub(super) [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}
