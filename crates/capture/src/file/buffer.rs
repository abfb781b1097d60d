//! The one buffer that files are read through.
//!
//! Promises: bytes stay where they are until the next [`Buffer::fill`], so a packet can borrow them; nothing is
//! copied but the piece of a record that was cut by the end of the buffer; the buffer doubles only when it is
//! full of bytes that really arrived. Refuses: to grow on the word of a length field.

use std::io::{self, Read};

use crate::Batch;

/// Large enough that system calls do not count, small enough to stay in a core's cache between the copy out of the
/// kernel and the walk over the records: measured, 128 to 1,024 KiB are alike, 64 KiB and 4 MiB cost a tenth more.
const INITIAL: usize = 256 * 1024;

/// A window over the data of a capture.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    /// `start..end` has been read and not been consumed.
    start: usize,
    end: usize,
    /// The position of `bytes[start]` in the data.
    offset: u64,
}

impl Buffer {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; INITIAL], start: 0, end: 0, offset: 0 }
    }

    /// What has been read and not been consumed.
    #[inline]
    pub(crate) fn unread(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// The index of the first unread byte, for [`Buffer::slice`].
    #[inline]
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// Bytes that were unread once, until the next fill.
    #[inline]
    pub(crate) fn slice(&self, start: usize, length: usize) -> &[u8] {
        self.bytes.get(start..start.saturating_add(length)).unwrap_or_default()
    }

    /// The position of the first unread byte in the data.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Passes over `count` unread bytes.
    #[inline]
    pub(crate) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset = self.offset.saturating_add(count as u64);
    }

    /// Gives the unread bytes away and starts again at offset 0: they were found to be compressed.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let bytes = self.unread().to_vec();
        (self.start, self.end, self.offset) = (0, 0, 0);
        bytes
    }

    /// Forgets everything and starts again at offset 0: what comes next is another file.
    pub(crate) fn restart(&mut self) {
        (self.start, self.end, self.offset) = (0, 0, 0);
    }

    /// Whether something can be read without moving what is there.
    pub(crate) fn has_room(&self) -> bool {
        self.end < self.bytes.len()
    }

    /// Gives all that was read away, in exchange for other memory in which to go on behind what was consumed. What
    /// was found so far is in `block`, where it was found.
    pub(crate) fn exchange(&mut self, block: &mut Vec<u8>) {
        let unread = self.end - self.start;
        // What one long record made grow is let go with it.
        if block.len() > Batch::BLOCK {
            *block = Vec::new();
        }
        block.resize(unread.max(Batch::BLOCK), 0);
        if let Some(room) = block.get_mut(..unread) {
            room.copy_from_slice(self.unread());
        }
        std::mem::swap(&mut self.bytes, block);
        (self.start, self.end) = (0, unread);
    }

    /// Reads once from `source` behind the unread bytes and returns how many came; 0 is the end of the data. With `held`,
    /// nothing is moved: there must be room.
    pub(crate) fn fill(&mut self, source: &mut impl Read, held: bool) -> io::Result<usize> {
        if self.start == self.end && !held {
            (self.start, self.end) = (0, 0);
        }
        if self.end == self.bytes.len() && !held {
            if self.start > 0 {
                self.bytes.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            } else {
                self.bytes.resize(self.bytes.len().saturating_mul(2), 0);
            }
        }
        let room = self.bytes.get_mut(self.end..).unwrap_or_default();
        let count = source.read(room)?.min(room.len());
        self.end += count;
        Ok(count)
    }
}
