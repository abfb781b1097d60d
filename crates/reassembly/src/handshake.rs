//! How a connection begins: where each side's numbers start, and what becomes of the data of a SYN.
//!
//! Promises: of two initial numbers that a side named, the one counts that the other side acknowledges or the data fits,
//! not the one that came last; data of a SYN counts as far as it was acknowledged.

use std::time::Duration;

use egret_decode::{TcpFlags, Timestamp};

use crate::arrival::{Arrival, Held};
use crate::connection::{Env, Phase, Tracked};
use crate::half::{Half, MAX_WINDOW, Scale};
use crate::seq::Numbering;
use crate::{Anomaly, Opened, Refusal, Segment, Stream, StreamFactory};

/// How many SYNs with data are kept until it is known which of them counts: one for each initial number.
const MAX_FAST_OPENS: usize = 2;

/// How long a connection took to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connecting {
    /// Its SYN was not seen.
    Unseen,
    /// Its SYN came at this time.
    Since(Timestamp),
    /// From its SYN to what ended the handshake.
    Took(Duration),
}

impl Connecting {
    pub(crate) const fn took(self) -> Option<Duration> {
        match self {
            Self::Took(time) => Some(time),
            _ => None,
        }
    }
}

/// What a SYN says about its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    /// Where its sequence numbers start.
    pub(crate) numbering: Numbering,
    /// What it shifts its windows by.
    pub(crate) scale: Scale,
    /// Its clock.
    pub(crate) sent_at: Option<u32>,
    /// Whether it allows selective acknowledgments.
    pub(crate) sack: bool,
}

impl Half {
    /// Takes what a SYN says. What an earlier one said stays known, until something shows which of them is right.
    fn begin(&mut self, start: Start) {
        if let Some(known) = self.start().filter(|known| known.numbering != start.numbering) {
            self.set_rival(Some(known));
        }
        (self.numbering, self.scale, self.ts_recent) = (Some(start.numbering), start.scale, start.sent_at);
        (self.no_stamps, self.sack) = (start.sent_at.is_none(), start.sack);
    }

    /// What its SYN said; nothing was accepted since then.
    fn start(&self) -> Option<Start> {
        let (numbering, scale, sent_at, sack) = (self.numbering?, self.scale, self.ts_recent, self.sack);
        (scale != Scale::Unknown).then_some(Start { numbering, scale, sent_at, sack })
    }

    /// Of two starts, takes the one that a number fits better: this side's own, or one that acknowledges it.
    fn choose(&mut self, seq: u32) {
        let Some(rival) = self.rival() else { return };
        let fit = |numbering: Numbering| {
            let step = numbering.offset(0, seq);
            (0..=MAX_WINDOW as i64).contains(&step).then_some(step)
        };
        let better = match (self.numbering.and_then(fit), fit(rival.numbering)) {
            (None, None) => return,
            (Some(own), Some(other)) => other < own,
            (own, _) => own.is_none(),
        };
        self.set_rival(None);
        if better {
            self.begin(rival);
            self.set_rival(None);
        }
    }
}

impl<S: Stream> Tracked<S> {
    /// A SYN or SYN-ACK.
    pub(crate) fn synchronise<F: StreamFactory<Stream = S>>(
        &mut self,
        arrival: &Arrival<'_>,
        env: &mut Env<'_, F>,
    ) {
        let segment = &arrival.segment;
        let direction = segment.direction;
        let numbering = Numbering::starting_at(segment.seq.wrapping_add(1));
        let known = self.half(direction).numbering;
        // Before the other side agreed to one, another initial number is as good.
        let agreed = self.phase != Phase::HalfOpen || self.half(direction).edge > 0;
        if known.is_some_and(|known| known != numbering) && agreed {
            if !segment.flags.has(TcpFlags::ACK) {
                self.aside_mut().reopening = Some(Held::new(arrival));
            }
            return self.refuse(segment, Refusal::SynInStream, env);
        }
        if self.phase == Phase::Open && known == Some(numbering) {
            // Sent or captured again: what it said is known, and what it says now may be somebody else's.
            self.half_mut(direction).count_refused(segment.payload.len() as u64);
            return;
        }
        let half = self.half_mut(direction);
        let scale = arrival.window_scale.map_or(Scale::Without, Scale::By);
        half.begin(Start { numbering, scale, sent_at: arrival.sent_at, sack: arrival.sack });
        let repeated = half.syn_ack;
        if segment.flags.has(TcpFlags::ACK) {
            half.syn_ack = true;
            self.answer_syn(segment);
        } else {
            half.syn = true;
            if self.connecting == Connecting::Unseen {
                self.connecting = Connecting::Since(segment.timestamp);
            }
        }
        if !repeated && self.halves.iter().all(|half| half.syn && half.syn_ack) {
            self.report(Anomaly::SimultaneousOpen { packet: segment.packet }, env);
        }
        let takes = self.aside().fast_opens.len() < MAX_FAST_OPENS && !segment.flags.has(TcpFlags::ACK);
        match self.phase {
            _ if segment.payload.is_empty() => {}
            // Whether the peer takes this is known when it answers.
            Phase::HalfOpen if takes => self.aside_mut().fast_opens.push(Held::new(arrival)),
            Phase::HalfOpen => self.refuse(segment, Refusal::SynData, env),
            _ => self.refuse(segment, Refusal::SynInStream, env),
        }
        if segment.flags.has(TcpFlags::ACK) {
            self.settle_fast_opens(segment, env);
        }
    }

    /// A segment that is no SYN shows which of two starts is right, on either side.
    pub(crate) fn choose_starts(&mut self, segment: &Segment<'_>) {
        self.half_mut(segment.direction).choose(segment.seq);
        self.half_mut(segment.direction.reversed()).choose(segment.ack);
    }

    /// A SYN-ACK says where the other side's numbers start, whatever was seen of its SYNs.
    fn answer_syn(&mut self, segment: &Segment<'_>) {
        let peer = segment.direction.reversed();
        let syn_data = self.aside().fast_opens.iter().map(|held| held.payload.len()).max().unwrap_or(0);
        let plausible =
            |numbering: Numbering| (0..=syn_data as i64).contains(&numbering.offset(0, segment.ack));
        let half = self.half_mut(peer);
        if half.rival().is_some_and(|rival| plausible(rival.numbering)) {
            half.choose(segment.ack);
        }
        if !half.numbering.is_some_and(plausible) && half.next == 0 && half.waiting().is_empty() {
            half.set_rival(half.start());
            half.numbering = Some(Numbering::starting_at(segment.ack));
        }
        self.about.opened = Opened::Handshake;
        self.acknowledge(segment);
    }

    /// Decides about the data of a SYN once something shows how much of it the peer took (RFC 7413 §4.2): its SYN-ACK; where
    /// that was not captured, the place where the sender goes on, or a later acknowledgment.
    pub(crate) fn settle_fast_opens<F: StreamFactory<Stream = S>>(
        &mut self,
        segment: &Segment<'_>,
        env: &mut Env<'_, F>,
    ) {
        let decided = |held: &Held| {
            let direction = self.direction(&held.arrival.flow);
            segment.direction == direction
                || segment.flags.has(TcpFlags::SYN)
                || self.half(direction).acked > 0
        };
        if !self.aside().fast_opens.iter().any(decided) {
            return;
        }
        for held in self.take_aside(|aside| &mut aside.fast_opens) {
            let syn = held.arrival();
            let direction = self.direction(&syn.flow);
            let (seq, payload) = (syn.segment.seq.wrapping_add(1), syn.segment.payload);
            let half = self.half(direction);
            let taken = match half.numbering {
                Some(numbering) if numbering == Numbering::starting_at(seq) => {
                    let goes_on = if segment.direction == direction && !segment.flags.has(TcpFlags::SYN) {
                        u64::try_from(numbering.offset(0, segment.seq)).unwrap_or(0)
                    } else {
                        0
                    };
                    half.acked.max(goes_on)
                }
                // Of a SYN that nobody agreed to.
                _ => 0,
            };
            let wire = payload.len() as u64 + u64::from(syn.segment.cut);
            let taken = taken.min(wire);
            let (kept, refused) = payload.split_at((taken as usize).min(payload.len()));
            let cut = (taken - kept.len() as u64) as u32;
            let syn_segment = Segment { direction, seq, payload: kept, cut, ..syn.segment };
            if taken > 0 {
                self.data(&syn_segment, None, env);
            }
            if !refused.is_empty() {
                self.refuse(&Segment { payload: refused, ..syn_segment }, Refusal::SynData, env);
            }
        }
    }

    /// Refuses the data of SYNs that nothing decided about.
    pub(crate) fn drop_fast_opens<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) {
        for held in self.take_aside(|aside| &mut aside.fast_opens) {
            let direction = self.direction(&held.arrival.flow);
            self.refuse(&Segment { direction, ..held.arrival().segment }, Refusal::SynData, env);
        }
    }
}
