//! IPv4, IPv6 with its extension headers, and ARP: lengths, fragments, and what contradicts the format.

use egret_decode::{Fragment, LinkType, Network, Packet, StopReason, Transport, decode, decode_datagram};

use crate::build::*;

#[test]
fn ethernet_padding_behind_the_ip_length_is_not_payload() {
    let padding = [0; 20];
    let v4 = ipv4(TCP, &tcp(&[], b"a"));
    let v6 = ipv6(TCP, &tcp(&[], b"a"));
    for (ethertype, datagram) in [(IPV4, v4), (IPV6, v6)] {
        let data = ethernet(ethertype, &join(&[&datagram, &padding]));
        assert_eq!((decoded(&data).payload, decoded(&data).cut), (&b"a"[..], 0));
        // Padding that was cut off is no missing payload either.
        let decoded = decoded_cut(&data, data.len() - 15);
        assert_eq!((decoded.payload, decoded.cut), (&b"a"[..], 0));
    }
}

#[test]
fn an_ip_length_of_0_means_the_packets_own_length() {
    let mut v4 = ipv4(TCP, &tcp(&[], &[7; 3000]));
    v4[2..4].fill(0);
    let mut v6 = ipv6(TCP, &tcp(&[], &[7; 3000]));
    v6[4..6].fill(0);
    for (ethertype, datagram) in [(IPV4, v4), (IPV6, v6)] {
        let data = ethernet(ethertype, &datagram);
        assert_eq!((decoded(&data).payload.len(), decoded(&data).cut), (3000, 0));
        let decoded = decoded_cut(&data, data.len() - 1000);
        assert_eq!((decoded.payload.len(), decoded.cut), (2000, 1000));
    }
}

#[test]
fn what_the_snap_length_cut_off_is_counted_up_to_the_ip_length() {
    let data = ethernet(IPV4, &join(&[&ipv4(TCP, &tcp(&[], &[7; 100])), &[0; 4]]));
    let decoded = decoded_cut(&data, 14 + 20 + 20 + 40);
    assert_eq!((decoded.payload.len(), decoded.cut, decoded.stop), (40, 60, None));
}

#[test]
fn an_ip_length_beyond_the_wire_is_not_believed() {
    let mut datagram = ipv4(TCP, &tcp(&[], &[7; 100]));
    datagram[2..4].copy_from_slice(&9000_u16.to_be_bytes());
    let data = ethernet(IPV4, &datagram);
    assert_eq!((decoded(&data).payload.len(), decoded(&data).cut), (100, 0));
    let cut = decoded_cut(&data, data.len() - 30);
    assert_eq!((cut.payload.len(), cut.cut), (70, 30), "bytes that were on the wire, no more");
}

#[test]
fn a_wire_length_below_the_captured_one_cuts_nothing_off() {
    let data = ethernet(IPV4, &ipv4(TCP, &tcp(&[], &[7; 100])));
    let decoded = decode(Packet { wire_len: 3, ..packet(LinkType::ETHERNET, &data) });
    assert_eq!((decoded.payload.len(), decoded.cut), (100, 0));
}

#[test]
fn an_ipv4_header_that_contradicts_itself_is_malformed() {
    let whole = ipv4(TCP, &tcp(&[], b"data"));
    let broken = |index: usize, value: u8| {
        let mut datagram = whole.clone();
        datagram[index] = value;
        let data = ethernet(IPV4, &datagram);
        let decoded = decoded(&data);
        assert_eq!((decoded.payload, decoded.network), (&datagram[..], None), "all of it is kept");
        stop(&decoded)
    };
    assert_eq!(broken(0, 0x44), "ipv4: the header length is below 20 bytes");
    assert_eq!(broken(0, 0x65), "ipv4: the version is not 4");
    assert_eq!(broken(3, 19), "ipv4: the total length is below the header length");
}

#[test]
fn an_ipv4_header_that_was_cut_says_what_it_needed() {
    let data = ethernet(IPV4, &ipv4_options(TCP, &[1; 12], &tcp(&[], b"")));
    assert_eq!(
        decoded_cut(&data, 14 + 19).stop.unwrap().reason,
        StopReason::Truncated { needed: 20, had: 19 }
    );
    assert_eq!(
        decoded_cut(&data, 14 + 31).stop.unwrap().reason,
        StopReason::Truncated { needed: 32, had: 31 }
    );
    assert_eq!(decoded_cut(&data, 14 + 31).cut, 21, "the rest of the header and all behind it");
}

#[test]
fn ipv4_options_are_passed() {
    let data = ethernet(IPV4, &ipv4_options(TCP, &[148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0], &tcp(&[], b"x")));
    let decoded = decoded(&data);
    let Some(Network::Ipv4(header)) = decoded.network else { panic!("{decoded:?}") };
    assert_eq!(header.header_length, 32);
    assert_eq!(decoded.payload, b"x");
}

#[test]
fn an_ipv4_fragment_has_a_flow_without_ports_and_its_piece_as_payload() {
    for (offset, more) in [(0, true), (1480, true), (2960, false)] {
        let data = ethernet(IPV4, &join(&[&ipv4_fragment(TCP, offset, more, &[9; 24]), &[0; 6]]));
        let decoded = decoded(&data);
        let expected = Fragment { identification: 9, offset: offset.into(), more, protocol: TCP };
        assert_eq!(decoded.fragment(), Some(expected));
        assert_eq!(decoded.flow.unwrap().to_string(), "10.0.0.1:0 > 10.0.0.2:0");
        assert_eq!((decoded.transport, decoded.stop, decoded.payload), (None, None, &[9; 24][..]));
    }
}

#[test]
fn do_not_fragment_makes_no_fragment() {
    let mut datagram = ipv4(TCP, &tcp(&[], b""));
    datagram[6] = 0x40;
    let data = ethernet(IPV4, &datagram);
    assert_eq!(decoded(&data).fragment(), None);
    assert!(matches!(decoded(&data).network, Some(Network::Ipv4(header)) if header.dont_fragment));
}

#[test]
fn an_unknown_protocol_keeps_its_payload() {
    let data = ethernet(IPV4, &ipv4(132, b"sctp"));
    assert_eq!(stop(&decoded(&data)), "protocol 132 is not decoded");
    assert_eq!(decoded(&data).payload, b"sctp");
    assert!(decoded(&data).flow.is_some());
}

/// An extension header of `units` further units of eight bytes.
fn extension(next: u8, units: u8, rest: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 8 + 8 * usize::from(units)];
    (header[0], header[1]) = (next, units);
    join(&[&header, rest])
}

fn fragment_header(next: u8, offset: u16, more: bool, rest: &[u8]) -> Vec<u8> {
    let field = (offset | u16::from(more)).to_be_bytes();
    join(&[&[next, 0], &field, &[0, 1, 0, 2], rest])
}

#[test]
fn ipv6_extension_headers_are_passed() {
    let authentication = join(&[&[TCP, 4, 0, 0], &[0; 20], &tcp(&[], b"x")]);
    let inner = extension(43, 0, &extension(60, 1, &extension(51, 2, &authentication)));
    let data = ethernet(IPV6, &ipv6(0, &inner));
    let decoded = decoded(&data);
    assert_eq!(decoded.payload, b"x");
    let Some(Network::Ipv6(header)) = decoded.network else { panic!("{decoded:?}") };
    assert_eq!((header.protocol, header.extensions_length), (TCP, 8 + 16 + 24 + 24));
    assert_eq!(
        names(LinkType::ETHERNET, &data),
        [
            "ethernet",
            "ipv6",
            "ipv6-hop-by-hop",
            "ipv6-routing",
            "ipv6-destination",
            "authentication",
            "tcp",
            "payload"
        ]
    );
}

#[test]
fn eight_ipv6_extension_headers_are_passed_and_a_ninth_is_not() {
    let chain = |count: usize| {
        let inner = (0..count)
            .fold(tcp(&[], b"x"), |inner, index| extension(if index == 0 { TCP } else { 60 }, 0, &inner));
        ethernet(IPV6, &ipv6(60, &inner))
    };
    assert!(decoded(&chain(8)).tcp().is_some());
    let data = chain(9);
    let decoded = decoded(&data);
    assert_eq!(decoded.stop.unwrap().reason, StopReason::TooDeep);
    assert!(decoded.flow.is_some(), "what was decoded is kept");
}

#[test]
fn an_ipv6_extension_header_that_was_cut_keeps_the_addresses() {
    let data = ethernet(IPV6, &ipv6(0, &extension(TCP, 2, &tcp(&[], b"x"))));
    let decoded = decoded_cut(&data, 14 + 40 + 23);
    assert_eq!(decoded.stop.unwrap().reason, StopReason::Truncated { needed: 24, had: 23 });
    assert_eq!(decoded.flow.unwrap().to_string(), "[fd00::1]:0 > [fd00::2]:0");
}

#[test]
fn no_next_header_means_what_it_says() {
    let data = ethernet(IPV6, &join(&[&ipv6(59, b""), b"padding"]));
    assert_eq!((decoded(&data).payload, decoded(&data).stop), (&b""[..], None));
    let data = ethernet(IPV6, &ipv6(59, b"ignored"));
    assert_eq!((decoded(&data).payload, decoded(&data).stop), (&b"ignored"[..], None));
}

fn jumbo(length: u32, rest: &[u8]) -> Vec<u8> {
    let mut datagram = ipv6(0, &join(&[&[TCP, 0, 0xc2, 4], &length.to_be_bytes(), rest]));
    datagram[4..6].fill(0);
    ethernet(IPV6, &datagram)
}

#[test]
fn a_jumbo_payload_option_gives_the_length() {
    let segment = tcp(&[], &[7; 70_000]);
    let data = jumbo(8 + 20 + 66_000, &segment);
    assert_eq!((decoded(&data).payload.len(), decoded(&data).cut), (66_000, 0));
    let decoded = decoded_cut(&data, 1000);
    assert_eq!(decoded.payload.len() + decoded.cut as usize, 66_000);
}

#[test]
fn a_jumbo_payload_option_is_found_behind_padding() {
    let length = (16_u32 + 20 + 65_536).to_be_bytes();
    let header = join(&[&[TCP, 1, 0, 1, 1, 0, 0xc2, 4], &length, &[0; 4]]);
    let mut datagram = ipv6(0, &join(&[&header, &tcp(&[], &[7; 70_000])]));
    datagram[4..6].fill(0);
    assert_eq!(decoded(&ethernet(IPV6, &datagram)).payload.len(), 65_536);
}

#[test]
fn a_jumbo_payload_option_among_destination_options_is_ignored() {
    let mut data = jumbo(66_000, &tcp(&[], &[7; 70_000]));
    data[14 + 6] = 60;
    assert_eq!(decoded(&data).payload.len(), 70_000);
}

#[test]
fn a_jumbo_payload_option_below_65536_is_ignored() {
    let data = jumbo(30, &tcp(&[], &[7; 100]));
    assert_eq!(decoded(&data).payload.len(), 100);
}

#[test]
fn a_jumbo_payload_option_beside_a_payload_length_is_ignored() {
    let mut data = jumbo(65_600, &tcp(&[], &[7; 66_000]));
    data[14 + 4..14 + 6].copy_from_slice(&40_u16.to_be_bytes());
    assert_eq!(decoded(&data).payload.len(), 40 - 8 - 20);
}

#[test]
fn an_ipv6_fragment_names_the_protocol_behind_its_fragment_header() {
    for (offset, more) in [(0, true), (1448, true), (2896, false)] {
        let inner = extension(44, 0, &fragment_header(60, offset, more, &[9; 16]));
        let data = ethernet(IPV6, &ipv6(0, &inner));
        let decoded = decoded(&data);
        let expected = Fragment { identification: 0x0001_0002, offset: offset.into(), more, protocol: 60 };
        assert_eq!(decoded.fragment(), Some(expected));
        assert_eq!((decoded.transport, decoded.stop, decoded.payload), (None, None, &[9; 16][..]));
    }
}

#[test]
fn the_reserved_bits_of_a_fragment_header_mean_nothing() {
    let mut header = fragment_header(TCP, 16, false, b"");
    header[3] |= 0b110;
    let data = ethernet(IPV6, &ipv6(44, &header));
    let fragment = decoded(&data).fragment().unwrap();
    assert_eq!((fragment.offset, fragment.more), (16, false));
}

#[test]
fn an_atomic_ipv6_fragment_is_a_whole_datagram() {
    let data = ethernet(IPV6, &ipv6(44, &fragment_header(TCP, 0, false, &tcp(&[], b"x"))));
    assert_eq!(decoded(&data).fragment(), None);
    assert_eq!(decoded(&data).payload, b"x");
    assert!(decoded(&data).tcp().is_some());
}

#[test]
fn a_datagram_goes_on_where_its_fragment_stopped() {
    let whole = tcp(&[], b"hello");
    let data = ethernet(0x8100, &vlan(7, IPV4, &ipv4_fragment(TCP, 16, false, &whole[16..])));
    let fragment = decoded(&data);
    let decoded = decode_datagram(&fragment, &whole);
    assert_eq!(decoded.payload, b"hello");
    assert_eq!(decoded.flow.unwrap().to_string(), "10.0.0.1:51200 > 10.0.0.2:80");
    assert_eq!(decoded.flow.unwrap().path.to_string(), "vlan 7");
    assert_eq!(decoded.fragment(), None);
    assert!(matches!(decoded.network, Some(Network::Ipv4(header)) if header.identification == 9));
    let expected = Packet { data: &whole, wire_len: 25, ..fragment.packet };
    assert_eq!(decoded.packet, expected, "number, time, link type and interface are the fragment's");
}

#[test]
fn an_ipv6_datagram_may_go_on_with_extension_headers() {
    let whole = extension(UDP, 0, &udp(b"hello"));
    let data = ethernet(IPV6, &ipv6(44, &fragment_header(60, 8, false, &whole[8..])));
    let decoded = decode_datagram(&decoded(&data), &whole);
    assert_eq!(decoded.payload, b"hello");
    assert!(matches!(decoded.transport, Some(Transport::Udp(_))));
    assert_eq!(decoded.fragment(), None);
}

#[test]
fn a_datagram_in_a_datagram_in_a_datagram_is_no_trouble() {
    let inner = extension(44, 255, &fragment_header(60, 8, false, b"x"));
    let data = ethernet(IPV6, &ipv6(60, &inner));
    let mut fragment = decoded(&data);
    for _ in 0..40 {
        fragment = decode_datagram(&fragment, &inner);
        assert!(fragment.fragment().is_some());
    }
}

#[test]
fn a_datagram_without_an_ip_header_in_front_is_just_payload() {
    let data = ethernet(0x88cc, b"");
    let decoded = decode_datagram(&decoded(&data), b"abc");
    assert_eq!((decoded.payload, decoded.flow), (&b"abc"[..], None));
}

fn arp() -> Vec<u8> {
    let sender = [2, 0, 0, 0, 0, 1, 10, 0, 0, 1];
    let target = [0, 0, 0, 0, 0, 0, 10, 0, 0, 2];
    join(&[&[0, 1, 8, 0, 6, 4, 0, 1], &sender, &target])
}

#[test]
fn arp_says_who_asks_for_whom_and_has_no_payload() {
    let data = ethernet(0x0806, &join(&[&arp(), &[0; 18]]));
    let decoded = decoded(&data);
    let Some(Network::Arp(header)) = decoded.network else { panic!("{decoded:?}") };
    assert_eq!((header.operation, header.sender_mac), (1, [2, 0, 0, 0, 0, 1]));
    assert_eq!(
        (header.sender_ip.to_string(), header.target_ip.to_string()),
        ("10.0.0.1".into(), "10.0.0.2".into())
    );
    assert_eq!((decoded.payload, decoded.flow, decoded.stop), (&b""[..], None, None));
}

#[test]
fn arp_for_other_addresses_is_not_decoded() {
    for (index, value, reason) in [
        (2, 0x86, "arp protocol 34304 is not decoded"),
        (4, 8, "arp hardware 1 is not decoded"),
        (5, 16, "arp protocol 2048 is not decoded"),
    ] {
        let mut header = arp();
        header[index] = value;
        let data = ethernet(0x0806, &header);
        assert_eq!(stop(&decoded(&data)), reason);
        assert_eq!(decoded(&data).payload, header);
    }
}
