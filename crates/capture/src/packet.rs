//! What crosses from capture to decode: one packet, borrowed; or the word that none is waiting.

use crate::{LinkType, Timestamp};

/// One captured packet. It borrows the reader's buffer and is valid until the next one is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Its place in the capture, from 1, over everything read, before any filter for files. In a part of a capture
    /// ([`Writer::as_part`](crate::Writer::as_part)), the number that it had in the whole.
    pub number: u64,
    /// When it was captured.
    pub timestamp: Timestamp,
    /// What `data` begins with.
    pub link_type: LinkType,
    /// Which interface it came from: an index into [`Capture::interfaces`](crate::Capture::interfaces).
    pub interface: u32,
    /// The bytes that were captured, from the link header on.
    pub data: &'a [u8],
    /// How long the packet was on the wire, in bytes; more than `data.len()` when the snap length cut it, and never less.
    pub wire_len: u32,
}

impl Packet<'_> {
    /// How many bytes the snap length cut off the end.
    pub fn cut(&self) -> u32 {
        self.wire_len.saturating_sub(u32::try_from(self.data.len()).unwrap_or(u32::MAX))
    }
}

/// A packet, or the word that none is waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The next packet.
    Packet(Packet<'a>),
    /// Packet time has come this far and no packet is waiting: a good moment to flush output and to let deadlines pass.
    ///
    /// Live, this comes when the kernel's buffer ran empty and then ever more rarely, from ten times a second to once;
    /// on a pipe, once before each wait, with the time of the last packet. No packet that comes later is older, but for
    /// what the kernel reorders. In a part of a capture, this is what time it was in the whole.
    Tick(Timestamp),
}
