//! What must hold for any packet and any DNS message. An input of the target `packet` is the link type (two bytes, little
//! endian), how many more bytes there were on the wire (one byte), and the packet.

use egret_decode::dns::Message;
use egret_decode::{Decoder, LinkType, Packet, Timestamp, UdpTunnel, decode_datagram};

/// The bytes of an input for a packet.
pub fn input(packet: Packet<'_>) -> Vec<u8> {
    let cut = u8::try_from(packet.cut()).unwrap_or(u8::MAX);
    [&packet.link_type.0.to_le_bytes()[..], &[cut], packet.data].concat()
}

/// Decodes a packet in every way there is, and checks what was found against the bytes it was found in.
pub fn packet(input: &[u8]) {
    let Some(([l0, l1, cut], data)) = input.split_first_chunk::<3>() else { return };
    let (timestamp, link_type) = (Timestamp::EPOCH, LinkType(u16::from_le_bytes([*l0, *l1])));
    let wire_len = data.len() as u32 + u32::from(*cut);
    let packet = Packet { number: 1, timestamp, link_type, interface: 0, data, wire_len };
    let decoder = Decoder { udp_tunnels: vec![(8472, UdpTunnel::Vxlan)], ignore_vlan: false };
    let layers = decoder.layers(packet);
    let decoded = layers.decoded();
    let mut end = 0;
    for layer in &layers {
        assert_eq!(layer.range().start, end, "{layer} is where the one around it leaves off");
        end = layer.range().end;
    }
    assert!(end <= data.len());
    assert!(decoded.payload.len() + decoded.cut as usize <= wire_len as usize);
    for link_header in [false, true] {
        let line = layers.line(link_header).to_string();
        assert!(!line.contains(|c: char| c.is_control() && c != '\t'), "{line:?}");
        assert!(line.len() < 2000 + 32 * data.len(), "{} bytes of a line", line.len());
    }
    let _ = (decoded.checksum(), decoded.flow.map(|flow| flow.shard(7)));
    let whole = decode_datagram(decoded, data);
    let _ = decode_datagram(&whole, data);
}

/// Reads a message in every way there is.
pub fn dns(input: &[u8]) {
    let Some(message) = Message::new(input) else { return };
    for shown in [message.to_string(), message.multicast().to_string()] {
        assert!(!shown.contains(char::is_control), "{shown:?}");
    }
    let questions = message.questions().map(|question| question.name.to_string().len());
    let answers = message.answers().map(|answer| answer.name.to_string().len());
    // Every byte of a label may be escaped to four.
    assert!(questions.chain(answers).all(|length| length <= 1100));
    message.answers().take(100).for_each(|answer| drop(answer.data().to_string()));
}
