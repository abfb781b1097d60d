//! What crosses from capture to decode: one packet, borrowed.

use crate::{LinkType, Timestamp};

/// One captured packet. It borrows the reader's buffer and is valid until the next one is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Its place in the capture, from 1, over everything read, before any filter for files.
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
