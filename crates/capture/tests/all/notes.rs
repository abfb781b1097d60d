//! What a capture says besides its packets: read, and carried through a writer.

use std::io::Cursor;
use std::sync::Arc;

use egret_capture::{Capture, Format, InterfaceTable, LinkType, Note, Writer};

use crate::by_hand::{Order, read_all};
use crate::specimens::{commented_section, noted as specimen};
use crate::write::{Shared, packet};

fn expected() -> Vec<Note> {
    let name =
        |address: &str, name: &str| Note::Name { address: address.parse().unwrap(), name: name.to_owned() };
    vec![
        Note::Comment("the section".to_owned()),
        name("10.0.0.1", "one"),
        name("10.0.0.1", "uno"),
        name("fe80::1", "six"),
        Note::Secrets { kind: 0x544c_534b, data: Arc::from(&b"CLIENT"[..]) },
    ]
}

/// A packet's number and the comments on it.
type Commented = (u64, Vec<String>);

/// Reads a file; of each packet its number and comments, and what there is besides.
fn noted(file: Vec<u8>) -> (Vec<Commented>, Vec<Note>, Capture) {
    let mut capture = Capture::from_reader(Cursor::new(file), "test").unwrap();
    let notes = capture.notes();
    let mut comments = Vec::new();
    while let Some(packet) = capture.next_packet().unwrap() {
        comments.push((packet.number, notes.comments(packet.number)));
    }
    (comments, notes.since(0), capture)
}

#[test]
fn comments_names_secrets_and_drop_counts_are_read_and_the_rest_is_no_packet() {
    for order in [Order::Little, Order::Big] {
        let (comments, notes, mut capture) = noted(specimen(order));
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            comments,
            [(1, texts(&["first", "\u{fffd}second"])), (2, Vec::new()), (3, texts(&["third"]))]
        );
        assert_eq!(notes, expected());
        assert_eq!(capture.interfaces()[0].comment.as_deref(), Some("the port"));
        let statistics = capture.statistics();
        assert_eq!((statistics.dropped_by_kernel, statistics.dropped_by_interface), (Some(3), Some(2)));
        assert_eq!(capture.notes().left_out(), 0);
    }
}

#[test]
fn what_is_carried_reads_back_where_it_was() {
    let mut capture = Capture::from_reader(Cursor::new(specimen(Order::Big)), "test").unwrap();
    let output = Shared::default();
    let mut writer = Writer::new(output.clone(), Format::Pcapng, capture.interface_table());
    writer.carry(capture.notes());
    writer.comment("by hand");
    while let Some(packet) = capture.next_packet().unwrap() {
        writer.write(&packet).unwrap();
    }
    let [counted] = capture.sources().try_into().unwrap();
    writer.statistics(0, egret_capture::Timestamp::new(4, 0), &counted).unwrap();
    writer.finish().unwrap();

    let (comments, notes, mut copy) = noted(output.bytes());
    let (original, _, _) = noted(specimen(Order::Big));
    assert_eq!(comments, original);
    let mut expected = expected();
    expected.insert(0, Note::Comment("by hand".to_owned()));
    assert_eq!(notes, expected);
    assert_eq!(copy.interfaces(), capture.interfaces());
    assert_eq!(copy.statistics(), capture.statistics());
    // The secrets are in front of the packet that they were in front of.
    let bytes = output.bytes();
    let at = |needle: &[u8]| bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    assert!(at(b"first") < at(b"CLIENT") && at(b"CLIENT") < at(b"third"));
}

#[test]
fn comments_belong_to_their_packet_only() {
    let mut capture = Capture::from_reader(Cursor::new(specimen(Order::Little)), "test").unwrap();
    let output = Shared::default();
    let mut writer = Writer::new(output.clone(), Format::Pcapng, InterfaceTable::default());
    writer.carry(capture.notes());
    while let Some(packet) = capture.next_packet().unwrap() {
        if packet.number == 2 {
            writer.write(&packet).unwrap();
        }
    }
    writer.finish().unwrap();
    let (comments, _, _) = noted(output.bytes());
    assert_eq!(comments, [(1, Vec::new())]);
}

#[test]
fn a_classic_file_has_the_packets_alone() {
    let mut capture = Capture::from_reader(Cursor::new(specimen(Order::Little)), "test").unwrap();
    let output = Shared::default();
    let mut writer = Writer::new(output.clone(), Format::Pcap, capture.interface_table());
    writer.carry(capture.notes());
    while let Some(packet) = capture.next_packet().unwrap() {
        writer.write(&packet).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(output.bytes().len(), 24 + 3 * (16 + 3));
}

#[test]
fn a_capture_without_packets_carries_what_it_says_all_the_same() {
    let capture = Capture::from_reader(Cursor::new(commented_section(Order::Little, b"alone")), "test");
    let mut capture = capture.unwrap();
    assert!(capture.next_packet().unwrap().is_none());
    let output = Shared::default();
    let mut writer = Writer::new(output.clone(), Format::Pcapng, capture.interface_table());
    writer.carry(capture.notes());
    writer.finish().unwrap();
    assert_eq!(noted(output.bytes()).1, [Note::Comment("alone".to_owned())]);
}

#[test]
fn a_file_ends_behind_a_record_whenever_its_writer_does() {
    let output = Shared::default();
    let mut writer = Writer::new(output.clone(), Format::Pcapng, InterfaceTable::default());
    let data = [7; 1001];
    let mut sizes = vec![0];
    for number in 0..1000 {
        writer.write(&packet(0, LinkType::ETHERNET, number, &data)).unwrap();
        let bytes = output.bytes();
        if sizes.last() != Some(&bytes.len()) {
            sizes.push(bytes.len());
            // As a kill would leave it.
            assert!(!read_all(&bytes).is_empty());
        }
    }
    assert!(sizes.len() > 5);
    std::mem::forget(writer);
}
