//! Writing: what the files hold, and what goes wrong.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use egret_capture::{
    Capture, Error, Event, Format, Interface, InterfaceTable, LinkType, Packet, Timestamp, Writer,
};

use crate::by_hand::{Kept, drain, drain_batches, read_all};
use crate::input::Scratch;

/// A file in memory that can be looked at while the writer has it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn packet(interface: u32, link_type: LinkType, nanos: i64, data: &[u8]) -> Packet<'_> {
    Packet {
        number: 1,
        timestamp: Timestamp::from_nanos(nanos),
        link_type,
        interface,
        data,
        wire_len: data.len() as u32,
    }
}

#[test]
fn interfaces_are_described_when_their_first_packet_comes() {
    let named = |name: &str, link_type, snap_length| {
        let mut interface = Interface::new(link_type);
        interface.name = Some(name.to_owned());
        interface.snap_length = snap_length;
        interface
    };
    let table = InterfaceTable::default();
    table.push(named("lo", LinkType::ETHERNET, 96));
    table.push(named("never", LinkType::ETHERNET, 0));
    let output = Shared::default();
    let mut writer = Writer::new(output.clone(), Format::Pcapng, table.clone());
    writer.write(&packet(0, LinkType::ETHERNET, 1, b"one")).unwrap();
    table.push(named("tun0", LinkType::RAW, 0));
    writer.write(&packet(2, LinkType::RAW, 2, b"two")).unwrap();
    writer.write(&packet(0, LinkType::ETHERNET, 3, b"three")).unwrap();
    writer.write(&packet(9, LinkType::LINUX_SLL, 4, b"four")).unwrap();
    writer.finish().unwrap();

    let capture = Capture::from_reader(io::Cursor::new(output.bytes()), "test").unwrap();
    let (capture, (packets, error)) = drain(capture);
    assert!(error.is_none());
    let found: Vec<(u32, LinkType, i64)> =
        packets.iter().map(|packet| (packet.interface, packet.link_type, packet.nanos)).collect();
    assert_eq!(
        found,
        [
            (0, LinkType::ETHERNET, 1),
            (1, LinkType::RAW, 2),
            (0, LinkType::ETHERNET, 3),
            (2, LinkType::LINUX_SLL, 4)
        ]
    );
    assert_eq!(
        capture.interfaces(),
        [
            named("lo", LinkType::ETHERNET, 96),
            named("tun0", LinkType::RAW, 0),
            Interface::new(LinkType::LINUX_SLL)
        ]
    );
}

#[test]
fn the_name_decides_the_format() {
    for (name, format) in [
        ("a.pcap", Format::Pcap),
        ("a.PCAP", Format::Pcap),
        ("a.pcapng", Format::Pcapng),
        ("a", Format::Pcapng),
    ] {
        assert_eq!(Format::for_path(Path::new(name)), format, "{name}");
    }
    let scratch = Scratch::new("names");
    for (name, magic) in [("a.pcap", [0x4d, 0x3c, 0xb2, 0xa1]), ("a.pcapng", [0x0a, 0x0d, 0x0d, 0x0a])] {
        let path = scratch.path(name);
        Writer::create(&path, InterfaceTable::default()).unwrap().finish().unwrap();
        assert_eq!(fs::read(&path).unwrap()[..4], magic);
        // Without a packet it is a capture all the same.
        assert!(Capture::open(&path).unwrap().next_packet().unwrap().is_none());
    }
    let refused = Writer::create(scratch.path("a.pcap.gz"), InterfaceTable::default()).unwrap_err();
    assert!(matches!(refused, Error::CompressedName { .. }));
    let refused = Writer::create(scratch.path("no/such/a.pcap"), InterfaceTable::default()).unwrap_err();
    assert!(matches!(refused, Error::Open { .. }));
}

#[test]
fn a_classic_file_refuses_a_second_link_type_and_stays_whole() {
    let output = Shared::default();
    let mut writer = Writer::new(output.clone(), Format::Pcap, InterfaceTable::default());
    writer.write(&packet(0, LinkType::ETHERNET, 5, b"one")).unwrap();
    let error = writer.write(&packet(1, LinkType::RAW, 6, b"two")).unwrap_err();
    assert!(matches!(error, Error::SecondLinkType { first: LinkType::ETHERNET, second: LinkType::RAW, .. }));
    assert!(error.to_string().contains(".pcapng"), "{error}");
    writer.write(&packet(0, LinkType::ETHERNET, 7, b"three")).unwrap();
    writer.finish().unwrap();
    let nanos: Vec<i64> = read_all(&output.bytes()).iter().map(|packet| packet.nanos).collect();
    assert_eq!(nanos, [5, 7]);
}

#[test]
fn times_outside_a_format_are_moved_to_its_ends() {
    let late = i64::from(u32::MAX) * 1_000_000_000 + 999_999_999;
    for (format, end) in [(Format::Pcap, late), (Format::Pcapng, i64::MAX)] {
        let output = Shared::default();
        let mut writer = Writer::new(output.clone(), format, InterfaceTable::default());
        writer.write(&packet(0, LinkType::ETHERNET, -1, b"")).unwrap();
        writer.write(&packet(0, LinkType::ETHERNET, i64::MAX, b"")).unwrap();
        writer.finish().unwrap();
        let nanos: Vec<i64> = read_all(&output.bytes()).iter().map(|packet| packet.nanos).collect();
        assert_eq!(nanos, [0, end]);
    }
}

#[test]
fn the_longest_packet_is_read_back_and_a_longer_one_refused() {
    let longest = vec![7; 16 * 1024 * 1024 - 64];
    let longer = vec![7; longest.len() + 1];
    for format in [Format::Pcap, Format::Pcapng] {
        let output = Shared::default();
        let mut writer = Writer::new(output.clone(), format, InterfaceTable::default());
        writer.write(&packet(0, LinkType::ETHERNET, 1, &longest)).unwrap();
        let refused = writer.write(&packet(0, LinkType::ETHERNET, 1, &longer)).unwrap_err();
        assert!(matches!(refused, Error::PacketTooLong { .. }));
        writer.finish().unwrap();
        assert_eq!(read_all(&output.bytes())[0].data, longest);
    }
}

#[test]
fn a_full_disk_is_an_error_at_the_latest_at_the_end() {
    if !Path::new("/dev/full").exists() {
        println!("skipped: this system has no /dev/full");
        return;
    }
    let mut writer = Writer::create("/dev/full", InterfaceTable::default()).unwrap();
    writer.write(&packet(0, LinkType::ETHERNET, 1, b"abc")).unwrap();
    let error = writer.finish().unwrap_err();
    assert!(
        matches!(&error, Error::Write { source, .. } if source.kind() == io::ErrorKind::StorageFull),
        "{error}"
    );

    let mut writer = Writer::create("/dev/full", InterfaceTable::default()).unwrap();
    let data = [7; 10_000];
    let failed = (0..100).find_map(|_| writer.write(&packet(0, LinkType::ETHERNET, 1, &data)).err());
    assert!(matches!(failed, Some(Error::Write { .. })), "a buffer is no place to hide an error in");
}

#[test]
fn what_is_flushed_can_be_read() {
    let output = Shared::default();
    let mut writer = Writer::new(output.clone(), Format::Pcapng, InterfaceTable::default());
    writer.write(&packet(0, LinkType::ETHERNET, 1, b"abc")).unwrap();
    writer.flush().unwrap();
    let [Kept { data, .. }] = read_all(&output.bytes()).try_into().unwrap();
    assert_eq!(data, b"abc");
}

/// A part with these packets and times, and what a reader makes of it: packets with their numbers, and ticks.
fn read_part(bytes: &[u8]) -> Vec<String> {
    let bytes = bytes.to_vec();
    let mut capture = Capture::from_reader(io::Cursor::new(bytes), "part").unwrap();
    let mut read = Vec::new();
    while let Some(event) = capture.next_event().unwrap() {
        read.push(match event {
            Event::Packet(packet) => format!("{} at {}", packet.number, packet.timestamp.nanos()),
            Event::Tick(now) => format!("time {}", now.nanos()),
            _ => String::new(),
        });
    }
    read
}

#[test]
fn a_part_keeps_numbers_and_times_of_the_whole() {
    let output = Shared::default();
    let mut writer = Writer::new(output.clone(), Format::Pcapng, InterfaceTable::default());
    writer.as_part();
    // Before the first packet there is no interface yet to tell the time of: it waits for it.
    writer.time(Timestamp::from_nanos(5)).unwrap();
    writer.time(Timestamp::from_nanos(7)).unwrap();
    for (number, nanos) in [(3, 10), (40, 8), (41, 9)] {
        writer.write(&Packet { number, ..packet(0, LinkType::ETHERNET, nanos, b"odd") }).unwrap();
        if number == 40 {
            writer.time(Timestamp::from_nanos(20)).unwrap();
        }
    }
    writer.time(Timestamp::from_nanos(30)).unwrap();
    writer.finish().unwrap();
    let part = output.bytes();
    assert_eq!(read_part(&part), ["time 7", "3 at 10", "40 at 8", "time 20", "41 at 9", "time 30"]);

    // In batches, too; with times in between, but no packet lost.
    let (kept, none) = drain_batches(Capture::from_reader(io::Cursor::new(part.clone()), "part").unwrap(), 2);
    assert!(none.is_none());
    assert_eq!(kept.iter().map(|packet| packet.number).collect::<Vec<_>>(), [3, 40, 41]);

    // Who copies packets names itself, and may have left some out: then they are numbered as everywhere.
    let place = part.windows(6).position(|bytes| bytes == b"(part)").unwrap();
    let mut copied = part.clone();
    copied[place..place + 6].copy_from_slice(b"(copy)");
    assert_eq!(read_part(&copied), ["1 at 10", "2 at 8", "3 at 9"]);

    // Numbers go up, whatever a file says: of two parts behind each other, the second has other numbers.
    let numbers = |bytes: &[u8]| read_all(bytes).iter().map(|packet| packet.number).collect::<Vec<_>>();
    assert_eq!(numbers(&[part.clone(), part.clone()].concat()), [3, 40, 41, 42, 43, 44]);
    let place = part.windows(12).position(|bytes| bytes[..5] == [5, 0, 8, 0, 40]).unwrap();
    for wild in [u64::MAX, (1 << 62) + 1, 0, 2] {
        let mut part = part.clone();
        part[place + 4..place + 12].copy_from_slice(&wild.to_le_bytes());
        assert_eq!(numbers(&part), [3, 4, 41], "{wild}");
    }
    let mut part = part;
    part[place + 4..place + 12].copy_from_slice(&(1_u64 << 62).to_le_bytes());
    assert_eq!(numbers(&part), [3, 1 << 62, (1 << 62) + 1]);
}

#[test]
fn only_a_part_has_numbers_and_times() {
    let written = |part: bool| {
        let output = Shared::default();
        let mut writer = Writer::new(output.clone(), Format::Pcapng, InterfaceTable::default());
        if part {
            writer.as_part();
        }
        writer.write(&Packet { number: 9, ..packet(0, LinkType::ETHERNET, 1, b"four") }).unwrap();
        writer.time(Timestamp::from_nanos(2)).unwrap();
        writer.finish().unwrap();
        output.bytes()
    };
    assert_eq!(read_part(&written(true)), ["9 at 1", "time 2"]);
    assert_eq!(read_part(&written(false)), ["1 at 1"]);
}
