//! Classic pcap: a file header, then records one behind the other
//! ([format](https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/)).
//!
//! Promises: both byte orders, micro- and nanoseconds, the "modified" records of old Linux tools, and the swapped
//! lengths of versions before 2.4; a file header where a record should be begins another file (`cat one.pcap two.pcap`).
//! Refuses: other major versions, and records above the limit. A record with a wrong length is where reading stops:
//! nothing in this format tells where the next one begins, and a guess would make up packets.
//! The file header is read by pcap-parser; the records are read here, because it knows neither the old versions nor a
//! limit for their length.

use crate::file::buffer::Buffer;
use crate::file::{MAX_RECORD, Problem, Record, Step};
use crate::interface::Interfaces;
use crate::{Fault, Interface, LinkType, Timestamp};

/// The bytes of the file header.
pub(crate) const HEADER: usize = 24;

/// How a pcapng file begins, in either byte order.
const SECTION: [u8; 4] = pcap_parser::pcapng::SHB_MAGIC.to_le_bytes();

/// How the records of one file are to be read.
#[derive(Debug)]
pub(crate) struct Pcap {
    big_endian: bool,
    nanos_per_unit: i64,
    /// 16 bytes, or 24 in the modified format.
    header: usize,
    lengths: Lengths,
    link_type: LinkType,
    /// The number of the interface that the header describes.
    interface: u32,
}

/// The order of the captured and the original length in a record: it was turned around in version 2.3, and both
/// orders are found there.
#[derive(Debug, Clone, Copy)]
enum Lengths {
    CapturedFirst,
    OriginalFirst,
    SmallerIsCaptured,
}

/// Byte order, nanoseconds and record header length for the first four bytes, or `None` if they are no pcap magic.
pub(crate) fn recognise(magic: [u8; 4]) -> Option<(bool, bool, usize)> {
    Some(match magic {
        [0xd4, 0xc3, 0xb2, 0xa1] => (false, false, 16),
        [0xa1, 0xb2, 0xc3, 0xd4] => (true, false, 16),
        [0x4d, 0x3c, 0xb2, 0xa1] => (false, true, 16),
        [0xa1, 0xb2, 0x3c, 0x4d] => (true, true, 16),
        [0x34, 0xcd, 0xb2, 0xa1] => (false, false, 24),
        [0xa1, 0xb2, 0xcd, 0x34] => (true, false, 24),
        _ => return None,
    })
}

impl Pcap {
    /// Reads the file header, which [`recognise`] has accepted.
    pub(crate) fn open(bytes: &[u8; HEADER], interfaces: &mut Interfaces) -> Result<Self, Problem> {
        let [a, b, c, d, ..] = *bytes;
        let (big_endian, nanos, header) = recognise([a, b, c, d]).ok_or(Problem::NotACapture)?;
        // pcap-parser has no big-endian form of the modified magic; the rest of the header is the same.
        let mut plain = *bytes;
        let magic = if big_endian { 0xa1b2_c3d4_u32.to_be_bytes() } else { 0xa1b2_c3d4_u32.to_le_bytes() };
        if let Some(first) = plain.first_chunk_mut::<4>() {
            *first = magic;
        }
        let (_, file) = pcap_parser::parse_pcap_header(&plain).map_err(|_| Problem::NotACapture)?;
        if file.version_major != 2 {
            return Err(Problem::Version {
                format: "pcap",
                major: file.version_major,
                minor: file.version_minor,
            });
        }
        let lengths = match file.version_minor {
            0..=2 => Lengths::OriginalFirst,
            3 => Lengths::SmallerIsCaptured,
            _ => Lengths::CapturedFirst,
        };
        let link_type = LinkType::from_raw(file.network.0 as u32);
        let nanos_per_unit = if nanos { 1 } else { 1_000 };
        let interface = Interface { snap_length: file.snaplen, ..Interface::new(link_type) };
        let limit = Interfaces::LIMIT;
        let interface = interfaces.find_or_push(interface).ok_or(Fault::TooManyInterfaces { limit })?;
        Ok(Self { big_endian, nanos_per_unit, header, lengths, link_type, interface })
    }

    /// The next record, or how many unread bytes are needed to tell. Inlined in any case: where packets are lent to a batch,
    /// nothing is left of the value that it returns, which takes a quarter of the instructions.
    #[inline(always)]
    pub(crate) fn next(&self, buffer: &mut Buffer) -> Result<Step, Problem> {
        let unread = buffer.unread();
        let Some(&[seconds, fraction, captured, original]) =
            unread.first_chunk::<16>().and_then(|header| header.as_chunks::<4>().0.first_chunk::<4>())
        else {
            return Ok(Step::More(self.header));
        };
        let number =
            |bytes| if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        let (first, second) = (number(captured), number(original));
        let (captured, original) = match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::OriginalFirst => (second, first),
            Lengths::SmallerIsCaptured => (first.min(second), first.max(second)),
        };
        let length = captured as usize;
        // A file header has zeros where a record has its lengths, and its magic would be a time in 2055. pcapng has its
        // first magic there, and a length behind it that no record has.
        let another = (first == 0 && second == 0 && recognise(seconds).is_some())
            || (seconds == SECTION && length > MAX_RECORD);
        if another {
            return Ok(Step::Restart);
        }
        if length > MAX_RECORD {
            return Err(Fault::TooLong { length: u64::from(captured), limit: MAX_RECORD as u64 }.into());
        }
        let size = self.header + length;
        if unread.len() < size {
            return Ok(Step::More(size));
        }
        let nanos =
            i64::from(number(seconds)) * 1_000_000_000 + i64::from(number(fraction)) * self.nanos_per_unit;
        let record = Record {
            timestamp: Timestamp::from_nanos(nanos),
            interface: self.interface,
            link_type: self.link_type,
            start: buffer.start() + self.header,
            length,
            // A packet cannot have been shorter than what was captured of it.
            wire_len: original.max(captured),
            number: 0,
            commented: false,
        };
        buffer.consume(size);
        Ok(Step::Record(record))
    }
}
