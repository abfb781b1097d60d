//! Link headers and VLAN tags: where the network header begins, and what stops decoding before it.

use egret_decode::{LinkType, PathId, StopReason, decode, layers};

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
fn an_802_3_frame_goes_on_with_llc_without_its_padding() {
    let data = ethernet(3, &[0x42, 0x42, 3, 0, 0, 0]);
    let decoded = decoded(&data);
    assert_eq!(decoded.payload, [0x42, 0x42, 3]);
    assert_eq!(stop(&decoded), "llc 66 is not decoded");
}

#[test]
fn llc_leads_to_ip_and_snap_to_an_ethertype() {
    let inner = ipv4(TCP, &tcp(&[], b"x"));
    for (header, reason) in [
        (&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], ""),
        (&[0xaa, 0xaa, 3, 0, 0, 0xf8, 8, 0], ""),
        (&[6, 6, 3], ""),
        (&[0xaa, 0xaa, 0, 0, 0, 0, 0, 8], "llc 170 is not decoded"),
        (&[0xaa, 0xaa, 3, 0, 0, 0, 0, 8], "snap 0x0008 is not decoded"),
        (&[0xaa, 0xaa, 3, 0, 0, 12, 0x20, 0], "snap 0x000c is not decoded"),
        (&[0xe0, 0xe0, 3], "llc 224 is not decoded"),
    ] {
        let frame = join(&[header, &inner]);
        let data = ethernet(frame.len() as u16, &join(&[&frame, b"padding"]));
        assert_eq!(stop(&decoded(&data)), reason);
        assert_eq!(decoded(&data).tcp().is_some(), reason.is_empty());
    }
}

#[test]
fn ppp_with_and_without_framing_and_ciscos_hdlc() {
    let (v4, v6) = (ipv4(TCP, &tcp(&[], b"x")), ipv6(TCP, &tcp(&[], b"x")));
    for (link_type, header, inner) in [
        (LinkType::PPP, &[0, 0x21][..], &v4),
        (LinkType::PPP, &[0xff, 3, 0, 0x57], &v6),
        (LinkType::PPP_HDLC, &[0xff, 3, 0x21], &v4),
        (LinkType::PPP_HDLC, &[0x0f, 0, 8, 0], &v4),
        (LinkType::C_HDLC, &[0x8f, 0, 0x86, 0xdd], &v6),
        (LinkType::PPP_PPPD, &[1, 3, 0, 0x21], &v4),
        (LinkType::PPP_WITH_DIR, &[0, 0xff, 3, 0, 0x21], &v4),
        (LinkType::PPP_ETHER, &[0x11, 0, 0, 1, 0, 99, 0, 0x21], &v4),
        (LinkType::PPP, &[2, 0x81, 0, 1, 0x21, 64], &v4),
    ] {
        let data = join(&[header, inner]);
        assert_eq!(decode(packet(link_type, &data)).payload, b"x", "{link_type} {header:?}");
    }
    for (link_type, header, reason) in [
        (LinkType::PPP, &[0xc0, 0x21][..], "ppp protocol 0xc021 is not decoded"),
        (LinkType::PPP, &[0xff, 3, 0], "ppp: 3 bytes of 4"),
        (LinkType::C_HDLC, &[0x8f, 0, 0x80, 0x35], "ethertype 0x8035 is not decoded"),
    ] {
        assert_eq!(stop(&decode(packet(link_type, header))), reason);
    }
}

/// A data frame's header: frame control, duration, three addresses, sequence.
fn wlan(control: u8, flags: u8) -> Vec<u8> {
    join(&[&[control, flags, 0, 0], &[2, 0, 0, 0, 0, 1], &[2, 0, 0, 0, 0, 2], &[2, 0, 0, 0, 0, 3], &[0, 0]])
}

#[test]
fn the_data_frames_of_802_11() {
    let llc = join(&[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &ipv4(TCP, &tcp(&[], b"x"))]);
    let subframe = join(&[&[9; 12], &(llc.len() as u16).to_be_bytes(), &llc, &[0; 2], b"the next one"]);
    for (header, inner) in [
        (wlan(0x08, 1), &llc),
        (join(&[&wlan(0x88, 2), &[0, 0]]), &llc),
        (join(&[&wlan(0x88, 3), &[9; 6], &[0, 0]]), &llc),
        (join(&[&wlan(0x88, 0x81), &[0, 0], &[9; 4]]), &llc),
        (join(&[&wlan(0x88, 1), &[0x80, 0]]), &subframe),
    ] {
        let data = join(&[&header, inner]);
        assert_eq!(decode(packet(LinkType::IEEE802_11, &data)).payload, b"x", "{header:?}");
    }
    for (header, reason) in [
        (wlan(0x08, 0x41), "wlan: encrypted"),
        (wlan(0x80, 0), "wlan frame type 8 is not decoded"),
        (wlan(0x48, 1), "wlan frame type 36 is not decoded"),
        (wlan(0x09, 1), "wlan: the version is not 0"),
        (wlan(0x08, 3), "wlan: 24 bytes of 30"),
    ] {
        assert_eq!(stop(&decode(packet(LinkType::IEEE802_11, &header))), reason);
    }
}

#[test]
fn who_the_frames_of_802_11_are_from_and_to() {
    let shown = |flags: u8| {
        let data = join(&[&wlan(0x08, flags), &[2, 0, 0, 0, 0, 4]]);
        let line = layers(packet(LinkType::IEEE802_11, &data)).iter().next().unwrap().to_string();
        line.split(", type").next().unwrap().to_owned()
    };
    assert_eq!(shown(0), "wlan 02:00:00:00:00:02 > 02:00:00:00:00:01");
    assert_eq!(shown(1), "wlan 02:00:00:00:00:02 > 02:00:00:00:00:03");
    assert_eq!(shown(2), "wlan 02:00:00:00:00:03 > 02:00:00:00:00:01");
    assert_eq!(shown(3), "wlan 02:00:00:00:00:04 > 02:00:00:00:00:03");
}

#[test]
fn what_receivers_put_in_front_of_802_11() {
    let llc = join(&[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &ipv4(TCP, &tcp(&[], b"x"))]);
    let frame = join(&[&wlan(0x08, 1), &llc]);
    let padded = join(&[&wlan(0x88, 1), &[0, 0], &[0; 2], &llc]);
    let mut prism = vec![0; 144];
    (prism[0], prism[4]) = (0x44, 144);
    let mut avs = vec![0; 64];
    avs[..8].copy_from_slice(&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64]);
    for (link_type, header, frame) in [
        (LinkType::IEEE802_11_RADIOTAP, &[0, 0, 8, 0, 0, 0, 0, 0][..], &frame),
        // Flags: padding behind the header, behind a time in the second case, with two words of fields present.
        (LinkType::IEEE802_11_RADIOTAP, &[0, 0, 9, 0, 2, 0, 0, 0, 0x20], &padded),
        (
            LinkType::IEEE802_11_RADIOTAP,
            &[0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x20],
            &padded,
        ),
        (LinkType::IEEE802_11_PRISM, &prism, &frame),
        (LinkType::IEEE802_11_PRISM, &avs, &frame),
        (LinkType::IEEE802_11_AVS, &avs, &frame),
        (LinkType::PPI, &[0, 0, 8, 0, 105, 0, 0, 0], &frame),
    ] {
        let data = join(&[header, frame]);
        assert_eq!(decode(packet(link_type, &data)).payload, b"x", "{link_type}");
    }
    let arp = [0xaa, 0xaa, 3, 0, 0, 0, 0x88, 0xcc, 1, 2, 3, 4, 5];
    let data = join(&[&[0, 0, 9, 0, 2, 0, 0, 0, 0x10], &wlan(0x08, 1), &arp]);
    let decoded = decode(packet(LinkType::IEEE802_11_RADIOTAP, &data));
    assert_eq!(decoded.payload, [1], "the frame check sequence is no payload");
    for (header, reason) in [
        ([1, 0, 8, 0, 0, 0, 0, 0], "radiotap: the version is not 0, or the length is below 8 bytes"),
        ([0, 0, 9, 0, 0, 0, 0, 0], "radiotap: 8 bytes of 9"),
    ] {
        assert_eq!(stop(&decode(packet(LinkType::IEEE802_11_RADIOTAP, &header))), reason);
    }
}

#[test]
fn packets_as_filters_log_them() {
    let inner = ipv4(TCP, &tcp(&[], b"x"));
    let mut pflog = vec![0; 64];
    (pflog[0], pflog[1], pflog[4]) = (61, 2, b'e');
    assert_eq!(decode(packet(LinkType::PFLOG, &join(&[&pflog, &inner]))).payload, b"x");
    pflog[0] = 44;
    let data = join(&[&pflog, &inner]);
    assert_eq!(stop(&decode(packet(LinkType::PFLOG, &data))), "pflog: the length is below 48 bytes");

    let length = inner.len() as u16 + 4;
    for (prefix, number) in [
        (&[8, 0, 1, 0, 8, 0, 0, 0][..], length.to_le_bytes()),
        (&[0, 8, 0, 1, 8, 0, 0, 0], length.to_be_bytes()),
    ] {
        let kind = if prefix[0] == 8 { [9, 0] } else { [0, 9] };
        let data = join(&[&[2, 0, 0, 0], prefix, &number, &kind, &inner, &[0; 3]]);
        assert_eq!(decode(packet(LinkType::NFLOG, &data)).payload, b"x");
    }
    let data = [2, 0, 0, 0, 3, 0, 1, 0, 0, 0, 0, 0];
    assert_eq!(
        stop(&decode(packet(LinkType::NFLOG, &data))),
        "nflog: an attribute is shorter than its header"
    );
}

#[test]
fn frames_with_a_switchs_tag_and_fddi() {
    let inner = ipv4(TCP, &tcp(&[], b"x"));
    for (link_type, header) in [
        (LinkType::DSA_TAG_DSA, join(&[&[2; 12], &[0xc0; 4], &[8, 0]])),
        (LinkType::DSA_TAG_BRCM, join(&[&[2; 12], &[0x20; 4], &[8, 0]])),
        (LinkType::DSA_TAG_EDSA, join(&[&[2; 12], &[0xda; 8], &[8, 0]])),
        (LinkType::DSA_TAG_BRCM_PREPEND, join(&[&[0x20; 4], &[2; 12], &[8, 0]])),
        (LinkType::FDDI, join(&[&[0x50], &[2; 12], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0]])),
    ] {
        let data = join(&[&header, &inner]);
        assert_eq!(decode(packet(link_type, &data)).payload, b"x", "{link_type}");
    }
    let data = join(&[&[0xc0], &[2; 12]]);
    assert_eq!(stop(&decode(packet(LinkType::FDDI, &data))), "fddi frame 192 is not decoded");
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
    for device_type in [770, 801, 802, 803, 824] {
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
        (LinkType::LINUX_SLL, cooked_v1(1, 12, b"a frame")),
        (LinkType::LINUX_SLL2, cooked_v2(1, 12, b"a frame")),
    ] {
        let decoded = decode(packet(link_type, &data));
        assert_eq!(stop(&decoded), "linux protocol 12 is not decoded");
        assert_eq!(decoded.payload, b"a frame");
    }
}

#[test]
fn cooked_frames_of_802_3_go_on_with_llc_and_those_of_gre_with_its_type() {
    let inner = ipv4(TCP, &tcp(&[], b"hi"));
    let frame = join(&[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &inner]);
    for (link_type, data) in [
        (LinkType::LINUX_SLL, cooked_v1(1, 4, &frame)),
        (LinkType::LINUX_SLL2, cooked_v2(1, 4, &frame)),
        (LinkType::LINUX_SLL, cooked_v1(778, IPV4, &inner)),
        (LinkType::LINUX_SLL, cooked_v1(778, 0x6558, &ethernet(IPV4, &inner))),
    ] {
        assert_eq!(decode(packet(link_type, &data)).payload, b"hi");
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
