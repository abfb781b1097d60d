//! What the streams of one thread find, on its way to the thread that puts it in order.
//!
//! Promises: records are handed over in pieces of bounded size, and whoever hands them over waits until they are taken:
//! nothing piles up, however slow the output is.

use std::mem;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// So many bytes of records are handed over at once, in the middle of a block of packets; in its end, those there are. Each
/// time the thread that takes them may have to be woken, in the place of one of those that work.
const PIECE: usize = 256 << 10;

/// How many pieces of one thread wait to be taken: it may be done with a few blocks before another one is with the first.
const WAITING: usize = 4;

/// The records of one thread, in the order in which they came to be.
///
/// A record is a run of items: the bytes of a line of text, or a single value.
#[derive(Debug)]
pub struct Records<T> {
    piece: Piece<T>,
    /// When what is recorded now happens: see [`at`](Self::at).
    step: u64,
    to: Option<Exit<T>>,
}

/// Where records go from a thread.
#[derive(Debug)]
struct Exit<T> {
    to: SyncSender<Handed<T>>,
    /// Pieces of which all was taken: memory that is used again stays where it is near, and nobody has to be asked for more.
    back: Receiver<Piece<T>>,
}

/// Where they come from.
pub(crate) struct Line<T> {
    from: Receiver<Handed<T>>,
    back: SyncSender<Piece<T>>,
    /// Records that were handed over and not taken yet.
    piece: Piece<T>,
    /// These are the last of their block.
    last: bool,
}

/// A thread is no more: it panicked.
pub(crate) struct Gone;

/// Records that are handed over.
#[derive(Debug)]
struct Piece<T> {
    items: Vec<T>,
    marks: Vec<Mark>,
    /// How many records were taken out, and items.
    taken: usize,
    from: usize,
}

/// A piece, and whether it is the last of its block.
type Handed<T> = (Piece<T>, bool);

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
    pub(crate) fn line(&mut self) -> Line<T> {
        let (to, from) = sync_channel(WAITING);
        // No more than there can be: those that wait, the one that is taken from, and the one that is filled.
        let (give_back, back) = sync_channel(WAITING + 2);
        self.to = Some(Exit { to, back });
        Line { from, back: give_back, piece: Piece::default(), last: false }
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

    /// Hands over what there is; `last` if it is the last of its block.
    pub(crate) fn hand_over(&mut self, last: bool) {
        if let Some(Exit { to, back }) = &self.to {
            let another = back.try_recv().unwrap_or_default();
            if to.send((mem::replace(&mut self.piece, another), last)).is_err() {
                // Nobody takes anything any more.
                self.to = None;
            }
        }
    }
}

impl<T> Line<T> {
    /// The place of the next record of the block, which is waited for; `Ok(None)` if there are no more.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, u64)>, Gone> {
        loop {
            let next = self.piece.next();
            if next.is_some() || self.last {
                return Ok(next);
            }
            let (piece, last) = self.from.recv().map_err(|_| Gone)?;
            let mut taken = mem::replace(&mut self.piece, piece);
            self.last = last;
            // What one long record made grow is let go with it.
            if taken.items.capacity().saturating_mul(size_of::<T>()) <= 2 * PIECE {
                taken.clear();
                // If it is not taken back, its thread is at its end.
                let _ = self.back.try_send(taken);
            }
        }
    }

    /// Takes the next record out.
    pub(crate) fn take(&mut self) -> &[T] {
        self.piece.take()
    }

    /// The next records are of another block.
    pub(crate) fn next_block(&mut self) {
        self.last = false;
    }
}

impl<T> Default for Records<T> {
    fn default() -> Self {
        Self { piece: Piece::default(), step: 0, to: None }
    }
}

impl<T> Piece<T> {
    /// Forgets everything, and keeps the memory.
    fn clear(&mut self) {
        self.items.clear();
        self.marks.clear();
        (self.taken, self.from) = (0, 0);
    }

    /// The place of the next record.
    fn next(&self) -> Option<(u64, u64)> {
        self.marks.get(self.taken).map(|mark| mark.place)
    }

    /// Takes the next record out.
    fn take(&mut self) -> &[T] {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_but_for_what_a_long_record_made_grow() {
        let mut records = Records::default();
        let mut line = records.line();
        // How much room there was for a record of so many bytes, which is handed over and taken.
        let mut pass = |len| {
            let room = records.piece.items.capacity();
            records.push(1, |items| items.resize(items.len() + len, b'x'));
            records.hand_over(true);
            line.next_block();
            let mut taken = Vec::new();
            while let Ok(Some(_)) = line.next() {
                taken.push(line.take().len());
            }
            assert_eq!(taken, [len]);
            room
        };
        let rooms: Vec<usize> = (0..8).map(|_| pass(1_000)).collect();
        assert!(rooms.ends_with(&[1_000; 4]), "{rooms:?}");
        pass(3 * PIECE);
        let rooms: Vec<usize> = (0..8).map(|_| pass(1_000)).collect();
        assert!(rooms.iter().all(|room| *room <= 1_000) && rooms.ends_with(&[1_000; 4]), "{rooms:?}");
    }
}
