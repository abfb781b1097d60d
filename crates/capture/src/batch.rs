//! Many packets at once, for who hands them to other threads.
//!
//! Promises: of one file, the packets are where they were read, none of them copied: the reader goes on in the block of
//! memory that the batch had before, and only a record that was cut by the end of the block is copied over to it. A batch
//! is a plain value of its own that other threads can read.

use crate::file::{MAX_RECORD, Record};
use crate::{LinkType, Packet, Timestamp};

/// A block of packets, as [`Capture::next_batch`](crate::Capture::next_batch) fills it, perhaps with a tick behind them.
///
/// About 256 KiB of packets, or one that is longer, and 48 bytes for each packet beside. It is used again and again: what
/// it held is forgotten when it is filled anew, and its memory kept.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) bytes: Vec<u8>,
    entries: Vec<Entry>,
    pub(crate) tick: Option<Timestamp>,
}

/// A packet, but for its bytes.
#[derive(Debug, Clone, Copy)]
struct Entry {
    number: u64,
    timestamp: Timestamp,
    start: usize,
    length: usize,
    link_type: LinkType,
    interface: u32,
    wire_len: u32,
}

impl Batch {
    /// How many bytes are read into a block. Handing a block to a thread takes microseconds, going through it a hundred of
    /// them or more; and of one thread the two blocks stay in its core's own cache, from the copy out of the kernel on.
    pub(crate) const BLOCK: usize = 1 << 18;

    /// The most packets in a batch, however short they are.
    pub(crate) const MOST: usize = 1 << 16;

    /// The packets, in their order.
    pub fn packets(&self) -> impl ExactSizeIterator<Item = Packet<'_>> + DoubleEndedIterator {
        self.entries.iter().map(|entry| {
            let Entry { number, timestamp, start, length, link_type, interface, wire_len } = *entry;
            let data = self.bytes.get(start..start.saturating_add(length)).unwrap_or_default();
            Packet { number, timestamp, link_type, interface, data, wire_len }
        })
    }

    /// How many packets there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none; there may still be a [`tick`](Self::tick).
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Behind the packets no other was waiting, and this was the time: see [`Event::Tick`](crate::Event::Tick).
    pub fn tick(&self) -> Option<Timestamp> {
        self.tick
    }

    /// Leaves at most so many bytes of each packet, as if the capture had cut the rest.
    pub fn cut(&mut self, snap_length: usize) {
        if snap_length >= MAX_RECORD {
            return;
        }
        for entry in &mut self.entries {
            entry.length = entry.length.min(snap_length);
        }
    }

    /// Forgets everything, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.tick = None;
    }

    /// The time of the last packet.
    pub(crate) fn last(&self) -> Option<Timestamp> {
        self.entries.last().map(|entry| entry.timestamp)
    }

    /// Adds a packet whose bytes will be in the block, at this place.
    #[inline]
    pub(crate) fn lend(&mut self, number: u64, record: &Record) {
        let Record { timestamp, interface, link_type, start, length, wire_len, .. } = *record;
        self.entries.push(Entry { number, timestamp, start, length, link_type, interface, wire_len });
    }

    /// Adds a copy of a packet.
    pub(crate) fn copy(&mut self, packet: &Packet<'_>) {
        if self.entries.is_empty() {
            self.bytes.clear();
        }
        let Packet { number, timestamp, link_type, interface, data, wire_len } = *packet;
        let (start, length) = (self.bytes.len(), data.len());
        self.bytes.extend_from_slice(data);
        self.entries.push(Entry { number, timestamp, start, length, link_type, interface, wire_len });
    }

    /// Whether no more packets should be copied into it.
    pub(crate) fn is_full(&self) -> bool {
        !self.entries.is_empty() && self.bytes.len() >= Self::BLOCK
    }
}
