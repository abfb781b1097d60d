//! The last acknowledgments of connections that are not known: they open nothing, but tell where one that begins in its
//! middle goes on.
//!
//! Promises: what is known depends on the packets alone; it is bounded by [`HORIZON`] entries, about 200 KB.

use std::collections::VecDeque;

use egret_decode::{Endpoint, Flow, Path};
use foldhash::quality::RandomState;
use hashbrown::HashMap;

use crate::arrival::Arrival;

/// How many packets back, in the numbers of the capture, an acknowledgment is known.
const HORIZON: u64 = 1 << 10;

/// A connection: its ends in a fixed order, and its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    ends: [Endpoint; 2],
    path: Path,
}

impl Key {
    fn of(flow: &Flow) -> Self {
        let Flow { source, destination, path } = *flow;
        Self { ends: [source.min(destination), source.max(destination)], path }
    }
}

/// See the module.
#[derive(Default)]
pub(crate) struct Strays {
    last: HashMap<Key, Stray, RandomState>,
    ages: VecDeque<(u64, Key)>,
}

/// An acknowledgment without data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stray {
    flow: Flow,
    packet: u64,
    /// Where its sender's next byte is.
    pub(crate) seq: u32,
    ack: u32,
}

impl Strays {
    /// Notes an acknowledgment that belongs to no connection.
    pub(crate) fn note(&mut self, arrival: &Arrival<'_>) {
        let (segment, key) = (&arrival.segment, Key::of(&arrival.flow));
        let packet = segment.packet;
        while let Some((age, key)) =
            self.ages.front().filter(|(age, _)| age.saturating_add(HORIZON) <= packet)
        {
            if self.last.get(key).is_some_and(|stray| stray.packet == *age) {
                self.last.remove(key);
            }
            self.ages.pop_front();
        }
        if self.ages.len() < HORIZON as usize {
            self.ages.push_back((packet, key));
            self.last.insert(key, Stray { flow: arrival.flow, packet, seq: segment.seq, ack: segment.ack });
        }
    }

    /// What the peer said last, if it was that it had everything in front of this segment.
    pub(crate) fn expects(&mut self, arrival: &Arrival<'_>) -> Option<Stray> {
        if self.last.is_empty() {
            return None;
        }
        let stray = self.last.remove(&Key::of(&arrival.flow))?;
        let segment = &arrival.segment;
        let recent = segment.packet.saturating_sub(stray.packet) < HORIZON;
        (recent && stray.flow == arrival.flow.reversed() && stray.ack == segment.seq).then_some(stray)
    }
}
