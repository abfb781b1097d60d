//! Whether a segment belongs to the connection that has its addresses, or ports are used again.
//!
//! Promises: looks only; what is to be done is the pool's.

use egret_decode::TcpFlags;

use crate::arrival::Arrival;
use crate::connection::{Phase, Tracked};
use crate::half::MAX_WINDOW;
use crate::seq::distance;
use crate::{Ending, Stream};

/// What becomes of a segment whose addresses are known.
pub(crate) enum Fate {
    /// It is part of the connection.
    Belongs,
    /// It does not belong to the connection, which has ended so: as if nothing were known.
    Replaces(Ending),
    /// It agrees to a SYN that offered a new connection with the same ports.
    Reopens,
}

impl<S: Stream> Tracked<S> {
    /// What a segment is to this connection, which has its addresses; a `damaged` one changes nothing.
    pub(crate) fn fate(&self, arrival: &Arrival<'_>, damaged: bool) -> Fate {
        let segment = &arrival.segment;
        if self.is_settled() || segment.flags.has(TcpFlags::RST) || damaged {
            return Fate::Belongs;
        }
        let syn = segment.flags.has(TcpFlags::SYN);
        if self.finished().is_some() {
            let end = self.half(self.direction(&arrival.flow)).end();
            return if end.begins_anew(segment) { Fate::Replaces(Ending::Finished) } else { Fate::Belongs };
        }
        let syn_ack = syn && segment.flags.has(TcpFlags::ACK);
        let answers = |syn: &Arrival<'_>| {
            let (flow, expected) = (syn.flow, syn.segment.seq.wrapping_add(1));
            let agreed = syn_ack
                && arrival.flow == flow.reversed()
                && (0..=syn.segment.payload.len() as i64).contains(&distance(expected, segment.ack));
            // That the sender goes on says something only where the other side is never seen: whoever forges a SYN can
            // forge what follows.
            let alone = self.half(self.direction(&flow.reversed())).packets == 0;
            let goes_on = arrival.flow == flow && !segment.payload.is_empty() && segment.seq == expected;
            agreed || (alone && goes_on)
        };
        if self.aside().reopening.as_ref().is_some_and(|syn| answers(&syn.arrival())) {
            return Fate::Reopens;
        }
        // A SYN while the first segments are held must fit them; otherwise it is of another connection.
        let misfit = self.phase == Phase::Held
            && syn
            && self.aside().held.first().is_some_and(|held| {
                let held = held.arrival();
                let step = if held.flow == arrival.flow {
                    distance(segment.seq, held.segment.seq)
                } else {
                    distance(segment.seq, held.segment.ack)
                };
                !(0..MAX_WINDOW as i64).contains(&step)
            });
        if misfit { Fate::Replaces(Ending::Idle) } else { Fate::Belongs }
    }
}
