//! IEEE 802.11 data frames, and what receivers put in front of them: [radiotap](https://www.radiotap.org), Prism, AVS.
//!
//! Of several packets that were put into one frame (an A-MSDU), the first is decoded, and the others are padding to it.
//! Refuses: frames that manage or control the network, those that carry nothing, and what is encrypted.

use std::fmt;

use super::{Hardware, llc};
use crate::layers::Fields;
use crate::walk::{Next, Stopped, Visitor, Walk};

const WLAN: &str = "wlan";
const RADIOTAP: &str = "radiotap";
const SUBFRAME: &str = "wlan-subframe";

/// The fields of a data frame's header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wlan {
    /// Type and subtype, as one number of six bits, the type in front.
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) receiver: [u8; 6],
    pub(crate) transmitter: [u8; 6],
    pub(crate) source: [u8; 6],
    pub(crate) destination: [u8; 6],
    /// The third address: without an access point, the id of the network.
    pub(crate) third: [u8; 6],
}

const TO_DS: u8 = 0x01;
const FROM_DS: u8 = 0x02;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;

const DATA: u8 = 2;
/// Bits of a data frame's subtype.
const NO_DATA: u8 = 0x4;
const QOS: u8 = 0x8;

/// What a receiver says of a frame besides the frame.
#[derive(Clone, Copy, Default)]
struct Tail {
    /// The frame check sequence is at the end.
    check: bool,
    /// There is padding behind the header, up to a multiple of four bytes.
    padded: bool,
}

pub(crate) fn walk_plain<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    frame(walk, Tail::default())
}

/// A frame behind a radiotap header. All its numbers are little endian.
#[inline(never)]
pub(crate) fn walk_radiotap<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let [version, _, l0, l1, ..] = *walk.view(RADIOTAP, 8, |bytes| bytes.first_chunk::<8>())?;
    let length = usize::from(u16::from_le_bytes([l0, l1]));
    if version != 0 || length < 8 {
        return Err(walk.malformed(RADIOTAP, "the version is not 0, or the length is below 8 bytes"));
    }
    let header = walk.view(RADIOTAP, length as u32, |bytes| bytes.get(..length))?;
    let flags = radiotap_flags(header).unwrap_or(0);
    walk.enter(RADIOTAP, length, |_| Fields::Bytes(length))?;
    frame(walk, Tail { check: flags & 0x10 != 0, padded: flags & 0x20 != 0 })
}

/// The flags in a radiotap header. They are the second field there can be; the first is a time of eight bytes.
fn radiotap_flags(header: &[u8]) -> Option<u8> {
    let (words, _) = header.get(4..)?.as_chunks::<4>();
    // The highest bit of each word says that another one follows.
    let count = 1 + words.iter().take_while(|[.., last]| last & 0x80 != 0).count();
    let [present, ..] = words.first()?;
    let fields = 4 + 4 * count;
    match present & 0b11 {
        0b10 => header.get(fields).copied(),
        // The time lies at a multiple of its size.
        0b11 => header.get(fields.next_multiple_of(8) + 8).copied(),
        _ => None,
    }
}

/// A frame behind a Prism header, or behind an AVS header that says so by its first four bytes.
pub(crate) fn walk_prism<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let [kind @ .., l0, l1, l2, l3] = *walk.view("prism", 8, |bytes| bytes.first_chunk::<8>())?;
    let (name, length) = match u32::from_be_bytes(kind) {
        0x8021_1001 | 0x8021_1002 => ("avs", u32::from_be_bytes([l0, l1, l2, l3])),
        _ => ("prism", u32::from_le_bytes([l0, l1, l2, l3])),
    };
    if length < 8 {
        return Err(walk.malformed(name, "the length is below 8 bytes"));
    }
    walk.enter(name, length as usize, |bytes| Fields::Bytes(bytes.len()))?;
    frame(walk, Tail::default())
}

#[inline(never)]
fn frame<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>, tail: Tail) -> Result<Next, Stopped> {
    if tail.check {
        walk.limit((walk.rest().len() + walk.cut() as usize).saturating_sub(4));
    }
    let [control, flags] = *walk.view(WLAN, 2, |bytes| bytes.first_chunk::<2>())?;
    let (kind, subtype) = (control >> 2 & 0b11, control >> 4);
    if control & 0b11 != 0 {
        return Err(walk.malformed(WLAN, "the version is not 0"));
    }
    if kind != DATA || subtype & NO_DATA != 0 {
        return Err(walk.unsupported("wlan frame type", u32::from(kind << 4 | subtype)));
    }
    let bytes = *walk.view(WLAN, 24, |bytes| bytes.first_chunk::<24>())?;
    let [_, _, _, _, a0, a1, a2, a3, a4, a5, b0, b1, b2, b3, b4, b5, c0, c1, c2, c3, c4, c5, _, _] = bytes;
    let (first, second, third) =
        ([a0, a1, a2, a3, a4, a5], [b0, b1, b2, b3, b4, b5], [c0, c1, c2, c3, c4, c5]);
    let mut length = 24;
    let mut header = Wlan {
        kind: kind << 4 | subtype,
        flags,
        receiver: first,
        transmitter: second,
        source: second,
        destination: first,
        third,
    };
    match (flags & TO_DS != 0, flags & FROM_DS != 0) {
        (false, false) => {}
        (false, true) => header.source = third,
        (true, false) => header.destination = third,
        (true, true) => {
            length += 6;
            let fourth =
                walk.view(WLAN, length as u32, |bytes| bytes.get(24..).and_then(|rest| rest.first_chunk()))?;
            (header.destination, header.source) = (third, *fourth);
        }
    }
    let mut together = false;
    if subtype & QOS != 0 {
        let at = length;
        let quality = walk.view(WLAN, at as u32 + 2, |bytes| bytes.get(at..at + 2)?.first().copied())?;
        together = quality & 0x80 != 0;
        // With this flag four bytes of "high throughput control" follow.
        length += if flags & ORDER != 0 { 6 } else { 2 };
    }
    if tail.padded {
        length = length.next_multiple_of(4);
    }
    walk.enter(WLAN, length, |_| Fields::Wlan(header))?;
    if flags & PROTECTED != 0 {
        return Err(walk.encrypted(WLAN));
    }
    if together {
        // Addresses, as in Ethernet, and the length of the first packet.
        let [.., l0, l1] = *walk.view(SUBFRAME, 14, |bytes| bytes.first_chunk::<14>())?;
        walk.enter(SUBFRAME, 14, |_| Fields::Bytes(14))?;
        walk.limit(u16::from_be_bytes([l0, l1]).into());
    }
    llc::walk(walk)
}

impl fmt::Display for Wlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, flags, receiver, transmitter, source, destination, third: _ } = self;
        write!(f, "{} > {}, type {kind}, flags {flags:#04x}", Hardware(source), Hardware(destination))?;
        write!(f, ", transmitter {}, receiver {}", Hardware(transmitter), Hardware(receiver))
    }
}
