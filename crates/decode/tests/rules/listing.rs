//! The listing of layers, one line of fields for each.

use egret_decode::{LinkType, layers};
use expect_test::{Expect, expect};

use crate::build::*;

/// Compares the whole listing, ranges included.
fn check(link_type: LinkType, data: &[u8], expected: Expect) {
    let listed: String = layers(packet(link_type, data))
        .iter()
        .map(|layer| format!("{:?} {layer}\n", layer.range()))
        .collect();
    expected.assert_eq(&listed);
}

#[test]
fn a_linux_syn() {
    let options = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9, 1, 3, 3, 7];
    let inner = ipv4_options(TCP, &[148, 4, 0, 0], &tcp(&options, b"x"));
    check(
        LinkType::ETHERNET,
        &ethernet(0x8100, &vlan(0x7007, IPV4, &inner)),
        expect![[r#"
        0..14 ethernet 02:00:00:00:00:01 > 02:00:00:00:00:02, type 0x8100
        14..18 vlan id 7, priority 3, drop eligible, type 0x0800
        18..42 ipv4 10.0.0.1 > 10.0.0.2, protocol 6, ttl 64, tos 0x00, id 9, length 65, checksum 0x0000, options [router-alert]
        42..82 tcp 51200 > 80, flags P., seq 1, ack 2, window 256, checksum 0x0000, options [mss 1460, sack-permitted, timestamps 7 9, nop, wscale 7]
        82..83 payload 1 bytes
    "#]],
    );
}

#[test]
fn an_ipv6_fragment_behind_options() {
    let fragment = [TCP, 0, 0, 9, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8];
    let options = join(&[&[43, 0, 0xc2, 4, 0, 1, 0, 1], &[44, 0, 3, 1, 0, 0, 0, 0], &fragment]);
    check(
        LinkType::RAW,
        &ipv6(0, &options),
        expect![[r#"
        0..40 ipv6 fd00::1 > fd00::2, protocol 0, hop limit 64, class 0x00, flow 0x00000, length 32
        40..48 ipv6-hop-by-hop next 43, 8 bytes, jumbo 65537
        48..56 ipv6-routing next 44, type 3, segments left 1
        56..64 ipv6-fragment next 6, id 0x00000001, at 8+
        64..72 payload 8 bytes
    "#]],
    );
}

#[test]
fn authentication_and_udp_over_cooked_v2() {
    let inner = join(&[&[UDP, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2], &[0; 12], &udp(b"x")]);
    let cooked = [0x86, 0xdd, 0, 0, 0, 0, 0, 5, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0];
    check(
        LinkType::LINUX_SLL2,
        &join(&[&cooked, &ipv6(51, &inner)]),
        expect![[r#"
        0..20 linux-sll2 out, interface 5, device type 1, from 02:00:00:00:00:01, type 0x86dd
        20..60 ipv6 fd00::1 > fd00::2, protocol 51, hop limit 64, class 0x00, flow 0x00000, length 33
        60..84 authentication next 17, spi 0x00000001, sequence 2
        84..92 udp 51200 > 53, length 9, checksum 0x0000
        92..93 payload 1 bytes
    "#]],
    );
}

#[test]
fn an_echo_over_loopback() {
    let message = [8, 0, 0xab, 0xcd, 0, 1, 0, 2, b'x'];
    check(
        LinkType::NULL,
        &join(&[&[2, 0, 0, 0], &ipv4(1, &message)]),
        expect![[r#"
        0..4 null family 2
        4..24 ipv4 10.0.0.1 > 10.0.0.2, protocol 1, ttl 64, tos 0x00, id 9, length 29, checksum 0x0000
        24..32 icmp type 8, code 0, checksum 0xabcd, echo id 1, sequence 2
        32..33 payload 1 bytes
    "#]],
    );
}

#[test]
fn an_icmpv6_error_over_cooked_v1_without_address() {
    let cooked = [0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x86, 0xdd];
    check(
        LinkType::LINUX_SLL,
        &join(&[&cooked, &ipv6(58, &[2, 0, 0, 0, 0, 0, 5, 0])]),
        expect![[r#"
        0..16 linux-sll in, device type 772, type 0x86dd
        16..56 ipv6 fd00::1 > fd00::2, protocol 58, hop limit 64, class 0x00, flow 0x00000, length 8
        56..64 icmpv6 type 2, code 0, checksum 0x0000, rest 0x00000500
    "#]],
    );
}

#[test]
fn an_arp_request() {
    let arp = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2];
    check(
        LinkType::ETHERNET,
        &ethernet(0x0806, &arp),
        expect![[r#"
        0..14 ethernet 02:00:00:00:00:01 > 02:00:00:00:00:02, type 0x0806
        14..42 arp request, sender 10.0.0.1 at 02:00:00:00:00:01, target 10.0.0.2 at 00:00:00:00:00:00
    "#]],
    );
}

#[test]
fn a_fragment_of_which_bytes_were_cut() {
    let data = ipv4_fragment(TCP, 1480, true, &[9; 24]);
    let whole = packet(LinkType::IPV4, &data);
    let cut = egret_decode::Packet { data: &data[..30], ..whole };
    let listed: Vec<_> = layers(cut).iter().map(|layer| layer.to_string()).collect();
    expect![[r#"
        ipv4 10.0.0.1 > 10.0.0.2, protocol 6, ttl 64, tos 0x00, id 9, length 44, checksum 0x0000, fragment at 1480+
        payload 10 bytes, 14 cut"#]].assert_eq(&listed.join("\n"));
}
