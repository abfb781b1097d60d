//! Capture files made by hand, byte for byte, and what reading one gives.

use std::io::{self, Read};

use egret_capture::{Batch, Capture, Error, LinkType, Packet};

/// A packet as it is kept after the buffer moved on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) number: u64,
    pub(crate) nanos: i64,
    pub(crate) link_type: LinkType,
    pub(crate) interface: u32,
    pub(crate) data: Vec<u8>,
    pub(crate) wire_len: u32,
}

impl From<Packet<'_>> for Kept {
    fn from(packet: Packet<'_>) -> Self {
        Self {
            number: packet.number,
            nanos: packet.timestamp.nanos(),
            link_type: packet.link_type,
            interface: packet.interface,
            data: packet.data.to_vec(),
            wire_len: packet.wire_len,
        }
    }
}

/// Everything that can be read, and the error it ended with, if it did: the same packet by packet and in batches.
pub(crate) fn read(file: &[u8]) -> (Vec<Kept>, Option<Error>) {
    let read = read_from(io::Cursor::new(file.to_vec()));
    if let Ok(capture) = Capture::from_reader(io::Cursor::new(file.to_vec()), "test") {
        let (kept, error) = drain_batches(capture, 3);
        assert_eq!(kept, read.0);
        assert_eq!(error.map(|error| error.to_string()), read.1.as_ref().map(Error::to_string));
    }
    read
}

/// Everything that can be read in batches of at most so many packets.
pub(crate) fn drain_batches(mut capture: Capture, most: usize) -> (Vec<Kept>, Option<Error>) {
    let (mut kept, mut batch) = (Vec::new(), Batch::default());
    let error = loop {
        match capture.next_batch(&mut batch, most) {
            Ok(true) => {
                assert!(batch.len() <= most && (batch.tick().is_some() || !batch.is_empty()));
                kept.extend(batch.packets().map(Kept::from));
            }
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(matches!(capture.next_batch(&mut batch, most), Ok(false)), "nothing comes behind the end");
    (kept, error)
}

pub(crate) fn read_from(reader: impl Read + Send + 'static) -> (Vec<Kept>, Option<Error>) {
    match Capture::from_reader(reader, "test") {
        Ok(capture) => drain(capture).1,
        Err(error) => (Vec::new(), Some(error)),
    }
}

pub(crate) fn drain(mut capture: Capture) -> (Capture, (Vec<Kept>, Option<Error>)) {
    let mut kept = Vec::new();
    let error = loop {
        match capture.next_packet() {
            Ok(Some(packet)) => kept.push(Kept::from(packet)),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(matches!(capture.next_packet(), Ok(None)), "after the end or an error there is nothing more");
    (capture, (kept, error))
}

/// Everything that can be read from a file that must be whole.
pub(crate) fn read_all(file: &[u8]) -> Vec<Kept> {
    let (kept, error) = read(file);
    assert!(error.is_none(), "{}", error.unwrap());
    kept
}

/// The byte order of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    pub(crate) fn u16(self, number: u16) -> [u8; 2] {
        if self == Self::Big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    pub(crate) fn u32(self, number: u32) -> [u8; 4] {
        if self == Self::Big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    pub(crate) fn u64(self, number: u64) -> [u8; 8] {
        if self == Self::Big { number.to_be_bytes() } else { number.to_le_bytes() }
    }
}

pub(crate) const MICROSECONDS: u32 = 0xa1b2_c3d4;
pub(crate) const NANOSECONDS: u32 = 0xa1b2_3c4d;
pub(crate) const MODIFIED: u32 = 0xa1b2_cd34;

/// The file header of a classic capture.
pub(crate) fn pcap_header(
    order: Order,
    magic: u32,
    version: (u16, u16),
    snap_length: u32,
    link_type: u32,
) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(order.u32(magic));
    file.extend(order.u16(version.0));
    file.extend(order.u16(version.1));
    file.extend([0; 8]);
    file.extend(order.u32(snap_length));
    file.extend(order.u32(link_type));
    file
}

/// A record of a classic capture; the two lengths are written as given.
pub(crate) fn record(order: Order, time: (u32, u32), lengths: (u32, u32), data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in [time.0, time.1, lengths.0, lengths.1] {
        bytes.extend(order.u32(number));
    }
    bytes.extend(data);
    bytes
}

/// A pcapng block around a body, which is padded.
pub(crate) fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut padded = body.to_vec();
    padded.resize(body.len().next_multiple_of(4), 0);
    let length = order.u32(padded.len() as u32 + 12);
    [&order.u32(kind)[..], &length, &padded, &length].concat()
}

pub(crate) fn section(order: Order) -> Vec<u8> {
    section_of_version(order, 1, 0)
}

pub(crate) fn section_of_version(order: Order, major: u16, minor: u16) -> Vec<u8> {
    let body =
        [&order.u32(0x1a2b_3c4d)[..], &order.u16(major), &order.u16(minor), &order.u64(u64::MAX)].concat();
    block(order, 0x0a0d_0d0a, &body)
}

pub(crate) fn interface(order: Order, link_type: u16, snap_length: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = [&order.u16(link_type)[..], &[0; 2], &order.u32(snap_length)].concat();
    for (code, value) in options {
        body.extend(order.u16(*code));
        body.extend(order.u16(value.len() as u16));
        body.extend(*value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    if !options.is_empty() {
        body.extend([0; 4]);
    }
    block(order, 1, &body)
}

pub(crate) fn enhanced(order: Order, interface: u32, units: u64, original: u32, data: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for number in [interface, (units >> 32) as u32, units as u32, data.len() as u32, original] {
        body.extend(order.u32(number));
    }
    body.extend(data);
    block(order, 6, &body)
}

pub(crate) fn obsolete(order: Order, interface: u16, units: u64, original: u32, data: &[u8]) -> Vec<u8> {
    let mut body = [order.u16(interface), order.u16(0xffff)].concat();
    for number in [(units >> 32) as u32, units as u32, data.len() as u32, original] {
        body.extend(order.u32(number));
    }
    body.extend(data);
    block(order, 2, &body)
}

pub(crate) fn simple(order: Order, original: u32, data: &[u8]) -> Vec<u8> {
    block(order, 3, &[&order.u32(original)[..], data].concat())
}
