//! Laws that hold for every capture, checked on many made-up ones.

use std::io::{self, Cursor, Read};

use egret_capture::{Format, InterfaceTable, LinkType, Packet, Timestamp, Writer};
use proptest::prelude::*;

use crate::by_hand::{Kept, Order, read, read_all, read_from};
use crate::fuzz;
use crate::specimens::{noted, specimens};
use crate::write::Shared;

/// Packets as they would be read: numbered, and of interfaces in the order in which they first appear.
fn packets(one_interface: bool) -> impl Strategy<Value = Vec<Kept>> {
    let interfaces = if one_interface { 1 } else { 4_u32 };
    let data = prop_oneof![
        9 => proptest::collection::vec(any::<u8>(), 0..80),
        1 => proptest::collection::vec(any::<u8>(), 0..70_000),
    ];
    let seconds = 0..i64::from(u32::MAX);
    let packet = (0..interfaces, data, 0..2_000_u32, seconds, 0..1_000_000_000_i64);
    proptest::collection::vec(packet, 0..20).prop_map(|packets| {
        let mut seen = Vec::new();
        let mut kept = Vec::new();
        for (number, (source, data, cut, seconds, nanos)) in packets.into_iter().enumerate() {
            let interface = seen.iter().position(|&known| known == source).unwrap_or_else(|| {
                seen.push(source);
                seen.len() - 1
            });
            kept.push(Kept {
                number: number as u64 + 1,
                nanos: seconds * 1_000_000_000 + nanos,
                link_type: LinkType([1, 101, 113, 276][interface]),
                interface: interface as u32,
                wire_len: data.len() as u32 + cut,
                data,
            });
        }
        kept
    })
}

fn written(packets: &[Kept], format: Format) -> Vec<u8> {
    let output = Shared::default();
    let mut writer = Writer::new(output.clone(), format, InterfaceTable::default());
    for kept in packets {
        let packet = Packet {
            number: kept.number,
            timestamp: Timestamp::from_nanos(kept.nanos),
            link_type: kept.link_type,
            interface: kept.interface,
            data: &kept.data,
            wire_len: kept.wire_len,
        };
        writer.write(&packet).unwrap();
    }
    writer.finish().unwrap();
    output.bytes()
}

/// Gives its bytes in pieces of the given sizes, over and over.
pub(crate) struct Pieces {
    pub(crate) bytes: Cursor<Vec<u8>>,
    pub(crate) sizes: Vec<usize>,
    pub(crate) next: usize,
}

impl Read for Pieces {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes[self.next % self.sizes.len()].min(bytes.len());
        self.next += 1;
        self.bytes.read(&mut bytes[..size])
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(mixed in packets(false), plain in packets(true)) {
        prop_assert_eq!(read_all(&written(&mixed, Format::Pcapng)), mixed);
        prop_assert_eq!(read_all(&written(&plain, Format::Pcap)), plain);
    }

    #[test]
    fn the_sizes_of_reads_do_not_matter(
        mixed in packets(false),
        sizes in proptest::collection::vec(1..100_000_usize, 1..8),
    ) {
        let bytes = Cursor::new(written(&mixed, Format::Pcapng));
        let (read, error) = read_from(Pieces { bytes, sizes, next: 0 });
        prop_assert!(error.is_none());
        prop_assert_eq!(read, mixed);
    }

    #[test]
    fn a_cut_leaves_a_prefix(mixed in packets(false), cut in any::<prop::sample::Index>()) {
        let bytes = written(&mixed, Format::Pcapng);
        let (read, _) = read(&bytes[..cut.index(bytes.len())]);
        prop_assert_eq!(&read[..], &mixed[..read.len()]);
    }

    #[test]
    fn damage_leaves_what_was_before_it(
        specimen in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let files = specimens();
        let original = specimen.get(&files).clone();
        let whole = read_all(&original);
        let mut damaged = original.clone();
        for (at, byte) in &changes {
            damaged[at.index(original.len())] = *byte;
        }
        let first = original.iter().zip(&damaged).position(|(a, b)| a != b).unwrap_or(original.len());
        let (read, _) = read(&damaged);
        // Packets whose record ends before the first changed byte are untouched; the read must have them, unchanged.
        let untouched = (0..=first).rev().find_map(|end| {
            let (before, error) = crate::by_hand::read(&original[..end]);
            error.is_none().then_some(before.len())
        });
        if let Some(untouched) = untouched {
            prop_assert!(read.len() >= untouched);
            prop_assert_eq!(&read[..untouched], &whole[..untouched]);
        }
    }

    #[test]
    fn no_bytes_at_all_are_too_strange(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), magic in 0..4) {
        let magics: [&[u8]; 3] = [&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0], &[0x0a, 0x0d, 0x0d, 0x0a], &[0x1f, 0x8b]];
        if let Some(magic) = magics.get(magic as usize) {
            bytes.splice(..0, magic.iter().copied());
        }
        // Ends, and does not panic; a packet is never longer than what was read.
        let (packets, _) = read(&bytes);
        prop_assert!(packets.iter().map(|packet| packet.data.len()).sum::<usize>() <= bytes.len());
    }
}

#[test]
fn every_size_of_read_gives_the_same_packets() {
    for file in specimens() {
        let whole = read_all(&file);
        for size in 1..file.len() {
            let pieces = Pieces { bytes: Cursor::new(file.clone()), sizes: vec![size], next: 0 };
            let (packets, error) = read_from(pieces);
            assert!(error.is_none());
            assert_eq!(packets, whole, "{size}");
        }
    }
}

#[test]
fn every_cut_gives_a_prefix_and_says_whether_something_is_missing() {
    for file in specimens() {
        let whole = read_all(&file);
        for end in 0..file.len() {
            let (packets, error) = read(&file[..end]);
            assert_eq!(packets[..], whole[..packets.len()], "{end}");
            assert!(error.is_some() || end >= 24, "{end}");
        }
    }
}

#[test]
fn every_bit_flipped_is_survived() {
    for file in specimens() {
        for bit in 0..file.len() * 8 {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let (packets, _) = read(&damaged);
            assert!(packets.len() <= 8);
        }
    }
}

#[test]
fn what_the_fuzz_target_checks_holds_for_the_specimens() {
    for file in specimens().into_iter().chain([Order::Little, Order::Big].map(noted)) {
        for pieces in 0..20 {
            fuzz::file(&fuzz::input(pieces, &file));
        }
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 1 << (at % 8);
            fuzz::file(&fuzz::input(at as u8, &damaged));
        }
    }
}
