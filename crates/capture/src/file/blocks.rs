//! The pcapng blocks that are no packets: names, secrets, statistics; and the options of all blocks.
//!
//! Promises: total. What is malformed inside such a block is left out, and the packets behind it are read all the same:
//! nobody loses a capture to a bad comment.

use std::net::IpAddr;

use crate::notes::Notes;
use crate::{Note, part};

/// Name resolution: names of addresses.
pub(super) const NAMES: u32 = 4;
/// Interface statistics: what was dropped.
pub(super) const STATISTICS: u32 = 5;
/// Decryption secrets.
pub(super) const SECRETS: u32 = 10;

/// The option that is a comment in every block.
pub(super) const COMMENT: u16 = 1;

/// The option of a section header that names the program that wrote it, and that of a packet that tells it from others.
const PROGRAM: u16 = 4;
const PACKET_ID: u16 = 5;

/// The largest number of a packet that is believed: numbers go on from there.
const MAX_NUMBER: u64 = 1 << 62;

/// The most bytes of comments that are kept of one packet.
const MAX_COMMENTS: usize = 256 * 1024;

/// Numbers in the byte order of a section.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Endian {
    pub(super) big: bool,
}

impl Endian {
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    #[inline]
    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    fn u64(self, bytes: [u8; 8]) -> u64 {
        if self.big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) }
    }

    /// Codes and values, of options or of the records of a name block, up to their end or to one that is cut.
    pub(super) fn options(self, mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
        std::iter::from_fn(move || {
            let (&[a, b, c, d], rest) = bytes.split_first_chunk::<4>()?;
            let (code, length) = (self.u16([a, b]), usize::from(self.u16([c, d])));
            let value = rest.get(..length).filter(|_| code != 0)?;
            bytes = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
            Some((code, value))
        })
    }

    /// The comments among the options of a packet block.
    pub(super) fn comments(self, options: &[u8]) -> Vec<String> {
        let mut room = MAX_COMMENTS;
        self.options(options)
            .filter(|(code, _)| *code == COMMENT)
            .take_while(|(_, text)| {
                let fits = text.len() <= room;
                room = room.saturating_sub(text.len() + size_of::<String>());
                fits
            })
            .map(|(_, text)| String::from_utf8_lossy(text).into_owned())
            .collect()
    }

    /// Whether the options of a section header say that it is a part of a capture.
    pub(super) fn is_part(self, options: &[u8]) -> bool {
        self.options(options).any(|(code, program)| code == PROGRAM && part::is_part(program))
    }

    /// The number among the options of a packet block, if there is one; 0 if not.
    pub(super) fn packet_number(self, options: &[u8]) -> u64 {
        let number = self.options(options).find(|(code, _)| *code == PACKET_ID);
        let number = number.and_then(|(_, value)| value.try_into().ok()).map_or(0, |bytes| self.u64(bytes));
        if number <= MAX_NUMBER { number } else { 0 }
    }

    /// The number of a packet that has this one option.
    #[inline]
    pub(super) fn plain_number(self, [a, b, c, d]: [u8; 4], number: &[u8]) -> Option<u64> {
        let is_number = self.u16([a, b]) == PACKET_ID && self.u16([c, d]) == 8;
        let number = self.u64(number.try_into().ok()?);
        (is_number && number <= MAX_NUMBER).then_some(number)
    }

    /// Reads a name block: each record is an address and its names, each with a zero behind it.
    pub(super) fn names(self, body: &[u8], notes: &Notes) {
        for (kind, record) in self.options(body) {
            let split = match kind {
                1 => record.split_first_chunk::<4>().map(|(address, names)| (IpAddr::from(*address), names)),
                2 => record.split_first_chunk::<16>().map(|(address, names)| (IpAddr::from(*address), names)),
                _ => None,
            };
            let Some((address, names)) = split else { continue };
            for name in names.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
                notes.push(Note::Name { address, name: String::from_utf8_lossy(name).into_owned() });
            }
        }
    }

    /// Reads a secrets block: type, length, data.
    pub(super) fn secrets(self, body: &[u8], notes: &Notes) {
        let Some((&[kind, length], rest)) = body
            .split_first_chunk::<8>()
            .and_then(|(head, rest)| Some((head.as_chunks::<4>().0.first_chunk::<2>()?, rest)))
        else {
            return;
        };
        let length = usize::try_from(self.u32(length)).unwrap_or(usize::MAX);
        if let Some(data) = rest.get(..length) {
            notes.push(Note::Secrets { kind: self.u32(kind), data: data.into() });
        }
    }

    /// Reads the beginning of a statistics block: the interface, and the time in its units.
    pub(super) fn statistics_time(self, body: &[u8]) -> Option<(u32, u64)> {
        let &[interface, high, low] = body.first_chunk::<12>()?.as_chunks::<4>().0.first_chunk::<3>()?;
        Some((self.u32(interface), u64::from(self.u32(high)) << 32 | u64::from(self.u32(low))))
    }

    /// Reads a statistics block: the interface, and how many packets the system and the interface dropped, if it says.
    pub(super) fn statistics(self, body: &[u8]) -> Option<(u32, [Option<u64>; 2])> {
        const IF_DROP: u16 = 5;
        const OS_DROP: u16 = 7;
        let (&interface, rest) = body.split_first_chunk::<4>()?;
        let mut drops = [None; 2];
        // Eight bytes of time stamp, then options.
        for (code, value) in self.options(rest.get(8..)?) {
            let number = value.try_into().ok().map(|bytes| self.u64(bytes));
            match code {
                OS_DROP => drops[0] = number,
                IF_DROP => drops[1] = number,
                _ => {}
            }
        }
        Some((self.u32(interface), drops))
    }
}
