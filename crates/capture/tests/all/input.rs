//! What can be wrong with an input before its first packet, and what compression changes.

use std::fs;
use std::io::{self, Cursor, Read, Write};
use std::path::PathBuf;

use egret_capture::{Capture, Error};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::by_hand::{MICROSECONDS, Order, drain, pcap_header, read, read_all, read_from, record};

/// A file in a directory of its own, gone when the test is over.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("egret-capture-{}-{name}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    pub(crate) fn file(&self, file: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.path(file), bytes).unwrap();
        self.path(file)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn capture_of(packets: u32) -> Vec<u8> {
    let mut file = pcap_header(Order::Little, MICROSECONDS, (2, 4), 65_535, 1);
    for number in 0..packets {
        file.extend(record(Order::Little, (number, 0), (100, 100), &[number as u8; 100]));
    }
    file
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_missing_file_a_directory_and_an_empty_file_are_told_apart() {
    let scratch = Scratch::new("kinds");
    let missing = Capture::open(scratch.path("no.pcap")).unwrap_err();
    assert!(matches!(&missing, Error::Open { source, .. } if source.kind() == io::ErrorKind::NotFound));
    assert!(missing.to_string().contains("no.pcap"));

    let directory = Capture::open(scratch.path("")).unwrap_err();
    assert!(matches!(directory, Error::Directory { .. }), "{directory}");

    let empty = Capture::open(scratch.file("empty.pcap", b"")).unwrap_err();
    assert!(matches!(empty, Error::Empty { .. }), "{empty}");
    let empty = Capture::open(scratch.file("empty.pcap.gz", &gzip(b""))).unwrap_err();
    assert!(matches!(empty, Error::Empty { .. }), "{empty}");
}

#[test]
fn what_is_no_capture_is_said_to_look_like_what_it_is() {
    let cases: [(&[u8], &str, &str); 6] = [
        (b"hello world", "68 65 6c 6c 6f 20 77 6f \"hello.wo\"", "pcap and pcapng are read"),
        (b"x", "78 \"x\"", "pcap and pcapng are read"),
        (b"\xfd7zXZ\0....", "fd 37", "xz -dc"),
        (b"<!DOCTYPE html>", "3c 21", "HTML"),
        (b"snoop\0\0\0\0\0\0\x02", "73 6e", "editcap"),
        (b"\0\0\0\0\0\0\0\0\0", "00 00", "pcap and pcapng are read"),
    ];
    for (bytes, first, advice) in cases {
        let (_, error) = read(bytes);
        let error = error.unwrap();
        assert!(matches!(error, Error::NotACapture { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(first) && text.contains(advice), "{text}");
    }
}

#[test]
fn a_header_that_is_cut_is_a_cut_file() {
    let file = capture_of(0);
    for end in 4..file.len() {
        let (_, error) = read(&file[..end]);
        assert!(matches!(error, Some(Error::Truncated { had, needed: 24, .. }) if had == end as u64));
    }
}

#[test]
fn gzip_is_recognised_by_its_magic_and_may_have_several_members() {
    let file = capture_of(1_000);
    let (first, second) = file.split_at(12_345);
    let scratch = Scratch::new("gzip");
    let path = scratch.file("no-gz-in-its.name", &[gzip(first), gzip(second)].concat());
    let (capture, (packets, error)) = drain(Capture::open(&path).unwrap());
    assert!(error.is_none());
    assert_eq!(packets, read_all(&file));
    let progress = capture.progress().unwrap();
    assert_eq!(progress.length, fs::metadata(&path).unwrap().len());
    assert_eq!(progress.position, progress.length);
}

#[test]
fn a_cut_gzip_gives_what_was_before_the_cut_and_an_offset_in_the_data() {
    let file = capture_of(50_000);
    let packed = gzip(&file);
    let (packets, error) = read(&packed[..packed.len() / 2]);
    assert!(!packets.is_empty());
    assert_eq!(packets[..], read_all(&file)[..packets.len()]);
    let Some(error @ Error::Truncated { at, .. }) = error else { panic!("{error:?}") };
    assert!(at.uncompressed);
    assert_eq!(at.offset, 24 + 116 * packets.len() as u64);
    assert!(error.to_string().contains("of the uncompressed data"));
}

#[test]
fn damaged_gzip_is_an_error_after_what_was_before_it() {
    let file = capture_of(50_000);
    let mut packed = gzip(&file);
    let middle = packed.len() / 2;
    packed[middle..middle + 100].fill(0xff);
    let (packets, error) = read(&packed);
    assert!(!packets.is_empty() && packets.len() < 50_000);
    assert!(matches!(error, Some(Error::Read { .. } | Error::BadRecord { .. } | Error::Truncated { .. })));
}

#[test]
fn nothing_before_a_damage_of_gzip_is_lost() {
    // Stored blocks, of which the damaged one has a length that is not the complement of its complement.
    let file = capture_of(1_000);
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    for block in file[..24 + 116 * 500].chunks(1_000) {
        let length = block.len() as u16;
        packed.extend([&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), block].concat());
    }
    let whole = packed.len();
    packed.extend([0, 1, 0, 0, 0]);
    let (packets, error) = read(&packed);
    assert_eq!(packets[..], read_all(&file)[..500]);
    assert!(matches!(error, Some(Error::Read { at, .. }) if at.offset == 24 + 116 * 500), "{error:?}");
    // And the same of one that is cut.
    let (packets, error) = read(&packed[..whole - 1]);
    assert_eq!(packets.len(), 499);
    assert!(matches!(error, Some(Error::Truncated { .. })), "{error:?}");
}

#[test]
fn progress_goes_from_the_start_to_the_end_of_a_regular_file() {
    let scratch = Scratch::new("progress");
    let path = scratch.file("a.pcap", &capture_of(20_000));
    let mut capture = Capture::open(&path).unwrap();
    let mut last = 0;
    while capture.next_packet().unwrap().is_some() {
        let progress = capture.progress().unwrap();
        assert!(progress.position >= last);
        last = progress.position;
    }
    assert_eq!(last, fs::metadata(&path).unwrap().len());
    let reader = Capture::from_reader(Cursor::new(capture_of(1)), "reader").unwrap();
    assert_eq!(reader.progress(), None);
}

/// Gives its bytes, then fails.
struct Failing(Cursor<Vec<u8>>);

impl Read for Failing {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.0.read(bytes)? {
            0 => Err(io::Error::other("the disk is on fire")),
            count => Ok(count),
        }
    }
}

#[test]
fn a_read_that_fails_is_told_after_what_came_before() {
    let file = capture_of(3);
    let length = file.len() as u64;
    let (packets, error) = read_from(Failing(Cursor::new(file)));
    assert_eq!(packets.len(), 3);
    let Some(error @ Error::Read { at, .. }) = error else { panic!("{error:?}") };
    assert_eq!(at.offset, length);
    assert!(error.to_string().contains("the disk is on fire"));
}

/// Is interrupted by a signal before every byte.
struct Interrupted(Cursor<Vec<u8>>, bool);

impl Read for Interrupted {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let one = bytes.len().min(1);
        self.0.read(&mut bytes[..one])
    }
}

#[test]
fn a_signal_is_no_error() {
    let file = capture_of(3);
    let (packets, error) = read_from(Interrupted(Cursor::new(file.clone()), false));
    assert!(error.is_none());
    assert_eq!(packets, read_all(&file));
}

/// A zstd frame of raw blocks, with no checksum and the window that is asked for.
fn zstd(bytes: &[u8], window: u8) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, window];
    let mut blocks = bytes.chunks(1000).peekable();
    while let Some(block) = blocks.next() {
        let header = u32::from(blocks.peek().is_none()) | (block.len() as u32) << 3;
        frame.extend(&header.to_le_bytes()[..3]);
        frame.extend(block);
    }
    frame
}

#[test]
fn zstd_is_recognised_by_its_magic_and_may_have_several_frames_and_some_to_skip() {
    let file = capture_of(1_000);
    let (first, second) = file.split_at(12_345);
    let skipped = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    let packed = [&skipped[..], &zstd(first, 0x50), &skipped, &zstd(second, 0x88)].concat();
    assert_eq!(read_all(&packed), read_all(&file));
    assert!(matches!(read(&skipped).1, Some(Error::Empty { .. })));
}

#[test]
fn a_cut_zstd_gives_what_was_before_the_cut() {
    let file = capture_of(1_000);
    let packed = zstd(&file, 0x50);
    for end in [6, 7, 20_000, packed.len() - 1] {
        let (packets, error) = read(&packed[..end]);
        assert_eq!(packets[..], read_all(&file)[..packets.len()]);
        assert!(
            matches!(error, Some(Error::Truncated { at, .. }) if at.uncompressed) || end < 10,
            "{end}: {error:?}"
        );
        assert!(error.is_some());
    }
    let (packets, error) = read(&[&packed[..], b"behind the last frame"].concat());
    assert_eq!(packets.len(), 1_000);
    assert!(matches!(error, Some(Error::Read { .. })), "{error:?}");
}

#[test]
fn what_a_window_holds_is_given_before_a_cut_or_a_damage_of_zstd() {
    let file = capture_of(1_000);
    // All of it fits into the window.
    let mut packed = zstd(&file, 17 << 3);
    // Of the blocks of 1,000 bytes 50 are whole, and a part of the next.
    for end in [6 + 50 * 1_003, 6 + 50 * 1_003 + 2, 6 + 50 * 1_003 + 200] {
        let (packets, error) = read(&packed[..end]);
        assert!(packets.len() >= (50_000 - 24) / 116, "{}", packets.len());
        assert!(matches!(error, Some(Error::Truncated { .. })), "{error:?}");
    }
    // A block of the kind that there is not.
    packed[6 + 50 * 1_003] |= 0b110;
    let (packets, error) = read(&packed);
    assert_eq!(packets[..], read_all(&file)[..(50_000 - 24) / 116]);
    assert!(matches!(error, Some(Error::Read { .. })), "{error:?}");
}

#[test]
fn a_window_that_zstd_itself_refuses_is_refused() {
    let file = capture_of(1);
    // The exponent of the window's size is in the upper five bits, from 1 KiB on: 128 MiB, then 256 MiB.
    assert_eq!(read_all(&zstd(&file, 17 << 3)).len(), 1);
    let error = read(&zstd(&file, 18 << 3)).1.unwrap();
    assert!(error.to_string().contains("268435456"), "{error}");
}
