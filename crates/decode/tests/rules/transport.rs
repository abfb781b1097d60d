//! TCP with its options, UDP and ICMP.

use egret_decode::{Icmp, StopReason, TcpFlags, Transport};

use crate::build::*;

fn over_ipv4(protocol: u8, segment: &[u8]) -> Vec<u8> {
    ethernet(IPV4, &ipv4(protocol, segment))
}

const IP_END: usize = 14 + 20;

#[test]
fn every_tcp_field_is_read() {
    let mut segment = tcp(&[2, 4, 5, 0xb4], b"x");
    segment[13] = 0b1010_0010;
    segment[16..20].copy_from_slice(&[0xab, 0xcd, 0, 5]);
    let data = over_ipv4(TCP, &segment);
    let decoded = decoded(&data);
    let tcp = decoded.tcp().unwrap();
    assert_eq!((tcp.source_port, tcp.destination_port, tcp.seq, tcp.ack), (51200, 80, 1, 2));
    assert_eq!(tcp.flags, TcpFlags(TcpFlags::SYN | TcpFlags::URG | TcpFlags::CWR));
    assert_eq!((tcp.window, tcp.checksum, tcp.urgent), (256, 0xabcd, 5));
    assert_eq!(tcp.options.mss(), Some(1460));
}

#[test]
fn tcp_flags_are_tcpdumps_letters() {
    assert_eq!(TcpFlags(0).to_string(), "none");
    assert_eq!(TcpFlags(0x12).to_string(), "S.");
    assert_eq!(TcpFlags(0xff).to_string(), "FSRP.UEW");
}

#[test]
fn a_tcp_data_offset_below_5_is_malformed() {
    let mut segment = tcp(&[], b"data");
    segment[12] = 0x40;
    let data = over_ipv4(TCP, &segment);
    assert_eq!(stop(&decoded(&data)), "tcp: the data offset is below 20 bytes");
    assert_eq!(decoded(&data).payload, segment);
    assert_eq!(decoded(&data).flow.unwrap().source.port, 0);
}

#[test]
fn a_tcp_data_offset_behind_the_segment_is_malformed() {
    let mut segment = tcp(&[], b"data");
    segment[12] = 0xf0;
    // Ethernet padding would be enough to fill the header up, and is none of it.
    let data = ethernet(IPV4, &join(&[&ipv4(TCP, &segment), &[0; 60]]));
    assert_eq!(stop(&decoded(&data)), "tcp: the data offset points behind the end of the segment");
    assert_eq!(decoded(&data).tcp(), None);
}

#[test]
fn a_tcp_header_that_was_cut_says_what_it_needed() {
    let data = over_ipv4(TCP, &tcp(&[], b"data"));
    let decoded = decoded_cut(&data, IP_END + 19);
    assert_eq!(decoded.stop.unwrap().reason, StopReason::Truncated { needed: 20, had: 19 });
    assert_eq!((decoded.payload.len(), decoded.cut), (19, 5), "nothing of it was taken off");
    assert_eq!(decoded.tcp(), None);
}

#[test]
fn tcp_options_that_were_cut_leave_the_fields_and_the_length_known() {
    let options = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 3, 3, 7, 1];
    let data = over_ipv4(TCP, &tcp(&options, &[7; 100]));
    let decoded = decoded_cut(&data, IP_END + 20 + 12);
    let tcp = decoded.tcp().unwrap();
    assert_eq!((tcp.seq, tcp.options.timestamps(), tcp.options.window_scale()), (1, Some((1, 2)), None));
    assert_eq!((decoded.payload, decoded.cut), (&b""[..], 100), "four bytes that were cut were header");
    assert_eq!(decoded.stop.unwrap().reason, StopReason::Truncated { needed: 36, had: 32 });
    assert_eq!(decoded.flow.unwrap().destination.port, 80);
}

#[test]
fn a_udp_length_below_the_ip_length_cuts_the_rest_off() {
    let mut datagram = udp(b"hello");
    datagram[5] = 10;
    let data = over_ipv4(UDP, &datagram);
    assert_eq!((decoded(&data).payload, decoded(&data).cut), (&b"he"[..], 0));
}

#[test]
fn a_udp_length_beyond_the_ip_length_is_not_believed() {
    let mut datagram = udp(b"hello");
    datagram[5] = 200;
    let data = ethernet(IPV4, &join(&[&ipv4(UDP, &datagram), &[0; 30]]));
    assert_eq!((decoded(&data).payload, decoded(&data).cut), (&b"hello"[..], 0));
}

#[test]
fn a_udp_length_of_0_leaves_it_to_ip_and_one_below_8_is_malformed() {
    let mut datagram = udp(b"hello");
    datagram[5] = 0;
    let data = over_ipv4(UDP, &datagram);
    assert_eq!(decoded(&data).payload, b"hello");
    datagram[5] = 7;
    let data = over_ipv4(UDP, &datagram);
    assert_eq!(stop(&decoded(&data)), "udp: the length is below 8 bytes");
}

#[test]
fn a_udp_datagram_that_was_cut_counts_what_is_missing() {
    let data = over_ipv4(UDP, &udp(&[7; 100]));
    let decoded = decoded_cut(&data, IP_END + 8 + 10);
    assert_eq!((decoded.payload.len(), decoded.cut), (10, 90));
    let Some(Transport::Udp(header)) = decoded.transport else { panic!("{decoded:?}") };
    assert_eq!((header.source_port, header.destination_port, header.length), (51200, 53, 108));
}

#[test]
fn icmp_of_both_versions_has_type_code_and_rest() {
    let message = [8, 1, 0xab, 0xcd, 0, 1, 0, 2, b'x'];
    let expected = Icmp { kind: 8, code: 1, checksum: 0xabcd, rest: [0, 1, 0, 2] };
    for data in [over_ipv4(1, &message), ethernet(IPV6, &ipv6(58, &message))] {
        assert_eq!(decoded(&data).transport, Some(Transport::Icmp(expected)));
        assert_eq!(decoded(&data).payload, b"x");
        assert_eq!(decoded(&data).flow.unwrap().source.port, 0);
    }
    let data = over_ipv4(1, &message[..7]);
    assert_eq!(stop(&decoded(&data)), "icmp: 7 bytes of 8");
}
