//! Packets in packets: each tunnel leads to the packet inside, its symmetric ids are the path, and what it does not carry
//! or contradicts is said.

use egret_decode::{Checksum, Decoder, Network, StopReason, Transport, UdpTunnel, decode_datagram};

use crate::build::*;

/// The innermost packet of all the tunnels here.
fn inner() -> Vec<u8> {
    let mut packet = ipv4(TCP, &tcp(&[], b"inside"));
    packet[12..20].copy_from_slice(&[192, 168, 0, 1, 192, 168, 0, 2]);
    packet
}

fn frame() -> Vec<u8> {
    ethernet(IPV4, &inner())
}

fn over_udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = udp(payload);
    datagram[2..4].copy_from_slice(&port.to_be_bytes());
    ethernet(IPV4, &ipv4(UDP, &datagram))
}

/// Whether the packet inside was found, and that nothing of the outer one is left; gives the path.
fn path_inside(data: &[u8]) -> String {
    let decoded = decoded(data);
    assert_eq!(stop(&decoded), "", "{:02x?}", data);
    assert_eq!(decoded.payload, b"inside");
    let flow = decoded.flow.unwrap();
    assert_eq!(
        (flow.source.to_string(), flow.destination.to_string()),
        ("192.168.0.1:51200".into(), "192.168.0.2:80".into())
    );
    assert_eq!(flow.path, decoded.path);
    decoded.path.to_string()
}

/// The names of the layers behind the outer IP header and in front of the inner one.
fn between(data: &[u8]) -> Vec<&'static str> {
    let names = names(egret_decode::LinkType::ETHERNET, data);
    let inside = names.iter().rposition(|name| *name == "ipv4").unwrap();
    names[2..inside].to_vec()
}

#[test]
fn ip_in_ip_of_every_kind() {
    let tcp = tcp(&[], b"x");
    for (data, flow) in [
        (ethernet(IPV4, &ipv4(4, &inner())), "192.168.0.1:51200 > 192.168.0.2:80"),
        (ethernet(IPV4, &ipv4(94, &inner())), "192.168.0.1:51200 > 192.168.0.2:80"),
        (ethernet(IPV6, &ipv6(4, &inner())), "192.168.0.1:51200 > 192.168.0.2:80"),
        (ethernet(IPV4, &ipv4(41, &ipv6(TCP, &tcp))), "[fd00::1]:51200 > [fd00::2]:80"),
        (ethernet(IPV6, &ipv6(41, &ipv6(41, &ipv6(TCP, &tcp)))), "[fd00::1]:51200 > [fd00::2]:80"),
        (ethernet(IPV6, &ipv6(143, &frame())), "192.168.0.1:51200 > 192.168.0.2:80"),
        (ethernet(IPV4, &ipv4(97, &join(&[&[0x30, 0], &frame()]))), "192.168.0.1:51200 > 192.168.0.2:80"),
    ] {
        assert_eq!(decoded(&data).flow.unwrap().to_string(), flow);
        assert!(decoded(&data).path.is_empty());
    }
}

#[test]
fn gre_with_each_of_its_fields() {
    for (header, path) in [
        (&[0, 0, 8, 0][..], ""),
        (&[0x80, 0, 8, 0, 0xab, 0xcd, 0, 0], ""),
        (&[0x20, 0, 8, 0, 0, 1, 0, 2], "gre key 65538"),
        (&[0x10, 0, 8, 0, 0, 0, 0, 9], ""),
        (&[0xb0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 9], "gre key 7"),
    ] {
        let data = ethernet(IPV4, &ipv4(47, &join(&[header, &inner()])));
        assert_eq!(path_inside(&data), path);
        assert_eq!(between(&data), ["gre"]);
    }
}

#[test]
fn gre_carries_frames_labels_ppp_and_redirections() {
    for (header, path, layers) in [
        (&[0, 0, 0x65, 0x58][..], "", vec!["gre", "ethernet"]),
        // A plain key, and NVGRE's, whose last byte differs by direction.
        (&[0x20, 0, 0x65, 0x58, 0, 0, 0x01, 0x02], "gre key 258", vec!["gre", "ethernet"]),
        (&[0x20, 0, 0x65, 0x58, 0, 0x0f, 0xff, 0xff], "gre key 1048575", vec!["gre", "ethernet"]),
        (&[0x20, 0, 0x65, 0x58, 0x12, 0x34, 0x56, 0x78], "gre key 1193046", vec!["gre", "ethernet"]),
        (&[0, 0, 0x88, 0xbe], "", vec!["gre", "ethernet"]),
        (
            &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 7, 0, 9, 0, 0, 0, 0],
            "",
            vec!["gre", "erspan", "ethernet"],
        ),
        (
            &[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 7, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0],
            "",
            vec!["gre", "erspan", "ethernet"],
        ),
    ] {
        let data = ethernet(IPV4, &ipv4(47, &join(&[header, &frame()])));
        assert_eq!(path_inside(&data), path);
        assert_eq!(between(&data), layers);
    }
    for (header, layers) in [
        (&[0, 0, 0x88, 0x0b, 0xff, 3, 0, 0x21][..], vec!["gre", "ppp"]),
        (&[0, 0, 0x88, 0x3e], vec!["gre"]),
        (&[0, 0, 0x88, 0x3e, 0, 0, 0, 0], vec!["gre", "wccp"]),
        (&[0, 0, 0x88, 0x47, 0, 1, 0x21, 64], vec!["gre", "mpls"]),
        // ERSPAN with a platform's header behind its own, and with IP instead of a frame.
        (
            &[
                0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 7, 0, 9, 0, 0, 0, 0, 0, 0, 0x08, 1, 0, 0, 0, 0, 0, 0,
                0, 0,
            ],
            vec!["gre", "erspan"],
        ),
    ] {
        let data = ethernet(IPV4, &ipv4(47, &join(&[header, &inner()])));
        path_inside(&data);
        assert_eq!(between(&data), layers);
    }
}

#[test]
fn the_gre_of_pptp_has_a_length_and_no_path() {
    let packet = join(&[&[0xff, 3, 0x21], &inner()]);
    let length = (packet.len() as u16).to_be_bytes();
    let header = join(&[&[0x30, 0x81, 0x88, 0x0b], &length, &[0, 9, 0, 0, 0, 1, 0, 0, 0, 2]]);
    let data = ethernet(IPV4, &ipv4(47, &join(&[&header, &packet, b"padding"])));
    assert_eq!(path_inside(&data), "");
    let data = ethernet(IPV4, &ipv4(47, &[0x20, 0x81, 0x88, 0x0b, 0, 0, 0, 9, 0, 0, 0, 2]));
    let decoded = decoded(&data);
    assert_eq!((decoded.stop, decoded.payload), (None, &b""[..]), "a mere acknowledgment");
}

#[test]
fn gre_that_nobody_sends_is_refused() {
    for (header, reason) in [
        ([0, 2, 8, 0], "gre: the version is neither 0 nor 1"),
        ([0x40, 0, 8, 0], "gre: it has source routes, which are no longer part of GRE"),
        ([0, 0, 0, 7], "gre protocol 7 is not decoded"),
        ([0, 0, 0x88, 0xcc], "ethertype 0x88cc is not decoded"),
        ([0x20, 0, 8, 0], "gre: 6 bytes of 8"),
    ] {
        let data = ethernet(IPV4, &ipv4(47, &join(&[&header, b"ab"])));
        assert_eq!(stop(&decoded(&data)), reason);
    }
}

#[test]
fn tunnels_over_udp_on_their_ports() {
    let gtp_length = (inner().len() as u16 + 8).to_be_bytes();
    let gtp = join(&[&[0x34, 0xff], &gtp_length, &[0, 0, 0, 7, 0, 0, 0, 0x85, 1, 1, 9, 0]]);
    for (port, header, packet, path, layers) in [
        (4789, vec![8, 0, 0, 0, 0, 0, 123, 0], frame(), "vni 123", &["udp", "vxlan", "ethernet"][..]),
        (4790, vec![0x0c, 0, 0, 3, 0, 0, 123, 0], frame(), "vni 123", &["udp", "vxlan-gpe", "ethernet"]),
        (4790, vec![0x0c, 0, 0, 1, 0, 0, 123, 0], inner(), "vni 123", &["udp", "vxlan-gpe"]),
        (6081, vec![0, 0, 0x65, 0x58, 0, 1, 0, 0], frame(), "vni 256", &["udp", "geneve", "ethernet"]),
        (6081, vec![1, 0, 8, 0, 0, 1, 0, 0, 1, 2, 3, 0], inner(), "vni 256", &["udp", "geneve"]),
        (2152, vec![0x30, 0xff, 0, 46, 0, 0, 0, 7], inner(), "", &["udp", "gtp-u"]),
        (2152, gtp, inner(), "", &["udp", "gtp-u"]),
        (4754, vec![0x20, 0, 8, 0, 0, 0, 0, 9], inner(), "gre key 9", &["udp", "gre"]),
        (6635, vec![0, 1, 0x21, 64], inner(), "", &["udp", "mpls"]),
        (1701, vec![0, 2, 0, 1, 0, 2, 0, 0x21], inner(), "", &["udp", "l2tp", "ppp"]),
        (
            1701,
            vec![0x4a, 2, 0, 64, 0, 1, 0, 2, 0, 3, 0, 4, 0, 1, 9, 0xff, 3, 0x21],
            inner(),
            "",
            &["udp", "l2tp", "ppp"],
        ),
    ] {
        let data = over_udp(port, &join(&[&header, &packet]));
        assert_eq!(path_inside(&data), path, "port {port}");
        assert_eq!(between(&data), layers);
    }
}

#[test]
fn a_datagram_on_a_tunnels_port_that_is_none_is_plain() {
    for (port, payload) in [
        (4789, &[0; 60][..]),
        (6081, &[0xc0; 60]),
        (2152, &[0x32, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0]),
        (4754, &[0x40; 60]),
        (3544, b"GET / HTTP/1.1"),
        (1701, &[0xc8, 2, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0]),
        (4789, b"abc"),
    ] {
        let data = over_udp(port, payload);
        let decoded = decoded(&data);
        assert!(matches!(decoded.transport, Some(Transport::Udp(_))), "port {port}");
        assert_eq!((decoded.payload, decoded.stop), (payload, None));
    }
}

#[test]
fn a_tunnel_that_was_cut_has_no_transport_until_the_inner_one() {
    let data = over_udp(4789, &join(&[&[8, 0, 0, 0, 0, 0, 1, 0], &frame()]));
    for (captured, reason) in [
        (14 + 20 + 8 + 3, "vxlan: 3 bytes of 4"),
        (14 + 20 + 8 + 7, "vxlan: 7 bytes of 8"),
        (14 + 20 + 8 + 8 + 13, "ethernet: 13 bytes of 14"),
        (14 + 20 + 8 + 8 + 14 + 20 + 19, "tcp: 19 bytes of 20"),
    ] {
        let decoded = decoded_cut(&data, captured);
        assert_eq!(stop(&decoded), reason);
        assert_eq!((decoded.transport, decoded.flow.unwrap().source.port), (None, 0));
    }
}

#[test]
fn a_header_cut_in_its_options_has_no_id_yet() {
    let data = over_udp(6081, &join(&[&[1, 0, 0x65, 0x58, 0, 1, 0, 0, 1, 2, 3, 0], &frame()]));
    let cut = decoded_cut(&data, 14 + 20 + 8 + 9);
    assert_eq!(stop(&cut), "geneve: 9 bytes of 12");
    assert_eq!(cut.path.ids().count(), 0);
}

#[test]
fn a_user_may_name_ports_and_ignore_vlans() {
    let data =
        over_udp(8472, &join(&[&[8, 0, 0, 0, 0, 0, 1, 0], &ethernet(0x8100, &vlan(5, IPV4, &inner()))]));
    let packet = packet(egret_decode::LinkType::ETHERNET, &data);
    assert!(decoded(&data).tcp().is_none());
    let decoder = Decoder { udp_tunnels: vec![(8472, UdpTunnel::Vxlan)], ..Decoder::default() };
    assert_eq!(decoder.decode(packet).path.to_string(), "vni 1, vlan 5");
    let decoder = Decoder { ignore_vlan: true, ..decoder };
    assert_eq!(decoder.decode(packet).path.to_string(), "vni 1");
    assert_eq!(decoder.layers(packet).iter().count(), 9, "the tag is still there to be seen");
}

#[test]
fn the_names_of_tunnels_are_stable_and_read_back() {
    for tunnel in UdpTunnel::ALL {
        assert_eq!(tunnel.name().parse(), Ok(tunnel));
    }
    let error = "vlan".parse::<UdpTunnel>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "not a tunnel over UDP: give one of vxlan, vxlan-gpe, geneve, gtp-u, teredo, gre, mpls, l2tp"
    );
}

#[test]
fn a_datagram_goes_on_by_the_rules_of_its_fragments() {
    let mut whole = udp(&join(&[&[8, 0, 0, 0, 0, 0, 1, 0], &frame()]));
    whole[2..4].copy_from_slice(&8472_u16.to_be_bytes());
    let data = ethernet(IPV4, &ipv4_fragment(UDP, 16, false, &whole[16..]));
    let decoder = Decoder { udp_tunnels: vec![(8472, UdpTunnel::Vxlan)], ..Decoder::default() };
    let fragment = decoder.decode(packet(egret_decode::LinkType::ETHERNET, &data));
    let decoded = decode_datagram(&fragment, &whole);
    assert_eq!(decoded.payload, b"inside");
    assert_eq!(decoded.path.to_string(), "vni 1");
}

#[test]
fn a_fragment_inside_a_tunnel_is_the_inner_packets() {
    let piece = ipv4_fragment(TCP, 16, false, b"inside");
    let data = ethernet(IPV4, &ipv4(47, &join(&[&[0x20, 0, 8, 0, 0, 0, 0, 7], &piece])));
    let decoded = decoded(&data);
    assert_eq!(decoded.fragment().unwrap().offset, 16);
    assert_eq!((decoded.path.to_string(), decoded.payload), ("gre key 7".into(), &b"inside"[..]));
    assert_eq!(decoded.transport, None, "the outer one's is not the fragment's");
}

#[test]
fn teredo_through_a_server_and_between_peers() {
    let mut packet = ipv6(TCP, &tcp(&[], b"inside"));
    packet[8..12].copy_from_slice(&[0x20, 1, 0, 0]);
    let origin = [0, 0, !0x30, !0x39, !10, !0, !0, !9];
    let authentication = [0, 1, 2, 3, 1, 2, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for (port, header) in [
        (3544, vec![]),
        (3544, origin.to_vec()),
        (3544, authentication.to_vec()),
        (3544, join(&[&authentication, &origin])),
        (55_555, vec![]),
    ] {
        let data = over_udp(port, &join(&[&header, &packet]));
        let decoded = decoded(&data);
        assert_eq!((stop(&decoded), decoded.payload), (String::new(), &b"inside"[..]), "port {port}");
        assert_eq!(decoded.flow.unwrap().source.to_string(), "[2001::1]:51200");
    }
    // Without a Teredo address, or with a length that does not agree, it is any datagram.
    let mut other = packet.clone();
    other[8] = 0xfd;
    for payload in [other, join(&[&packet, b"x"])] {
        let data = over_udp(55_555, &payload);
        assert!(matches!(decoded(&data).network, Some(Network::Ipv4(_))));
        assert_eq!(decoded(&data).payload, payload);
    }
}

#[test]
fn gtp_extensions_end() {
    let extension = |units: u8| {
        let header =
            join(&[&[0x34, 0xff, 0, 200, 0, 0, 0, 7, 0, 0, 0, 0x85], &[units, 1, 1, 0x85].repeat(40)]);
        let data = over_udp(2152, &header);
        decoded(&data).stop.map(|stop| stop.reason)
    };
    assert_eq!(extension(1), Some(StopReason::TooDeep));
    assert_eq!(extension(0), Some(StopReason::Malformed("an extension header has length 0")));
}

#[test]
fn what_is_below_the_labels_is_told_by_its_looks() {
    let label = |bottom: u8| [0, 1, 0x20 | bottom, 64];
    let mut like_ip = frame();
    like_ip[0] = 0x45;
    for (inside, layers) in [
        (inner(), &["mpls", "mpls"][..]),
        (join(&[&[0; 4], &frame()]), &["mpls", "mpls", "pseudowire", "ethernet"]),
        (frame(), &["mpls", "mpls", "ethernet"]),
        (like_ip, &["mpls", "mpls", "ethernet"]),
    ] {
        let data = ethernet(0x8847, &join(&[&label(0), &label(1), &inside]));
        assert_eq!(path_inside(&data), "");
        let names = names(egret_decode::LinkType::ETHERNET, &data);
        assert_eq!(names[1..names.len() - 3], *layers);
    }
    let data = ethernet(0x8847, &label(0).repeat(40));
    assert_eq!(decoded(&data).stop.unwrap().reason, StopReason::TooDeep);
}

#[test]
fn pppoe_sessions_are_part_of_the_path() {
    let session = |code: u8, packet: &[u8]| {
        let length = (packet.len() as u16).to_be_bytes();
        ethernet(0x8864, &join(&[&[0x11, code, 0, 17], &length, packet, b"padding"]))
    };
    assert_eq!(path_inside(&session(0, &join(&[&[0, 0x21], &inner()]))), "pppoe session 17");
    assert_eq!(path_inside(&session(0, &join(&[&[0x21], &inner()]))), "pppoe session 17");
    assert_eq!(stop(&decoded(&session(0, &[0xc0, 0x21, 9]))), "ppp protocol 0xc021 is not decoded");
    let data = session(9, b"tags");
    assert_eq!(stop(&decoded(&data)), "pppoe code 9 is not decoded");
    assert_eq!(decoded(&data).payload, b"tags");
}

#[test]
fn bridged_frames_and_tags_of_switches() {
    let data = ethernet(0x88e7, &join(&[&[0x60, 0, 1, 0], &frame()]));
    assert_eq!(path_inside(&data), "service 256");
    let data = ethernet(0x8926, &join(&[&[0, 5, 0, 6, 0x81, 0], &vlan(9, IPV4, &inner())]));
    assert_eq!(path_inside(&data), "vlan 9");
    let data = ethernet(0x88e5, b"secret");
    assert_eq!(stop(&decoded(&data)), "macsec: encrypted");
}

#[test]
fn ipsec_is_read_where_it_only_authenticates() {
    let header = [4, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let data = ethernet(IPV4, &ipv4(51, &join(&[&header, &inner()])));
    assert_eq!(path_inside(&data), "");
    for (ip, protocol) in [(4, IPV4), (6, IPV6)] {
        let esp = [0, 0, 0, 1, 0, 0, 0, 2, 9, 9];
        let data = ethernet(protocol, &if ip == 4 { ipv4(50, &esp) } else { ipv6(50, &esp) });
        assert_eq!((stop(&decoded(&data)), decoded(&data).payload), ("esp: encrypted".into(), &[9, 9][..]));
    }
    let data = ethernet(IPV4, &ipv4(51, &[4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    assert_eq!(stop(&decoded(&data)), "authentication: the length is below 12 bytes");
}

#[test]
fn the_inner_checksum_is_verified_whatever_the_outer_packet_was() {
    let mut outer = ipv4_options(4, &[131, 7, 4, 10, 0, 0, 9, 0], &ipv4(UDP, &udp(b"x")));
    assert_eq!(decoded(&ethernet(IPV4, &outer)).checksum(), Checksum::Absent);
    outer[9] = UDP;
    assert_eq!(decoded(&ethernet(IPV4, &outer)).checksum(), Checksum::Unverifiable);
}

#[test]
fn tunnels_in_tunnels_are_followed_up_to_a_limit() {
    let nested = |depth: usize| (0..depth).fold(inner(), |packet, _| ipv4(4, &packet));
    assert_eq!(path_inside(&ethernet(IPV4, &nested(20))), "");
    let data = ethernet(IPV4, &nested(40));
    assert_eq!(decoded(&data).stop.unwrap().reason, StopReason::TooDeep);
    let vxlan = |packet: &[u8]| over_udp(4789, &join(&[&[8, 0, 0, 0, 0xff, 0, 0, 0], packet]));
    assert_eq!(path_inside(&vxlan(&vxlan(&vxlan(&frame())))), "vni 16711680, vni 16711680, vni 16711680");
    let five = (0..5).fold(frame(), |frame, _| vxlan(&frame));
    assert_eq!(decoded(&five).stop.unwrap().reason, StopReason::TooDeep, "no room for the ids");
}
