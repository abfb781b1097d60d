//! The short way for what most packets are: TCP in IPv4 in Ethernet, whole, without a tag, a tunnel, a fragment or
//! IP options.
//!
//! Promises: exactly what the walk makes of such a packet, in a third of the instructions; a test compares the two.
//! Refuses everything else, and everything odd: that is the walk's.

use std::net::Ipv4Addr;

use egret_capture::{LinkType, Packet};

use crate::{Decoded, Decoder, Endpoint, Flow, Ipv4, Network, Path, Tcp, TcpFlags, TcpOptions, Transport};

/// Decodes a packet, if it is such a one. Inlined in any case, so that what it finds is put in its place and not copied there.
#[inline(always)]
pub(crate) fn packet<'a>(decoder: &'a Decoder, packet: Packet<'a>) -> Option<Decoded<'a>> {
    const TCP: u8 = 6;
    if packet.link_type != LinkType::ETHERNET || packet.cut() > 0 {
        return None;
    }
    let ([.., 0x08, 0x00], datagram) = packet.data.split_first_chunk::<14>()? else { return None };
    let &[0x45, tos, l, m, i, j, f, g, ttl, TCP, c, d, s, t, u, v, w, x, y, z] =
        datagram.first_chunk::<20>()?
    else {
        return None;
    };
    let fragment = u16::from_be_bytes([f, g]);
    if fragment & 0x3fff != 0 {
        return None;
    }
    let total_length = u16::from_be_bytes([l, m]);
    let segment = datagram.get(20..total_length.into())?;
    let (header, behind) = segment.split_first_chunk::<20>()?;
    let &[e, h, k, n, seq @ .., _, _, _, _, _, _, _, _, _, _, _, _] = header;
    let &[.., a0, a1, a2, a3, offset, flags, w0, w1, c0, c1, u0, u1] = header;
    let (options, payload) = behind.split_at_checked(usize::from(offset >> 4).checked_sub(5)? * 4)?;
    let tcp = Tcp {
        source_port: u16::from_be_bytes([e, h]),
        destination_port: u16::from_be_bytes([k, n]),
        seq: u32::from_be_bytes(seq),
        ack: u32::from_be_bytes([a0, a1, a2, a3]),
        flags: TcpFlags(flags),
        window: u16::from_be_bytes([w0, w1]),
        checksum: u16::from_be_bytes([c0, c1]),
        urgent: u16::from_be_bytes([u0, u1]),
        options: TcpOptions::new(options),
    };
    let (source, destination) = (Ipv4Addr::new(s, t, u, v), Ipv4Addr::new(w, x, y, z));
    let ipv4 = Ipv4 {
        source,
        destination,
        protocol: TCP,
        ttl,
        tos,
        identification: u16::from_be_bytes([i, j]),
        dont_fragment: fragment & 0x4000 != 0,
        total_length,
        header_length: 20,
        checksum: u16::from_be_bytes([c, d]),
        fragment: None,
    };
    let flow = Flow {
        source: Endpoint { ip: source.into(), port: tcp.source_port },
        destination: Endpoint { ip: destination.into(), port: tcp.destination_port },
        path: Path::EMPTY,
    };
    Some(Decoded {
        packet,
        network: Some(Network::Ipv4(ipv4)),
        transport: Some(Transport::Tcp(tcp)),
        path: Path::EMPTY,
        flow: Some(flow),
        payload,
        cut: 0,
        stop: None,
        segment,
        decoder,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::{self, Unseen};
    use egret_capture::Timestamp;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// Ethernet, IPv4, TCP with time stamps, five bytes of payload, three of padding.
    const PLAIN: &[u8] = b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0\
        \x45\0\0\x39\0\x01\x40\0\x40\x06\0\0\x0a\0\0\x01\x0a\0\0\x02\
        \xc8\x22\0\x50\0\0\0\x01\0\0\0\x02\x80\x18\xff\xff\0\0\0\0\x01\x01\x08\x0a\0\0\0\x01\0\0\0\x02\
        hello\0\0\0";

    proptest! {
        #[test]
        fn it_is_what_the_walk_finds(
            changes in vec((0..PLAIN.len(), any::<u8>()), 0..4),
            length in prop_oneof![Just(PLAIN.len()), 0..PLAIN.len()],
            cut in prop_oneof![Just(0_u32), 0_u32..9],
        ) {
            let mut data = PLAIN.to_vec();
            for (place, byte) in changes {
                data[place] = byte;
            }
            data.truncate(length);
            let wire_len = data.len() as u32 + cut;
            let (timestamp, link_type) = (Timestamp::EPOCH, LinkType::ETHERNET);
            let given = Packet { number: 1, timestamp, link_type, interface: 0, data: &data, wire_len };
            let long = walk::packet(Decoder::STANDARD, given, &mut Unseen);
            if let Some(short) = packet(Decoder::STANDARD, given) {
                prop_assert_eq!(format!("{short:?}"), format!("{long:?}"));
            }
        }
    }

    #[test]
    fn a_plain_packet_goes_this_way() {
        let (timestamp, link_type) = (Timestamp::EPOCH, LinkType::ETHERNET);
        let wire_len = PLAIN.len() as u32;
        let given = Packet { number: 1, timestamp, link_type, interface: 0, data: PLAIN, wire_len };
        let decoded = packet(Decoder::STANDARD, given).expect("it is plain");
        assert_eq!((decoded.payload, decoded.segment.len()), (&b"hello"[..], 37));
        assert_eq!(decoded.tcp().and_then(|tcp| tcp.options.timestamps()), Some((1, 2)));
    }
}
