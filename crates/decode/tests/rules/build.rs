//! Packets by hand: each function puts one header, right in every field, in front of the bytes it is given.

use egret_decode::{Decoded, LinkType, Packet, Timestamp, decode, layers};

pub(crate) const IPV4: u16 = 0x0800;
pub(crate) const IPV6: u16 = 0x86dd;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;

pub(crate) fn packet(link_type: LinkType, data: &[u8]) -> Packet<'_> {
    let wire_len = data.len() as u32;
    Packet { number: 7, timestamp: Timestamp::EPOCH, link_type, interface: 3, data, wire_len }
}

/// Decodes Ethernet bytes that were captured whole.
pub(crate) fn decoded(data: &[u8]) -> Decoded<'_> {
    decode(packet(LinkType::ETHERNET, data))
}

/// Decodes Ethernet bytes of which only the first `captured` were captured.
pub(crate) fn decoded_cut(data: &[u8], captured: usize) -> Decoded<'_> {
    let whole = packet(LinkType::ETHERNET, data);
    decode(Packet { data: &data[..captured], ..whole })
}

pub(crate) fn names(link_type: LinkType, data: &[u8]) -> Vec<&'static str> {
    layers(packet(link_type, data)).iter().map(|layer| layer.name()).collect()
}

/// Why decoding stopped, as text; empty when it did not.
pub(crate) fn stop(decoded: &Decoded<'_>) -> String {
    decoded.stop.map(|stop| stop.to_string()).unwrap_or_default()
}

pub(crate) fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub(crate) fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    join(&[&[2, 0, 0, 0, 0, 2], &[2, 0, 0, 0, 0, 1], &ethertype.to_be_bytes(), payload])
}

/// What follows the ethertype 0x8100: a tag.
pub(crate) fn vlan(id: u16, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    join(&[&id.to_be_bytes(), &ethertype.to_be_bytes(), payload])
}

pub(crate) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_options(protocol, &[], payload)
}

/// `options` in whole units of four bytes.
pub(crate) fn ipv4_options(protocol: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let header_length = 20 + options.len();
    let total = ((header_length + payload.len()) as u16).to_be_bytes();
    let first = 0x40 | (header_length / 4) as u8;
    let fixed = [first, 0, total[0], total[1], 0, 9, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    join(&[&fixed, options, payload])
}

/// A fragment; `offset` in bytes.
pub(crate) fn ipv4_fragment(protocol: u8, offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let mut header = ipv4(protocol, payload);
    let field = (offset / 8) | if more { 0x2000 } else { 0 };
    header[6..8].copy_from_slice(&field.to_be_bytes());
    header
}

pub(crate) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u16;
    let (mut source, mut destination) = ([0; 16], [0; 16]);
    (source[0], source[15], destination[0], destination[15]) = (0xfd, 1, 0xfd, 2);
    join(&[&[0x60, 0, 0, 0], &length.to_be_bytes(), &[next, 64], &source, &destination, payload])
}

pub(crate) fn tcp(options: &[u8], payload: &[u8]) -> Vec<u8> {
    let offset = ((20 + options.len()) / 4) as u8;
    let fixed = [0xc8, 0, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, offset << 4, 0x18, 1, 0, 0, 0, 0, 0];
    join(&[&fixed, options, payload])
}

pub(crate) fn udp(payload: &[u8]) -> Vec<u8> {
    let length = (8 + payload.len()) as u16;
    join(&[&[0xc8, 0, 0, 53], &length.to_be_bytes(), &[0, 0], payload])
}
