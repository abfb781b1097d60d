//! A packet on one line, in tcpdump's words: the lines here are what tcpdump 4.99 prints with `-n -S`, but for the
//! tunnels that it does not know.

use egret_decode::{LinkType, layers};

use crate::build::*;

fn line(data: &[u8]) -> String {
    line_of(LinkType::ETHERNET, data)
}

fn line_of(link_type: LinkType, data: &[u8]) -> String {
    layers(packet(link_type, data)).line(false).to_string()
}

fn with_link(data: &[u8]) -> String {
    layers(packet(LinkType::ETHERNET, data)).line(true).to_string()
}

fn with_link_of(link_type: LinkType, data: &[u8]) -> String {
    layers(packet(link_type, data)).line(true).to_string()
}

fn over_udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = udp(payload);
    datagram[2..4].copy_from_slice(&port.to_be_bytes());
    ethernet(IPV4, &ipv4(UDP, &datagram))
}

#[test]
fn tcp_with_its_options_and_the_first_line_of_what_it_says() {
    let options = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9, 1, 3, 3, 7];
    let mut syn = tcp(&options, b"");
    syn[13] = 2;
    let shown = "IP 10.0.0.1.51200 > 10.0.0.2.80: Flags [S], seq 1, win 256, \
                 options [mss 1460,sackOK,TS val 7 ecr 9,nop,wscale 7], length 0";
    assert_eq!(line(&ethernet(IPV4, &ipv4(TCP, &syn))), shown);
    for (payload, said) in [
        (&b"GET /a?b HTTP/1.1\r\nHost: x\r\n"[..], "HTTP: GET /a?b HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\n", "HTTP: HTTP/1.1 200 OK"),
        (b"GET / HTTP/1.", "HTTP: GET / HTTP/1. [|http]"),
        (b"G", "HTTP"),
        (b"GET /\x1b[2J HTTP/1.1\r\n", "HTTP"),
        (b"some of a body\r\n", "HTTP"),
    ] {
        let data = ethernet(IPV6, &ipv6(TCP, &tcp(&[], payload)));
        let length = payload.len();
        let shown = format!(
            "IP6 fd00::1.51200 > fd00::2.80: Flags [P.], seq 1:{}, ack 2, win 256, length {length}: {said}",
            1 + length
        );
        assert_eq!(line(&data), shown);
        let told = layers(packet(LinkType::ETHERNET, &data)).line(false).without_text().to_string();
        assert!(told.ends_with(": HTTP"), "{told}");
    }
    let mut rst = tcp(&[254, 4, 1, 2], b"");
    (rst[13], rst[3], rst[19]) = (0x24, 81, 5);
    let shown = "IP 10.0.0.1.51200 > 10.0.0.2.81: Flags [RU], seq 1, win 256, urg 5, options [unknown-254 0x0102], length 0";
    assert_eq!(line(&ethernet(IPV4, &ipv4(TCP, &rst))), shown);
}

#[test]
fn headers_that_were_cut_or_promise_too_much() {
    let data = ethernet(IPV4, &ipv4(TCP, &tcp(&[1; 12], b"data")));
    let whole = packet(LinkType::ETHERNET, &data);
    let cut = |captured: usize| {
        layers(egret_decode::Packet { data: &data[..captured], ..whole }).line(false).to_string()
    };
    assert_eq!(
        cut(14 + 20 + 24),
        "IP 10.0.0.1.51200 > 10.0.0.2.80: Flags [P.], seq 1:5, ack 2, win 256, options [nop,nop,nop,nop] [|tcp], length 4"
    );
    assert_eq!(cut(14 + 20 + 9), "IP 10.0.0.1 > 10.0.0.2: [tcp: 9 bytes of 20]");
    assert_eq!(cut(14 + 9), "ipv4: 9 bytes of 20, length 70");
    assert_eq!(cut(9), "ethernet: 9 bytes of 14, length 70");
    let mut long = ipv4(UDP, &udp(b"x"));
    long[3] += 5;
    assert_eq!(
        line(&ethernet(IPV4, &long)),
        "IP truncated-ip - 5 bytes missing! 10.0.0.1.51200 > 10.0.0.2.53: UDP, length 1"
    );
}

#[test]
fn dns_dhcp_and_ntp_over_udp() {
    let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01";
    for (port, payload, said) in [
        (53, &query[..], "4660+ A? example.com. (29)"),
        (5353, query, "4660+ A (QM)? example.com. (29)"),
        (53, b"short", "UDP, length 5"),
        (123, &[0x23; 48], "NTPv4, Client, length 48"),
        (123, &[0; 48], "NTPv0, unspecified, length 48"),
        (
            67,
            &join(&[&[1, 1, 6, 0], &[0; 24], &[2, 0, 0, 0, 0, 1]]),
            "BOOTP/DHCP, Request from 02:00:00:00:00:01, length 34",
        ),
        (68, &[2; 40], "BOOTP/DHCP, Reply, length 40"),
        (9999, query, "UDP, length 29"),
    ] {
        assert_eq!(line(&over_udp(port, payload)), format!("IP 10.0.0.1.51200 > 10.0.0.2.{port}: {said}"));
    }
    let mut segment = tcp(&[], &join(&[&[0, 29], query]));
    segment[3] = 53;
    assert!(line(&ethernet(IPV4, &ipv4(TCP, &segment))).ends_with(", length 31 4660+ A? example.com. (29)"));
}

#[test]
fn arp_in_its_kinds() {
    let arp = |operation: u8, target: u8| {
        let ends = [2, 0, 0, 0, 0, 1, 10, 0, 0, 1, target, 0, 0, 0, 0, target, 10, 0, 0, 2];
        ethernet(0x0806, &join(&[&[0, 1, 8, 0, 6, 4, 0, operation], &ends, &[0; 18]]))
    };
    assert_eq!(line(&arp(1, 0)), "ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 46");
    assert_eq!(
        line(&arp(1, 2)),
        "ARP, Request who-has 10.0.0.2 (02:00:00:00:00:02) tell 10.0.0.1, length 46"
    );
    assert_eq!(line(&arp(2, 2)), "ARP, Reply 10.0.0.1 is-at 02:00:00:00:00:01, length 46");
    assert_eq!(
        with_link(&arp(1, 0)),
        "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 60: \
         Request who-has 10.0.0.2 tell 10.0.0.1, length 46"
    );
}

#[test]
fn icmp_with_the_flow_that_it_quotes() {
    let quoted = ipv4(UDP, &udp(b"x"));
    let said = |message: &[u8]| {
        let line = line(&ethernet(IPV4, &ipv4(1, message)));
        line.strip_prefix("IP 10.0.0.1 > 10.0.0.2: ICMP ").unwrap().to_owned()
    };
    let error = |kind: u8, code: u8, rest: [u8; 4]| said(&join(&[&[kind, code, 0, 0], &rest, &quoted]));
    assert_eq!(said(&[8, 0, 0, 0, 0, 1, 0, 2, 9]), "echo request, id 1, seq 2, length 9");
    assert_eq!(said(&[0, 0, 0, 0, 0, 1, 0, 2]), "echo reply, id 1, seq 2, length 8");
    assert_eq!(error(3, 3, [0; 4]), "10.0.0.2 udp port 53 unreachable, length 37");
    assert_eq!(error(3, 1, [0; 4]), "host 10.0.0.2 unreachable, length 37");
    assert_eq!(error(3, 2, [0; 4]), "10.0.0.2 protocol 17 unreachable, length 37");
    assert_eq!(error(3, 4, [0, 0, 5, 0]), "10.0.0.2 unreachable - need to frag (mtu 1280), length 37");
    assert_eq!(error(3, 10, [0; 4]), "host 10.0.0.2 unreachable - admin prohibited, length 37");
    assert_eq!(error(5, 1, [10, 0, 0, 9]), "redirect 10.0.0.2 to host 10.0.0.9, length 37");
    assert_eq!(error(11, 0, [0; 4]), "time exceeded in-transit, length 37");
    assert_eq!(error(99, 0, [0; 4]), "type-#99, length 37");
    assert_eq!(said(&[3, 3, 0, 0, 0, 0, 0, 0, 0x45]), "unreachable - #3, length 9");
}

#[test]
fn icmpv6_with_neighbour_discovery() {
    let quoted = ipv6(UDP, &udp(b"x"));
    let target = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    let said = |kind: u8, code: u8, rest: [u8; 4], behind: &[u8]| {
        let message = join(&[&[kind, code, 0, 0], &rest, behind]);
        let line = line(&ethernet(IPV6, &ipv6(58, &message)));
        line.strip_prefix("IP6 fd00::1 > fd00::2: ICMP6, ").unwrap().to_owned()
    };
    assert_eq!(said(128, 0, [0, 1, 0, 2], b""), "echo request, id 1, seq 2, length 8");
    assert_eq!(said(135, 0, [0; 4], &target), "neighbor solicitation, who has fd00::7, length 24");
    assert_eq!(said(136, 0, [0; 4], &target), "neighbor advertisement, tgt is fd00::7, length 24");
    assert_eq!(said(137, 0, [0; 4], &target.repeat(2)), "redirect, fd00::7 to fd00::7, length 40");
    assert_eq!(said(134, 0, [0; 4], b""), "router advertisement, length 8");
    assert_eq!(
        said(1, 4, [0; 4], &quoted),
        "destination unreachable, unreachable port, fd00::2 udp port 53, length 57"
    );
    assert_eq!(said(1, 0, [0; 4], &quoted), "destination unreachable, unreachable route fd00::2, length 57");
    assert_eq!(said(2, 0, [0, 0, 5, 0], &quoted), "packet too big, mtu 1280, length 57");
    assert_eq!(said(3, 0, [0; 4], &quoted), "time exceeded in-transit for fd00::2, length 57");
    assert_eq!(said(4, 1, [0, 0, 0, 6], &quoted), "parameter problem, next header - octet 6, length 57");
    assert_eq!(said(143, 0, [0, 0, 0, 1], b""), "multicast listener report v2, 1 group record(s), length 8");
}

#[test]
fn igmp_esp_and_unknown_protocols() {
    let said = |protocol: u8, message: &[u8]| {
        let line = line(&ethernet(IPV4, &ipv4(protocol, message)));
        line.strip_prefix("IP 10.0.0.1 > 10.0.0.2: ").unwrap().to_owned()
    };
    assert_eq!(said(2, &[0x16, 0, 0, 0, 224, 0, 0, 251]), "igmp v2 report 224.0.0.251");
    assert_eq!(said(2, &[0x17, 0, 0, 0, 224, 0, 0, 251]), "igmp leave 224.0.0.251");
    assert_eq!(said(2, &[0x11, 100, 0, 0, 0, 0, 0, 0]), "igmp query v2");
    assert_eq!(said(2, &[0x22, 0, 0, 0, 0, 0, 0, 2]), "igmp v3 report, 2 group record(s)");
    assert_eq!(said(50, &[0, 0, 0, 1, 0, 0, 0, 2, 9, 9]), "ESP(spi=0x00000001,seq=0x2), length 10");
    assert_eq!(said(253, b"abc"), " ip-proto-253 3");
}

#[test]
fn tunnels_stand_in_front_of_what_they_carry() {
    let inner = ipv4(TCP, &tcp(&[], b""));
    let (outer, end) =
        ("10.0.0.1 > 10.0.0.2: ", "IP 10.0.0.1.51200 > 10.0.0.2.80: Flags [P.], ack 2, win 256, length 0");
    let ports = "10.0.0.1.51200 > 10.0.0.2";
    let frame = ethernet(IPV4, &inner);
    for (data, shown) in [
        (ethernet(IPV4, &ipv4(4, &inner)), format!("IP {outer}{end}")),
        (ethernet(IPV6, &ipv6(4, &inner)), format!("IP6 fd00::1 > fd00::2: {end}")),
        (
            ethernet(IPV4, &ipv4(47, &join(&[&[0x30, 0, 8, 0, 0, 0, 0, 7, 0, 0, 0, 9], &inner]))),
            format!("IP {outer}GREv0, key=0x7, seq 9, length 52: {end}"),
        ),
        (
            over_udp(4789, &join(&[&[8, 0, 0, 0, 0, 0, 123, 0], &frame])),
            format!("IP {ports}.4789: VXLAN, flags [I] (0x08), vni 123: {end}"),
        ),
        (
            over_udp(6081, &join(&[&[1, 0, 0x65, 0x58, 0, 0, 123, 0, 1, 2, 3, 4], &frame])),
            format!("IP {ports}.6081: Geneve, Flags [none], vni 0x7b, options [4 bytes]: {end}"),
        ),
        (
            over_udp(2152, &join(&[&[0x30, 0xff, 0, 40, 0, 0, 0, 7], &inner])),
            format!("IP {ports}.2152: GTP-U, teid 0x7: {end}"),
        ),
        (
            over_udp(1701, &join(&[&[0, 2, 0, 1, 0, 2, 0, 0x21], &inner])),
            format!("IP {ports}.1701:  l2tp:[](1/2) {{{end}}}"),
        ),
        (
            ethernet(0x8847, &join(&[&[0, 1, 0, 48, 0, 1, 0x2b, 48], &inner])),
            format!("MPLS (label 16, tc 0, ttl 48) (label 18, tc 5, [S], ttl 48) {end}"),
        ),
        (
            ethernet(0x8864, &join(&[&[0x11, 0, 0, 17, 0, 42, 0, 0x21], &inner])),
            format!("PPPoE  [ses 0x11] {end}"),
        ),
        (ethernet(0x8100, &vlan(7, IPV4, &inner)), end.to_owned()),
    ] {
        assert_eq!(line(&data), shown);
    }
    assert_eq!(
        with_link(&ethernet(0x8100, &vlan(0x3007, IPV4, &inner))),
        "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 802.1Q (0x8100), length 58: vlan 7, p 1, DEI, \
         ethertype IPv4 (0x0800), 10.0.0.1.51200 > 10.0.0.2.80: Flags [P.], ack 2, win 256, length 0"
    );
}

#[test]
fn fragments_show_the_ports_where_they_are() {
    let mut whole = udp(&[7; 32]);
    whole[2..4].copy_from_slice(&9999_u16.to_be_bytes());
    let first = ethernet(IPV4, &ipv4_fragment(UDP, 0, true, &whole[..24]));
    let next = ethernet(IPV4, &ipv4_fragment(UDP, 24, false, &whole[24..]));
    assert_eq!(line(&first), "IP 10.0.0.1.51200 > 10.0.0.2.9999: UDP, length 32");
    assert_eq!(line(&next), "IP 10.0.0.1 > 10.0.0.2: ip-proto-17");
    let fragment = |offset: u16, more: u16, bytes: &[u8]| {
        ethernet(IPV6, &ipv6(44, &join(&[&[TCP, 0], &(offset | more).to_be_bytes(), &[0, 0, 0, 1], bytes])))
    };
    let segment = tcp(&[], b"data");
    assert_eq!(
        line(&fragment(0, 1, &segment)),
        "IP6 fd00::1 > fd00::2: frag (0|24) 51200 > 80: Flags [P.], seq 1:5, ack 2, win 256, length 4: HTTP"
    );
    assert_eq!(line(&fragment(24, 0, &segment)), "IP6 fd00::1 > fd00::2: frag (24|24) ".to_owned());
}

#[test]
fn frames_without_an_ip_packet() {
    assert_eq!(
        line(&ethernet(0x88b5, b"12345")),
        "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype Unknown (0x88b5), length 19"
    );
    assert_eq!(line(&ethernet(3, &[0x42, 0x42, 3])), "llc 66 is not decoded, length 17");
    assert_eq!(line_of(LinkType(147), b"12345"), "link type 147 is not decoded, length 5");
    let data = ethernet(0x8864, &[0x11, 0, 0, 17, 0, 8, 0xc0, 0x21, 9, 1, 0, 8, 0, 0]);
    assert_eq!(line(&data), "PPPoE  [ses 0x11] LCP, Echo-Request (0x09), id 1, length 8");
}

#[test]
fn link_headers_of_other_kinds() {
    let inner = ipv4(UDP, &udp(b"x"));
    let shown = line(&ethernet(IPV4, &inner)).trim_start_matches("IP ").to_owned();
    let snap = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
    let snap_said = "LLC, dsap SNAP (0xaa) Individual, ssap SNAP (0xaa) Command, ctrl 0x03: \
                     oui Ethernet (0x000000), ethertype IPv4 (0x0800), length 29: ";
    let mac = |last: u8| [2, 0, 0, 0, 0, last];

    // Whose length is that of the frame, without the padding behind it.
    let frame =
        |length: u16, llc: &[u8]| join(&[&mac(1), &mac(2), &length.to_be_bytes(), llc, &inner, &[0; 9]]);
    let addresses = "02:00:00:00:00:02 > 02:00:00:00:00:01, 802.3";
    assert_eq!(with_link(&frame(37, &snap)), format!("{addresses}, length 37: {snap_said}{shown}"));
    assert_eq!(
        with_link(&frame(32, &[6, 7, 3])),
        format!(
            "{addresses}, length 32: LLC, dsap IP (0x06) Individual, ssap IP (0x06) Response, ctrl 0x03: {shown}"
        )
    );
    let bridged = with_link(&frame(37, &[0xaa, 0xaa, 3, 0, 0, 0xf8, 8, 0]));
    assert!(bridged.contains(" oui Cisco bridged (0x0000f8), pid IPv4 (0x0800), length 29: "), "{bridged}");
    // A length that is not there is not believed.
    let short = with_link(&frame(1400, &snap));
    assert!(short.starts_with(&format!("{addresses}, length 46: LLC")), "{short}");

    for (flags, said) in [
        (0, "DA:02:00:00:00:00:01 SA:02:00:00:00:00:02 BSSID:02:00:00:00:00:03"),
        (1, "BSSID:02:00:00:00:00:01 SA:02:00:00:00:00:02 DA:02:00:00:00:00:03"),
        (2, "DA:02:00:00:00:00:01 BSSID:02:00:00:00:00:02 SA:02:00:00:00:00:03"),
        (3, "RA:02:00:00:00:00:01 TA:02:00:00:00:00:02 DA:02:00:00:00:00:03 SA:02:00:00:00:00:04"),
    ] {
        let fourth = if flags == 3 { mac(4).to_vec() } else { Vec::new() };
        let data = join(&[&[8, flags, 0, 0], &mac(1), &mac(2), &mac(3), &[0, 0], &fourth, &snap, &inner]);
        assert_eq!(with_link_of(LinkType::IEEE802_11, &data), format!("{said} {snap_said}{shown}"));
    }

    let mut log = [0; 64];
    (log[0], log[1], log[39], log[60]) = (61, 2, 3, 1);
    log[4..7].copy_from_slice(b"en0");
    log[40..44].fill(0xff);
    let logged = |log: &[u8]| with_link_of(LinkType::PFLOG, &join(&[log, &inner]));
    assert_eq!(logged(&log), format!("rule 3/0(match): pass in on en0: {shown}"));
    (log[2], log[3], log[60]) = (1, 2, 2);
    log[20..23].copy_from_slice(b"abc");
    log[40..44].copy_from_slice(&[0, 0, 0, 7]);
    assert_eq!(logged(&log), format!("rule 3.abc.7/2(fragment): block out on en0: {shown}"));
    (log[2], log[3], log[60]) = (77, 99, 9);
    log[40..44].fill(0xff);
    assert_eq!(logged(&log), format!("rule 3/unkn(99): unkn(77) unkn(9) on en0: {shown}"));

    let nflog = join(&[&[2, 0, 0, 42, 33, 0, 9, 0], &inner]);
    let said = format!("version 0, resource ID 42, family IPv4 (2), length 37: {shown}");
    assert_eq!(with_link_of(LinkType::NFLOG, &nflog), said);

    let ppp = |protocol: u16| join(&[&[0xff, 3], &protocol.to_be_bytes(), &inner]);
    assert_eq!(with_link_of(LinkType::PPP, &ppp(0x21)), format!("IP (0x0021), length 33: {shown}"));
    assert!(with_link_of(LinkType::PPP, &ppp(0x1235)).starts_with("unknown (0x1235), length 33"));
    let fddi = join(&[&[0x54], &mac(1), &mac(2), &snap, &inner]);
    assert_eq!(
        with_link_of(LinkType::FDDI, &fddi),
        format!("async4 02:00:00:00:00:02 > 02:00:00:00:00:01, length 50: {snap_said}{shown}")
    );
    let cooked = |length: u8| join(&[&[0, 4, 0, 1, 0, length], &mac(1), &[0, 0, 8, 0], &inner]);
    assert_eq!(
        with_link_of(LinkType::LINUX_SLL, &cooked(6)),
        format!("Out 02:00:00:00:00:01 ethertype IPv4 (0x0800), length 45: {shown}")
    );
    assert_eq!(
        with_link_of(LinkType::LINUX_SLL, &cooked(20)),
        format!("Out ethertype IPv4 (0x0800), length 45: {shown}")
    );
}
