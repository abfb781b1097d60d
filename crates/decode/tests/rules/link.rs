//! Link headers and VLAN tags: where the network header begins, and what stops decoding before it.

use egret_decode::{LinkType, PathId, StopReason, decode};

use crate::build::*;

#[test]
fn ethernet_leads_to_ip() {
    let data = ethernet(IPV4, &ipv4(TCP, &tcp(&[], b"hello")));
    let decoded = decoded(&data);
    assert_eq!(decoded.flow.unwrap().to_string(), "10.0.0.1:51200 > 10.0.0.2:80");
    assert_eq!(decoded.payload, b"hello");
    assert_eq!((decoded.cut, decoded.stop), (0, None));
    assert_eq!(names(LinkType::ETHERNET, &data), ["ethernet", "ipv4", "tcp", "payload"]);
}

#[test]
fn vlan_tags_of_all_three_ethertypes_enter_the_path_from_the_outside_in() {
    let inner = vlan(3, IPV6, &ipv6(UDP, &udp(b"x")));
    let data = ethernet(0x9100, &vlan(1, 0x88a8, &vlan(2, 0x8100, &inner)));
    let decoded = decoded(&data);
    assert_eq!(decoded.path.to_string(), "vlan 1, vlan 2, vlan 3");
    assert_eq!(decoded.flow.unwrap().path, decoded.path);
    assert_eq!(decoded.payload, b"x");
    assert_eq!(
        names(LinkType::ETHERNET, &data),
        ["ethernet", "vlan", "vlan", "vlan", "ipv6", "udp", "payload"]
    );
}

#[test]
fn a_vlan_tag_without_an_ip_packet_is_in_the_path_all_the_same() {
    let data = ethernet(0x8100, &vlan(0xe007, 0x88cc, &[1, 2]));
    let decoded = decoded(&data);
    assert_eq!(
        decoded.path.ids().collect::<Vec<_>>(),
        [PathId::Vlan(7)],
        "priority bits are no part of the id"
    );
    assert_eq!(decoded.flow, None);
}

#[test]
fn vlan_0_is_a_priority_and_not_a_vlan() {
    let data = ethernet(0x8100, &vlan(0xa000, IPV4, &ipv4(TCP, &tcp(&[], b""))));
    assert!(decoded(&data).path.is_empty());
    assert!(decoded(&data).tcp().is_some());
}

#[test]
fn tags_beyond_any_honest_number_stop_the_walk() {
    let tags = |id: u16, count: usize| {
        (0..count).fold(ipv4(TCP, &tcp(&[], b"")), |inner, index| {
            vlan(id, if index == 0 { IPV4 } else { 0x8100 }, &inner)
        })
    };
    assert!(decoded(&ethernet(0x8100, &tags(5, 8))).tcp().is_some());
    for (id, count) in [(5, 9), (0, 40)] {
        let data = ethernet(0x8100, &tags(id, count));
        let decoded = decoded(&data);
        assert_eq!(decoded.stop.unwrap().reason, StopReason::TooDeep);
        assert_eq!(decoded.tcp(), None);
        assert!(!decoded.payload.is_empty());
    }
}

#[test]
fn an_unknown_ethertype_keeps_its_payload() {
    let data = ethernet(0x88cc, &[1, 2, 3]);
    let decoded = decoded(&data);
    let stop = decoded.stop.unwrap();
    assert_eq!((stop.layer, stop.offset, stop.reason), ("ethertype", 14, StopReason::Unsupported(0x88cc)));
    assert_eq!(stop.to_string(), "ethertype 0x88cc is not decoded");
    assert_eq!(decoded.payload, [1, 2, 3]);
}

#[test]
fn the_length_of_an_802_3_frame_cuts_its_padding_off() {
    let data = ethernet(3, &[0x42, 0x42, 3, 0, 0, 0]);
    let decoded = decoded(&data);
    assert_eq!(decoded.payload, [0x42, 0x42, 3]);
    assert_eq!(stop(&decoded), "llc 66 is not decoded");
}

#[test]
fn an_unknown_link_type_keeps_all_bytes() {
    let decoded = decode(packet(LinkType(147), &[1, 2]));
    assert_eq!(decoded.payload, [1, 2]);
    assert_eq!(stop(&decoded), "link type 147 is not decoded");
}

#[test]
fn a_cut_link_header_says_what_it_needed() {
    for (link_type, needed) in [
        (LinkType::ETHERNET, 14),
        (LinkType::LINUX_SLL, 16),
        (LinkType::LINUX_SLL2, 20),
        (LinkType::NULL, 4),
        (LinkType::LOOP, 4),
        (LinkType::RAW, 1),
        (LinkType::IPV4, 20),
        (LinkType::IPV6, 40),
    ] {
        for had in 0..needed.min(16) {
            let data = &[0x45; 16][..had as usize];
            let decoded = decode(packet(link_type, data));
            assert_eq!(decoded.stop.unwrap().reason, StopReason::Truncated { needed, had }, "{link_type}");
            assert_eq!(decoded.payload, data);
        }
    }
}

fn cooked_v1(device_type: u16, protocol: u16, payload: &[u8]) -> Vec<u8> {
    let address = [2, 0, 0, 0, 0, 1, 0, 0];
    join(&[&[0, 4], &device_type.to_be_bytes(), &[0, 6], &address, &protocol.to_be_bytes(), payload])
}

fn cooked_v2(device_type: u16, protocol: u16, payload: &[u8]) -> Vec<u8> {
    let address = [2, 0, 0, 0, 0, 1, 0, 0];
    let (kind, protocol) = (device_type.to_be_bytes(), protocol.to_be_bytes());
    join(&[&protocol, &[0, 0, 0, 0, 0, 5], &kind, &[0, 6], &address, payload])
}

#[test]
fn both_cooked_versions_lead_to_what_their_ethertype_says() {
    let inner = vlan(9, IPV4, &ipv4(TCP, &tcp(&[], b"hi")));
    for (link_type, data) in [
        (LinkType::LINUX_SLL, cooked_v1(1, 0x8100, &inner)),
        (LinkType::LINUX_SLL2, cooked_v2(1, 0x8100, &inner)),
    ] {
        let decoded = decode(packet(link_type, &data));
        assert_eq!(decoded.payload, b"hi", "{link_type}");
        assert_eq!(decoded.path.to_string(), "vlan 9");
    }
}

#[test]
fn of_some_cooked_devices_the_protocol_is_no_ethertype() {
    let inner = ipv4(TCP, &tcp(&[], b""));
    for device_type in [770, 778, 801, 802, 803, 824] {
        for (link_type, data) in [
            (LinkType::LINUX_SLL, cooked_v1(device_type, IPV4, &inner)),
            (LinkType::LINUX_SLL2, cooked_v2(device_type, IPV4, &inner)),
        ] {
            let decoded = decode(packet(link_type, &data));
            assert_eq!(stop(&decoded), format!("device type {device_type} is not decoded"));
            assert_eq!(decoded.payload, inner);
        }
    }
}

#[test]
fn a_small_cooked_protocol_is_no_length() {
    for (link_type, data) in [
        (LinkType::LINUX_SLL, cooked_v1(1, 4, b"a frame")),
        (LinkType::LINUX_SLL2, cooked_v2(1, 4, b"a frame")),
    ] {
        let decoded = decode(packet(link_type, &data));
        assert_eq!(stop(&decoded), "linux protocol 4 is not decoded");
        assert_eq!(decoded.payload, b"a frame");
    }
}

#[test]
fn loopback_families_are_read_in_either_byte_order() {
    let (v4, v6) = (ipv4(UDP, &udp(b"4")), ipv6(UDP, &udp(b"6")));
    for link_type in [LinkType::NULL, LinkType::LOOP] {
        for (family, inner) in [(2_u32, &v4), (10, &v6), (23, &v6), (24, &v6), (28, &v6), (30, &v6)] {
            for order in [family.to_le_bytes(), family.to_be_bytes()] {
                let data = join(&[&order, inner]);
                let decoded = decode(packet(link_type, &data));
                assert_eq!(decoded.payload.len(), 1, "{link_type}, family {family}");
            }
        }
        let data = join(&[&7_u32.to_le_bytes(), &v4]);
        let decoded = decode(packet(link_type, &data));
        assert_eq!(stop(&decoded), "protocol family 7 is not decoded");
        assert_eq!(decoded.payload, v4);
    }
}

#[test]
fn raw_ip_goes_by_the_version_and_the_typed_ones_by_their_type() {
    let (v4, v6) = (ipv4(UDP, &udp(b"4")), ipv6(UDP, &udp(b"6")));
    for (link_type, data, expected) in [
        (LinkType::RAW, &v4, ""),
        (LinkType::RAW, &v6, ""),
        (LinkType::IPV4, &v4, ""),
        (LinkType::IPV6, &v6, ""),
        (LinkType::IPV4, &v6, "ipv4: the version is not 4"),
        (LinkType::IPV6, &v4, "ipv6: 29 bytes of 40"),
        (LinkType::RAW, &vec![0x50; 40], "ip: the version is neither 4 nor 6"),
        (LinkType::IPV6, &vec![0x50; 40], "ipv6: the version is not 6"),
    ] {
        assert_eq!(stop(&decode(packet(link_type, data))), expected, "{link_type}");
    }
}
