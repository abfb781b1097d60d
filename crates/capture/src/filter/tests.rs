//! The interpreter against libpcap's own, and filters over files.

use std::io::Cursor;

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::*;
use crate::{Capture, InterfaceTable, Timestamp, Writer};

/// Every kind of primitive and connective, and the arithmetic that the language has.
const EXPRESSIONS: &[&str] = &[
    "host 10.0.0.1",
    "src host 10.0.0.1 and dst host 10.0.0.2",
    "ip6 host 2001:db8::1",
    "net 10.0.0.0/8",
    "src net 10.1.0.0/16 or dst net 10.2.0.0/16",
    "ip6 net 2001:db8::/32",
    "port 80",
    "tcp port 80",
    "udp src port 53",
    "portrange 8000-9000",
    "tcp dst portrange 1-1023",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn",
    "tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420",
    "ip",
    "ip6",
    "arp",
    "icmp or icmp6",
    "icmp[icmptype] == icmp-echo",
    "ip6 and tcp",
    "ip proto 47",
    "ip6 protochain 6",
    "vlan",
    "vlan 7",
    "vlan and tcp port 80",
    "vlan 7 and vlan 8 and ip",
    "mpls",
    "pppoes",
    "ether host 02:00:00:00:00:01",
    "ether multicast",
    "ether proto 0x0800",
    "greater 100",
    "less 100",
    "len > 60 and len < 70",
    "not port 80",
    "tcp and not (port 80 or port 443)",
    "(tcp or udp) and (host 10.0.0.1 or host 10.0.0.2) and not port 22",
    "ip[0] & 0xf != 5",
    "ip[6:2] & 0x1fff = 0",
    "ip[8] < 5 or ip[8] >= 250",
    "ip[2:2] - 20 > 40",
    "(ip[2:2] - ((ip[0] & 0xf) << 2)) * 2 > 100",
    "ip[2:2] / 10 = 6 or ip[2:2] % 7 = 3",
    "ether[0] ^ ether[6] = 1",
    "ip broadcast or ip multicast",
    "udp[8:4] = 0x01020304",
    "len / ip[9] > 2",
    "ether[len - 1] = 7",
];

/// Frames in which the expressions find something: headers put together at random from few values.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let vlans = proptest::collection::vec(6..9_u16, 0..3);
    let addresses = (0..3_u8, 1..4_u8, 0..3_u8, 1..4_u8);
    let ports = (port(), port());
    let transport = prop_oneof![Just(6_u8), Just(17), Just(1), Just(58), Just(47)];
    let network = prop_oneof![6 => Just(0x0800_u16), 3 => Just(0x86dd), 1 => Just(0x0806), 1 => Just(0x8847), 1 => Just(0x8864), 1 => any::<u16>()];
    let payload = prop_oneof![
        2 => Just(b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        1 => Just(vec![1, 2, 3, 4, 7]),
        3 => proptest::collection::vec(any::<u8>(), 0..120),
    ];
    (vlans, network, addresses, transport, ports, any::<[u8; 4]>(), payload).prop_map(
        |(vlans, network, (a, b, c, d), transport, ports, extra, payload)| {
            let mut frame = vec![2 + extra[0] % 2, 0, 0, 0, 0, b, 2, 0, 0, 0, 0, d];
            for vlan in vlans {
                frame.extend(0x8100_u16.to_be_bytes());
                frame.extend(vlan.to_be_bytes());
            }
            frame.extend(network.to_be_bytes());
            match network {
                0x0800 => {
                    let options = usize::from(extra[0] % 3) * 4;
                    frame.push(0x45 + options as u8 / 4);
                    frame.push(0);
                    frame.extend((40 + payload.len() as u16).to_be_bytes());
                    frame.extend([0, 1, extra[1] % 2, 0, extra[2], transport, 0, 0]);
                    frame.extend([10, a, 0, b, if extra[3] < 32 { 224 } else { 10 }, c, 0, d]);
                    frame.extend(vec![1; options]);
                }
                0x86dd => {
                    frame.extend([0x60, 0, 0, 0, 0, payload.len() as u8, transport, 64]);
                    for last in [b, d] {
                        frame.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
                    }
                }
                _ => {}
            }
            frame.extend(ports.0.to_be_bytes());
            frame.extend(ports.1.to_be_bytes());
            match transport {
                6 => frame.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, extra[3], 0, 0, 0, 0, 0, 0]),
                _ => frame.extend([0, 8, 0, 0]),
            }
            frame.extend(payload);
            frame
        },
    )
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![Just(80), Just(443), Just(53), Just(22), Just(0x0800), Just(8_500), any::<u16>()]
}

/// What libpcap's own interpreter says, which takes the captured length for the wire's.
fn oracle(expression: &str) -> pcap::BpfProgram {
    pcap::Capture::dead(pcap::Linktype::ETHERNET).unwrap().compile(expression, true).unwrap()
}

fn compiled(expression: &str) -> Program {
    compile(expression, LinkType::ETHERNET).unwrap()
}

#[test]
fn the_interpreter_agrees_with_libpcap() {
    let programs: Vec<(&str, Program, pcap::BpfProgram)> = EXPRESSIONS
        .iter()
        .map(|expression| (*expression, compiled(expression), oracle(expression)))
        .collect();
    let mut matched = vec![0_u32; programs.len()];
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..20_000 {
        let frame = frame().new_tree(&mut runner).unwrap().current();
        for ((expression, ours, theirs), matched) in programs.iter().zip(&mut matched) {
            let expected = theirs.filter(&frame);
            assert_eq!(ours.matches(&frame, frame.len() as u32), expected, "{expression}: {frame:02x?}");
            *matched += u32::from(expected);
        }
    }
    // A comparison in which nothing ever matches, or everything, would prove little.
    for ((expression, ..), matched) in programs.iter().zip(matched) {
        assert!(matched > 0, "{expression} never matched");
        assert!(matched < 20_000, "{expression} always matched");
    }
}

proptest! {
    #[test]
    fn a_frame_cut_anywhere_is_judged_as_libpcap_does(frame in frame(), cut in any::<prop::sample::Index>()) {
        let frame = &frame[..cut.index(frame.len())];
        for expression in EXPRESSIONS {
            let expected = oracle(expression).filter(frame);
            prop_assert_eq!(compiled(expression).matches(frame, frame.len() as u32), expected, "{}", expression);
        }
    }

    #[test]
    fn any_instructions_at_all_come_to_an_end(
        instructions in proptest::collection::vec((any::<u16>(), any::<u8>(), any::<u8>(), any::<u32>()), 0..50),
        small in any::<bool>(),
        data in proptest::collection::vec(any::<u8>(), 0..50),
    ) {
        let instructions = instructions.into_iter().map(|(code, jump_true, jump_false, k)| {
            if small {
                Instruction { code: code & 0xff, jump_true: jump_true % 4, jump_false: jump_false % 4, k: k % 32 }
            } else {
                Instruction { code, jump_true, jump_false, k }
            }
        });
        let _ = Program::new(instructions.collect()).matches(&data, 60);
    }
}

#[test]
fn lengths_are_those_on_the_wire() {
    let program = compiled("greater 1000");
    assert!(program.matches(&[0; 60], 1000));
    assert!(!program.matches(&[0; 60], 999));
    assert!(!compiled("less 100").matches(&[0; 60], 1000));
}

#[test]
fn dividing_by_zero_and_running_off_the_end_reject() {
    let instruction = |code, k| Instruction { code, jump_true: 0, jump_false: 0, k };
    let accept = instruction(0x06, 1);
    assert!(Program::new(vec![accept]).matches(b"", 0));
    assert!(!Program::new(vec![instruction(0x34, 0), accept]).matches(b"", 0));
    assert!(!Program::new(vec![instruction(0x94, 0), accept]).matches(b"", 0));
    assert!(!Program::new(vec![instruction(0x05, 7), accept]).matches(b"", 0));
    assert!(!Program::new(vec![instruction(0x02, 16), accept]).matches(b"", 0));
    assert!(!Program::new(vec![]).matches(b"", 0));
    // An offset that overflows is beyond the packet; it does not come round to its start.
    let around = vec![instruction(0x01, u32::MAX), instruction(0x50, 1), accept];
    assert!(!Program::new(around).matches(b"packet", 6));
    // Shifting out every bit leaves zero; it does not wrap around.
    let shifted = vec![instruction(0x00, 1), instruction(0x64, 33), instruction(0x16, 0)];
    assert!(!Program::new(shifted).matches(b"", 0));
}

#[test]
fn a_mistake_is_found_where_it_is() {
    let cases: &[(&str, Option<usize>)] = &[
        ("tcp prot 80", Some(4)),
        ("tcp port 80 and and host 10.0.0.1", Some(16)),
        ("port 80 or (host 10.0.0.1 andd tcp)", Some(26)),
        ("tcp port 80)", Some(11)),
        ("(tcp port 80", Some(12)),
        ("tcp and", Some(7)),
        ("== 5", Some(0)),
        ("tcp[13 & 2 != 0", Some(11)),
        ("größer 5", Some(0)),
        ("tcp and größer", Some(8)),
        ("host 10.0.0.1 port 80 § 5", Some(14)),
    ];
    for &(expression, expected) in cases {
        let error = compile(expression, LinkType::ETHERNET).unwrap_err();
        let Error::Filter { message, position, .. } = &error else { panic!("{error}") };
        assert_eq!(*position, expected, "{expression}: {message}");
    }
    let error = compile("tcp\0", LinkType::ETHERNET).unwrap_err();
    assert!(error.to_string().contains("zero byte"), "{error}");
}

/// A capture with one UDP packet to port 53 per link type, as pcapng.
fn mixed(link_types: &[LinkType]) -> Capture {
    let path = std::env::temp_dir().join(format!("egret-filter-{}-{}", std::process::id(), link_types.len()));
    let table = InterfaceTable::default();
    let mut writer = Writer::create(&path, table).unwrap();
    let ip = [
        &[0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2][..],
        &[0, 9, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4],
    ]
    .concat();
    for (interface, &link_type) in link_types.iter().enumerate() {
        let header: &[u8] = match link_type {
            LinkType::ETHERNET => &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0],
            LinkType::LINUX_SLL => &[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0],
            LinkType::NULL => &[2, 0, 0, 0],
            _ => &[],
        };
        let data = [header, &ip].concat();
        let packet = Packet {
            number: 0,
            timestamp: Timestamp::EPOCH,
            link_type,
            interface: interface as u32,
            data: &data,
            wire_len: data.len() as u32,
        };
        writer.write(&packet).unwrap();
    }
    writer.finish().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    Capture::from_reader(Cursor::new(bytes), "mixed").unwrap()
}

fn numbers(capture: &mut Capture) -> Result<Vec<u64>, Error> {
    let mut numbers = Vec::new();
    while let Some(packet) = capture.next_packet()? {
        numbers.push(packet.number);
    }
    Ok(numbers)
}

#[test]
fn a_filter_is_compiled_for_each_link_type_and_packets_keep_their_numbers() {
    let types = [LinkType::LINUX_SLL, LinkType::ETHERNET, LinkType::RAW, LinkType::NULL, LinkType::IPV4];
    let mut capture = mixed(&types);
    capture.set_filter("udp port 53 and host 10.0.0.2").unwrap();
    assert_eq!(numbers(&mut capture).unwrap(), [1, 2, 3, 4, 5]);
    let mut capture = mixed(&types);
    capture.set_filter("udp port 54").unwrap();
    assert_eq!(numbers(&mut capture).unwrap(), []);
    let statistics = capture.statistics();
    assert_eq!((statistics.read, statistics.passed, statistics.unfilterable), (5, 0, 0));
}

#[test]
fn packets_that_the_filter_has_no_meaning_for_are_counted() {
    // 189 is USB, which has no ports.
    let mut capture = mixed(&[LinkType::ETHERNET, LinkType(189), LinkType::RAW]);
    capture.set_filter("port 53").unwrap();
    assert_eq!(numbers(&mut capture).unwrap(), [1, 3]);
    assert_eq!(capture.statistics().unfilterable, 1);
}

#[test]
fn a_filter_without_meaning_for_the_first_link_type_is_an_error() {
    let mut capture = mixed(&[LinkType(189)]);
    capture.set_filter("port 53").unwrap();
    let error = numbers(&mut capture).unwrap_err();
    assert!(matches!(error, Error::Filter { link_type: LinkType(189), .. }), "{error}");
    assert!(capture.next_packet().unwrap().is_none());
}

#[test]
fn a_filter_for_a_file_knows_the_length_on_the_wire() {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
    for wire_len in [999_u32, 1_000] {
        for number in [1, 0, 60, wire_len] {
            file.extend(number.to_le_bytes());
        }
        file.extend([0; 60]);
    }
    let mut capture = Capture::from_reader(Cursor::new(file), "cut").unwrap();
    capture.set_filter("greater 1000").unwrap();
    assert_eq!(numbers(&mut capture).unwrap(), [2]);
}

#[test]
fn what_does_not_parse_is_refused_before_a_packet_is_read() {
    let error = mixed(&[LinkType::ETHERNET]).set_filter("tcp prot 80").unwrap_err();
    assert!(matches!(error, Error::Filter { position: Some(4), .. }), "{error}");
}
