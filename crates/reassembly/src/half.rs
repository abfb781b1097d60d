//! One direction of a connection: how far it was delivered, acknowledged and announced, and what it is missing.
//!
//! Promises: every figure is a 64-bit offset from the first byte; deadlines are packet time and packet counts.

use std::time::Duration;

use egret_decode::Timestamp;

use crate::handshake::Start;
use crate::seq::Numbering;
use crate::tombstones::End;
use crate::waiting::Waiting;
use crate::{Counts, Limits};

/// How far ahead of the next byte a segment or an acknowledgment is believed without other evidence: the largest
/// window that TCP can announce (RFC 7323 §2.3).
pub(crate) const MAX_WINDOW: u64 = 1 << 30;

/// How many gaps are remembered to tell late bytes from retransmitted ones. Older ones are forgotten: their late
/// bytes are then counted as retransmitted, and are delivered in neither case.
const REMEMBERED_GAPS: usize = 16;

/// The state of one direction. What most connections never need is behind pointers: a table full of them is what memory
/// is spent on.
#[derive(Debug, Default)]
pub(crate) struct Half {
    /// Everything in front of this is delivered or reported missing.
    pub(crate) next: u64,
    /// The number of the packet that was delivered last.
    pub(crate) last_delivered: u64,
    /// Everything in front of this was received by the peer.
    pub(crate) acked: u64,
    /// The offset behind everything that was seen, whether it counts or not.
    pub(crate) seen_end: u64,
    /// The largest right edge of the window that the peer announced to this sender.
    pub(crate) edge: u64,
    /// The same, where both sides' window scales are known, so that nothing beyond it was allowed; nought where not.
    pub(crate) window_edge: u64,
    /// The largest of those windows.
    pub(crate) widest: u32,
    /// Where the stream ends, once a FIN was seen.
    pub(crate) fin: Fin,
    /// Segments that came, the payload in them, and how much of it was given to the stream.
    pub(crate) packets: u64,
    pub(crate) seen: u64,
    pub(crate) delivered: u64,
    /// Where its sequence numbers start, once known.
    pub(crate) numbering: Option<Numbering>,
    /// The latest time stamp of a segment that was in order (TS.Recent, RFC 7323 §4.3).
    pub(crate) ts_recent: Option<u32>,
    /// Its last segment with a SYN, FIN or payload.
    pub(crate) fingerprint: Fingerprint,
    /// Whether its SYN was seen, and what it said this side shifts its own windows by.
    pub(crate) scale: Scale,
    /// Whether its SYN was seen and had no time stamp: then neither side's time stamps mean anything (RFC 7323 §3.2).
    pub(crate) no_stamps: bool,
    /// Whether its SYN allowed selective acknowledgments (RFC 2018 §2).
    pub(crate) sack: bool,
    /// Whether a segment had a right checksum.
    pub(crate) verified: bool,
    /// Whether it sent a SYN that answers none.
    pub(crate) syn: bool,
    /// Whether it answered a SYN with one of its own.
    pub(crate) syn_ack: bool,
    /// Whether the peer acknowledged the FIN.
    pub(crate) fin_acked: bool,
    /// Whether the user was told that this direction has said all it will say.
    pub(crate) done: bool,
    odd: Option<Box<Counts>>,
    trouble: Option<Box<Trouble>>,
}

/// What is known of a side's window scale (RFC 7323 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Scale {
    /// Its SYN was not seen.
    #[default]
    Unknown,
    /// Its SYN had no such option.
    Without,
    /// Its SYN asked for this shift.
    By(u8),
}

/// What a packet that is captured twice is known by.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Fingerprint {
    /// Sequence and acknowledgment number, checksum, IP identification.
    pub(crate) identity: (u32, u32, u16, u16),
    /// How many segments the connection had had then, as far as it fits; nought where there was none.
    pub(crate) packets: u32,
    pub(crate) at: Timestamp,
}

/// What a direction needs only when something is missing, early or odd.
#[derive(Debug, Default)]
struct Trouble {
    waiting: Waiting,
    /// The packet since which something waits without a break. Not that of the first piece: who lets wait ever more, in any
    /// order, would always have waited for a moment only.
    waits_from: Option<u64>,
    hole: Option<Hole>,
    stall: Option<Stall>,
    gaps: Vec<(u64, u64)>,
    /// The packet at which the last of them was reported.
    gaps_at: u64,
    /// Where the segment starts that the FIN came in.
    fin_start: u64,
    reset: Option<(u64, u64)>,
    urgent: Option<u64>,
    claim: Option<Claim>,
    rival: Option<Start>,
}

/// An acknowledgment beyond everything that can be: how far it goes, and whose it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    pub(crate) offset: u64,
    /// TCP checksum and IP identification of its packet.
    pub(crate) identity: (u16, u16),
}

/// Bytes at `next` are missing, and something behind them has been waiting since then.
#[derive(Debug, Clone, Copy)]
struct Hole {
    at: u64,
    since: Timestamp,
    /// Whether the peer said so too, by acknowledging the same again: it is no loss of the capture's.
    real: bool,
}

/// The peer acknowledged up to `upto`, which is more than was delivered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stall {
    /// Missing bytes in front of this are given up at the deadline.
    pub(crate) upto: u64,
    since: Timestamp,
    packets: u64,
}

/// Where a FIN ends a direction, if one was seen. In eight bytes, of which there are two in each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fin(u64);

impl Fin {
    /// No stream is that long.
    pub(crate) const UNSEEN: Self = Self(u64::MAX);

    /// It is behind the last byte, which is in front of this place.
    pub(crate) const fn at(place: u64) -> Self {
        Self(place)
    }

    /// Behind the last byte.
    #[inline]
    pub(crate) const fn place(self) -> Option<u64> {
        if self.0 == Self::UNSEEN.0 { None } else { Some(self.0) }
    }
}

impl Default for Fin {
    fn default() -> Self {
        Self::UNSEEN
    }
}

impl Half {
    /// What cannot be delivered yet.
    pub(crate) fn waiting(&self) -> &Waiting {
        const NOTHING: &Waiting = &Waiting::new();
        self.trouble.as_ref().map_or(NOTHING, |trouble| &trouble.waiting)
    }

    /// The same, to change it.
    pub(crate) fn waiting_mut(&mut self) -> &mut Waiting {
        &mut self.trouble.get_or_insert_default().waiting
    }

    /// What the direction came to so far.
    pub(crate) fn counts(&self) -> Counts {
        let Self { packets, seen, delivered, .. } = *self;
        let odd = self.odd.as_deref().copied().unwrap_or_default();
        Counts { packets, seen, delivered, waiting: self.waiting().stored(), ..odd }
    }

    /// Where it began, and how far it has come.
    pub(crate) fn end(&self) -> End {
        End { numbers: self.numbering.map(|numbering| (numbering.seq(0), numbering.seq(self.next))) }
    }

    /// The figures that are nought for most connections.
    pub(crate) fn odd(&mut self) -> &mut Counts {
        self.odd.get_or_insert_default()
    }

    /// Counts payload that was refused.
    pub(crate) fn count_refused(&mut self, len: u64) {
        if len > 0 {
            self.odd().discarded.refused += len;
        }
    }

    /// Counts payload that nobody listens to.
    pub(crate) fn count_ignored(&mut self, len: u64) {
        if len > 0 {
            self.odd().discarded.ignored += len;
        }
    }

    /// What it costs to keep what waits, and what is odd, in bytes of memory.
    pub(crate) fn cost(&self) -> usize {
        self.trouble.as_ref().map_or(0, |trouble| {
            let Trouble { waiting, gaps, .. } = trouble.as_ref();
            size_of::<Trouble>() + gaps.capacity() * size_of::<(u64, u64)>() + waiting.cost()
        })
    }

    /// Frees what is needed no longer.
    pub(crate) fn tidy(&mut self) {
        let next = self.next;
        let done = |trouble: &Trouble| {
            let Trouble { waiting, hole, stall, gaps, reset, urgent, claim, rival, .. } = trouble;
            let idle = waiting.is_empty() && hole.is_none() && stall.is_none() && gaps.is_empty();
            idle && reset.is_none()
                && claim.is_none()
                && rival.is_none()
                && urgent.is_none_or(|urgent| urgent < next)
        };
        if self.fin.place().is_none_or(|fin| fin <= next) && self.trouble.as_deref().is_some_and(done) {
            self.trouble = None;
        }
    }

    /// The peer announced a window of this size, with this right edge. When it is `exact`, both sides' scales are known.
    pub(crate) fn allow(&mut self, edge: u64, window: u32, exact: bool) {
        self.edge = self.edge.max(edge);
        if exact {
            self.window_edge = self.window_edge.max(edge);
            self.widest = self.widest.max(window);
        }
    }

    /// Whether nothing is missing, early or odd.
    pub(crate) const fn is_trouble_free(&self) -> bool {
        self.trouble.is_none()
    }

    /// Whether there is nothing here but what every direction has: all of it came, and a FIN has been made known.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.trouble.is_none() && self.acked <= self.next && (self.done || self.fin == Fin::UNSEEN)
    }

    /// Forgets what is only remembered, where nothing waits: gaps, claims, urgent bytes and resets that are still ahead.
    pub(crate) fn forget(&mut self) {
        if self.waiting().is_empty() {
            self.trouble = None;
            self.acked = self.acked.min(self.next);
        }
    }

    /// Notes where the stream ends, and where the segment starts that says so.
    pub(crate) fn set_fin(&mut self, fin: u64, start: u64) {
        self.fin = Fin::at(fin);
        if fin > self.next {
            self.trouble.get_or_insert_default().fin_start = start;
        }
    }

    /// Where the segment starts that a FIN came in which is still ahead.
    pub(crate) fn fin_start(&self) -> u64 {
        self.trouble.as_ref().map_or(self.next, |trouble| trouble.fin_start)
    }

    /// A RST ahead of a hole: where, and in which packet. Only when the hole is settled is it known whether the
    /// receiver believed it.
    pub(crate) fn reset(&self) -> Option<(u64, u64)> {
        self.trouble.as_ref()?.reset
    }

    /// Remembers such a RST, or forgets it.
    pub(crate) fn set_reset(&mut self, reset: Option<(u64, u64)>) {
        if reset.is_some() || self.trouble.is_some() {
            self.trouble.get_or_insert_default().reset = reset;
        }
    }

    /// Where the byte is that was last marked urgent.
    pub(crate) fn urgent(&self) -> Option<u64> {
        self.trouble.as_ref()?.urgent
    }

    /// Remembers where the urgent byte is.
    pub(crate) fn set_urgent(&mut self, place: u64) {
        self.trouble.get_or_insert_default().urgent = Some(place);
    }

    /// What another SYN of this side said.
    pub(crate) fn rival(&self) -> Option<Start> {
        self.trouble.as_ref()?.rival
    }

    /// Remembers what another SYN said, or forgets it.
    pub(crate) fn set_rival(&mut self, rival: Option<Start>) {
        if rival.is_some() || self.trouble.is_some() {
            self.trouble.get_or_insert_default().rival = rival;
        }
    }

    /// An acknowledgment of this side's bytes that is too far ahead to be believed alone.
    pub(crate) fn claim(&self) -> Option<Claim> {
        self.trouble.as_ref()?.claim
    }

    /// Remembers such an acknowledgment, or forgets it.
    pub(crate) fn set_claim(&mut self, claim: Option<Claim>) {
        if claim.is_some() || self.trouble.is_some() {
            self.trouble.get_or_insert_default().claim = claim;
        }
    }

    /// Brings the deadlines up to date after `next`, `acked` or the waiting room changed. `packets` is the
    /// connection's count of segments.
    pub(crate) fn update(&mut self, now: Timestamp, packets: u64, packet: u64) {
        if self.fin.place().is_some_and(|fin| fin <= self.next) {
            // Nothing is sent behind a FIN in order, whatever somebody acknowledged.
            self.acked = self.acked.min(self.next);
        }
        let waits = !self.waiting().is_empty() || self.fin.place().is_some_and(|fin| fin > self.next);
        let (next, acked) = (self.next, self.acked);
        let trouble = match &mut self.trouble {
            Some(trouble) => trouble,
            None if waits || acked > next => self.trouble.get_or_insert_default(),
            None => return,
        };
        if acked <= next {
            trouble.stall = None;
        } else if trouble.stall.is_none_or(|stall| stall.upto <= next) {
            trouble.stall = Some(Stall { upto: acked, since: now, packets });
        }
        if !waits {
            (trouble.hole, trouble.waits_from) = (None, None);
            return;
        }
        let front = trouble.waiting.front();
        trouble.waits_from.get_or_insert(front.map_or(packet, |piece| piece.packet));
        if trouble.hole.is_none_or(|hole| hole.at != next) {
            // Time passes for the hole from the arrival of what waits behind it, not from when it became the first.
            let since = front.map_or(now, |piece| piece.arrived);
            trouble.hole = Some(Hole { at: next, since, real: false });
        }
    }

    /// Whether nothing is missing, early or at its end: there is nothing to bring up to date.
    pub(crate) fn is_quiet(&self) -> bool {
        let calm = |trouble: &Trouble| {
            let Trouble { waiting, hole, stall, reset, .. } = trouble;
            waiting.is_empty() && hole.is_none() && stall.is_none() && reset.is_none()
        };
        self.acked <= self.next && self.fin.place().is_none() && self.trouble.as_deref().is_none_or(calm)
    }

    /// When something must be given up here, if nothing else happens.
    pub(crate) fn deadline(&self, limits: &Limits) -> Option<Timestamp> {
        let stall = self
            .stall()
            .filter(|_| !self.front_ready() && !self.may_be_fin())
            .map(|stall| stall.since.after(limits.slack));
        let hole = self.hole().map(|hole| hole.since.after(limits.patience));
        stall.into_iter().chain(hole).min()
    }

    /// Whether everything that was acknowledged with `ack` is delivered or reported missing. A FIN takes a number of its
    /// own, and nothing is behind it.
    pub(crate) fn has_reached(&self, ack: u64) -> bool {
        ack <= self.next
            || self.fin.place().is_some_and(|fin| fin <= self.next)
            || (ack == self.next + 1 && self.may_be_fin())
    }

    /// Whether the one number that is missing behind everything, and was acknowledged, may be that of a FIN that was not
    /// captured. It is not reported missing before something behind it shows that it was a byte.
    pub(crate) fn may_be_fin(&self) -> bool {
        let last = self.acked == self.next + 1 && self.seen_end <= self.acked;
        last && self.fin.place().is_none() && self.waiting().is_empty()
    }

    /// Whether the next bytes are here. What waits then, waits for the other direction, which has its own deadline.
    pub(crate) fn front_ready(&self) -> bool {
        self.waiting().front().is_some_and(|piece| piece.from == self.next)
    }

    /// Up to where missing bytes are to be given up now because the peer received them.
    pub(crate) fn stalled(&self, now: Timestamp, packets: u64, limits: &Limits) -> Option<u64> {
        let stall = self.stall().filter(|_| !self.front_ready() && !self.may_be_fin())?;
        let due = packets.saturating_sub(stall.packets) >= limits.slack_packets()
            || now >= stall.since.after(limits.slack);
        due.then_some(stall.upto)
    }

    /// Whether the hole at the front has been waited for long enough.
    pub(crate) fn impatient(&self, now: Timestamp, patience: Duration) -> bool {
        self.hole().is_some_and(|hole| now >= hole.since.after(patience))
    }

    /// The packet since which something waits here, or is remembered: whatever is paid for can be given up.
    pub(crate) fn waits_since(&self) -> Option<u64> {
        let trouble = self.trouble.as_ref()?;
        let remembered = if trouble.gaps.is_empty() { self.last_delivered } else { trouble.gaps_at };
        Some(trouble.waits_from.unwrap_or(remembered))
    }

    /// Where the hole at the front ends: at the next piece, or where the FIN says the stream ends.
    pub(crate) fn hole_end(&self) -> Option<u64> {
        let front = self.waiting().front().map(|piece| piece.from);
        front.into_iter().chain(self.fin.place()).min().filter(|end| *end > self.next)
    }

    /// How far an acknowledgment of this direction may reach to be believed: what the peer offered to take, or what
    /// was seen to be sent, and the FIN behind it.
    pub(crate) fn believable(&self) -> u64 {
        self.seen_end.max(self.next).max(self.edge).saturating_add(1)
    }

    /// Notes that a range was reported missing, at this packet.
    pub(crate) fn remember_gap(&mut self, from: u64, to: u64, packet: u64) {
        let Trouble { gaps, gaps_at, .. } = &mut **self.trouble.get_or_insert_default();
        *gaps_at = packet;
        if let Some(last) = gaps.last_mut()
            && last.1 == from
        {
            last.1 = to;
            return;
        }
        if gaps.len() == REMEMBERED_GAPS {
            gaps.remove(0);
        }
        gaps.push((from, to));
    }

    /// How much of `from..to`, all of it in front of `next`, was reported missing; and where that begins.
    pub(crate) fn reported_missing(&self, from: u64, to: u64) -> Option<(u64, u64)> {
        let gaps = &self.trouble.as_ref()?.gaps;
        let overlaps =
            gaps.iter().map(|gap| (gap.0.max(from), gap.1.min(to))).filter(|(low, high)| low < high);
        overlaps.fold(None, |sum: Option<(u64, u64)>, (low, high)| {
            let (start, len) = sum.unwrap_or((low, 0));
            Some((start, len + high - low))
        })
    }

    /// Notes that the peer acknowledged everything in front of the hole again, and nothing else.
    pub(crate) fn confirm_hole(&mut self) {
        let next = self.next;
        let hole = self.trouble.as_mut().and_then(|trouble| trouble.hole.as_mut());
        if let Some(hole) = hole.filter(|hole| hole.at == next) {
            hole.real = true;
        }
    }

    /// The number behind all that waits, where the peer said that it waits for what is in front of that.
    pub(crate) fn behind_real_hole(&self) -> Option<u64> {
        self.hole().filter(|hole| hole.real)?;
        let behind_fin = self.fin.place().map(|fin| fin + 1);
        self.waiting().end().max(behind_fin)
    }

    /// Up to where the peer acknowledged bytes that are not here, if it did.
    pub(crate) fn stalls_until(&self) -> Option<u64> {
        self.stall().filter(|_| !self.may_be_fin()).map(|stall| stall.upto)
    }

    fn hole(&self) -> Option<Hole> {
        self.trouble.as_ref()?.hole
    }

    fn stall(&self) -> Option<Stall> {
        self.trouble.as_ref()?.stall
    }

    /// Whether the receiver's next byte is known for certain: nothing is missing in front of what was seen.
    pub(crate) fn settled(&self) -> bool {
        self.waiting().is_empty() && (self.acked <= self.next || self.may_be_fin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direction_whose_end_is_still_ahead_is_not_plain() {
        let mut half = Half::default();
        assert!(half.is_plain());
        half.set_fin(9, 5);
        assert!(!half.is_plain());
        // For want of memory, what is known of it is less, but it is there.
        half.forget();
        assert!(half.is_trouble_free() && !half.is_plain());
        (half.next, half.done) = (9, true);
        assert!(half.is_plain());
    }
}
