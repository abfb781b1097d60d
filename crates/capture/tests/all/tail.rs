//! A file that grows while it is read, and what its writer may do to it.

use std::fs::{self, File, OpenOptions};
use std::io::Write;

use egret_capture::{Capture, Error, Event};

use crate::by_hand::{MICROSECONDS, Order, enhanced, interface, pcap_header, record, section};
use crate::input::{Scratch, capture_of, gzip};

fn header() -> Vec<u8> {
    pcap_header(Order::Little, MICROSECONDS, (2, 4), 65_535, 1)
}

fn packet(data: &[u8]) -> Vec<u8> {
    record(Order::Little, (data.len() as u32, 0), (data.len() as u32, 60), data)
}

fn append(file: &mut File, bytes: &[u8]) {
    file.write_all(bytes).unwrap();
}

/// The data of the next packet, or nothing for a tick.
fn next(capture: &mut Capture) -> Vec<u8> {
    match capture.next_event().unwrap() {
        Some(Event::Packet(packet)) => packet.data.to_vec(),
        Some(Event::Tick(_)) => Vec::new(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_appended_is_read_after_a_tick() {
    let scratch = Scratch::new("grows");
    let path = scratch.file("a.pcap", &[]);
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    let mut capture = Capture::tail(&path).unwrap();
    append(&mut file, &header());
    append(&mut file, &packet(b"one"));
    assert_eq!(next(&mut capture), b"one");
    assert_eq!(next(&mut capture), b"");
    let (half, rest) = (&packet(b"second")[..9], &packet(b"second")[9..]);
    append(&mut file, half);
    let rest = rest.to_vec();
    let writer = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        append(&mut file, &rest);
    });
    assert_eq!(capture.next_packet().unwrap().unwrap().data, b"second");
    writer.join().unwrap();
    assert_eq!(capture.progress(), None);
}

#[test]
fn a_file_in_its_place_is_read_from_its_beginning() {
    let scratch = Scratch::new("replaced");
    let path = scratch.file("a.pcap", &[header(), packet(b"one")].concat());
    let mut capture = Capture::tail(&path).unwrap();
    assert_eq!(next(&mut capture), b"one");
    // What the old file got after the new one came is not lost, except for what is no whole record.
    let mut old = OpenOptions::new().append(true).open(&path).unwrap();
    fs::rename(&path, scratch.path("a.pcap.1")).unwrap();
    append(&mut old, &packet(b"two"));
    append(&mut old, &packet(b"cut")[..7]);
    let newer =
        [section(Order::Big), interface(Order::Big, 101, 0, &[]), enhanced(Order::Big, 0, 3, 4, b"newer")];
    fs::write(&path, newer.concat()).unwrap();
    assert_eq!(capture.next_packet().unwrap().unwrap().data, b"two");
    assert_eq!(capture.next_packet().unwrap().unwrap().data, b"newer");
    assert_eq!(capture.interfaces().len(), 2);
}

#[test]
fn a_file_that_was_cut_short_is_read_from_its_beginning() {
    let scratch = Scratch::new("truncated");
    let path = scratch.file("a.pcap", &[header(), packet(b"one"), packet(b"more")].concat());
    let mut capture = Capture::tail(&path).unwrap();
    assert_eq!(next(&mut capture), b"one");
    assert_eq!(next(&mut capture), b"more");
    fs::write(&path, [header(), packet(b"again")].concat()).unwrap();
    assert_eq!(capture.next_packet().unwrap().unwrap().data, b"again");
    assert_eq!(capture.interfaces().len(), 1);
}

#[test]
fn a_stop_ends_the_wait() {
    let scratch = Scratch::new("stopped");
    let mut capture = Capture::tail(scratch.file("a.pcap", &capture_of(1))).unwrap();
    assert!(capture.next_packet().unwrap().is_some());
    let stopper = capture.stopper();
    let reader = std::thread::spawn(move || capture.next_packet().unwrap().is_none());
    stopper.stop();
    assert!(reader.join().unwrap());
}

#[test]
fn a_compressed_file_is_refused() {
    let scratch = Scratch::new("compressed");
    let mut capture = Capture::tail(scratch.file("a.pcap.gz", &gzip(&capture_of(1)))).unwrap();
    assert!(matches!(capture.next_packet(), Err(Error::CompressedTail { .. })));
    assert!(matches!(capture.next_packet(), Ok(None)));
}
