//! ICMP with the flow that an error quotes, ICMPv6 with neighbour discovery, and IGMP, in tcpdump's words.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::layers::Layer;
use crate::{Decoded, Icmp, Network};

pub(super) fn message(
    header: &Icmp,
    layer: &Layer<'_>,
    decoded: &Decoded<'_>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    match decoded.network {
        Some(Network::Ipv6(_)) => v6(header, decoded.payload, f)?,
        _ => v4(header, decoded.payload, f)?,
    }
    write!(f, ", length {}", layer.total())
}

/// What an error message quotes: enough of a packet to know its flow.
struct Quoted {
    destination: IpAddr,
    protocol: u8,
    /// The destination port, of TCP and UDP.
    port: Option<u16>,
}

impl Quoted {
    fn new(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let (destination, protocol, behind): (IpAddr, u8, _) = match first >> 4 {
            4 => {
                let header = payload.first_chunk::<20>()?;
                let [_, _, _, _, _, _, _, _, _, protocol, _, _, _, _, _, _, destination @ ..] = *header;
                let behind = payload.get(usize::from(first & 0xf) * 4..).unwrap_or_default();
                (Ipv4Addr::from(destination).into(), protocol, behind)
            }
            6 => {
                let header = payload.first_chunk::<40>()?;
                let destination = header.last_chunk::<16>()?;
                let protocol = header.get(6).copied()?;
                (Ipv6Addr::from(*destination).into(), protocol, payload.get(40..).unwrap_or_default())
            }
            _ => return None,
        };
        let port = matches!(protocol, 6 | 17).then(|| behind.get(2..)?.first_chunk::<2>().copied()).flatten();
        Some(Self { destination, protocol, port: port.map(u16::from_be_bytes) })
    }

    /// The port that cannot be reached, behind its protocol.
    fn port(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { destination, protocol, port } = self;
        match (protocol, port) {
            (6, Some(port)) => write!(f, "{destination} tcp port {port}"),
            (17, Some(port)) => write!(f, "{destination} udp port {port}"),
            _ => write!(f, "{destination} protocol {protocol}"),
        }
    }
}

fn v4(header: &Icmp, payload: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Icmp { kind, code, rest: [a, b, c, d], .. } = *header;
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    f.write_str("ICMP ")?;
    match (kind, code, Quoted::new(payload)) {
        (0, ..) => write!(f, "echo reply, id {high}, seq {low}"),
        (8, ..) => write!(f, "echo request, id {high}, seq {low}"),
        (3, 2, Some(quoted)) => write!(f, "{} protocol {} unreachable", quoted.destination, quoted.protocol),
        (3, 3, Some(quoted)) => {
            quoted.port(f)?;
            f.write_str(" unreachable")
        }
        (3, 4, Some(quoted)) => {
            write!(f, "{} unreachable - need to frag", quoted.destination)?;
            if low == 0 { Ok(()) } else { write!(f, " (mtu {low})") }
        }
        (3, code, Some(Quoted { destination, .. })) => {
            let (what, why) = match code {
                0 => ("net ", ""),
                1 => ("host ", ""),
                5 => ("", " - source route failed"),
                6 => ("net ", " - unknown"),
                7 => ("host ", " - unknown"),
                8 => ("", " - source host isolated"),
                9 => ("net ", " - admin prohibited"),
                10 => ("host ", " - admin prohibited"),
                11 => ("net ", " - tos prohibited"),
                12 => ("host ", " - tos prohibited"),
                13 => ("host ", " - admin prohibited filter"),
                14 => ("host ", " - host precedence violation"),
                15 => ("host ", " - precedence cutoff"),
                other => return write!(f, "{destination} unreachable - #{other}"),
            };
            write!(f, "{what}{destination} unreachable{why}")
        }
        (3, ..) => write!(f, "unreachable - #{code}"),
        (4, ..) => f.write_str("source quench"),
        (5, 0..=3, Some(quoted)) => {
            let service = if code >= 2 { "-tos" } else { "" };
            let what = if code % 2 == 0 { "net" } else { "host" };
            write!(f, "redirect{service} {} to {what} {}", quoted.destination, Ipv4Addr::new(a, b, c, d))
        }
        (9, ..) => f.write_str("router advertisement"),
        (10, ..) => f.write_str("router solicitation"),
        (11, 0, _) => f.write_str("time exceeded in-transit"),
        (11, 1, _) => f.write_str("ip reassembly time exceeded"),
        (11, ..) => write!(f, "time exceeded-#{code}"),
        (12, 0, _) => write!(f, "parameter problem - octet {a}"),
        (12, ..) => write!(f, "parameter problem - code {code}"),
        (13, ..) => write!(f, "time stamp query id {high} seq {low}"),
        (14, ..) => write!(f, "time stamp reply id {high} seq {low}"),
        (17, ..) => f.write_str("address mask request"),
        (18, ..) => f.write_str("address mask reply"),
        _ => write!(f, "type-#{kind}"),
    }
}

fn v6(header: &Icmp, payload: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Icmp { kind, code, rest: [a, b, c, d], .. } = *header;
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let number = u32::from_be_bytes([a, b, c, d]);
    let target = payload.first_chunk::<16>().map(|bytes| Ipv6Addr::from(*bytes));
    f.write_str("ICMP6, ")?;
    match (kind, code, Quoted::new(payload)) {
        (1, _, quoted) => {
            f.write_str("destination unreachable, ")?;
            f.write_str(match code {
                0 => "unreachable route",
                1 => "unreachable prohibited",
                2 => "beyond scope",
                3 => "unreachable address",
                4 => "unreachable port",
                other => return write!(f, "unknown unreach code ({other})"),
            })?;
            match quoted {
                Some(quoted) if code == 4 => {
                    f.write_str(", ")?;
                    quoted.port(f)
                }
                Some(quoted) => write!(f, " {}", quoted.destination),
                None => Ok(()),
            }
        }
        (2, ..) => write!(f, "packet too big, mtu {number}"),
        (3, _, quoted) => {
            f.write_str("time exceeded in-transit")?;
            match (code, quoted) {
                (0, Some(quoted)) => write!(f, " for {}", quoted.destination),
                (1, _) => f.write_str(" (reassembly)"),
                _ => Ok(()),
            }
        }
        (4, ..) => {
            f.write_str("parameter problem, ")?;
            f.write_str(match code {
                0 => "erroneous",
                1 => "next header",
                2 => "option",
                other => return write!(f, "code-#{other}"),
            })?;
            write!(f, " - octet {number}")
        }
        (128, ..) => write!(f, "echo request, id {high}, seq {low}"),
        (129, ..) => write!(f, "echo reply, id {high}, seq {low}"),
        (130, ..) => f.write_str("multicast listener query"),
        (131, ..) => f.write_str("multicast listener report"),
        (132, ..) => f.write_str("multicast listener done"),
        (133, ..) => f.write_str("router solicitation"),
        (134, ..) => f.write_str("router advertisement"),
        (135, ..) => {
            f.write_str("neighbor solicitation")?;
            target.map_or(Ok(()), |target| write!(f, ", who has {target}"))
        }
        (136, ..) => {
            f.write_str("neighbor advertisement")?;
            target.map_or(Ok(()), |target| write!(f, ", tgt is {target}"))
        }
        (137, ..) => {
            f.write_str("redirect")?;
            let destination = payload.get(16..).and_then(|rest| rest.first_chunk::<16>());
            match (destination, target) {
                (Some(destination), Some(target)) => {
                    write!(f, ", {} to {target}", Ipv6Addr::from(*destination))
                }
                _ => Ok(()),
            }
        }
        (143, ..) => write!(f, "multicast listener report v2, {low} group record(s)"),
        _ => write!(f, "unknown icmp6 type ({kind})"),
    }
}

/// IGMP (RFC 2236, RFC 3376), which is not decoded otherwise.
pub(super) fn group_management(message: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("igmp")?;
    let Some([kind, time, _, _, group @ ..]) = message.first_chunk::<8>() else {
        return f.write_str(" [|igmp]");
    };
    let (group, [_, _, high, low]) = (Ipv4Addr::from(*group), *group);
    match kind {
        0x11 => {
            match (message.len(), time) {
                (12.., _) => f.write_str(" query v3")?,
                (_, 0) => f.write_str(" query v1")?,
                (_, 100) => f.write_str(" query v2")?,
                (_, time) => write!(f, " query v2 [max resp time {time}]")?,
            }
            if group.is_unspecified() { Ok(()) } else { write!(f, " [gaddr {group}]") }
        }
        0x12 => write!(f, " v1 report {group}"),
        0x16 => write!(f, " v2 report {group}"),
        0x17 => write!(f, " leave {group}"),
        0x22 => write!(f, " v3 report, {} group record(s)", u16::from_be_bytes([high, low])),
        other => write!(f, " [type {other:#x}]"),
    }
}
