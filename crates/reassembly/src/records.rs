//! What the streams of one thread find, on its way to the thread that puts it in order.
//!
//! Promises: records are handed over in pieces of bounded size, and whoever hands them over waits until they are taken:
//! nothing piles up, however slow the output is.

use std::mem;
use std::sync::mpsc::SyncSender;

/// So many bytes of records are handed over at once, in the middle of a batch of packets; in its end, those there are.
const PIECE: usize = 64 << 10;

/// The records of one thread, in the order in which they came to be.
///
/// A record is a run of items: the bytes of a line of text, or a single value.
#[derive(Debug)]
pub struct Records<T> {
    piece: Piece<T>,
    /// When what is recorded now happens: see [`at`](Self::at).
    step: u64,
    to: Option<SyncSender<Handed<T>>>,
}

/// Records that are handed over.
#[derive(Debug)]
pub(crate) struct Piece<T> {
    items: Vec<T>,
    marks: Vec<Mark>,
    /// How many records were taken out, and items.
    taken: usize,
    from: usize,
}

/// A piece, and whether it is the last of its batch.
pub(crate) type Handed<T> = (Piece<T>, bool);

/// The end of a record, and its place among those of all threads.
#[derive(Debug, Clone, Copy)]
struct Mark {
    place: (u64, u64),
    end: usize,
}

impl<T> Records<T> {
    /// Adds a record of this connection: the items that `fill` appends. If there are none, there is no record.
    pub fn push<R>(&mut self, connection: u64, fill: impl FnOnce(&mut Vec<T>) -> R) -> R {
        let filled = fill(&mut self.piece.items);
        let end = self.piece.items.len();
        if end > self.piece.marks.last().map_or(0, |last| last.end) {
            self.piece.marks.push(Mark { place: (self.step, connection), end });
        }
        if end.saturating_mul(size_of::<T>()) >= PIECE {
            self.hand_over(false);
        }
        filled
    }

    /// Where they go from now on. Without it, they stay here.
    pub(crate) fn send_to(&mut self, to: SyncSender<Handed<T>>) {
        self.to = Some(to);
    }

    /// They stay here from now on.
    pub(crate) fn keep(&mut self) {
        self.to = None;
    }

    /// What is recorded from now on comes behind whatever any thread records in an earlier step, and in front of what
    /// any records in a later one; within a step, the ids of connections decide.
    pub(crate) const fn at(&mut self, step: u64) {
        self.step = step;
    }

    pub(crate) fn hand_over(&mut self, last: bool) {
        if let Some(to) = &self.to {
            let another = Piece::with_room_of(&self.piece);
            if to.send((mem::replace(&mut self.piece, another), last)).is_err() {
                // Nobody takes anything any more.
                self.to = None;
            }
        }
    }
}

impl<T> Default for Records<T> {
    fn default() -> Self {
        Self { piece: Piece::default(), step: 0, to: None }
    }
}

impl<T> Piece<T> {
    fn with_room_of(other: &Self) -> Self {
        let (items, marks) = (Vec::with_capacity(other.items.len()), Vec::with_capacity(other.marks.len()));
        Self { items, marks, taken: 0, from: 0 }
    }

    /// The place of the next record.
    pub(crate) fn next(&self) -> Option<(u64, u64)> {
        self.marks.get(self.taken).map(|mark| mark.place)
    }

    /// Takes the next record out.
    pub(crate) fn take(&mut self) -> &[T] {
        let end = self.marks.get(self.taken).map_or(self.from, |mark| mark.end);
        let record = self.items.get(self.from..end).unwrap_or_default();
        (self.taken, self.from) = (self.taken + 1, end);
        record
    }
}

impl<T> Default for Piece<T> {
    fn default() -> Self {
        Self { items: Vec::new(), marks: Vec::new(), taken: 0, from: 0 }
    }
}
