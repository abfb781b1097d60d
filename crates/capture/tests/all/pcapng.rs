//! pcapng, each kind of block from a file made by hand.

use crate::by_hand::{
    Order, block, drain, enhanced, interface, obsolete, read, read_all, section, section_of_version, simple,
};
use egret_capture::{Capture, Error, Fault, LinkType};

const LE: Order = Order::Little;
const BE: Order = Order::Big;

/// Parts of a file, one behind the other.
fn file(parts: &[Vec<u8>]) -> Vec<u8> {
    parts.concat()
}

#[test]
fn packets_of_three_kinds_in_both_byte_orders() {
    for order in [LE, BE] {
        let file = file(&[
            section(order),
            interface(order, 1, 0, &[]),
            enhanced(order, 0, 1_700_000_000_000_001, 60, b"abcde"),
            obsolete(order, 0, 1_700_000_000_000_002, 61, b"fghi"),
            simple(order, 3, b"jkl"),
        ]);
        let packets = read_all(&file);
        let found: Vec<(&[u8], u32, i64)> =
            packets.iter().map(|packet| (packet.data.as_slice(), packet.wire_len, packet.nanos)).collect();
        // A simple packet has no time: it gets that of the packet before it.
        assert_eq!(
            found,
            [
                (&b"abcde"[..], 60, 1_700_000_000_000_001_000),
                (&b"fghi"[..], 61, 1_700_000_000_000_002_000),
                (&b"jkl"[..], 3, 1_700_000_000_000_002_000),
            ],
            "{order:?}"
        );
    }
}

#[test]
fn each_interface_has_its_link_type_and_clock() {
    for order in [LE, BE] {
        let offset = order.u64(100);
        let back = order.u64((-100_i64) as u64);
        let file = file(&[
            section(order),
            interface(order, 1, 0, &[]),
            interface(order, 101, 0, &[(9, &[9])]),
            interface(order, 113, 0, &[(9, &[3]), (14, &offset)]),
            interface(order, 276, 0, &[(9, &[0x80 | 20]), (14, &back)]),
            enhanced(order, 0, 7, 0, b""),
            enhanced(order, 1, 7, 0, b""),
            enhanced(order, 2, 7, 0, b""),
            enhanced(order, 3, 200 << 20, 0, b""),
        ]);
        let found: Vec<(LinkType, u32, i64)> = read_all(&file)
            .into_iter()
            .map(|packet| (packet.link_type, packet.interface, packet.nanos))
            .collect();
        assert_eq!(
            found,
            [
                (LinkType::ETHERNET, 0, 7_000),
                (LinkType::RAW, 1, 7),
                (LinkType::LINUX_SLL, 2, 100_007_000_000),
                (LinkType::LINUX_SLL2, 3, 100_000_000_000),
            ],
            "{order:?}"
        );
    }
}

#[test]
fn sections_have_their_own_interfaces_and_byte_order_and_one_table_has_them_all() {
    let bytes = file(&[
        section(LE),
        interface(LE, 1, 96, &[(2, b"eth0"), (3, b"the first")]),
        enhanced(LE, 0, 1, 3, b"one"),
        section(BE),
        interface(BE, 101, 0, &[(2, b"tun0\0")]),
        enhanced(BE, 0, 2, 3, b"two"),
        interface(BE, 1, 0, &[]),
        enhanced(BE, 1, 3, 5, b"three"),
    ]);
    let capture = Capture::from_reader(std::io::Cursor::new(bytes), "test").unwrap();
    let table = capture.interface_table();
    let (capture, (packets, error)) = drain(capture);
    assert!(error.is_none());
    let indices: Vec<u32> = packets.iter().map(|packet| packet.interface).collect();
    assert_eq!(indices, [0, 1, 2]);
    let names: Vec<Option<&str>> =
        capture.interfaces().iter().map(|interface| interface.name.as_deref()).collect();
    assert_eq!(names, [Some("eth0"), Some("tun0"), None]);
    assert_eq!(capture.interfaces()[0].description.as_deref(), Some("the first"));
    assert_eq!(capture.interfaces()[0].snap_length, 96);
    assert_eq!(table.get(1).as_ref(), capture.interfaces().get(1));
    assert_eq!(table.get(3), None);
}

#[test]
fn an_interface_of_an_earlier_section_is_unknown() {
    let bytes = file(&[
        section(LE),
        interface(LE, 1, 0, &[]),
        enhanced(LE, 0, 1, 3, b"one"),
        section(LE),
        enhanced(LE, 0, 1, 3, b"two"),
    ]);
    let (packets, error) = read(&bytes);
    assert_eq!(packets.len(), 1);
    let Some(Error::BadRecord { fault: Fault::UnknownInterface { interface: 0, known: 0 }, at, .. }) = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(at.offset, bytes.len() as u64 - 36);
}

#[test]
fn a_simple_packet_is_cut_by_the_snap_length_of_the_first_interface() {
    let bytes = file(&[section(LE), interface(LE, 1, 3, &[]), simple(LE, 100, b"abc")]);
    let packets = read_all(&bytes);
    assert_eq!((packets[0].data.as_slice(), packets[0].wire_len, packets[0].nanos), (&b"abc"[..], 100, 0));
}

#[test]
fn unknown_blocks_are_passed_over_however_long() {
    let long = vec![7; 40 * 1024 * 1024];
    let bytes = file(&[
        section(LE),
        block(LE, 0x0bad, b"custom"),
        interface(LE, 1, 0, &[]),
        block(LE, 0x7fff_0000, b""),
        block(LE, 10, &long),
        enhanced(LE, 0, 1, 3, b"abc"),
        block(LE, 5, &[1; 8]),
    ]);
    assert_eq!(read_all(&bytes)[0].data, b"abc");
    // Cut inside the long one, the offset is that of its beginning, although its bytes are long forgotten.
    let cut = bytes.len() - 1_000;
    let (packets, error) = read(&bytes[..cut]);
    assert!(packets.is_empty());
    let Some(Error::Truncated { at, had, needed, .. }) = error else { panic!("{error:?}") };
    let start = section(LE).len() + block(LE, 0x0bad, b"custom").len() + interface(LE, 1, 0, &[]).len() + 12;
    assert_eq!((at.offset, had, needed), (start as u64, (cut - start) as u64, long.len() as u64 + 12));
}

#[test]
fn options_after_their_end_do_not_count() {
    let bytes = file(&[
        section(LE),
        interface(LE, 1, 0, &[(9, &[9]), (0, b""), (9, &[3])]),
        enhanced(LE, 0, 7, 0, b""),
    ]);
    assert_eq!(read_all(&bytes)[0].nanos, 7);
}

#[test]
fn packets_with_options_are_read() {
    let mut body = Vec::new();
    for number in [0_u32, 0, 7, 3, 3] {
        body.extend(number.to_le_bytes());
    }
    body.extend(b"abc\0");
    body.extend([2, 0, 4, 0, 1, 2, 3, 4, 0, 0, 0, 0]);
    let bytes = file(&[section(LE), interface(LE, 1, 0, &[]), block(LE, 6, &body)]);
    assert_eq!(read_all(&bytes)[0].data, b"abc");
}

/// The fault that reading must end with, after the packets before it.
#[track_caller]
fn fault(bytes: &[u8], packets: usize) -> Fault {
    match read(bytes) {
        (read, Some(Error::BadRecord { fault, .. })) if read.len() == packets => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_does_not_fit_is_a_bad_record() {
    let start = file(&[section(LE), interface(LE, 1, 0, &[]), enhanced(LE, 0, 1, 3, b"abc")]);
    let with = |part: &[u8]| [start.as_slice(), part].concat();

    let mut differing = enhanced(LE, 0, 1, 3, b"abc");
    *differing.last_mut().unwrap() = 1;
    assert!(matches!(fault(&with(&differing), 1), Fault::LengthsDiffer { first: 36, .. }));

    let mut passed_over = block(LE, 99, b"abcd");
    *passed_over.last_mut().unwrap() = 1;
    assert!(matches!(fault(&with(&passed_over), 1), Fault::LengthsDiffer { first: 16, .. }));

    for length in [0_u32, 8, 13, 35] {
        let mut odd = enhanced(LE, 0, 1, 3, b"abc");
        odd[4..8].copy_from_slice(&length.to_le_bytes());
        assert_eq!(fault(&with(&odd), 1), Fault::BlockLength { kind: 6, length });
    }

    for short in [block(LE, 6, &[0; 4]), block(LE, 6, &[0; 16]), block(LE, 3, &[]), block(LE, 2, &[0; 16])] {
        assert!(matches!(fault(&with(&short), 1), Fault::BlockLength { .. }));
    }

    let mut beyond = enhanced(LE, 0, 1, 3, b"abc");
    beyond[20] = 5;
    assert_eq!(fault(&with(&beyond), 1), Fault::PacketBeyondBlock { length: 5, room: 4 });
    assert_eq!(fault(&with(&simple(LE, 5, b"abc")), 1), Fault::PacketBeyondBlock { length: 5, room: 4 });

    assert_eq!(
        fault(&with(&enhanced(LE, 1, 1, 0, b"")), 1),
        Fault::UnknownInterface { interface: 1, known: 1 }
    );

    let mut huge = enhanced(LE, 0, 1, 3, b"abc");
    huge[4..8].copy_from_slice(&0x7fff_fff0_u32.to_le_bytes());
    assert!(matches!(fault(&with(&huge), 1), Fault::TooLong { length: 0x7fff_fff0, .. }));

    let mut section = section(LE);
    section[8] = 0;
    assert_eq!(fault(&with(&section), 1), Fault::SectionHeader);
    assert_eq!(fault(&with(&block(LE, 1, &[0; 4])), 1), Fault::InterfaceDescription);
}

#[test]
fn interfaces_without_end_are_refused() {
    let mut bytes = section(LE);
    for _ in 0..20_000 {
        bytes.extend(interface(LE, 1, 0, &[]));
    }
    assert_eq!(fault(&bytes, 0), Fault::TooManyInterfaces { limit: 16_384 });
}

#[test]
fn a_name_is_kept_up_to_a_length_no_real_one_has() {
    let name = "ä".repeat(10_000);
    let bytes = file(&[section(LE), interface(LE, 1, 0, &[(2, name.as_bytes())])]);
    let (capture, _) = drain(Capture::from_reader(std::io::Cursor::new(bytes), "test").unwrap());
    assert_eq!(capture.interfaces()[0].name.as_ref().unwrap().chars().count(), 128);
}

#[test]
fn another_major_version_is_refused_where_it_begins() {
    let bytes = file(&[
        section_of_version(LE, 1, 2),
        interface(LE, 1, 0, &[]),
        enhanced(LE, 0, 1, 3, b"abc"),
        section_of_version(BE, 2, 0),
    ]);
    let (packets, error) = read(&bytes);
    assert_eq!(packets.len(), 1);
    let Some(Error::UnsupportedVersion { format: "pcapng", major: 2, at, .. }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(at.offset, bytes.len() as u64 - 28);
}
