//! A packet as JSON.

use egret_decode::{Arp, Decoded, Fragment, Icmp, Layers, Network, Transport};

use super::text::Mac;
use crate::output::json::Json;
use crate::output::protocol::Protocol;

pub(super) fn write(decoded: &Decoded<'_>, layers: &Layers<'_>, json: &mut Json<'_>) {
    let packet = &decoded.packet;
    json.put("number", packet.number);
    json.text("time", packet.timestamp);
    json.put("length", packet.wire_len);
    json.put("captured", packet.data.len());
    json.put("interface", packet.interface);
    // The headers; the payload is none.
    json.list("layers", layers.iter().map(|layer| layer.name()).filter(|name| *name != "payload"));
    if let Some((source, destination)) = decoded.network.and_then(|network| network.addresses()) {
        json.put("source", source);
        json.put("destination", destination);
    }
    if let Some(protocol) = Protocol::of(decoded) {
        json.text("protocol", protocol);
    }
    // As it was on the wire.
    let payload = decoded.payload.len() + decoded.cut as usize;
    match decoded.transport {
        Some(Transport::Tcp(tcp)) => {
            ports(tcp.source_port, tcp.destination_port, json);
            json.inside("tcp", |json| {
                json.put("seq", tcp.seq);
                json.put("ack", tcp.ack);
                json.text("flags", tcp.flags);
                json.put("window", tcp.window);
                json.put("payload", payload);
            });
        }
        Some(Transport::Udp(udp)) => {
            ports(udp.source_port, udp.destination_port, json);
            json.inside("udp", |json| json.put("payload", payload));
        }
        Some(Transport::Icmp(Icmp { kind, code, .. })) => json.inside("icmp", |json| {
            json.put("type", kind);
            json.put("code", code);
        }),
        _ => {}
    }
    if let Some(Network::Arp(Arp { operation, sender_mac, sender_ip, target_mac, target_ip })) =
        decoded.network
    {
        json.inside("arp", |json| {
            json.put("operation", operation);
            json.text("sender_mac", Mac(sender_mac));
            json.put("sender_ip", sender_ip);
            json.text("target_mac", Mac(target_mac));
            json.put("target_ip", target_ip);
        });
    }
    if let Some(Fragment { identification, offset, more, .. }) = decoded.fragment() {
        json.inside("fragment", |json| {
            json.put("id", identification);
            json.put("offset", offset);
            json.put("more", more);
            json.put("payload", payload);
        });
    }
    if let Some(stop) = decoded.stop {
        json.text("stopped", stop);
    }
}

fn ports(source: u16, destination: u16, json: &mut Json<'_>) {
    json.put("source_port", source);
    json.put("destination_port", destination);
}
