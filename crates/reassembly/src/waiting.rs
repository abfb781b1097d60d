//! The waiting room: what has arrived of one direction but cannot be delivered yet, and who wins where it overlaps.
//!
//! Promises: pieces never share a stored byte; what they cover only grows until it is taken from the front; each
//! insertion costs time in proportion to the new bytes and the logarithm of the pieces. Every captured byte that goes
//! in is stored, found equal to what is known, or reported as a conflict.

use std::collections::BTreeMap;
use std::ops::Range;

use egret_decode::Timestamp;

use crate::Overlap;

/// What a piece costs besides its bytes: its place in the tree, the allocation's own needs, and some air. Measured
/// generously, so that a flood of one-byte segments is charged what it really takes.
const PIECE_COST: usize = 192;

/// What it costs to have anything wait at all: the tree's first node, which has room for eleven pieces.
const ROOM_COST: usize = 1_000;

/// How many pieces that start in front of a segment are looked at for what they store in its place. Where segments lie over
/// each other in more layers than that, which nobody does in good faith, no conflict is looked for: each would cost as many
/// steps as there are layers.
const MAX_LAYERS: usize = 64;

/// Pieces in order of their start.
///
/// * `start`s, stored ranges and ends are all strictly increasing from piece to piece;
/// * stored ranges do not overlap; between a piece's `start` and its stored range lies only what another piece stores.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// By the segment's own start, which decides overlaps, also where the first bytes belong to another piece.
    pieces: BTreeMap<u64, Piece>,
    stored: u64,
}

/// One stored range, from one packet.
#[derive(Debug)]
pub(crate) struct Piece {
    /// The offset of its first stored byte.
    pub(crate) from: u64,
    /// The number of its packet.
    pub(crate) packet: u64,
    /// Its packet's time, as captured.
    pub(crate) timestamp: Timestamp,
    /// When it came, by the clock that never goes back.
    pub(crate) arrived: Timestamp,
    /// What its sender had received of the other direction.
    pub(crate) ack: Option<u64>,
    /// How many bytes behind the stored ones the snap length cut off.
    pub(crate) cut: u64,
    bytes: Box<[u8]>,
    skip: usize,
}

impl Piece {
    /// The bytes that count.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.skip..).unwrap_or_default()
    }

    fn end(&self) -> u64 {
        self.from + self.bytes().len() as u64 + self.cut
    }

    /// Gives up everything in front of `offset`; what is in front of the cut goes first.
    fn trim_front(&mut self, offset: u64) {
        let step = offset.saturating_sub(self.from);
        let of_bytes = step.min(self.bytes().len() as u64);
        self.skip += of_bytes as usize;
        self.cut = self.cut.saturating_sub(step - of_bytes);
        self.from += step;
    }
}

/// A segment on its way into the room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Incoming<'a> {
    pub(crate) start: u64,
    pub(crate) bytes: &'a [u8],
    pub(crate) cut: u64,
    pub(crate) packet: u64,
    pub(crate) timestamp: Timestamp,
    pub(crate) arrived: Timestamp,
    pub(crate) ack: Option<u64>,
}

impl<'a> Incoming<'a> {
    pub(crate) fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64 + self.cut
    }

    /// The part of it within `range`.
    fn slice(&self, range: Range<u64>) -> Self {
        let to_index = |offset: u64| {
            usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX).min(self.bytes.len())
        };
        let (first, last) = (to_index(range.start), to_index(range.end));
        let bytes = self.bytes.get(first..last).unwrap_or_default();
        let cut = (range.end - range.start).saturating_sub(bytes.len() as u64);
        Self { start: range.start, bytes, cut, ..*self }
    }
}

/// What became of bytes that were known twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Doubled {
    /// Captured twice, and equal.
    pub(crate) equal: u64,
    /// Captured twice, and not equal: these lost.
    pub(crate) conflicting: u64,
}

/// Two packets that disagree about a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub(crate) offset: u64,
    pub(crate) len: u64,
    pub(crate) kept: u64,
    pub(crate) dropped: u64,
}

impl Waiting {
    /// Nothing waits.
    pub(crate) const fn new() -> Self {
        Self { pieces: BTreeMap::new(), stored: 0 }
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Captured bytes that wait.
    pub(crate) fn stored(&self) -> u64 {
        self.stored
    }

    /// What it costs to keep all this, in bytes of memory.
    pub(crate) fn cost(&self) -> usize {
        let room = if self.pieces.is_empty() { 0 } else { ROOM_COST };
        self.stored as usize + self.pieces.len() * PIECE_COST + room
    }

    /// The piece that comes next.
    pub(crate) fn front(&self) -> Option<&Piece> {
        self.pieces.first_key_value().map(|(_, piece)| piece)
    }

    /// Takes the piece that comes next.
    pub(crate) fn pop_front(&mut self) -> Option<Piece> {
        let (_, piece) = self.pieces.pop_first()?;
        self.stored -= piece.bytes().len() as u64;
        Some(piece)
    }

    /// Whether a byte at this offset waits, or was cut off.
    pub(crate) fn covers(&self, offset: u64) -> bool {
        let before = self.pieces.range(..=offset).next_back();
        before.is_some_and(|(_, piece)| piece.end() > offset)
    }

    /// The offset behind everything that waits.
    pub(crate) fn end(&self) -> Option<u64> {
        self.pieces.last_key_value().map(|(_, piece)| piece.end())
    }

    /// Forgets everything; returns how many captured bytes that were.
    pub(crate) fn clear(&mut self) -> u64 {
        self.pieces.clear();
        std::mem::take(&mut self.stored)
    }

    /// Puts a segment in, and says what of it, and of what was there, turned out to be known twice.
    pub(crate) fn insert(
        &mut self,
        overlap: Overlap,
        incoming: Incoming<'_>,
        report: &mut impl FnMut(Conflict),
    ) -> Doubled {
        let incoming = Incoming { cut: self.fit_cuts(&incoming), ..incoming };
        let before = self.stored + incoming.bytes.len() as u64;
        let mut doubled = match overlap {
            Overlap::Linux => self.insert_linux(incoming, report),
            Overlap::First => self.insert_first(incoming, report),
            Overlap::Last => self.insert_last(incoming, report),
        };
        // Where pieces lie over each other in three layers, captured bytes can lose against a place that the snap
        // length had emptied. Nothing contradicts them; they are known to be a copy.
        doubled.equal += before.saturating_sub(self.stored + doubled.equal + doubled.conflicting);
        doubled
    }

    /// What the snap length cut off never stands in the way of bytes that were captured: here and in what waits it is
    /// shortened to where they begin.
    fn fit_cuts(&mut self, incoming: &Incoming<'_>) -> u64 {
        let captured_end = incoming.start + incoming.bytes.len() as u64;
        let mut cut = incoming.cut;
        if let Some((_, piece)) = self.pieces.range_mut(..=captured_end).next_back() {
            let stored_end = piece.from + piece.bytes().len() as u64;
            let end = piece.end();
            if piece.cut > 0 && end > incoming.start && stored_end < captured_end {
                // What it knew to be missing behind the new bytes, the new segment knows now.
                piece.cut = incoming.start.saturating_sub(stored_end).min(piece.cut);
                cut = cut.max(end.saturating_sub(captured_end));
            }
        }
        let mut behind = self.pieces.range(incoming.start..).map(|(_, piece)| piece.from);
        behind.find(|from| *from >= captured_end).map_or(cut, |from| cut.min(from - captured_end))
    }

    /// Linux keeps segments whole in a tree by their start (`tcp_data_queue_ofo`): one that is covered is dropped,
    /// one that covers others replaces them, and where two overlap in part the reader takes the lower start's bytes.
    fn insert_linux(&mut self, incoming: Incoming<'_>, report: &mut impl FnMut(Conflict)) -> Doubled {
        let (start, end) = (incoming.start, incoming.end());
        let mut doubled = Doubled::default();
        let covered = |(_, piece): (&u64, &Piece)| piece.end() >= end;
        if self.pieces.range(..=start).next_back().is_some_and(covered) {
            self.compare(&incoming, start..end, Winner::Stored, &mut doubled, report);
            return doubled;
        }
        let from = self.pieces.range(..start).next_back().map_or(start, |(_, piece)| piece.end().max(start));
        self.compare(&incoming, start..from, Winner::Stored, &mut doubled, report);
        self.compare(&incoming, from..end, Winner::Incoming, &mut doubled, report);
        self.make_room(start, end);
        self.store(start, &incoming.slice(from..end));
        doubled
    }

    /// What came first stays: the new segment fills only what nothing covers.
    fn insert_first(&mut self, incoming: Incoming<'_>, report: &mut impl FnMut(Conflict)) -> Doubled {
        let (start, end) = (incoming.start, incoming.end());
        let mut doubled = Doubled::default();
        self.compare(&incoming, start..end, Winner::Stored, &mut doubled, report);
        let mut free = Vec::new();
        let mut at =
            self.pieces.range(..start).next_back().map_or(start, |(_, piece)| piece.end().max(start));
        for piece in self.pieces.range(start..end).map(|(_, piece)| piece) {
            if piece.from > at {
                free.push(at..piece.from);
            }
            at = piece.end();
        }
        if at < end {
            free.push(at..end);
        }
        for range in free {
            self.store(range.start, &incoming.slice(range));
        }
        doubled
    }

    /// What came last counts: everything the new segment covers is replaced, and what is left of a piece on either
    /// side stays.
    fn insert_last(&mut self, incoming: Incoming<'_>, report: &mut impl FnMut(Conflict)) -> Doubled {
        let (start, end) = (incoming.start, incoming.end());
        let mut doubled = Doubled::default();
        self.compare(&incoming, start..end, Winner::Incoming, &mut doubled, report);
        for key in self.keys_reaching(start..end) {
            let Some(piece) = self.pieces.remove(&key) else { continue };
            self.stored -= piece.bytes().len() as u64;
            let whole = Incoming {
                start: piece.from,
                bytes: piece.bytes(),
                cut: piece.cut,
                packet: piece.packet,
                timestamp: piece.timestamp,
                arrived: piece.arrived,
                ack: piece.ack,
            };
            if piece.from < start {
                self.store(key, &whole.slice(piece.from..start));
            }
            if whole.end() > end {
                self.store(end, &whole.slice(end..whole.end()));
            }
        }
        self.store(start, &incoming);
        doubled
    }

    /// The keys of the pieces that store something within a range.
    fn keys_reaching(&self, range: Range<u64>) -> Vec<u64> {
        let in_front =
            self.pieces.range(..range.start).rev().take_while(|(_, piece)| piece.end() > range.start);
        let mut keys: Vec<u64> = in_front.map(|(key, _)| *key).collect();
        keys.extend(self.pieces.range(range.clone()).map(|(key, _)| *key));
        keys.retain(|key| {
            self.pieces.get(key).is_some_and(|piece| piece.from < range.end && piece.end() > range.start)
        });
        keys
    }

    /// Removes what lies from `start` up to `end` in pieces that start there. What such a piece has beyond `end`
    /// stays under its own start, with which Linux goes on comparing.
    fn make_room(&mut self, start: u64, end: u64) {
        while let Some((&key, piece)) = self.pieces.range_mut(start..end).next() {
            if piece.from >= end {
                break;
            }
            let before = piece.bytes().len() as u64;
            if piece.end() <= end {
                self.stored -= before;
                self.pieces.remove(&key);
                continue;
            }
            piece.trim_front(end);
            self.stored -= before - piece.bytes().len() as u64;
            break;
        }
    }

    fn store(&mut self, start: u64, part: &Incoming<'_>) {
        let Incoming { start: from, bytes, cut, packet, timestamp, arrived, ack } = *part;
        self.stored += bytes.len() as u64;
        self.pieces.insert(
            start,
            Piece { from, packet, timestamp, arrived, ack, cut, bytes: bytes.into(), skip: 0 },
        );
    }

    /// Compares `range` of a new segment with what is stored there, and counts and reports for the loser.
    fn compare(
        &self,
        incoming: &Incoming<'_>,
        range: Range<u64>,
        winner: Winner,
        doubled: &mut Doubled,
        report: &mut impl FnMut(Conflict),
    ) {
        // Stored ranges increase with the starts, so the first that can reach into the range is found from behind.
        let first = self
            .pieces
            .range(..range.start)
            .rev()
            .take(MAX_LAYERS)
            .take_while(|(_, piece)| piece.end() > range.start)
            .last();
        let first = first.map_or(range.start, |(start, _)| *start);
        for piece in self.pieces.range(first..range.end).map(|(_, piece)| piece) {
            let stored_end = piece.from + piece.bytes().len() as u64;
            let (low, high) = (piece.from.max(range.start), stored_end.min(range.end));
            if low >= high {
                continue;
            }
            let new = incoming.slice(low..high).bytes;
            let known = piece.bytes().get((low - piece.from) as usize..).unwrap_or_default();
            let shared = new.len().min(known.len());
            let differs = |(a, b): (&u8, &u8)| a != b;
            let mut pairs = new.iter().zip(known);
            let Some(first) = pairs.position(differs) else {
                doubled.equal += shared as u64;
                continue;
            };
            let last = first + 1 + pairs.rposition(differs).map_or(0, |index| index + 1);
            let len = (last - first) as u64;
            doubled.conflicting += len;
            doubled.equal += shared as u64 - len;
            let (kept, dropped) = match winner {
                Winner::Stored => (piece.packet, incoming.packet),
                Winner::Incoming => (incoming.packet, piece.packet),
            };
            report(Conflict { offset: low + first as u64, len, kept, dropped });
        }
    }
}

#[derive(Clone, Copy)]
enum Winner {
    Stored,
    Incoming,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is known of each offset: the byte and its packet, or `None` where the snap length cut it off.
    type ByteMap = BTreeMap<u64, (u8, u64)>;

    fn contents(waiting: &Waiting) -> ByteMap {
        let byte =
            |piece: &Piece, (index, byte): (usize, &u8)| (piece.from + index as u64, (*byte, piece.packet));
        let of = |piece: &Piece| {
            piece.bytes().iter().enumerate().map(|each| byte(piece, each)).collect::<Vec<_>>()
        };
        waiting.pieces.values().flat_map(of).collect()
    }

    /// The segments Linux would hold, whole, by start; its reader takes each byte from the lowest start that has it.
    #[derive(Default)]
    struct Kernel {
        queue: Vec<(u64, Vec<u8>, u64)>,
    }

    impl Kernel {
        fn insert(&mut self, start: u64, bytes: &[u8], packet: u64) {
            let end = start + bytes.len() as u64;
            let end_of = |(start, bytes, _): &(u64, Vec<u8>, u64)| start + bytes.len() as u64;
            if self.queue.iter().any(|held| held.0 <= start && end_of(held) >= end) {
                return;
            }
            self.queue.retain(|held| !(start <= held.0 && end_of(held) <= end));
            self.queue.push((start, bytes.to_vec(), packet));
            self.queue.sort();
        }

        fn contents(&self) -> ByteMap {
            let mut map = ByteMap::new();
            for (start, bytes, packet) in &self.queue {
                for (offset, byte) in (*start..).zip(bytes) {
                    map.entry(offset).or_insert((*byte, *packet));
                }
            }
            map
        }
    }

    fn incoming(start: u64, bytes: &[u8], packet: u64) -> Incoming<'_> {
        Incoming {
            start,
            bytes,
            cut: 0,
            packet,
            timestamp: Timestamp::EPOCH,
            arrived: Timestamp::EPOCH,
            ack: None,
        }
    }

    proptest! {
        #[test]
        fn the_room_is_a_byte_map(
            segments in prop::collection::vec((0_u64..40, prop::collection::vec(0_u8..3, 1..12)), 1..24),
            overlap in prop::sample::select(vec![Overlap::Linux, Overlap::First, Overlap::Last]),
        ) {
            let (mut waiting, mut kernel, mut map) = (Waiting::default(), Kernel::default(), ByteMap::new());
            let (mut seen, mut doubled) = (0, Doubled::default());
            for (packet, (start, bytes)) in (1..).zip(&segments) {
                let new = waiting.insert(overlap, incoming(*start, bytes, packet), &mut |conflict| {
                    assert!(conflict.len > 0 && conflict.kept != conflict.dropped);
                });
                kernel.insert(*start, bytes, packet);
                for (offset, byte) in (*start..).zip(bytes) {
                    match overlap {
                        Overlap::Last => { map.insert(offset, (*byte, packet)); }
                        _ => { map.entry(offset).or_insert((*byte, packet)); }
                    }
                }
                seen += bytes.len() as u64;
                doubled.equal += new.equal;
                doubled.conflicting += new.conflicting;
                prop_assert_eq!(seen, waiting.stored() + doubled.equal + doubled.conflicting, "conservation");
                let expected = if overlap == Overlap::Linux { kernel.contents() } else { map.clone() };
                prop_assert_eq!(contents(&waiting), expected);
            }
            let mut at = 0;
            while let Some(piece) = waiting.pop_front() {
                prop_assert!(piece.from >= at, "pieces come in order and never share a byte");
                at = piece.end();
            }
            prop_assert_eq!((waiting.stored(), waiting.cost()), (0, 0));
        }
    }

    #[test]
    fn a_conflict_names_the_range_from_the_first_to_the_last_different_byte() {
        let mut waiting = Waiting::default();
        let mut seen = Vec::new();
        waiting.insert(Overlap::Linux, incoming(10, b"abcdef", 1), &mut |conflict| seen.push(conflict));
        let doubled = waiting
            .insert(Overlap::Linux, incoming(8, b"..abXdYf..", 2), &mut |conflict| seen.push(conflict));
        assert_eq!(seen, [Conflict { offset: 12, len: 3, kept: 2, dropped: 1 }]);
        assert_eq!(doubled, Doubled { equal: 3, conflicting: 3 });
    }

    #[test]
    fn no_conflict_is_looked_for_below_so_many_layers() {
        let mut waiting = Waiting::default();
        let long = [b'x'; 1_000];
        // Each starts a byte behind the one before, and stores nothing but its last byte; the first stores a thousand.
        for start in 0..500 {
            waiting.insert(Overlap::Linux, incoming(start, &long, start + 1), &mut |_| {});
        }
        let mut conflicts = |start: u64| {
            let mut seen = 0;
            let doubled = waiting.insert(Overlap::Linux, incoming(start, b"y", 999), &mut |_| seen += 1);
            assert_eq!(doubled.equal + doubled.conflicting, 1, "the books balance");
            seen
        };
        assert_eq!((conflicts(MAX_LAYERS as u64), conflicts(MAX_LAYERS as u64 + 1)), (1, 0));
    }

    #[test]
    fn bytes_that_were_cut_off_are_room_but_not_stored() {
        let mut waiting = Waiting::default();
        let cut = Incoming { cut: 4, ..incoming(10, b"ab", 1) };
        waiting.insert(Overlap::Linux, cut, &mut |_| {});
        assert_eq!((waiting.stored(), waiting.end()), (2, Some(16)));
        waiting.insert(Overlap::Linux, incoming(5, b"123456789", 2), &mut |_| {});
        let pieces: Vec<_> = std::iter::from_fn(|| waiting.pop_front()).collect();
        assert_eq!(pieces.len(), 1, "all that was captured of the first is in the second");
        assert_eq!((pieces[0].from, pieces[0].bytes(), pieces[0].cut), (5, &b"123456789"[..], 2));
        // And captured bytes fill what was cut off of a copy.
        waiting.insert(Overlap::Linux, Incoming { cut: 6, ..incoming(10, b"abcd", 3) }, &mut |_| {});
        let doubled = waiting.insert(Overlap::Linux, incoming(10, b"abcdefgh", 4), &mut |_| {});
        assert_eq!((doubled.equal, waiting.stored(), waiting.end()), (4, 8, Some(20)));
    }
}
