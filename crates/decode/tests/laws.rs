//! What holds for every packet there can be: decoding is total, stays within the packet's bytes, believes no length,
//! and the layer listing tells the same story.

use std::ops::Range;

use egret_decode::{
    Decoded, LinkType, Network, Packet, Timestamp, Transport, decode, decode_datagram, layers,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Where `inner` lies in `outer`, by address; `None` when it does not.
fn place(outer: &[u8], inner: &[u8]) -> Option<Range<usize>> {
    let start = (inner.as_ptr() as usize).checked_sub(outer.as_ptr() as usize)?;
    let range = start..start.checked_add(inner.len())?;
    (range.end <= outer.len()).then_some(range)
}

/// Checks everything that must hold for a packet, whatever is in it.
fn check(packet: Packet<'_>) -> Result<(), TestCaseError> {
    let decoded = decode(packet);
    prop_assert_eq!(format!("{:?}", decode(packet)), format!("{decoded:?}"), "pure");
    check_bounds(&decoded)?;
    check_layers(&decoded)?;
    // A datagram of any bytes is as harmless behind any header.
    check_bounds(&decode_datagram(&decoded, packet.data))?;
    // Nothing about it cannot be shown or asked.
    let _ = (decoded.stop.map(|stop| stop.to_string()), decoded.flow.map(|flow| flow.to_string()));
    let _ = decoded.checksum();
    Ok(())
}

fn check_bounds(decoded: &Decoded<'_>) -> Result<(), TestCaseError> {
    let data = decoded.packet.data;
    let wire = data.len().max(decoded.packet.wire_len as usize);
    let payload = place(data, decoded.payload);
    let payload = payload.ok_or_else(|| TestCaseError::fail("the payload lies outside the packet"))?;
    prop_assert!(payload.end + decoded.cut as usize <= wire, "{} cut behind {:?}", decoded.cut, payload);
    prop_assert!(
        decoded.cut == 0 || payload.end == data.len(),
        "what was cut off lies behind all that was not"
    );
    if let Some(stop) = decoded.stop {
        prop_assert!(stop.offset as usize <= data.len());
    }
    if let Some(tcp) = decoded.tcp() {
        prop_assert!(place(data, tcp.options.bytes()).is_some(), "options lie outside the packet");
        prop_assert!(tcp.options.iter().count() <= 40, "every option takes a byte");
    }
    if let Some(flow) = decoded.flow {
        prop_assert_eq!(flow.path, decoded.path);
        prop_assert_eq!(
            decoded.network.and_then(|network| network.addresses()),
            Some((flow.source.ip, flow.destination.ip))
        );
    }
    if decoded.fragment().is_some() {
        prop_assert_eq!((decoded.transport, decoded.stop), (None, None));
    }
    Ok(())
}

fn check_layers(decoded: &Decoded<'_>) -> Result<(), TestCaseError> {
    let data = decoded.packet.data;
    let layers = layers(decoded.packet);
    let mut end = 0;
    let mut names = Vec::new();
    for layer in &layers {
        let range = layer.range();
        prop_assert_eq!(range.start, end, "{}: each layer begins where the one around it leaves off", layer);
        prop_assert!(range.end <= data.len());
        prop_assert!(layer.to_string().starts_with(layer.name()));
        prop_assert!(!layer.to_string().contains('\n'));
        end = range.end;
        names.push(layer.name());
    }
    prop_assert_eq!(layers.iter().count(), names.len());
    prop_assert_eq!(format!("{:?}", layers.decoded()), format!("{decoded:?}"));
    for link_header in [false, true] {
        let line = layers.line(link_header).to_string();
        prop_assert!(!line.contains(|c: char| c.is_control() && c != '\t'), "{line:?}");
        prop_assert!(line.len() < 2000 + 32 * data.len(), "{} bytes of a line", line.len());
    }
    let payload = names.last() == Some(&"payload");
    prop_assert_eq!(payload, !decoded.payload.is_empty() || decoded.cut > 0);
    if payload {
        prop_assert_eq!(
            end - decoded.payload.len(),
            place(data, decoded.payload).map_or(0, |range| range.start)
        );
        names.pop();
    }
    let innermost = names.last().copied().unwrap_or_default();
    match decoded.transport {
        Some(Transport::Tcp(_)) => prop_assert_eq!(innermost, "tcp"),
        Some(Transport::Udp(_)) => prop_assert_eq!(innermost, "udp"),
        Some(Transport::Icmp(_)) => prop_assert!(innermost.starts_with("icmp")),
        // Of a tunnel that cannot be entered the outer datagram is not what the packet is about.
        _ if innermost == "udp" => prop_assert!(decoded.stop.is_some()),
        _ => prop_assert!(!["tcp", "icmp", "icmpv6"].contains(&innermost)),
    }
    let network = names.iter().rfind(|name| ["ipv4", "ipv6", "arp"].contains(name));
    match decoded.network {
        Some(Network::Ipv4(_)) => prop_assert_eq!(network, Some(&"ipv4")),
        Some(Network::Ipv6(_)) => prop_assert_eq!(network, Some(&"ipv6")),
        Some(Network::Arp(_)) => prop_assert_eq!(innermost, "arp"),
        _ => prop_assert_eq!(network, None),
    }
    // VLAN 0 is none, and not every GRE header has a key.
    let ids = ["vlan", "vxlan", "vxlan-gpe", "geneve", "gre", "pppoe", "backbone"];
    let tags = names.iter().filter(|name| ids.contains(name)).count();
    prop_assert!(decoded.path.ids().count() <= tags);
    Ok(())
}

fn link_types() -> impl Strategy<Value = LinkType> {
    prop_oneof![
        Just(LinkType::ETHERNET),
        Just(LinkType::LINUX_SLL),
        Just(LinkType::LINUX_SLL2),
        Just(LinkType::NULL),
        Just(LinkType::LOOP),
        Just(LinkType::RAW),
        Just(LinkType::IPV4),
        Just(LinkType::IPV6),
        prop::sample::select(vec![
            9_u16, 10, 50, 51, 104, 105, 117, 119, 127, 163, 166, 192, 204, 239, 281, 282, 283, 284
        ])
        .prop_map(LinkType),
        any::<u16>().prop_map(LinkType),
    ]
}

/// Bytes that go deep: link, tag, network and transport headers that lead to each other, with any fields otherwise.
fn chained() -> impl Strategy<Value = (LinkType, Vec<u8>)> {
    let link = prop_oneof![
        Just((LinkType::ETHERNET, vec![2; 12])),
        Just((LinkType::LINUX_SLL, vec![0, 4, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0])),
    ];
    let tags = vec(any::<u16>(), 0..10);
    let lead = prop_oneof![
        (vec(any::<u8>(), 19), prop_oneof![Just(0x45_u8), 0x40..=0x4f_u8])
            .prop_map(|(rest, first)| ([vec![8, 0, first], rest].concat(), 9)),
        vec(any::<u8>(), 39).prop_map(|rest| ([vec![0x86, 0xdd, 0x60], rest].concat(), 6)),
        vec(any::<u8>(), 28).prop_map(|rest| ([vec![8, 6], rest].concat(), 0)),
    ];
    let protocol =
        prop::sample::select(vec![0, 1, 4, 6, 6, 6, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 97, 137, 143_u8]);
    let tail = (
        vec((prop::sample::select(vec![0, 6, 17, 43, 44, 51, 60_u8]), 0..3_u8), 0..11),
        vec(any::<u8>(), 0..120),
    );
    (link, tags, lead, protocol, any::<bool>(), any::<bool>(), tail).prop_map(
        |((link_type, mut data), tags, (mut network, at), protocol, whole, exact, (extensions, tail))| {
            for tag in tags {
                data.extend([0x81, 0]);
                data.extend(tag.to_be_bytes());
            }
            let mut behind: Vec<u8> = Vec::new();
            for (next, units) in extensions {
                behind.extend([next, units]);
                behind.extend(std::iter::repeat_n(0, 6 + 8 * usize::from(units)));
            }
            behind.extend(tail);
            // The ethertype is in front of the header's own bytes.
            if at > 0 {
                network.splice(at + 2..at + 3, [protocol]);
            }
            if at == 9 && whole {
                network.splice(8..10, [0, 0]);
            }
            let length = (network.len() - 2 + behind.len()) as u16;
            match (exact, at) {
                (true, 9) => drop(network.splice(4..6, length.to_be_bytes())),
                (true, 6) => drop(network.splice(6..8, (length - 40).to_be_bytes())),
                _ => {}
            }
            data.extend(network);
            data.extend(behind);
            (link_type, data)
        },
    )
}

/// Tunnels in tunnels, right in every field, with TCP at the end: a frame, or what is behind its type.
fn tunnelled() -> impl Strategy<Value = Vec<u8>> {
    fn over_ip(protocol: u8, header: &[u8]) -> Vec<u8> {
        // A length of 0 leaves it to the packet.
        let ip = [0x45, 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        [&ip[..], header].concat()
    }
    fn over_udp(port: u16, header: &[u8]) -> Vec<u8> {
        let [high, low] = port.to_be_bytes();
        over_ip(17, &[&[0xc8, 0, high, low, 0, 0, 0, 0][..], header].concat())
    }
    let frame = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    let framed = move |header: &[u8]| [header, &frame[..]].concat();
    let tunnels = vec![
        over_ip(4, &[]),
        over_ip(47, &[0, 0, 8, 0]),
        over_ip(47, &framed(&[0x20, 0, 0x65, 0x58, 0, 0, 0, 1])),
        over_ip(47, &framed(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 7, 0, 9, 0, 0, 0, 0])),
        over_ip(47, &[0, 0, 0x88, 0x0b, 0xff, 3, 0, 0x21]),
        over_ip(51, &[4, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]),
        over_ip(97, &framed(&[0x30, 0])),
        over_ip(137, &[0, 1, 0x21, 64]),
        over_udp(4789, &framed(&[8, 0, 0, 0, 0, 0, 1, 0])),
        over_udp(4790, &[0x0c, 0, 0, 1, 0, 0, 1, 0]),
        over_udp(6081, &framed(&[1, 0, 0x65, 0x58, 0, 1, 0, 0, 1, 2, 3, 0])),
        over_udp(2152, &[0x34, 0xff, 0xff, 0xff, 0, 0, 0, 7, 0, 0, 0, 0x85, 1, 1, 9, 0]),
        over_udp(4754, &[0, 0, 8, 0]),
        over_udp(1701, &[0, 2, 0, 1, 0, 2, 0, 0x21]),
    ];
    vec(prop::sample::select(tunnels), 0..12).prop_map(move |tunnels| {
        let tcp = [0xc8, 0x22, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x10, 1, 0, 0, 0, 0, 0];
        [framed(&[]), tunnels.concat(), over_ip(6, &tcp), b"payload".to_vec()].concat()
    })
}

fn packet(link_type: LinkType, data: &[u8], wire_len: u32) -> Packet<'_> {
    Packet { number: 1, timestamp: Timestamp::EPOCH, link_type, interface: 0, data, wire_len }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_of_any_link_type(link_type in link_types(), data in vec(any::<u8>(), 0..200), wire_len in prop_oneof![0..300_u32, any::<u32>()]) {
        check(packet(link_type, &data, wire_len))?;
    }

    #[test]
    fn headers_that_lead_to_each_other((link_type, data) in chained(), beyond in 0..100_u32) {
        check(packet(link_type, &data, data.len() as u32 + beyond))?;
    }

    #[test]
    fn cut_anywhere((link_type, data) in chained(), at in any::<prop::sample::Index>()) {
        let captured = data.get(..at.index(data.len() + 1)).unwrap_or_default();
        check(packet(link_type, captured, data.len() as u32))?;
    }

    #[test]
    fn any_byte_changed((link_type, mut data) in chained(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        for (at, value) in changes {
            let index = at.index(data.len());
            data.iter_mut().skip(index).take(1).for_each(|byte| *byte = value);
        }
        check(packet(link_type, &data, data.len() as u32))?;
    }

    #[test]
    fn tunnels_in_tunnels(mut data in tunnelled(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), cut in 0..50_u32) {
        for (at, value) in changes {
            let index = at.index(data.len());
            data.iter_mut().skip(index).take(1).for_each(|byte| *byte = value);
        }
        check(packet(LinkType::ETHERNET, &data, data.len() as u32 + cut))?;
    }

    #[test]
    fn a_tunnel_cut_short_never_tells_another_story(data in tunnelled(), at in any::<prop::sample::Index>()) {
        let whole = decode(packet(LinkType::ETHERNET, &data, data.len() as u32));
        let captured = data.get(..at.index(data.len() + 1)).unwrap_or_default();
        let cut = decode(packet(LinkType::ETHERNET, captured, data.len() as u32));
        prop_assert!(whole.stop.is_some() || whole.payload == b"payload");
        if cut.transport.is_some() {
            prop_assert_eq!(cut.flow, whole.flow);
            prop_assert_eq!(cut.payload.len() + cut.cut as usize, whole.payload.len());
        }
    }

    /// What was captured less is known less, but never known otherwise.
    #[test]
    fn a_shorter_capture_never_tells_another_story((link_type, data) in chained(), at in any::<prop::sample::Index>()) {
        let whole = decode(packet(link_type, &data, data.len() as u32));
        let captured = data.get(..at.index(data.len() + 1)).unwrap_or_default();
        let cut = decode(packet(link_type, captured, data.len() as u32));
        if let (Some(cut), Some(whole)) = (cut.tcp(), whole.tcp()) {
            prop_assert_eq!((cut.seq, cut.source_port, cut.flags), (whole.seq, whole.source_port, whole.flags));
        }
        if cut.transport.is_some() {
            prop_assert!(whole.transport.is_some());
            prop_assert_eq!(cut.flow, whole.flow);
            prop_assert_eq!(cut.payload.len() + cut.cut as usize, whole.payload.len(), "the payload is as long as it was");
            prop_assert!(whole.payload.starts_with(cut.payload));
        }
    }
}
