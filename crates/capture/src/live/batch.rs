//! Packets taken out of the kernel's ring, waiting to be handed out.
//!
//! Promises: no allocation once the buffer has grown to the traffic. A batch holds at most [`Batch::MOST`] packets of at
//! most the snap length each: 64 MiB in theory, below 1 MiB on an ordinary link.

use crate::file::Record;
use crate::{LinkType, Timestamp};

#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    next: usize,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    timestamp: Timestamp,
    start: usize,
    length: usize,
    wire_len: u32,
}

impl Batch {
    /// The most packets taken at once: enough that the calls into libpcap do not count, few enough to stay in the cache.
    pub(super) const MOST: usize = 256;

    /// Forgets everything, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.next = 0;
    }

    pub(super) fn push(&mut self, timestamp: Timestamp, data: &[u8], wire_len: u32) {
        let entry = Entry { timestamp, start: self.bytes.len(), length: data.len(), wire_len };
        self.bytes.extend_from_slice(data);
        self.entries.push(entry);
    }

    /// How many packets the batch began with.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The next packet, which is of the capture's only interface.
    #[inline]
    pub(super) fn pop(&mut self, link_type: LinkType) -> Option<Record> {
        let Entry { timestamp, start, length, wire_len } = *self.entries.get(self.next)?;
        self.next += 1;
        Some(Record {
            timestamp,
            interface: 0,
            link_type,
            start,
            length,
            wire_len,
            number: 0,
            commented: false,
        })
    }

    #[inline]
    pub(super) fn slice(&self, start: usize, length: usize) -> &[u8] {
        self.bytes.get(start..start.saturating_add(length)).unwrap_or_default()
    }
}
