//! Classic pcap, each variant from a file made by hand.

use crate::by_hand::{
    MICROSECONDS, MODIFIED, NANOSECONDS, Order, drain, enhanced, interface, pcap_header, read, read_all,
    record, section,
};
use egret_capture::{Capture, Error, Fault, LinkType};

#[test]
fn four_byte_orders_and_resolutions() {
    for order in [Order::Little, Order::Big] {
        for (magic, nanos) in [(MICROSECONDS, 5_000), (NANOSECONDS, 5)] {
            let mut file = pcap_header(order, magic, (2, 4), 65_535, 1);
            file.extend(record(order, (1_700_000_000, 5), (4, 60), b"abcd"));
            file.extend(record(order, (1_700_000_001, 6), (0, 0), b""));
            let packets = read_all(&file);
            assert_eq!(packets.len(), 2, "{order:?} {magic:x}");
            assert_eq!(packets[0].nanos, 1_700_000_000_000_000_000 + nanos);
            assert_eq!((packets[0].data.as_slice(), packets[0].wire_len), (&b"abcd"[..], 60));
            assert_eq!((packets[0].number, packets[1].number), (1, 2));
            assert_eq!(packets[0].link_type, LinkType::ETHERNET);
            assert!(packets[1].data.is_empty());
        }
    }
}

#[test]
fn modified_records_have_eight_bytes_more() {
    for order in [Order::Little, Order::Big] {
        let mut file = pcap_header(order, MODIFIED, (2, 4), 0, 1);
        for _ in 0..2 {
            file.extend(record(order, (1, 2), (3, 3), &[9; 8]));
            file.extend(b"xyz");
        }
        let packets = read_all(&file);
        assert_eq!(packets.len(), 2);
        assert_eq!((packets[1].data.as_slice(), packets[1].nanos), (&b"xyz"[..], 1_000_002_000));
    }
}

#[test]
fn old_versions_have_the_lengths_in_either_order() {
    for (minor, lengths) in [(2, (60, 4)), (3, (60, 4)), (3, (4, 60)), (4, (4, 60))] {
        let mut file = pcap_header(Order::Little, MICROSECONDS, (2, minor), 65_535, 1);
        file.extend(record(Order::Little, (1, 0), lengths, b"abcd"));
        let packets = read_all(&file);
        assert_eq!((packets[0].data.len(), packets[0].wire_len), (4, 60), "2.{minor} {lengths:?}");
    }
}

#[test]
fn a_snap_length_of_zero_or_too_small_cuts_nothing() {
    for snap_length in [0, 2] {
        let mut file = pcap_header(Order::Little, MICROSECONDS, (2, 4), snap_length, 1);
        file.extend(record(Order::Little, (1, 0), (4, 4), b"abcd"));
        assert_eq!(read_all(&file)[0].data, b"abcd");
    }
}

#[test]
fn a_packet_was_never_shorter_than_what_was_captured_of_it() {
    let mut file = pcap_header(Order::Little, MICROSECONDS, (2, 4), 65_535, 1);
    file.extend(record(Order::Little, (1, 0), (4, 2), b"abcd"));
    assert_eq!(read_all(&file)[0].wire_len, 4);
}

#[test]
fn the_fraction_may_exceed_a_second_and_the_time_is_without_sign() {
    let mut file = pcap_header(Order::Little, MICROSECONDS, (2, 4), 65_535, 1);
    file.extend(record(Order::Little, (u32::MAX, u32::MAX), (0, 0), b""));
    let expected = i64::from(u32::MAX) * 1_000_000_000 + i64::from(u32::MAX) * 1_000;
    assert_eq!(read_all(&file)[0].nanos, expected);
}

#[test]
fn the_interface_is_what_the_header_says() {
    // The upper half of the link type tells of frame check sequences; raw IP has several numbers.
    for (number, expected) in [(1, 1), (0x5800_0001, 1), (101, 101), (12, 101), (14, 101), (276, 276)] {
        let file = pcap_header(Order::Big, MICROSECONDS, (2, 4), 96, number);
        let capture = Capture::from_reader(std::io::Cursor::new(file), "test").unwrap();
        let [interface] = capture.interfaces() else { panic!("one interface") };
        assert_eq!((interface.link_type, interface.snap_length), (LinkType(expected), 96));
        assert_eq!(interface.name, None);
    }
}

#[test]
fn a_cut_file_gives_what_is_before_the_cut_and_then_its_offset() {
    let mut file = pcap_header(Order::Little, MICROSECONDS, (2, 4), 65_535, 1);
    file.extend(record(Order::Little, (1, 0), (4, 4), b"abcd"));
    let second = file.len();
    file.extend(record(Order::Little, (2, 0), (4, 4), b"efgh"));
    for end in second + 1..file.len() {
        let (packets, error) = read(&file[..end]);
        assert_eq!(packets.len(), 1);
        let Some(Error::Truncated { at, had, needed, .. }) = error else { panic!("{error:?}") };
        assert_eq!((at.offset, at.uncompressed), (second as u64, false));
        assert_eq!(had, (end - second) as u64);
        assert_eq!(needed, if had < 16 { 16 } else { 20 });
    }
    assert_eq!(read_all(&file[..second]).len(), 1);
}

#[test]
fn a_length_nobody_writes_is_an_error_and_takes_no_memory() {
    let mut file = pcap_header(Order::Little, MICROSECONDS, (2, 4), 65_535, 1);
    file.extend(record(Order::Little, (1, 0), (4, 4), b"abcd"));
    let bad = file.len() as u64;
    file.extend(record(Order::Little, (1, 0), (0xffff_fff0, 4), b"abcd"));
    let (packets, error) = read(&file);
    assert_eq!(packets.len(), 1);
    let Some(Error::BadRecord { at, fault: Fault::TooLong { length: 0xffff_fff0, .. }, .. }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(at.offset, bad);
}

#[test]
fn a_record_much_longer_than_the_buffer_is_read() {
    let data: Vec<u8> = (0..3_000_000_u32).map(|i| i as u8).collect();
    let mut file = pcap_header(Order::Little, MICROSECONDS, (2, 4), 0, 1);
    file.extend(record(Order::Little, (1, 0), (3, 3), b"abc"));
    file.extend(record(Order::Little, (1, 0), (data.len() as u32, data.len() as u32), &data));
    file.extend(record(Order::Little, (1, 0), (3, 3), b"def"));
    let packets = read_all(&file);
    assert_eq!(packets[1].data, data);
    assert_eq!(packets[2].data, b"def");
}

#[test]
fn another_major_version_is_refused_by_name() {
    let file = pcap_header(Order::Little, MICROSECONDS, (3, 0), 65_535, 1);
    let (_, error) = read(&file);
    let Some(Error::UnsupportedVersion { format: "pcap", major: 3, minor: 0, .. }) = error else {
        panic!("{error:?}")
    };
}

#[test]
fn a_capture_without_packets_is_a_capture() {
    let file = pcap_header(Order::Little, MICROSECONDS, (2, 4), 65_535, 1);
    let capture = Capture::from_reader(std::io::Cursor::new(file), "test").unwrap();
    let (mut capture, (packets, error)) = drain(capture);
    assert!(packets.is_empty() && error.is_none());
    assert_eq!(capture.statistics().read, 0);
}

#[test]
fn files_put_one_behind_the_other_are_one_capture() {
    let little = |link_type| {
        let mut file = pcap_header(Order::Little, MICROSECONDS, (2, 4), 65_535, link_type);
        file.extend(record(Order::Little, (1, 1), (4, 4), b"abcd"));
        file
    };
    let mut big = pcap_header(Order::Big, NANOSECONDS, (2, 4), 65_535, 101);
    big.extend(record(Order::Big, (2, 2), (3, 60), b"efg"));
    let newer =
        [section(Order::Big), interface(Order::Big, 113, 0, &[]), enhanced(Order::Big, 0, 3, 1, b"h")]
            .concat();
    let file = [little(1), little(1), big.clone(), newer, little(1), big].concat();
    let found: Vec<_> = read_all(&file)
        .into_iter()
        .map(|packet| (packet.number, packet.interface, packet.link_type.0, packet.nanos))
        .collect();
    let (first, second) = (1_000_001_000, 2_000_000_002);
    assert_eq!(
        found,
        [
            (1, 0, 1, first),
            (2, 0, 1, first),
            (3, 1, 101, second),
            (4, 2, 113, 3_000),
            (5, 3, 1, first),
            (6, 4, 101, second)
        ]
    );
    let (packets, error) = read(&file[..file.len() - 1]);
    assert_eq!(packets.len(), 5);
    assert!(matches!(error, Some(Error::Truncated { at, .. }) if at.offset == file.len() as u64 - 19));
}

#[test]
fn a_packet_of_nothing_in_2055_is_told_from_a_header() {
    // The one time at which an empty record could be taken for a header, but with a length on the wire.
    let mut file = pcap_header(Order::Little, MICROSECONDS, (2, 4), 65_535, 1);
    file.extend(record(Order::Little, (MICROSECONDS, 2), (0, 60), b""));
    file.extend(record(Order::Little, (MICROSECONDS, 2), (4, 4), b"abcd"));
    assert_eq!(read_all(&file).len(), 2);
}

#[test]
fn reading_stops_at_a_record_with_a_wrong_length_and_says_where() {
    let good = record(Order::Little, (1, 0), (4, 4), b"abcd");
    for length in [0x0100_0001, 0x6162_6364, u32::MAX] {
        let mut file = pcap_header(Order::Little, MICROSECONDS, (2, 4), 0, 1);
        file.extend(&good);
        let at = file.len() as u64;
        file.extend(record(Order::Little, (1, 0), (length, length), b"abcd"));
        file.extend(good.repeat(100));
        let (packets, error) = read(&file);
        assert_eq!(packets.len(), 1, "nothing behind it is made up");
        assert!(matches!(error, Some(Error::BadRecord { at: position, .. }) if position.offset == at));
    }
}
