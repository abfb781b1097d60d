//! Packets in batches: the same packets, wherever the blocks of memory end.

use std::io::Cursor;

use egret_capture::{Batch, Capture, Error};
use proptest::prelude::*;

use crate::by_hand::{
    Kept, MICROSECONDS, Order, block, drain, drain_batches, enhanced, interface, pcap_header, record, section,
};
use crate::input::{Scratch, gzip};
use crate::laws::Pieces;

/// A capture of some megabytes: packets of these lengths, over and over, each with its number in its first bytes.
fn large(lengths: &[usize], bytes: usize, pcapng: bool) -> Vec<u8> {
    let order = Order::Little;
    let mut file = match pcapng {
        true => [section(order), interface(order, 1, 0, &[])].concat(),
        false => pcap_header(order, MICROSECONDS, (2, 4), 65_535, 1),
    };
    for (number, length) in (0_u32..).zip(lengths.iter().cycle()) {
        if file.len() >= bytes {
            break;
        }
        let mut data = vec![number as u8; *length];
        let shown = length.min(&4);
        data[..*shown].copy_from_slice(&number.to_le_bytes()[..*shown]);
        match pcapng {
            true => file.extend(enhanced(order, 0, number.into(), *length as u32, &data)),
            false => file.extend(record(order, (number, 0), (*length as u32, *length as u32), &data)),
        }
    }
    file
}

fn packets(file: &[u8]) -> Vec<Kept> {
    drain(Capture::from_reader(Cursor::new(file.to_vec()), "test").unwrap()).1.0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn batches_hold_what_the_file_holds(
        lengths in proptest::collection::vec(prop_oneof![8 => 0..2_000_usize, 1 => 0..300_000_usize], 1..20),
        sizes in proptest::collection::vec(1_000..3_000_000_usize, 1..5),
        most in prop_oneof![Just(usize::MAX), 1..5_000_usize],
        pcapng in any::<bool>(),
    ) {
        let file = large(&lengths, 3 << 20, pcapng);
        let pieces = Pieces { bytes: Cursor::new(file.clone()), sizes, next: 0 };
        let (kept, error) = drain_batches(Capture::from_reader(pieces, "test").unwrap(), most);
        prop_assert!(error.is_none());
        prop_assert_eq!(kept, packets(&file));
    }
}

/// A pcapng file of packets of these lengths, with the options that each has: none, a number, or others too.
fn numbered(order: Order, part: bool, packets: &[(usize, usize)]) -> Vec<u8> {
    let program: &[u8] = if part { b"egret 0.1.0 (part)" } else { b"another" };
    let header =
        [&order.u32(0x1a2b_3c4d)[..], &order.u16(1), &order.u16(0), &order.u64(u64::MAX), &order.u16(4)];
    let mut header = [header.concat(), order.u16(program.len() as u16).to_vec(), program.to_vec()].concat();
    header.resize(header.len().next_multiple_of(4), 0);
    let mut file = [block(order, 0x0a0d_0d0a, &header), interface(order, 1, 0, &[])].concat();
    for (number, (length, options)) in (1_u64..).zip(packets) {
        let id = |number: u64| [&order.u16(5)[..], &order.u16(8), &order.u64(number), &[0; 4]].concat();
        let options = match options {
            0 => Vec::new(),
            // A flag and its end, and a number that is too large.
            1 => [&order.u16(2)[..], &order.u16(4), &order.u32(1), &[0; 4]].concat(),
            2 => id(u64::MAX - number),
            3 => [&order.u16(1)[..], &order.u16(2), b"ab\0\0", &id(number * 7)].concat(),
            _ => id(number * 5),
        };
        let mut body = Vec::new();
        for word in [0, 0, number as u32, *length as u32, *length as u32 + 1] {
            body.extend(order.u32(word));
        }
        body.resize((body.len() + length).next_multiple_of(4), number as u8);
        body.extend(options);
        file.extend(block(order, 6, &body));
    }
    file
}

#[test]
fn packets_of_a_part_keep_their_numbers_in_batches() {
    for order in [Order::Little, Order::Big] {
        let file = numbered(order, true, &[(100, 9), (3, 9), (7, 0), (0, 9), (60, 3), (5, 2), (8, 9)]);
        let capture = Capture::from_reader(Cursor::new(file), "test").unwrap();
        let (kept, error) = drain_batches(capture, usize::MAX);
        assert!(error.is_none());
        assert_eq!(kept.iter().map(|kept| kept.number).collect::<Vec<_>>(), [5, 10, 11, 20, 35, 36, 37]);
    }
}

proptest! {
    #[test]
    fn a_damaged_file_is_the_same_in_batches(
        big in any::<bool>(),
        part in any::<bool>(),
        lengths in proptest::collection::vec((0..90_usize, 0..9_usize), 1..20),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        most in prop_oneof![Just(usize::MAX), 1..9_usize],
    ) {
        let mut file = numbered(if big { Order::Big } else { Order::Little }, part, &lengths);
        for (place, byte) in changes {
            *place.get_mut(&mut file) = byte;
        }
        let open = || Capture::from_reader(Cursor::new(file.clone()), "test");
        if let (Ok(one), Ok(other)) = (open(), open()) {
            let (_, alone) = drain(one);
            prop_assert_eq!(format!("{alone:?}"), format!("{:?}", drain_batches(other, most)));
        }
    }
}

#[test]
fn records_longer_than_a_block_are_whole() {
    for lengths in [&[3 << 20, 10, 5 << 20, 0, 700][..], &[(1 << 18) - 16, 1, 1 << 18]] {
        let file = large(lengths, 40 << 20, false);
        let capture = Capture::from_reader(Cursor::new(file.clone()), "test").unwrap();
        assert_eq!(drain_batches(capture, usize::MAX).0, packets(&file));
    }
}

#[test]
fn a_block_is_a_quarter_of_a_megabyte_and_is_not_copied() {
    let scratch = Scratch::new("blocks");
    let path = scratch.file("large.pcap", &large(&[1_000], 8 << 20, false));
    let mut capture = Capture::open(path).unwrap();
    let mut batches = [Batch::default(), Batch::default()];
    let mut blocks = Vec::new();
    let mut turn = 0;
    while capture.next_batch(&mut batches[turn % 2], usize::MAX).unwrap() {
        let first = batches[turn % 2].packets().next().unwrap().data.as_ptr() as usize;
        blocks.push((first >> 18, batches[turn % 2].len()));
        turn += 1;
    }
    assert!((32..=36).contains(&blocks.len()), "{blocks:?}");
    let mut places: Vec<_> = blocks.iter().skip(3).map(|(place, _)| place).collect();
    places.sort_unstable();
    places.dedup();
    assert!(places.len() <= 3 * 2, "three blocks of memory go round: {blocks:?}");
}

#[test]
fn several_files_and_compressed_ones_come_in_batches_too() {
    let scratch = Scratch::new("batches");
    let file = large(&[1_000, 60], 2 << 20, false);
    let paths = [scratch.file("a.pcap", &file), scratch.file("b.pcap.gz", &gzip(&file))];
    for paths in [&paths[..], &paths[1..]] {
        let whole = drain(Capture::open_all(paths).unwrap()).1.0;
        assert_eq!(drain_batches(Capture::open_all(paths).unwrap(), usize::MAX).0, whole);
    }
}

#[test]
fn files_that_follow_each_other_and_damage_end_a_batch() {
    let one = large(&[100], 10_000, false);
    let mut files = [one.clone(), large(&[50], 5_000, true), one].concat();
    assert_eq!(crate::by_hand::read_all(&files).len(), packets(&files).len());
    files.truncate(files.len() - 7);
    let capture = Capture::from_reader(Cursor::new(files.clone()), "test").unwrap();
    let (kept, error) = drain_batches(capture, usize::MAX);
    assert_eq!(kept, packets(&files));
    assert!(matches!(error, Some(Error::Truncated { .. })));
}

#[test]
fn a_cut_leaves_the_first_bytes_of_each_packet() {
    let file = large(&[10, 3], 1_000, false);
    let mut capture = Capture::from_reader(Cursor::new(file), "test").unwrap();
    let mut batch = Batch::default();
    assert!(capture.next_batch(&mut batch, 2).unwrap());
    batch.cut(4);
    let lengths: Vec<_> = batch.packets().map(|packet| (packet.data.len(), packet.wire_len)).collect();
    assert_eq!(lengths, [(4, 10), (3, 3)]);
}
