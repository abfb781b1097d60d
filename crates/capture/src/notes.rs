//! What a capture says besides its packets: comments, names of addresses, secrets to decrypt with.
//!
//! Promises: what belongs to a packet is here before the packet is delivered; asking whether anything is new costs one
//! load. Refuses: to grow with a hostile file; what is beyond the limit is counted and left out.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One thing that a pcapng file says besides its packets and interfaces.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// A comment on a section of the file.
    Comment(String),
    /// A name for an address, as the capturing machine knew it.
    Name {
        /// The address.
        address: IpAddr,
        /// Its name.
        name: String,
    },
    /// Secrets with which what is encrypted can be read, such as a TLS key log.
    Secrets {
        /// What the data is: the registry's `secrets_type`, 0x544c534b for a TLS key log.
        kind: u32,
        /// The data, in the form that the kind has.
        data: Arc<[u8]>,
    },
}

/// What a capture says besides its packets, shared with whoever must ask while a packet is borrowed.
///
/// [`Capture::notes`](crate::Capture::notes) gives it, and [`Writer::carry`](crate::Writer::carry) takes it. It keeps
/// 16 MiB over all sources of a capture; [`left_out`](Self::left_out) counts what was more.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// How often anything was added: who has seen so many changes has seen all there is.
    changes: AtomicUsize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    notes: Vec<Note>,
    bytes: usize,
    left_out: u64,
    /// The latest packet with comments.
    packet: u64,
    comments: Vec<String>,
}

impl Notes {
    /// The most bytes that are kept.
    const LIMIT: usize = 16 * 1024 * 1024;

    /// The notes so far, without the first `seen`.
    pub fn since(&self, seen: usize) -> Vec<Note> {
        self.kept().notes.get(seen..).unwrap_or_default().to_vec()
    }

    /// The comments on the packet with this number, if it was the last one delivered that had any.
    pub fn comments(&self, packet: u64) -> Vec<String> {
        let kept = self.kept();
        if kept.packet == packet { kept.comments.clone() } else { Vec::new() }
    }

    /// How many notes were left out because they were too long or too many.
    pub fn left_out(&self) -> u64 {
        self.kept().left_out
    }

    /// Changes with everything that is added, comments on packets included.
    #[inline]
    pub(crate) fn changes(&self) -> usize {
        self.shared.changes.load(Ordering::Acquire)
    }

    pub(crate) fn push(&self, note: Note) {
        let bytes = size_of::<Note>()
            + match &note {
                Note::Comment(text) | Note::Name { name: text, .. } => text.len(),
                Note::Secrets { data, .. } => data.len(),
            };
        let mut kept = self.kept();
        if bytes > Self::LIMIT - kept.bytes {
            kept.left_out += 1;
            return;
        }
        kept.bytes += bytes;
        kept.notes.push(note);
        self.changed();
    }

    /// Counts something that was not even read, because of its length.
    pub(crate) fn leave_out(&self) {
        self.kept().left_out += 1;
    }

    pub(crate) fn comment(&self, packet: u64, comments: Vec<String>) {
        let mut kept = self.kept();
        (kept.packet, kept.comments) = (packet, comments);
        self.changed();
    }

    fn changed(&self) {
        self.shared.changes.fetch_add(1, Ordering::Release);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A panic elsewhere cannot leave a note half pushed.
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_what_is_not_is_counted() {
        let notes = Notes::default();
        let megabyte: Arc<[u8]> = vec![0; 1024 * 1024].into();
        for _ in 0..20 {
            notes.push(Note::Secrets { kind: 1, data: Arc::clone(&megabyte) });
        }
        assert_eq!((notes.since(0).len(), notes.left_out()), (15, 5));
        assert_eq!(notes.since(14).len(), 1);
        assert_eq!(notes.since(16), []);
    }
}
