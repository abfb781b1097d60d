//! Decoding against `etherparse`, an independent implementation, on packets that `etherparse` built.

#[cfg(test)]
mod tests {
    use egret_decode::{Checksum, Decoded, LinkType, Network, Packet, PathId, Timestamp, Transport, decode};
    use etherparse::{
        IpHeaders, IpNumber, Ipv4Extensions, Ipv4Header, Ipv4Options, Ipv6Extensions, Ipv6FlowLabel,
        Ipv6FragmentHeader, Ipv6Header, Ipv6RawExtHeader, Ipv6RoutingExtensions, LinkExtHeader, NetHeaders,
        PacketBuilder, PacketHeaders, TcpHeader, TransportHeader, VlanId,
    };
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Inner {
        Tcp { header: TcpHeader },
        Udp { ports: (u16, u16) },
        Echo { id: u16, seq: u16 },
    }

    /// Bytes in units of `unit`, of which `first` more are in front.
    fn units(first: usize, unit: usize, most: usize) -> impl Strategy<Value = Vec<u8>> {
        (0..=most).prop_flat_map(move |count| vec(any::<u8>(), first + count * unit))
    }

    fn ipv4() -> impl Strategy<Value = IpHeaders> {
        // Options of any bytes would be source routes now and then, whose checksum is not to be verified.
        let options =
            units(0, 4, 10).prop_map(|bytes| bytes.iter().map(|byte| byte % 128).collect::<Vec<_>>());
        (any::<[u8; 4]>(), any::<[u8; 4]>(), any::<(u8, u16, bool)>(), 0..64_u8, 0..4_u8, options).prop_map(
            |(source, destination, (time_to_live, identification, dont_fragment), dscp, ecn, options)| {
                let options = Ipv4Options::try_from(&options[..]).expect("units of four");
                let header = Ipv4Header {
                    source,
                    destination,
                    time_to_live,
                    identification,
                    dont_fragment,
                    dscp: dscp.try_into().expect("6 bits"),
                    ecn: ecn.try_into().expect("2 bits"),
                    options,
                    ..Ipv4Header::default()
                };
                IpHeaders::Ipv4(header, Ipv4Extensions::default())
            },
        )
    }

    fn ipv6() -> impl Strategy<Value = IpHeaders> {
        let extension = || {
            prop::option::of(units(6, 8, 3)).prop_map(|bytes| {
                bytes.map(|bytes| Ipv6RawExtHeader::new_raw(IpNumber::TCP, &bytes).expect("units of eight"))
            })
        };
        let extensions = (extension(), extension(), extension(), prop::option::of(any::<u32>())).prop_map(
            |(hop_by_hop_options, destination_options, routing, atomic)| Ipv6Extensions {
                hop_by_hop_options,
                destination_options,
                routing: routing
                    .map(|routing| Ipv6RoutingExtensions { routing, final_destination_options: None }),
                fragment: atomic
                    .map(|id| Ipv6FragmentHeader::new(IpNumber::TCP, 0.try_into().expect("fits"), false, id)),
                auth: None,
            },
        );
        (any::<[u8; 16]>(), any::<[u8; 16]>(), any::<(u8, u8)>(), 0..1_u32 << 20, extensions).prop_map(
            |(source, destination, (hop_limit, traffic_class), flow, extensions)| {
                let flow_label = Ipv6FlowLabel::try_new(flow).expect("20 bits");
                let header = Ipv6Header {
                    source,
                    destination,
                    hop_limit,
                    traffic_class,
                    flow_label,
                    ..Ipv6Header::default()
                };
                IpHeaders::Ipv6(header, extensions)
            },
        )
    }

    fn inner() -> impl Strategy<Value = Inner> {
        let tcp = (any::<(u16, u16, u32, u32, u16, u16)>(), any::<[bool; 8]>(), units(0, 4, 10)).prop_map(
            |(
                (from, to, seq, ack, window, urgent),
                [fin, syn, rst, psh, ack_flag, urg, ece, cwr],
                options,
            )| {
                let mut header = TcpHeader::new(from, to, seq, window);
                (header.acknowledgment_number, header.urgent_pointer) = (ack, urgent);
                (header.fin, header.syn, header.rst, header.psh) = (fin, syn, rst, psh);
                (header.ack, header.urg, header.ece, header.cwr) = (ack_flag, urg, ece, cwr);
                header.set_options_raw(&options).expect("units of four");
                Inner::Tcp { header }
            },
        );
        prop_oneof![
            3 => tcp,
            // No port that means a tunnel: the reference does not enter those.
            1 => (0..1024_u16, 0..1024_u16).prop_map(|ports| Inner::Udp { ports }),
            1 => any::<(u16, u16)>().prop_map(|(id, seq)| Inner::Echo { id, seq }),
        ]
    }

    fn build(tags: &[u16], ip: IpHeaders, inner: Inner, payload: &[u8]) -> Vec<u8> {
        let link = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let id = |id: u16| VlanId::try_new(id).expect("12 bits");
        let version_4 = matches!(ip, IpHeaders::Ipv4(..));
        let ip = match *tags {
            [] => link.ip(ip),
            [one] => link.single_vlan(id(one)).ip(ip),
            [outer, inner, ..] => link.double_vlan(id(outer), id(inner)).ip(ip),
        };
        let mut data = Vec::new();
        match inner {
            Inner::Tcp { header } => ip.tcp_header(header).write(&mut data, payload),
            Inner::Udp { ports: (from, to) } => ip.udp(from, to).write(&mut data, payload),
            Inner::Echo { id, seq } if version_4 => ip.icmpv4_echo_request(id, seq).write(&mut data, payload),
            Inner::Echo { id, seq } => ip.icmpv6_echo_request(id, seq).write(&mut data, payload),
        }
        .expect("a vector takes everything");
        data
    }

    fn compare(decoded: &Decoded<'_>, expected: &PacketHeaders<'_>) {
        let tags = expected.link_exts.iter().filter_map(|header| match header {
            LinkExtHeader::Vlan(tag) => Some(PathId::Vlan(tag.vlan_id.value())),
            _ => None,
        });
        assert!(decoded.path.ids().eq(tags.filter(|tag| *tag != PathId::Vlan(0))));
        match (decoded.network, &expected.net) {
            (Some(Network::Ipv4(ours)), Some(NetHeaders::Ipv4(theirs, _))) => {
                assert_eq!(ours.source.octets(), theirs.source);
                assert_eq!(ours.destination.octets(), theirs.destination);
                assert_eq!((ours.protocol, ours.ttl), (theirs.protocol.0, theirs.time_to_live));
                assert_eq!(ours.tos, theirs.dscp.value() << 2 | theirs.ecn.value());
                assert_eq!(
                    (ours.identification, ours.checksum),
                    (theirs.identification, theirs.header_checksum)
                );
                assert_eq!(
                    (ours.total_length, ours.header_length as usize),
                    (theirs.total_len, theirs.header_len())
                );
                assert_eq!((ours.dont_fragment, ours.fragment), (theirs.dont_fragment, None));
            }
            (Some(Network::Ipv6(ours)), Some(NetHeaders::Ipv6(theirs, extensions))) => {
                assert_eq!(ours.source.octets(), theirs.source);
                assert_eq!(ours.destination.octets(), theirs.destination);
                assert_eq!((ours.hop_limit, ours.traffic_class), (theirs.hop_limit, theirs.traffic_class));
                assert_eq!(
                    (ours.flow_label, ours.payload_length),
                    (theirs.flow_label.value(), theirs.payload_length)
                );
                assert_eq!(usize::from(ours.extensions_length), extensions.header_len());
                let last = extensions.next_header(theirs.next_header).expect("in the order it was built");
                assert_eq!((ours.protocol, ours.fragment), (last.0, None));
            }
            different => panic!("{different:?}"),
        }
        match (decoded.transport, &expected.transport) {
            (Some(Transport::Tcp(ours)), Some(TransportHeader::Tcp(theirs))) => {
                assert_eq!(
                    (ours.source_port, ours.destination_port),
                    (theirs.source_port, theirs.destination_port)
                );
                assert_eq!((ours.seq, ours.ack), (theirs.sequence_number, theirs.acknowledgment_number));
                let flags = [
                    theirs.fin, theirs.syn, theirs.rst, theirs.psh, theirs.ack, theirs.urg, theirs.ece,
                    theirs.cwr,
                ];
                let flags = flags.iter().rev().fold(0, |flags, flag| flags << 1 | u8::from(*flag));
                assert_eq!((ours.flags.0, ours.window), (flags, theirs.window_size));
                assert_eq!((ours.checksum, ours.urgent), (theirs.checksum, theirs.urgent_pointer));
                assert_eq!(ours.options.bytes(), theirs.options.as_slice());
            }
            (Some(Transport::Udp(ours)), Some(TransportHeader::Udp(theirs))) => {
                assert_eq!(
                    (ours.source_port, ours.destination_port),
                    (theirs.source_port, theirs.destination_port)
                );
                assert_eq!((ours.length, ours.checksum), (theirs.length, theirs.checksum));
            }
            (Some(Transport::Icmp(ours)), Some(TransportHeader::Icmpv4(theirs))) => {
                assert_eq!(ours.checksum, theirs.checksum);
                assert_eq!((ours.kind, ours.code, &ours.rest[..]), (8, 0, &theirs.to_bytes()[4..8]));
            }
            (Some(Transport::Icmp(ours)), Some(TransportHeader::Icmpv6(theirs))) => {
                assert_eq!(ours.checksum, theirs.checksum);
                assert_eq!((ours.kind, ours.code, &ours.rest[..]), (128, 0, &theirs.to_bytes()[4..8]));
            }
            different => panic!("{different:?}"),
        }
        assert_eq!(decoded.payload, expected.payload.slice());
        assert_eq!((decoded.cut, decoded.stop), (0, None));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1500))]

        #[test]
        fn both_read_the_same_headers(
            tags in vec(0..4096_u16, 0..3),
            ip in prop_oneof![ipv4(), ipv6()],
            inner in inner(),
            payload in vec(any::<u8>(), 0..100),
            padding in 0..20_usize,
        ) {
            let mut data = build(&tags, ip, inner.clone(), &payload);
            data.extend(vec![0; padding]);
            let (timestamp, link_type, wire_len) = (Timestamp::EPOCH, LinkType::ETHERNET, data.len() as u32);
            let decoded = decode(Packet { number: 1, timestamp, link_type, interface: 0, data: &data, wire_len });
            compare(&decoded, &PacketHeaders::from_ethernet_slice(&data).expect("it built this"));
            prop_assert_eq!(decoded.payload, payload);
            match (inner, decoded.checksum()) {
                (Inner::Echo { .. }, checksum) => prop_assert_eq!(checksum, Checksum::Unverifiable),
                // Any bytes in a routing header may say that there are segments left.
                (_, Checksum::Unverifiable) => prop_assert!(matches!(decoded.network, Some(Network::Ipv6(_)))),
                (_, checksum) => prop_assert_eq!(checksum, Checksum::Valid),
            }
        }
    }
}
