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

/// The datagrams of which something is still missing.
#[derive(Default)]
pub(crate) struct Fragments {
    datagrams: HashMap<Key, Datagram, RandomState>,
    /// By age: who is given up first, at a limit or because its time has come.
    ages: BTreeMap<u64, (Timestamp, Key)>,
    begun: u64,
    held: usize,
    pub(crate) stats: FragmentStats,
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
    /// Where it ends, once its last fragment was seen.
    end: Option<u64>,
    /// Given up, but remembered, so that its remaining fragments do not begin it anew.
    dropped: bool,
}

impl Datagram {
    fn cost(&self) -> usize {
        DATAGRAM_COST + self.bytes as usize + self.pieces.len() * PIECE_COST
    }
}

impl Fragments {
    /// Takes a fragment. Returns the datagram's payload when this was the last piece that was missing.
    pub(crate) fn insert(
        &mut self,
        decoded: &Decoded<'_>,
        fragment: Fragment,
        now: Timestamp,
        limits: &Limits,
    ) -> Option<Vec<u8>> {
        self.stats.fragments += 1;
        let (source, destination) = decoded.network.and_then(|network| network.addresses())?;
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
            Datagram { age: *begun, pieces: BTreeMap::new(), bytes: 0, end: None, dropped: false }
        });
        let before = if datagram.pieces.is_empty() && !datagram.dropped { 0 } else { datagram.cost() };
        if !datagram.dropped {
            match datagram.place(offset, decoded.payload, more) {
                Placed::Kept if malformed || decoded.cut > 0 => datagram.drop_all(),
                Placed::Kept | Placed::Known => {}
                Placed::Clashes => {
                    self.stats.overlapping += 1;
                    datagram.drop_all();
                }
            }
        }
        self.held = self.held + datagram.cost() - before;
        if datagram.end.is_some_and(|end| end == datagram.bytes) {
            let whole = datagram.pieces.values().flat_map(|piece| piece.iter().copied()).collect();
            self.stats.completed += 1;
            self.forget(&key);
            return Some(whole);
        }
        while self.held > limits.fragments {
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
        self.forget(key);
    }

    fn forget(&mut self, key: &Key) {
        if let Some(datagram) = self.datagrams.remove(key) {
            self.held -= datagram.cost();
            self.ages.remove(&datagram.age);
        }
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

    fn drop_all(&mut self) {
        self.pieces.clear();
        self.bytes = 0;
        self.end = None;
        self.dropped = true;
    }
}
