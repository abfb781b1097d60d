//! Link headers, as tcpdump's `-e` shows them.

use std::fmt;

use crate::layers::{Fields, Layer};
use crate::link::Hardware;
use crate::link::log::Verdict;

/// Writes a link header, if it is shown at all. Says whether the layer is none, but something a tunnel is made of.
pub(super) fn header(
    fields: &Fields<'_>,
    layer: &Layer<'_>,
    shown: bool,
    f: &mut fmt::Formatter<'_>,
) -> Result<bool, fmt::Error> {
    let length = layer.total();
    match fields {
        Fields::Cooked(header) => {
            let direction = match header.packet_type {
                0 => "In",
                1 => "B",
                2 => "M",
                3 => "P",
                4 => "Out",
                _ => "?",
            };
            match (header.interface, shown) {
                (Some(interface), true) => write!(f, "{direction:<3} ifindex {interface} ")?,
                (Some(_), false) => write!(f, "{direction:<3} ")?,
                (None, true) => write!(f, "{direction:>3} ")?,
                (None, false) => {}
            }
            if shown {
                // Only those of Ethernet's kind.
                if let (Some(address), 6) = (header.address.first_chunk::<6>(), header.address_length) {
                    write!(f, "{} ", Hardware(address))?;
                }
                write!(f, "ethertype {}, length {length}: ", EtherType(header.protocol))?;
            }
            return Ok(false);
        }
        _ if !shown => return Ok(is_tunnel(fields)),
        Fields::Ethernet(header) => {
            write!(f, "{} > {}, ", Hardware(&header.source), Hardware(&header.destination))?;
            kind(header.ethertype, f)?;
            // Of an IEEE 802.3 frame it is the length that stands in the ethertype's place.
            let length = match header.ethertype {
                inside @ 0..=1500 => length.saturating_sub(layer.range().len()).min(inside.into()),
                _ => length,
            };
            write!(f, ", length {length}: ")?;
        }
        Fields::Tagged(header) => {
            if let Some(control) = header.control {
                write!(f, "async{} ", control & 0b111)?;
            }
            write!(f, "{} > {}, ", Hardware(&header.source), Hardware(&header.destination))?;
            if header.ethertype != 0 {
                kind(header.ethertype, f)?;
                f.write_str(", ")?;
            }
            write!(f, "length {length}: ")?;
        }
        Fields::Vlan(header) => {
            write!(f, "vlan {}, p {}, ", header.id, header.priority)?;
            f.write_str(if header.drop_eligible { "DEI, " } else { "" })?;
            kind(header.ethertype, f)?;
            f.write_str(", ")?;
        }
        Fields::Llc(header) => {
            let (destination, source) = (header.destination, header.source);
            let kind = if destination & 1 == 0 { "Individual" } else { "Group" };
            write!(f, "LLC, dsap {} ({destination:#04x}) {kind}, ", service(destination))?;
            let kind = if source & 1 == 0 { "Command" } else { "Response" };
            let source = source & !1;
            write!(f, "ssap {} ({source:#04x}) {kind}, ctrl {:#04x}: ", service(source), header.control)?;
        }
        Fields::Snap(header) => {
            // There are but two; see the walk.
            let (name, kind) = match header.organisation {
                0 => ("Ethernet", "ethertype"),
                _ => ("Cisco bridged", "pid"),
            };
            write!(f, "oui {name} ({:#08x}), {kind} {}", header.organisation, EtherType(header.protocol))?;
            write!(f, ", length {}: ", length.saturating_sub(5))?;
        }
        Fields::Loopback(header) => {
            let name = if header.family == 2 { "IPv4" } else { "IPv6" };
            write!(f, "AF {name} ({}), length {length}: ", header.family)?;
        }
        Fields::Wlan(header) => {
            let (source, destination) = (Hardware(&header.source), Hardware(&header.destination));
            let (receiver, transmitter) = (Hardware(&header.receiver), Hardware(&header.transmitter));
            // In the order of the frame, which depends on whether it comes from an access point and goes to one.
            match header.flags & 0b11 {
                0 => write!(f, "DA:{destination} SA:{source} BSSID:{} ", Hardware(&header.third))?,
                1 => write!(f, "BSSID:{receiver} SA:{source} DA:{destination} ")?,
                2 => write!(f, "DA:{destination} BSSID:{transmitter} SA:{source} ")?,
                _ => write!(f, "RA:{receiver} TA:{transmitter} DA:{destination} SA:{source} ")?,
            }
        }
        Fields::Log(header) => match (header.verdict, header.resource, header.family) {
            (Some(verdict), ..) => self::verdict(&verdict, f)?,
            (None, resource, family) => {
                let (resource, name) =
                    (resource.unwrap_or_default(), if family == 2 { "IPv4" } else { "IPv6" });
                write!(f, "version 0, resource ID {resource}, family {name} ({family}), length {length}: ")?;
            }
        },
        Fields::Ppp(header) if layer.name() == "c-hdlc" => {
            write!(f, "ethertype {}, length {length}: ", EtherType(header.protocol))?;
        }
        Fields::Ppp(header) => {
            let name = ppp_name(header.protocol).unwrap_or("unknown");
            write!(f, "{name} ({:#06x}), length {length}: ", header.protocol)?;
        }
        fields => return Ok(is_tunnel(fields)),
    }
    Ok(false)
}

/// Whether a layer is not a link header but one of those that are always shown.
fn is_tunnel(fields: &Fields<'_>) -> bool {
    !matches!(
        fields,
        Fields::Ethernet(_)
            | Fields::Tagged(_)
            | Fields::Vlan(_)
            | Fields::Llc(_)
            | Fields::Snap(_)
            | Fields::Loopback(_)
            | Fields::Wlan(_)
            | Fields::Log(_)
            | Fields::Ppp(_)
            | Fields::Bytes(_)
    )
}

fn kind(ethertype: u16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // Up to here it is the length of an IEEE 802.3 frame.
    match ethertype {
        0..=1500 => f.write_str("802.3"),
        _ => write!(f, "ethertype {}", EtherType(ethertype)),
    }
}

/// What OpenBSD's packet filter decided, and by which rule.
fn verdict(verdict: &Verdict<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Verdict { action, reason, direction, rule, inner, interface } = verdict;
    write!(f, "rule {rule}")?;
    if let Some((ruleset, rule)) = inner {
        write!(f, ".{}.{rule}", ruleset.escape_ascii())?;
    }
    match ["match", "bad-offset", "fragment", "short", "normalize", "memory"].get(usize::from(*reason)) {
        Some(name) => write!(f, "/{reason}({name}): ")?,
        None => write!(f, "/unkn({reason}): ")?,
    }
    match action {
        0 => f.write_str("pass")?,
        1 => f.write_str("block")?,
        2 => f.write_str("scrub")?,
        4 | 5 => f.write_str("nat")?,
        6 | 7 => f.write_str("binat")?,
        8 | 9 => f.write_str("rdr")?,
        10 => f.write_str("synproxy-drop")?,
        other => write!(f, "unkn({other})")?,
    }
    match direction {
        0 => f.write_str(" in/out")?,
        1 => f.write_str(" in")?,
        2 => f.write_str(" out")?,
        other => write!(f, " unkn({other})")?,
    }
    write!(f, " on {}: ", interface.escape_ascii())
}

/// What a service access point of LLC stands for, of those whose frames are decoded.
fn service(point: u8) -> &'static str {
    match point {
        0x06 => "IP",
        0xaa => "SNAP",
        _ => "Unknown",
    }
}

/// What a protocol of PPP is called.
fn ppp_name(protocol: u16) -> Option<&'static str> {
    Some(match protocol {
        0x0021 => "IP",
        0x0057 => "IP6",
        0x0281 => "MPLS",
        0x8021 => "IPCP",
        0x8057 => "IP6CP",
        0x80fd => "CCP",
        0xc021 => "LCP",
        0xc023 => "PAP",
        0xc223 => "CHAP",
        _ => return None,
    })
}

/// An ethertype with its name.
pub(super) struct EtherType(pub(super) u16);

impl fmt::Display for EtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0x0800 => "IPv4",
            0x0806 => "ARP",
            0x6558 => "TEB",
            0x8035 => "Reverse ARP",
            0x8100 => "802.1Q",
            0x86dd => "IPv6",
            0x8847 => "MPLS unicast",
            0x8848 => "MPLS multicast",
            0x8863 => "PPPoE D",
            0x8864 => "PPPoE S",
            0x888e => "EAPOL",
            0x88a8 => "802.1Q-QinQ",
            0x88cc => "LLDP",
            0x88e5 => "802.1AE MACsec",
            0x9000 => "Loopback",
            0x9100 => "802.1Q-9100",
            _ => "Unknown",
        };
        write!(f, "{name} ({:#06x})", self.0)
    }
}

/// A frame of an unknown type: its addresses too, where they were not shown.
pub(super) fn unknown_type(
    last: Option<&Layer<'_>>,
    number: u32,
    length: usize,
    shown: bool,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let ethertype = EtherType(u16::try_from(number).unwrap_or(0));
    match last.map(|layer| (layer.fields(), layer.total())) {
        _ if shown => Ok(()),
        Some((Fields::Ethernet(header), total)) => {
            write!(f, "{} > {}, ", Hardware(&header.source), Hardware(&header.destination))?;
            write!(f, "ethertype {ethertype}, length {total}")
        }
        _ => write!(f, "ethertype {ethertype}, length {length}"),
    }
}

/// A message of one of PPP's own protocols.
pub(super) fn ppp(number: u32, payload: &[u8], length: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(name) = u16::try_from(number).ok().and_then(ppp_name) else {
        return write!(f, "unknown PPP protocol ({number:#06x}), length {length}");
    };
    let [code, id, ..] = payload else { return write!(f, "{name}, length {length}") };
    let words = match code {
        1 => "Conf-Request",
        2 => "Conf-Ack",
        3 => "Conf-Nack",
        4 => "Conf-Reject",
        5 => "Term-Request",
        6 => "Term-Ack",
        7 => "Code-Reject",
        8 => "Prot-Reject",
        9 => "Echo-Request",
        10 => "Echo-Reply",
        11 => "Disc-Req",
        _ => return write!(f, "{name}, code {code}, id {id}, length {length}"),
    };
    match number {
        0xc023 | 0xc223 => write!(f, "{name}, code {code}, id {id}, length {length}"),
        // tcpdump counts the protocol's two bytes too.
        _ => write!(f, "{name}, {words} ({code:#04x}), id {id}, length {}", length + 2),
    }
}
