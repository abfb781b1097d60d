//! A packet as JSON.

use egret_decode::dns::{Kind, Message};
use egret_decode::{Arp, Fragment, Hardware, Icmp, Layers, Network, Transport};

use crate::output::json::Json;
use crate::output::protocol::Protocol;

pub(super) fn write(layers: &Layers<'_>, json: &mut Json<'_>) {
    let decoded = layers.decoded();
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
            let (source, destination) = (udp.source_port, udp.destination_port);
            ports(source, destination, json);
            json.inside("udp", |json| json.put("payload", payload));
            let is = |port: u16| source == port || destination == port;
            if let Some(message) = Message::new(decoded.payload).filter(|_| is(53) || is(5353)) {
                json.inside("dns", |json| dns(message, json));
            }
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
            json.text("sender_mac", Hardware(&sender_mac));
            json.put("sender_ip", sender_ip);
            json.text("target_mac", Hardware(&target_mac));
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

fn dns(message: Message<'_>, json: &mut Json<'_>) {
    json.put("id", message.id);
    json.put("response", message.is_response());
    json.put("opcode", message.opcode());
    if message.is_response() {
        json.put("code", message.response_code());
    }
    json.objects("questions", message.questions(), |question, json| {
        json.text("name", question.name);
        json.text("type", Kind(question.kind));
    });
    json.objects("answers", message.answers(), |answer, json| {
        json.text("name", answer.name);
        json.text("type", Kind(answer.kind));
        json.put("ttl", answer.ttl);
        json.text("data", answer.data());
    });
}

fn ports(source: u16, destination: u16, json: &mut Json<'_>) {
    json.put("source_port", source);
    json.put("destination_port", destination);
}
