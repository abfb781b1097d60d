//! What was delivered lately: enough of it to notice a later copy with other bytes, and none of the bytes.
//!
//! Promises: what is noticed depends on the packets alone, not on how they are divided among assemblers or on when the
//! time is told; memory is fixed ([`HORIZON`] entries, about 2.6 MB), and nothing is allocated for a packet.
//!
//! Refuses: to say anything about packets further back than the horizon, and about a packet of whose delivered bytes a
//! later segment carries only a part.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;

/// How many packets back, in the numbers of the capture, a delivered one is known.
pub(crate) const HORIZON: u64 = 1 << 16;

/// How many entries of one direction are looked at for one segment: what a sender has on its way, a quarter of a megabyte
/// in full segments.
const MAX_STEPS: usize = 192;

/// The room for entries grows to this first, then four-fold: three allocations in a long life.
const FIRST_ROOM: usize = 1 << 12;

/// One entry for each packet, at its number modulo [`HORIZON`]. So an entry is in nobody's way but that of packets a
/// whole horizon away, which see each other in no case.
#[derive(Default)]
pub(crate) struct Delivered {
    entries: Vec<Entry>,
    /// Seeded at random: nobody can make other bytes with the same digest.
    hasher: RandomState,
}

/// What a packet brought.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    packet: u64,
    /// The packet that was delivered in front of it, in the same direction of the same connection.
    previous: u64,
    offset: u64,
    digest: u64,
    /// Nought where no packet is.
    len: u32,
}

/// Bytes of an earlier packet that a segment contradicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Contradicted {
    pub(crate) offset: u64,
    pub(crate) len: u64,
    pub(crate) packet: u64,
}

impl Delivered {
    /// Notes that these bytes of `packet` were delivered at `offset`, behind those of `previous`. `now` is the packet
    /// that the capture is at.
    pub(crate) fn note(&mut self, packet: u64, previous: u64, offset: u64, bytes: &[u8], now: u64) {
        let (Some(index), Ok(len)) = (index(packet), u32::try_from(bytes.len())) else { return };
        if now.saturating_sub(packet) >= HORIZON {
            return;
        }
        if self.entries.len() <= index {
            let mut room = FIRST_ROOM;
            while room <= index {
                room *= 4;
            }
            self.entries.resize(room, Entry::default());
        }
        let digest = self.digest(bytes);
        if let Some(entry) = self.entries.get_mut(index) {
            // A packet whose bytes are delivered in several parts is known by the last of them.
            let previous =
                if entry.packet == packet && previous == packet { entry.previous } else { previous };
            *entry = Entry { packet, previous, offset, digest, len };
        }
    }

    /// Compares `bytes`, which a segment carries for a place in front of what is delivered, with what came from there:
    /// back from `last`, the packet that was delivered last. Returns the packets that brought other bytes, in the order
    /// of the stream.
    pub(crate) fn contradicted(&self, last: u64, offset: u64, bytes: &[u8], now: u64) -> Vec<Contradicted> {
        let end = offset + bytes.len() as u64;
        let (mut at, mut behind) = (last, u64::MAX);
        let mut found = Vec::new();
        for _ in 0..MAX_STEPS {
            let Some(entry) = self.find(at, now) else { break };
            let (len, entry_end) = (u64::from(entry.len), entry.offset + u64::from(entry.len));
            // Deliveries only go forward: who does not come in front of the one behind it was put there by a caller
            // that numbers packets alike.
            if entry_end > behind || entry_end <= offset {
                break;
            }
            (at, behind) = (entry.previous, entry.offset);
            if entry.offset < offset || entry_end > end {
                continue;
            }
            let own = bytes.get((entry.offset - offset) as usize..(entry_end - offset) as usize);
            if own.is_some_and(|own| self.digest(own) != entry.digest) {
                found.push(Contradicted { offset: entry.offset, len, packet: entry.packet });
            }
        }
        found.reverse();
        found
    }

    fn find(&self, packet: u64, now: u64) -> Option<&Entry> {
        let entry = self.entries.get(index(packet)?)?;
        (entry.packet == packet && entry.len > 0 && now.saturating_sub(packet) < HORIZON).then_some(entry)
    }

    fn digest(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(bytes);
        hasher.finish()
    }
}

fn index(packet: u64) -> Option<usize> {
    usize::try_from(packet % HORIZON).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(parts: &[(u64, u64, &str)]) -> (Delivered, u64) {
        let (mut delivered, mut last) = (Delivered::default(), 0);
        for (packet, offset, bytes) in parts {
            delivered.note(*packet, last, *offset, bytes.as_bytes(), *packet);
            last = *packet;
        }
        (delivered, last)
    }

    fn contradicted(parts: &[(u64, u64, &str)], offset: u64, bytes: &str, now: u64) -> Vec<(u64, u64, u64)> {
        let (delivered, last) = noted(parts);
        let found = delivered.contradicted(last, offset, bytes.as_bytes(), now);
        found.iter().map(|found| (found.offset, found.len, found.packet)).collect()
    }

    const PARTS: [(u64, u64, &str); 3] = [(4, 0, "abc"), (9, 3, "def"), (7, 6, "ghi")];

    #[test]
    fn whole_packets_are_compared_and_parts_of_them_are_not() {
        assert_eq!(contradicted(&PARTS, 0, "abcdefghi", 10), []);
        assert_eq!(contradicted(&PARTS, 0, "abXdefgXi", 10), [(0, 3, 4), (6, 3, 7)]);
        assert_eq!(contradicted(&PARTS, 3, "XXX", 10), [(3, 3, 9)]);
        assert_eq!(contradicted(&PARTS, 2, "XdefX", 10), [], "of two packets it has only a part");
        assert_eq!(contradicted(&PARTS, 4, "X", 10), []);
    }

    #[test]
    fn nothing_is_known_beyond_the_horizon() {
        assert_eq!(contradicted(&PARTS, 0, "XXXdefghi", 3 + HORIZON), [(0, 3, 4)]);
        assert_eq!(contradicted(&PARTS, 0, "XXXdefghi", 4 + HORIZON), []);
        // Nor is a packet that waited for so long of any use when it is delivered at last.
        let mut delivered = noted(&PARTS).0;
        delivered.note(5, 7, 9, b"jkl", 5 + HORIZON);
        assert_eq!(delivered.contradicted(5, 9, b"XXX", 6 + HORIZON), []);
    }

    #[test]
    fn the_walk_back_ends_after_so_many_packets() {
        let many: Vec<(u64, u64, &str)> = (0..=MAX_STEPS as u64).map(|at| (at + 1, at, "x")).collect();
        let end = MAX_STEPS as u64 + 2;
        assert_eq!(contradicted(&many, 1, "X", end), [(1, 1, 2)]);
        assert_eq!(contradicted(&many, 0, "X", end), []);
    }

    #[test]
    fn packets_with_the_same_number_do_no_harm() {
        let alike = [(1, 0, "abc"), (1, 3, "def"), (1, 6, "ghi")];
        assert_eq!(contradicted(&alike, 0, "XXXXXXXXX", 1), [(6, 3, 1)]);
        let mut delivered = noted(&[(1, 0, "abc"), (2, 3, "d"), (1, 4, "e")]).0;
        delivered.note(2, 1, 5, b"f", 2);
        assert_eq!(delivered.contradicted(2, 0, b"abcdeX", 2).len(), 1, "a ring of two ends");
    }

    #[test]
    fn the_room_is_what_the_documentation_says() {
        let bytes = HORIZON as usize * size_of::<Entry>();
        assert!(bytes <= 2_700_000, "{bytes} bytes");
        let mut delivered = Delivered::default();
        for packet in [0, 5_000, HORIZON - 1, 3 * HORIZON + 1, u64::MAX] {
            delivered.note(packet, 0, 0, b"x", packet);
            assert!(delivered.entries.len() <= HORIZON as usize);
        }
    }
}
