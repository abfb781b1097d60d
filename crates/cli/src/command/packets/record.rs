//! A packet as JSON.

use std::net::{IpAddr, Ipv4Addr};

use egret_decode::{Arp, Decoded, Fragment, Icmp, Layers, Network, Stop, TcpFlags, Timestamp, Transport};
use serde::{Serialize, Serializer};

use super::text::Mac;
use crate::output::json::Text;
use crate::output::protocol::Protocol;

#[derive(Serialize)]
pub(super) struct Record<'a> {
    number: u64,
    time: Text<Timestamp>,
    length: u32,
    captured: usize,
    interface: u32,
    layers: Names<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<Text<Protocol>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp: Option<TcpRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    udp: Option<UdpRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp: Option<IcmpRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arp: Option<ArpRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fragment: Option<FragmentRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<Text<Stop>>,
}

#[derive(Serialize)]
struct TcpRecord {
    seq: u32,
    ack: u32,
    flags: Text<TcpFlags>,
    window: u16,
    payload: usize,
}

#[derive(Serialize)]
struct UdpRecord {
    payload: usize,
}

#[derive(Serialize)]
struct IcmpRecord {
    #[serde(rename = "type")]
    kind: u8,
    code: u8,
}

#[derive(Serialize)]
struct ArpRecord {
    operation: u16,
    sender_mac: Text<Mac>,
    sender_ip: Ipv4Addr,
    target_mac: Text<Mac>,
    target_ip: Ipv4Addr,
}

#[derive(Serialize)]
struct FragmentRecord {
    id: u32,
    offset: u32,
    more: bool,
    payload: usize,
}

impl<'a> Record<'a> {
    pub(super) fn new(decoded: &Decoded<'_>, layers: &'a Layers<'a>) -> Self {
        let packet = &decoded.packet;
        let addresses = decoded.network.and_then(|network| network.addresses());
        // The payload as it was on the wire.
        let payload = decoded.payload.len() + decoded.cut as usize;
        let mut record = Self {
            number: packet.number,
            time: Text(packet.timestamp),
            length: packet.wire_len,
            captured: packet.data.len(),
            interface: packet.interface,
            layers: Names(layers),
            source: addresses.map(|(source, _)| source),
            destination: addresses.map(|(_, destination)| destination),
            protocol: Protocol::of(decoded).map(Text),
            source_port: None,
            destination_port: None,
            tcp: None,
            udp: None,
            icmp: None,
            arp: match decoded.network {
                Some(Network::Arp(arp)) => Some(arp.into()),
                _ => None,
            },
            fragment: decoded.fragment().map(|Fragment { identification, offset, more, .. }| {
                FragmentRecord { id: identification, offset, more, payload }
            }),
            stopped: decoded.stop.map(Text),
        };
        match decoded.transport {
            Some(Transport::Tcp(tcp)) => {
                record.ports(tcp.source_port, tcp.destination_port);
                let (seq, ack, flags, window) = (tcp.seq, tcp.ack, Text(tcp.flags), tcp.window);
                record.tcp = Some(TcpRecord { seq, ack, flags, window, payload });
            }
            Some(Transport::Udp(udp)) => {
                record.ports(udp.source_port, udp.destination_port);
                record.udp = Some(UdpRecord { payload });
            }
            Some(Transport::Icmp(Icmp { kind, code, .. })) => record.icmp = Some(IcmpRecord { kind, code }),
            _ => {}
        }
        record
    }

    fn ports(&mut self, source: u16, destination: u16) {
        (self.source_port, self.destination_port) = (Some(source), Some(destination));
    }
}

impl From<Arp> for ArpRecord {
    fn from(arp: Arp) -> Self {
        let Arp { operation, sender_mac, sender_ip, target_mac, target_ip } = arp;
        Self {
            operation,
            sender_mac: Text(Mac(sender_mac)),
            sender_ip,
            target_mac: Text(Mac(target_mac)),
            target_ip,
        }
    }
}

/// The names of the headers, from the outside in. The payload is not one.
struct Names<'a>(&'a Layers<'a>);

impl Serialize for Names<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|layer| layer.name()).filter(|name| *name != "payload"))
    }
}
