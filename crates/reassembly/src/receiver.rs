//! What a receiver does with a segment before it looks at the data: handshake, resets, acknowledgments.
//!
//! Promises: the rules of Linux as far as a reader of the wire can follow them (RFC 9293 §3.10, RFC 5961). What is
//! refused is counted and reported; nothing is refused because a packet is missing from the capture.

use egret_decode::{Checksum, TcpFlags};

use crate::connection::{Arrival, Env, Held, Phase, Tracked};
use crate::half::{Half, MAX_WINDOW};
use crate::seq::{Numbering, distance};
use crate::{Anomaly, Checksums, Direction, Ending, Opened, Refusal, Segment, Stream, StreamFactory};

/// The largest shift a window scale option may ask for (RFC 7323 §2.3).
const MAX_SCALE: u8 = 14;

/// How many segments beyond the window are remembered, in case the packets that allowed them were not captured.
const MAX_DOUBTFUL: usize = 512;

impl<S: Stream> Tracked<S> {
    /// Applies the receiver's rules to one segment that the stream wants.
    pub(crate) fn apply<F: StreamFactory<Stream = S>>(
        &mut self,
        arrival: &Arrival<'_>,
        env: &mut Env<'_, F>,
    ) {
        let segment = &arrival.segment;
        let flags = segment.flags;
        if self.is_damaged(arrival, env.limits.checksums) {
            return self.refuse(segment, Refusal::Checksum, env);
        }
        if flags.has(TcpFlags::RST) {
            return self.reset(segment, env);
        }
        if flags.has(TcpFlags::SYN) {
            return self.synchronise(arrival, env);
        }
        if !flags.has(TcpFlags::ACK) {
            return self.refuse(segment, Refusal::NoAck, env);
        }
        if self.half(segment.direction).numbering.is_none() {
            // The handshake's other half was not captured: what comes first is taken for the start.
            self.half_mut(segment.direction).numbering = Some(Numbering::starting_at(segment.seq));
        }
        if self.is_outdated(arrival) {
            return self.refuse(segment, Refusal::OldTimestamp, env);
        }
        if self.acknowledges_nothing(segment) {
            return self.refuse(segment, Refusal::AckBeforeStart, env);
        }
        let acknowledged = self.acknowledge(segment);
        if self.phase == Phase::HalfOpen {
            self.phase = Phase::Open;
            let client = segment.direction == Direction::ClientToServer;
            if let (true, true, Some(syn_at)) = (client, self.connect.is_none(), self.syn_at) {
                self.connect = Some(segment.timestamp.since(syn_at));
            }
        }
        self.settle_fast_open(segment, env);
        self.settle_doubtful(env);
        let half = self.half_mut(segment.direction);
        half.seen_end = half.seen_end.max(end_of(half, segment).unwrap_or(0));
        if self.exceeds_window(segment) {
            if self.doubtful.len() == MAX_DOUBTFUL {
                return self.refuse(segment, Refusal::BeyondWindow, env);
            }
            return self.doubtful.push(Held::new(arrival));
        }
        self.data(segment, acknowledged, env);
    }

    /// Whether a segment has a wrong checksum that counts.
    fn is_damaged(&mut self, arrival: &Arrival<'_>, checksums: Checksums) -> bool {
        let half = self.half_mut(arrival.segment.direction);
        match arrival.checksum {
            Some(Checksum::Valid) => {
                half.verified = true;
                false
            }
            Some(Checksum::Invalid) => checksums == Checksums::Verify || half.verified,
            _ => false,
        }
    }

    /// Protection against wrapped sequences (RFC 7323 §5.3), one tick more lenient, as Linux is. Only a segment that starts at or before the
    /// next byte moves the mark (§4.3): otherwise reordered segments would be lost.
    fn is_outdated(&mut self, arrival: &Arrival<'_>) -> bool {
        let segment = &arrival.segment;
        let half = self.half_mut(segment.direction);
        let (Some(sent_at), Some(numbering)) = (arrival.sent_at, half.numbering) else { return false };
        let age = half.ts_recent.map_or(0, |recent| distance(sent_at, recent));
        if age > 1 {
            return !segment.payload.is_empty() || segment.flags.has(TcpFlags::FIN);
        }
        if age <= 0 && numbering.offset(half.next, segment.seq) <= half.next as i64 {
            half.ts_recent = Some(sent_at);
        }
        false
    }

    /// Whether a segment acknowledges something in front of a start that is known from the other side's SYN.
    fn acknowledges_nothing(&self, segment: &Segment<'_>) -> bool {
        let half = self.half(segment.direction.reversed());
        let Some(numbering) = half.numbering.filter(|_| half.scale.is_some()) else { return false };
        numbering.offset(half.next.max(half.acked), segment.ack) < 0
    }

    /// Whether a segment goes beyond everything the peer is known to have allowed, and to have taken.
    fn exceeds_window(&self, segment: &Segment<'_>) -> bool {
        let half = self.half(segment.direction);
        let (Some(end), Some(edge)) = (end_of(half, segment), half.window_edge) else { return false };
        end > edge.max(half.acked) && !(segment.payload.is_empty() && segment.cut == 0)
    }

    /// Lets in what was beyond the window, as far as the peer has acknowledged it or opened its window since.
    fn settle_doubtful<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) {
        let mut index = 0;
        while let Some(held) = self.doubtful.get(index) {
            let arrival = held.arrival();
            let direction = self.direction(&arrival.flow);
            if self.exceeds_window(&Segment { direction, ..arrival.segment }) {
                index += 1;
                continue;
            }
            let held = self.doubtful.remove(index);
            self.data(&Segment { direction, ..held.arrival().segment }, None, env);
        }
    }

    /// Refuses what was beyond the window to the end.
    pub(crate) fn drop_doubtful<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) {
        for held in std::mem::take(&mut self.doubtful) {
            let arrival = held.arrival();
            let direction = self.direction(&arrival.flow);
            self.refuse(&Segment { direction, ..arrival.segment }, Refusal::BeyondWindow, env);
        }
    }

    /// A SYN or SYN-ACK.
    fn synchronise<F: StreamFactory<Stream = S>>(&mut self, arrival: &Arrival<'_>, env: &mut Env<'_, F>) {
        let segment = &arrival.segment;
        let direction = segment.direction;
        let numbering = Numbering::starting_at(segment.seq.wrapping_add(1));
        let known = self.half(direction).numbering;
        let untouched = self.half(direction).next == 0 && self.half(direction).waiting().is_empty();
        if known.is_some_and(|known| known != numbering) {
            // Before anything was said, another initial number simply replaces one that nobody agreed to.
            if self.phase != Phase::HalfOpen || !untouched || self.half(direction).edge > 0 {
                if !segment.flags.has(TcpFlags::ACK) {
                    self.reopening = Some(Box::new(Held::new(&arrival.carrying(&[]))));
                }
                return self.refuse(segment, Refusal::SynInStream, env);
            }
            self.drop_fast_open(Some(direction), env);
        }
        let half = self.half_mut(direction);
        half.numbering = Some(numbering);
        half.scale = Some(arrival.window_scale.unwrap_or(0).min(MAX_SCALE));
        half.ts_recent = arrival.sent_at;
        if arrival.window_scale.is_none() {
            // Without the option on both sides neither scales (RFC 7323 §2.2).
            for half in &mut self.halves {
                half.scale = half.scale.map(|_| 0);
            }
        }
        let half = self.half_mut(direction);
        let repeated = half.syn_ack;
        if segment.flags.has(TcpFlags::ACK) {
            half.syn_ack = true;
            self.answer_syn(segment);
        } else {
            half.syn = true;
            self.syn_at = self.syn_at.or(Some(segment.timestamp));
        }
        if !repeated && self.halves.iter().all(|half| half.syn && half.syn_ack) {
            self.report(Anomaly::SimultaneousOpen { packet: segment.packet }, env);
        }
        match self.phase {
            _ if segment.payload.is_empty() => {}
            // Whether the peer takes this is known when it answers.
            Phase::HalfOpen if self.fast_open.is_none() && !segment.flags.has(TcpFlags::ACK) => {
                self.fast_open = Some(Box::new(Held::new(arrival)));
            }
            Phase::HalfOpen => self.refuse(segment, Refusal::SynData, env),
            _ => self.refuse(segment, Refusal::SynInStream, env),
        }
        if segment.flags.has(TcpFlags::ACK) {
            self.settle_fast_open(segment, env);
        }
    }

    /// Refuses the data of a SYN that turned out not to count: of this direction, or of whichever it was.
    pub(crate) fn drop_fast_open<F: StreamFactory<Stream = S>>(
        &mut self,
        only: Option<Direction>,
        env: &mut Env<'_, F>,
    ) {
        let of = |held: &Held| self.direction(&held.arrival().flow);
        let Some(direction) = self.fast_open.as_deref().map(of) else { return };
        if only.is_none_or(|only| only == direction)
            && let Some(held) = self.fast_open.take()
        {
            self.refuse(&Segment { direction, ..held.arrival().segment }, Refusal::SynData, env);
        }
    }

    /// A SYN-ACK says where the other side's numbers start, whatever was seen of its SYNs.
    fn answer_syn(&mut self, segment: &Segment<'_>) {
        let peer = segment.direction.reversed();
        let half = self.half_mut(peer);
        let start = Numbering::starting_at(segment.ack);
        let plausible = half.numbering.is_some_and(|known| {
            let covered = known.offset(0, segment.ack);
            (0..=i64::from(u16::MAX)).contains(&covered)
        });
        if !plausible && half.next == 0 && half.waiting().is_empty() {
            half.numbering = Some(start);
        }
        self.about.opened = Opened::Handshake;
        self.acknowledge(segment);
    }

    /// What a segment acknowledges, as an offset of the other direction, if that can be true.
    ///
    /// An acknowledgment beyond everything the peer could have sent is ignored: it would turn bytes that are still to
    /// come into a gap.
    fn acknowledge(&mut self, segment: &Segment<'_>) -> Option<u64> {
        let scale = match (segment.flags.has(TcpFlags::SYN), self.half(segment.direction).scale) {
            (true, _) => 0,
            (false, Some(scale)) => scale,
            (false, None) => MAX_SCALE,
        };
        let exact = self.halves.iter().all(|half| half.scale.is_some());
        let half = self.half_mut(segment.direction.reversed());
        let numbering = *half.numbering.get_or_insert(Numbering::starting_at(segment.ack));
        let offset = u64::try_from(numbering.offset(half.next.max(half.acked), segment.ack)).ok()?;
        if offset > half.believable() && half.edge > 0 {
            return None;
        }
        let window = (u64::from(segment.window) << scale).min(MAX_WINDOW);
        half.edge = half.edge.max(offset + window);
        if exact {
            half.window_edge = half.window_edge.max(Some(offset + window));
        }
        // The FIN takes one number, but is no byte.
        let offset = half.fin.map_or(offset, |fin| offset.min(fin.max(half.next)));
        half.acked = half.acked.max(offset);
        Some(offset)
    }

    /// A RST: believed when its number is exactly the next byte, or when that byte is not known and it may be right.
    fn reset<F: StreamFactory<Stream = S>>(&mut self, segment: &Segment<'_>, env: &mut Env<'_, F>) {
        let (direction, payload) = (segment.direction, segment.payload.len() as u64);
        let half = self.half(direction);
        let refuses_syn = self.phase == Phase::HalfOpen
            && direction == Direction::ServerToClient
            && segment.flags.has(TcpFlags::ACK)
            && self.half(Direction::ClientToServer).numbering.is_some_and(|numbering| {
                (0..=i64::from(u16::MAX)).contains(&numbering.offset(0, segment.ack))
            });
        // How far it is from the next byte; the FIN takes the number behind the last one.
        let step = half.numbering.map_or(0, |numbering| {
            let step = numbering.offset(half.next, segment.seq).saturating_sub(half.next as i64);
            if step == 1 && half.fin == Some(half.next) { 0 } else { step }
        });
        let checked = refuses_syn || half.numbering.is_some();
        if !refuses_syn && step > 0 && step < MAX_WINDOW as i64 && !half.settled() {
            // It is right if what is missing was received but not captured, and wrong if it is still to come.
            let place = half.next.saturating_add_signed(step);
            self.half_mut(direction).set_reset(Some((place, segment.packet)));
        } else if !refuses_syn && step != 0 {
            return self.refuse(segment, Refusal::StrayReset, env);
        }
        if payload > 0 {
            self.refuse(segment, Refusal::ResetPayload, env);
        }
        if self.half(direction).reset().is_none() {
            self.close(Ending::Reset { checked }, env);
        }
    }

    /// Decides about the data of a SYN once something shows whether the peer took it (RFC 7413 §4.2).
    fn settle_fast_open<F: StreamFactory<Stream = S>>(
        &mut self,
        segment: &Segment<'_>,
        env: &mut Env<'_, F>,
    ) {
        let Some(held) = self.fast_open.take() else { return };
        let syn = held.arrival();
        let direction = self.direction(&syn.flow);
        let len = syn.segment.payload.len() as u64;
        let syn_segment = Segment { direction, seq: syn.segment.seq.wrapping_add(1), ..syn.segment };
        let half = self.half(direction);
        let taken = if segment.direction == direction {
            // The answer was not captured; the client knows whether it must repeat the data.
            half.acked >= len || half.numbering.is_some_and(|n| n.offset(0, segment.seq) >= len as i64)
        } else {
            half.acked >= len
        };
        if taken {
            self.data(&syn_segment, None, env);
        } else {
            self.refuse(&syn_segment, Refusal::SynData, env);
        }
    }
}

/// The offset behind a segment's payload, if it is anywhere a window could reach.
fn end_of(half: &Half, segment: &Segment<'_>) -> Option<u64> {
    let len = segment.payload.len() as u64 + u64::from(segment.cut);
    let end = half.numbering?.offset(half.next, segment.seq).checked_add_unsigned(len)?;
    u64::try_from(end).ok().filter(|end| *end <= half.next.saturating_add(MAX_WINDOW))
}
