//! When a transport checksum is right, wrong, or cannot be told.

use egret_decode::{Checksum, LinkType, decode, decode_datagram};

use crate::build::*;

/// The sum of RFC 1071 over pseudo header and segment, the slow and obvious way.
fn sum(pseudo: &[&[u8]], segment: &[u8]) -> u16 {
    let mut bytes = join(pseudo);
    bytes.extend_from_slice(segment);
    if bytes.len() % 2 == 1 {
        bytes.push(0);
    }
    let mut sum: u32 = 0;
    for pair in bytes.chunks(2) {
        sum += u32::from(u16::from_be_bytes([pair[0], pair[1]]));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The segment with its checksum filled in, for the addresses that `build` gives.
fn summed(version: u8, protocol: u8, mut segment: Vec<u8>) -> Vec<u8> {
    let length = (segment.len() as u32).to_be_bytes();
    let (ip, numbers) = if version == 4 { (ipv4(0, b""), 12..20) } else { (ipv6(0, b""), 8..40) };
    let checksum = sum(&[&ip[numbers], &length, &[0, protocol]], &segment);
    let at = if protocol == TCP { 16 } else { 6 };
    segment[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
    segment
}

#[test]
fn a_checksum_is_verified_with_the_pseudo_header_of_either_version() {
    for payload in [&b""[..], b"odd", b"even", &[0xff; 1001]] {
        let tcp = tcp(&[1, 1, 1, 1], payload);
        let udp = udp(payload);
        for data in [
            ethernet(IPV4, &join(&[&ipv4(TCP, &summed(4, TCP, tcp.clone())), b"padding"])),
            ethernet(IPV6, &join(&[&ipv6(TCP, &summed(6, TCP, tcp)), b"padding"])),
            ethernet(IPV4, &ipv4(UDP, &summed(4, UDP, udp.clone()))),
            ethernet(IPV6, &ipv6(UDP, &summed(6, UDP, udp))),
        ] {
            assert_eq!(decoded(&data).checksum(), Checksum::Valid);
            let mut damaged = data.clone();
            damaged[14 + 19] ^= 1;
            assert_eq!(decoded(&damaged).checksum(), Checksum::Invalid, "an address");
        }
    }
    let mut data = ethernet(IPV4, &ipv4(TCP, &summed(4, TCP, tcp(&[], b"payload"))));
    *data.last_mut().unwrap() ^= 1;
    assert_eq!(decoded(&data).checksum(), Checksum::Invalid, "the payload");
}

#[test]
fn a_udp_checksum_of_0_is_absent() {
    let data = ethernet(IPV4, &ipv4(UDP, &udp(b"x")));
    assert_eq!(decoded(&data).checksum(), Checksum::Absent);
}

#[test]
fn what_does_not_have_all_its_bytes_is_unverifiable() {
    let whole = summed(4, TCP, tcp(&[], b"payload"));
    let data = ethernet(IPV4, &ipv4(TCP, &whole));
    assert_eq!(
        decoded_cut(&data, data.len() - 1).checksum(),
        Checksum::Unverifiable,
        "cut by the snap length"
    );
    let short = &data[..data.len() - 1];
    assert_eq!(decoded(short).checksum(), Checksum::Unverifiable, "shorter on the wire than IP says");
    let fragment = ethernet(IPV4, &ipv4_fragment(TCP, 0, true, &whole));
    assert_eq!(decoded(&fragment).checksum(), Checksum::Unverifiable, "a fragment");
    assert_eq!(decode_datagram(&decoded(&fragment), &whole).checksum(), Checksum::Valid, "put together");
    let mut datagram = summed(4, UDP, udp(b"payload"));
    datagram[5] += 1;
    let data = ethernet(IPV4, &ipv4(UDP, &datagram));
    assert_eq!(decoded(&data).checksum(), Checksum::Unverifiable, "shorter than UDP says");
    let other = decode(packet(LinkType::ETHERNET, b""));
    assert_eq!(other.checksum(), Checksum::Unverifiable, "no transport");
}

#[test]
fn a_source_route_with_hops_to_go_makes_it_unverifiable() {
    let segment = summed(4, TCP, tcp(&[], b"x"));
    for kind in [131, 137] {
        for (pointer, expected) in
            [(4, Checksum::Unverifiable), (7, Checksum::Unverifiable), (8, Checksum::Valid)]
        {
            let route = [kind, 7, pointer, 10, 0, 0, 9, 0];
            let data = ethernet(IPV4, &ipv4_options(TCP, &route, &segment));
            assert_eq!(decoded(&data).checksum(), expected, "option {kind}, pointer {pointer}");
        }
    }
    let segment = summed(6, TCP, tcp(&[], b"x"));
    for (left, expected) in [(1, Checksum::Unverifiable), (0, Checksum::Valid)] {
        let data = ethernet(IPV6, &ipv6(43, &join(&[&[TCP, 0, 0, left, 0, 0, 0, 0], &segment])));
        assert_eq!(decoded(&data).checksum(), expected, "{left} segments left");
    }
}

#[test]
fn a_datagram_whose_fragment_may_have_had_a_source_route_is_unverifiable() {
    let segment = summed(4, TCP, tcp(&[], b"x"));
    let mut first = ipv4_options(TCP, &[1; 4], &segment);
    first[6] = 0x20;
    let data = ethernet(IPV4, &first);
    let whole = decode_datagram(&decoded(&data), &segment);
    assert!(whole.tcp().is_some());
    assert_eq!(whole.checksum(), Checksum::Unverifiable);
    let segment = summed(6, TCP, tcp(&[], b"x"));
    let header = join(&[&[TCP, 0, 0, 1, 0, 0, 0, 9], &segment]);
    for (next, inner, expected) in [
        (44, header.clone(), Checksum::Valid),
        (43, join(&[&[44, 0, 0, 1, 0, 0, 0, 0], &header]), Checksum::Unverifiable),
    ] {
        let data = ethernet(IPV6, &ipv6(next, &inner));
        assert_eq!(decode_datagram(&decoded(&data), &segment).checksum(), expected);
    }
}
