//! Why nothing was found: a capture for each reason, and the reason that is given.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test asserts by panicking")]

use egret_http::{
    Assembler, CaptureStatistics, Context, Exchange, Hint, HttpFactory, Limits, LinkType, Packet, Seen,
    StreamLimits, StreamPool, Timestamp, decode, hints,
};

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// A segment from the client, or from the server, of the connection with this client's port.
fn segment(client: bool, port: u16, [seq, ack]: [u32; 2], flags: u8, data: &[u8]) -> Vec<u8> {
    let (from, to) = if client { (1, 2) } else { (2, 1) };
    let ports = if client { [port, 80] } else { [80, port] };
    let mut packet = vec![0x45, 0];
    packet.extend((40 + data.len() as u16).to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, from, 10, 0, 0, to]);
    packet.extend(ports.into_iter().flat_map(u16::to_be_bytes));
    packet.extend([seq, ack].into_iter().flat_map(u32::to_be_bytes));
    packet.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    packet.extend(data);
    packet
}

/// A whole connection in which each side says something.
fn connection(port: u16, client: &[u8], server: &[u8]) -> Vec<Vec<u8>> {
    let (asked, answered) = (1 + client.len() as u32, 1 + server.len() as u32);
    let mut packets = vec![
        segment(true, port, [0, 0], SYN, b""),
        segment(false, port, [0, 1], SYN | ACK, b""),
        segment(true, port, [1, 1], ACK, b""),
    ];
    packets.push(segment(true, port, [1, 1], ACK, client));
    packets.push(segment(false, port, [1, asked], ACK, server));
    packets.push(segment(true, port, [asked, answered], ACK | FIN, b""));
    packets.push(segment(false, port, [answered, asked + 1], ACK | FIN, b""));
    packets.push(segment(true, port, [asked + 1, answered + 1], ACK, b""));
    packets
}

/// What is said about these packets, if the capture counted this and that many exchanges were not selected.
fn said(packets: &[Vec<u8>], statistics: impl FnOnce(&mut CaptureStatistics), left_out: u64) -> Vec<Hint> {
    let mut assembler = Assembler::new(StreamPool::new(HttpFactory::new(), StreamLimits::default()));
    let mut context = Context::new(|_: &Exchange| {}, Limits::default());
    for (number, data) in packets.iter().enumerate() {
        assembler.assemble(
            &decode(Packet {
                number: number as u64 + 1,
                timestamp: Timestamp::from_nanos(number as i64 * 1_000_000),
                link_type: LinkType::IPV4,
                interface: 0,
                data,
                // The length that IP gives: what is missing of it was cut off.
                wire_len: u16::from_be_bytes([data[2], data[3]]).into(),
            }),
            &mut context,
        );
    }
    assembler.finish(&mut context);
    let mut capture = CaptureStatistics::default();
    (capture.read, capture.passed) = (packets.len() as u64, packets.len() as u64);
    statistics(&mut capture);
    let live = capture.dropped_by_kernel.is_some();
    hints(&Seen { capture, live, streams: assembler.stats(), http: context.stats(), left_out })
}

#[track_caller]
fn check(packets: &[Vec<u8>], expected: &[(&str, &str)]) {
    let found = said(packets, |_| {}, 0);
    let ids: Vec<_> = found.iter().map(Hint::id).collect();
    assert_eq!(ids, expected.iter().map(|(id, _)| *id).collect::<Vec<_>>(), "{found:?}");
    for (hint, (_, words)) in found.iter().zip(expected) {
        assert!(hint.to_string().contains(words), "{hint}");
    }
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn where_there_are_exchanges_there_is_nothing_to_say() {
    check(&connection(40_000, GET, OK), &[]);
    let mut mixed = connection(40_000, GET, OK);
    mixed.extend(connection(40_001, b"SSH-2.0-a\r\n", b"SSH-2.0-b\r\n"));
    check(&mixed, &[]);
}

#[test]
fn no_packets_and_no_packets_behind_the_filter() {
    check(&[], &[("no-packets", "no packet in it")]);
    let live = said(&[], |capture| capture.dropped_by_kernel = Some(0), 0);
    assert!(live[0].to_string().contains("right interface"), "{}", live[0]);
    let filtered = said(&[], |capture| capture.read = 7, 0);
    assert_eq!(filtered, [Hint::FilterMatchedNothing { packets: 7 }]);
    assert!(filtered[0].to_string().contains("none of 7 packets"));
}

#[test]
fn packets_without_tcp_and_tcp_without_data() {
    let mut udp = segment(true, 53, [0, 0], 0, b"");
    udp[9] = 17;
    check(&[udp], &[("no-tcp", "no TCP in 1 packet:")]);
    let refused = [
        segment(true, 40_000, [0, 0], SYN, b""),
        segment(false, 40_000, [0, 1], 0x14, b""),
        segment(true, 40_001, [0, 0], SYN, b""),
        segment(false, 40_001, [0, 1], 0x14, b""),
    ];
    check(&refused, &[("no-data", "4 packets of TCP")]);
}

#[test]
fn other_protocols_the_most_frequent_first() {
    // A ClientHello that asks for a server by name.
    let name = b"bank.example";
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
    let list = name.len() as u16 + 3;
    let mut extension = vec![0, 0];
    extension.extend((list + 2).to_be_bytes());
    extension.extend(list.to_be_bytes());
    extension.push(0);
    extension.extend((name.len() as u16).to_be_bytes());
    extension.extend(name);
    hello.extend((extension.len() as u16).to_be_bytes());
    hello.extend(extension);
    let mut handshake = vec![1, 0];
    handshake.extend((hello.len() as u16).to_be_bytes());
    handshake.extend(hello);
    let mut record = vec![0x16, 3, 1];
    record.extend((handshake.len() as u16).to_be_bytes());
    record.extend(handshake);

    let mut packets = connection(40_000, b"SSH-2.0-a\r\n", b"SSH-2.0-b\r\n");
    packets.extend(connection(40_001, &record, &[0x16, 3, 3, 0, 1, 2]));
    packets.extend(connection(40_002, &record, &[0x16, 3, 3, 0, 1, 2]));
    check(&packets, &[("tls", "2 connections in TLS, to bank.example 2: "), ("ssh", "1 connection in SSH")]);
    check(
        &connection(40_000, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[0, 0, 0, 4, 0, 0, 0, 0, 0]),
        &[("http2", "HTTP/2 without TLS")],
    );
    check(&connection(40_000, b"\0\x01\x02 something", b"\x02"), &[("not-http", "egret streams")]);
}

#[test]
fn one_side_only_and_the_middle_of_connections() {
    let whole = connection(40_000, GET, OK);
    let asked: Vec<_> = whole.iter().filter(|packet| packet[15] == 1).cloned().collect();
    check(&asked, &[("one-direction", "only one side of 1 connection was captured")]);
    let answered: Vec<_> = whole.iter().filter(|packet| packet[15] == 2).cloned().collect();
    check(&answered, &[("one-direction", "only one side")]);
    // Encrypted data, from before the capture on.
    let middle = [
        segment(true, 40_000, [1, 1], ACK, b"\xff\xfe\xfd\xfc\xfb"),
        segment(false, 40_000, [1, 6], ACK, b"\xff\xfe\xfd\xfc\xfb"),
        segment(true, 40_000, [6, 6], ACK, b""),
    ];
    check(&middle, &[("not-http", "1 connection"), ("midstream", "begun before the capture")]);
}

#[test]
fn what_was_lost_on_the_way() {
    let dropped = said(
        &[],
        |capture| (capture.dropped_by_kernel, capture.dropped_by_interface) = (Some(3), Some(4)),
        0,
    );
    assert_eq!(dropped.last(), Some(&Hint::Drops { packets: 7 }));
    // Where there is something to be seen, nobody asks why there is not.
    assert_eq!(said(&connection(40_000, GET, OK), |capture| capture.dropped_by_kernel = Some(3), 0), []);
    let response = [b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n".as_slice(), &[b'x'; 300]].concat();
    let mut cut = connection(40_000, GET, &response);
    cut[4].truncate(100);
    check(&cut, &[("snap-length", "cut in 1 exchange")]);
}

#[test]
fn what_was_not_selected() {
    let found = said(&connection(40_000, GET, OK), |_| {}, 1);
    assert_eq!(found, [Hint::NotSelected { exchanges: 1 }]);
    assert!(found[0].to_string().contains("1 exchange, none of them selected"));
}
