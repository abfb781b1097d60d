//! IP datagrams put back together from their fragments (RFC 791 §3.2, RFC 8200 §4.5).
//!
//! Promises: a datagram is whole or not at all; a fragment wholly inside what is held changes nothing (the same packet
//! captured twice), one that overlaps in part drops its datagram; memory and time are bounded.

use std::collections::BTreeMap;
use std::net::IpAddr;

use egret_decode::{Decoded, Fragment, Path, Timestamp};
use foldhash::quality::RandomState;
use hashbrown::HashMap;

use crate::Limits;
use crate::stats::FragmentStats;

/// No datagram is longer (its length field has 16 bits; jumbograms are never fragmented).
const MAX_DATAGRAM: u64 = 65_535;

/// What a datagram and each of its fragments cost besides their bytes.
const DATAGRAM_COST: usize = 256;
const PIECE_COST: usize = 96;

/// What the number of a packet costs, in a vector that may be half empty.
const NUMBER_COST: usize = 16;

/// The datagrams of which something is still missing.
#[derive(Default)]
pub(crate) struct Fragments {
    datagrams: HashMap<Key, Datagram, RandomState>,
    /// By age: who is given up first, at a limit or because its time has come.
    ages: BTreeMap<u64, (Timestamp, Key)>,
    begun: u64,
    held: usize,
    pub(crate) stats: FragmentStats,
    /// The packets of which no datagram will come, for who asked for them.
    lost: Option<Vec<u64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    identification: u32,
    path: Path,
}

#[derive(Debug)]
struct Datagram {
    age: u64,
    pieces: BTreeMap<u32, Box<[u8]>>,
    bytes: u64,
    /// The packets that the pieces came in, those that were captured twice too.
    packets: Vec<u64>,
    /// Where it ends, once its last fragment was seen.
    end: Option<u64>,
    /// Given up, but remembered, so that its remaining fragments do not begin it anew.
    dropped: bool,
}

impl Datagram {
    fn cost(&self) -> usize {
        let (pieces, numbers) = (self.pieces.len() * PIECE_COST, self.packets.len() * NUMBER_COST);
        DATAGRAM_COST + self.bytes as usize + pieces + numbers
    }
}

/// A datagram of which nothing is missing any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Whole {
    pub(crate) payload: Vec<u8>,
    /// The packets that it came in, ascending.
    pub(crate) packets: Vec<u64>,
}

impl Fragments {
    /// Keeps the numbers of the packets of which no datagram will come.
    pub(crate) fn noting_losses() -> Self {
        Self { lost: Some(Vec::new()), ..Self::default() }
    }

    /// The packets of which it has turned out since the last call that no datagram will come.
    pub(crate) fn take_lost(&mut self) -> Vec<u64> {
        self.lost.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Takes a fragment that came in `packets`. Returns the datagram when this was the last piece that was missing.
    pub(crate) fn insert(
        &mut self,
        decoded: &Decoded<'_>,
        fragment: Fragment,
        packets: &[u64],
        now: Timestamp,
        limits: &Limits,
    ) -> Option<Whole> {
        self.stats.fragments += 1;
        let Some((source, destination)) = decoded.network.and_then(|network| network.addresses()) else {
            lose(&mut self.lost, packets);
            return None;
        };
        let Fragment { identification, offset, more, protocol } = fragment;
        let key = Key { source, destination, protocol, identification, path: decoded.path };
        let end = u64::from(offset) + decoded.payload.len() as u64;
        // Every fragment but the last carries a multiple of eight bytes; the end must be possible.
        let malformed = end > MAX_DATAGRAM || decoded.payload.is_empty() || (more && !end.is_multiple_of(8));
        let begun = &mut self.begun;
        let ages = &mut self.ages;
        let datagram = self.datagrams.entry(key).or_insert_with(|| {
            *begun += 1;
            ages.insert(*begun, (now, key));
            let (pieces, packets) = (BTreeMap::new(), Vec::new());
            Datagram { age: *begun, pieces, bytes: 0, packets, end: None, dropped: false }
        });
        let before = if datagram.pieces.is_empty() && !datagram.dropped { 0 } else { datagram.cost() };
        if !datagram.dropped {
            match datagram.place(offset, decoded.payload, more) {
                Placed::Kept if malformed || decoded.cut > 0 => lose(&mut self.lost, &datagram.drop_all()),
                Placed::Kept | Placed::Known => datagram.packets.extend(packets),
                Placed::Clashes => {
                    self.stats.overlapping += 1;
                    lose(&mut self.lost, &datagram.drop_all());
                }
            }
        }
        if datagram.dropped {
            lose(&mut self.lost, packets);
        }
        self.held = self.held + datagram.cost() - before;
        if datagram.end.is_some_and(|end| end == datagram.bytes) {
            let payload = datagram.pieces.values().flat_map(|piece| piece.iter().copied()).collect();
            let mut packets = std::mem::take(&mut datagram.packets);
            // Those of a tunnel's fragments came among each other.
            packets.sort_unstable();
            self.held -= packets.len() * NUMBER_COST;
            self.stats.completed += 1;
            self.forget(&key);
            return Some(Whole { payload, packets });
        }
        while self.held > limits.for_fragments() {
            let Some((_, &(_, oldest))) = self.ages.first_key_value() else { break };
            self.give_up(&oldest);
        }
        None
    }

    /// Gives up the datagrams that have waited for too long.
    pub(crate) fn advance(&mut self, now: Timestamp, limits: &Limits) {
        while let Some((_, &(begun, key))) = self.ages.first_key_value()
            && now >= begun.after(limits.fragment_patience)
        {
            self.give_up(&key);
        }
    }

    /// The end of the capture: what is not whole by now never will be.
    pub(crate) fn finish(&mut self) {
        while let Some((_, &(_, key))) = self.ages.first_key_value() {
            self.give_up(&key);
        }
    }

    fn give_up(&mut self, key: &Key) {
        self.stats.incomplete += 1;
        if let Some(datagram) = self.datagrams.get(key) {
            lose(&mut self.lost, &datagram.packets);
        }
        self.forget(key);
    }

    fn forget(&mut self, key: &Key) {
        if let Some(datagram) = self.datagrams.remove(key) {
            self.held -= datagram.cost();
            self.ages.remove(&datagram.age);
        }
    }
}

fn lose(lost: &mut Option<Vec<u64>>, packets: &[u64]) {
    if let Some(lost) = lost {
        lost.extend(packets);
    }
}

enum Placed {
    Kept,
    Known,
    Clashes,
}

impl Datagram {
    /// Puts a piece in its place, unless it is there already or clashes with what is.
    fn place(&mut self, offset: u32, payload: &[u8], more: bool) -> Placed {
        let (start, end) = (u64::from(offset), u64::from(offset) + payload.len() as u64);
        let last_end =
            self.pieces.last_key_value().map_or(0, |(at, piece)| u64::from(*at) + piece.len() as u64);
        let contradicts = match (self.end, more) {
            (Some(known), true) => end > known,
            (Some(known), false) => end != known,
            (None, true) => false,
            (None, false) => last_end > end,
        };
        if contradicts {
            return Placed::Clashes;
        }
        // Pieces are disjoint, so a new one is inside held bytes exactly when the contiguous run that holds its start
        // holds its end too.
        let mut covered_to = start;
        let mut touched = false;
        for (at, piece) in self.pieces.range(..u32::try_from(end).unwrap_or(u32::MAX)).rev() {
            let piece_end = u64::from(*at) + piece.len() as u64;
            if piece_end <= start {
                break;
            }
            touched = true;
            let (low, high) = (u64::from(*at).max(start), piece_end.min(end));
            covered_to += high - low;
        }
        if touched {
            return if covered_to == end { Placed::Known } else { Placed::Clashes };
        }
        if !more {
            self.end = Some(end);
        }
        self.bytes += payload.len() as u64;
        self.pieces.insert(offset, payload.into());
        Placed::Kept
    }

    /// Lets all go, and gives the packets that it came in.
    fn drop_all(&mut self) -> Vec<u64> {
        self.pieces.clear();
        self.bytes = 0;
        self.end = None;
        self.dropped = true;
        std::mem::take(&mut self.packets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egret_decode::{LinkType, Packet, decode};
    use proptest::prelude::*;

    /// An IPv4 fragment of datagram 7, protocol 253 ("for experiments"), without a link header.
    fn packet(offset: u32, payload: &[u8], more: bool) -> Vec<u8> {
        let place = (offset / 8) as u16 | u16::from(more) << 13;
        let mut bytes = vec![0x45, 0];
        bytes.extend((20 + payload.len() as u16).to_be_bytes());
        bytes.extend([0, 7]);
        bytes.extend(place.to_be_bytes());
        bytes.extend([64, 253, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        bytes.extend(payload);
        bytes
    }

    fn insert(fragments: &mut Fragments, limits: &Limits, at: i64, bytes: &[u8]) -> Option<Vec<u8>> {
        let (link_type, wire_len) = (LinkType::IPV4, bytes.len() as u32);
        let timestamp = Timestamp::new(at, 0);
        let packet = Packet { number: 1, timestamp, link_type, interface: 0, data: bytes, wire_len };
        let decoded = decode(packet);
        let fragment = decoded.fragment().expect("a fragment");
        fragments.advance(timestamp, limits);
        fragments.insert(&decoded, fragment, &[1], timestamp, limits).map(|whole| whole.payload)
    }

    proptest! {
        #[test]
        fn any_order_and_repetition_of_whole_fragments_gives_the_datagram(
            len in 57_usize..400, cut in 1_usize..8, order in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        ) {
            let payload: Vec<u8> = (0..len).map(|index| index as u8).collect();
            let parts: Vec<(usize, &[u8])> = payload.chunks(cut * 8).enumerate().map(|(n, part)| (n * cut * 8, part)).collect();
            let (mut fragments, limits) = (Fragments::default(), Limits::default());
            let mut whole = None;
            let random = order.iter().map(|index| index.get(&parts));
            for (offset, part) in random.chain(&parts) {
                let more = offset + part.len() < len;
                whole = insert(&mut fragments, &limits, 0, &packet(*offset as u32, part, more));
                if whole.is_some() { break; }
            }
            prop_assert_eq!(whole, Some(payload));
            prop_assert_eq!((fragments.held, fragments.ages.len()), (0, 0));
        }
    }

    #[test]
    fn the_packets_of_a_datagram_are_known_those_captured_twice_too_and_paid_for() {
        let (mut fragments, limits) = (Fragments::default(), Limits::default());
        let mut insert = |numbers: &[u64], bytes: &[u8]| {
            let (timestamp, link_type, wire_len) = (Timestamp::EPOCH, LinkType::IPV4, bytes.len() as u32);
            let packet = Packet { number: 1, timestamp, link_type, interface: 0, data: bytes, wire_len };
            let decoded = decode(packet);
            let fragment = decoded.fragment().expect("a fragment");
            let whole = fragments.insert(&decoded, fragment, numbers, timestamp, &limits);
            (whole.map(|whole| whole.packets), fragments.held)
        };
        let (_, once) = insert(&[3, 7], &packet(0, &[1; 8], true));
        assert_eq!(insert(&[4], &packet(0, &[1; 8], true)), (None, once + NUMBER_COST));
        assert_eq!(insert(&[8], &packet(8, &[1; 8], false)), (Some(vec![3, 4, 7, 8]), 0));
    }

    #[test]
    fn a_partial_overlap_drops_the_datagram_and_all_that_comes_of_it() {
        let (mut fragments, limits) = (Fragments::default(), Limits::default());
        assert_eq!(insert(&mut fragments, &limits, 0, &packet(0, &[1; 16], true)), None);
        assert_eq!(insert(&mut fragments, &limits, 0, &packet(8, &[2; 16], true)), None);
        assert_eq!(insert(&mut fragments, &limits, 0, &packet(16, &[3; 8], false)), None);
        assert_eq!(insert(&mut fragments, &limits, 0, &packet(0, &[1; 16], true)), None);
        assert_eq!(fragments.stats.overlapping, 1);
        fragments.finish();
        assert_eq!((fragments.held, fragments.stats.incomplete, fragments.stats.completed), (0, 1, 0));
    }

    #[test]
    fn two_ends_that_contradict_each_other_drop_the_datagram() {
        let ends: [[(u32, usize, bool); 3]; 3] = [
            // The last fragment twice, at different places; one behind the last; a last one in front of another.
            [(16, 8, false), (24, 8, false), (0, 16, true)],
            [(16, 8, false), (24, 8, true), (0, 16, true)],
            [(24, 8, true), (16, 8, false), (0, 16, true)],
        ];
        for case in ends {
            let (mut fragments, limits) = (Fragments::default(), Limits::default());
            for (offset, len, more) in case {
                let whole = insert(&mut fragments, &limits, 0, &packet(offset, &vec![1; len], more));
                assert_eq!(whole, None, "{case:?}");
            }
            assert_eq!(fragments.stats.overlapping, 1, "{case:?}");
        }
    }

    #[test]
    fn a_fragment_that_the_snap_length_cut_drops_the_datagram() {
        let (mut fragments, limits) = (Fragments::default(), Limits::default());
        let (first, last) = (packet(0, &[1; 16], true), packet(16, &[1; 8], false));
        let (timestamp, link_type, wire_len) = (Timestamp::EPOCH, LinkType::IPV4, first.len() as u32);
        let cut = Packet { number: 1, timestamp, link_type, interface: 0, data: &first[..28], wire_len };
        let decoded = decode(cut);
        let fragment = decoded.fragment().expect("a fragment");
        assert_eq!(fragments.insert(&decoded, fragment, &[1], timestamp, &limits), None);
        assert_eq!(insert(&mut fragments, &limits, 0, &last), None);
        assert_eq!(insert(&mut fragments, &limits, 0, &packet(8, &[1; 8], true)), None);
        assert_eq!(insert(&mut fragments, &limits, 0, &first), None, "nor is it begun anew");
        assert_eq!(fragments.stats.completed, 0);
    }

    #[test]
    fn fragments_from_two_networks_are_of_two_datagrams() {
        let (mut fragments, limits) = (Fragments::default(), Limits::default());
        let mut tagged = |vlan: u8, bytes: &[u8]| {
            let frame = [&[0; 12][..], &[0x81, 0, 0, vlan, 8, 0], bytes].concat();
            let (timestamp, link_type, wire_len) = (Timestamp::EPOCH, LinkType::ETHERNET, frame.len() as u32);
            let packet = Packet { number: 1, timestamp, link_type, interface: 0, data: &frame, wire_len };
            let decoded = decode(packet);
            let fragment = decoded.fragment().expect("a fragment");
            let whole = fragments.insert(&decoded, fragment, &[1], timestamp, &limits);
            whole.map(|whole| whole.payload)
        };
        assert_eq!(tagged(7, &packet(0, &[7; 8], true)), None);
        assert_eq!(tagged(8, &packet(8, &[8; 8], false)), None);
        assert_eq!(tagged(8, &packet(0, &[8; 8], true)), Some(vec![8; 16]));
        assert_eq!(tagged(7, &packet(8, &[7; 8], false)), Some(vec![7; 16]));
    }

    #[test]
    fn old_datagrams_and_those_over_the_budget_are_given_up() {
        let (mut fragments, limits) =
            (Fragments::default(), Limits { fragments: 2_000, ..Limits::default() });
        insert(&mut fragments, &limits, 0, &packet(0, &[1; 16], true));
        assert_eq!(
            insert(&mut fragments, &limits, 29, &packet(16, &[1; 8], false)).map(|whole| whole.len()),
            Some(24)
        );
        insert(&mut fragments, &limits, 0, &packet(0, &[1; 16], true));
        assert_eq!(
            insert(&mut fragments, &limits, 30, &packet(16, &[1; 8], false)),
            None,
            "30 s is too late"
        );
        insert(&mut fragments, &limits, 30, &packet(24, &[1; 1_400], true));
        insert(&mut fragments, &limits, 30, &packet(1_424, &[1; 1_400], true));
        assert!(fragments.held <= limits.fragments, "{} bytes are held", fragments.held);
    }

    #[test]
    fn the_oldest_datagram_gives_way_to_keep_to_the_budget() {
        let (mut fragments, limits) =
            (Fragments::default(), Limits { fragments: 2_000, ..Limits::default() });
        for at in 0..3 {
            insert(&mut fragments, &limits, 0, &packet(24 + at * 800, &[1; 800], true));
            assert!(fragments.held <= 2_000, "{} bytes are held", fragments.held);
        }
        assert_eq!(fragments.stats.incomplete, 1);
    }

    #[test]
    fn fragments_that_cannot_be_drop_the_datagram() {
        for (offset, len) in [(0, 12), (8, 0)] {
            let (mut fragments, limits) = (Fragments::default(), Limits::default());
            assert_eq!(insert(&mut fragments, &limits, 0, &packet(offset, &vec![1; len], true)), None);
            assert!(fragments.datagrams.values().all(|datagram| datagram.dropped), "{len} bytes");
        }
    }

    #[test]
    fn a_fragment_that_ends_beyond_the_largest_datagram_is_refused() {
        let (mut fragments, limits) = (Fragments::default(), Limits::default());
        assert_eq!(insert(&mut fragments, &limits, 0, &packet(65_528, &[1; 16], false)), None);
        assert!(fragments.datagrams.values().all(|datagram| datagram.dropped));
    }
}
