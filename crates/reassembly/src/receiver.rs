//! What a receiver does with a segment before it looks at the data: handshake, resets, acknowledgments.
//!
//! Promises: the rules of Linux as far as a reader of the wire can follow them (RFC 9293 §3.10, RFC 5961). What is
//! refused is counted and reported; nothing is refused because a packet is missing from the capture.

use egret_decode::TcpFlags;

use crate::connection::{Arrival, Env, Held, Phase, Reopening, Tracked};
use crate::half::MAX_WINDOW;
use crate::seq::Numbering;
use crate::{Direction, Ending, Opened, Refusal, Segment, Stream, StreamFactory};

/// The largest shift a window scale option may ask for (RFC 7323 §2.3).
const MAX_SCALE: u8 = 14;

impl<S: Stream> Tracked<S> {
    /// Applies the receiver's rules to one segment that the stream wants.
    pub(crate) fn apply<F: StreamFactory<Stream = S>>(
        &mut self,
        arrival: &Arrival<'_>,
        env: &mut Env<'_, F>,
    ) {
        let segment = &arrival.segment;
        let flags = segment.flags;
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
        let acknowledged = self.acknowledge(segment);
        if self.phase == Phase::HalfOpen {
            self.phase = Phase::Open;
            let client = segment.direction == Direction::ClientToServer;
            if let (true, true, Some(syn_at)) = (client, self.connect.is_none(), self.syn_at) {
                self.connect = Some(segment.timestamp.since(syn_at));
            }
        }
        self.settle_fast_open(segment, env);
        self.data(segment, acknowledged, env);
    }

    /// A SYN or SYN-ACK.
    fn synchronise<F: StreamFactory<Stream = S>>(&mut self, arrival: &Arrival<'_>, env: &mut Env<'_, F>) {
        let segment = &arrival.segment;
        let direction = segment.direction;
        let numbering = Numbering::starting_at(segment.seq.wrapping_add(1));
        let known = self.half(direction).numbering;
        let untouched = self.half(direction).next == 0 && self.half(direction).waiting.is_empty();
        if known.is_some_and(|known| known != numbering) {
            // Before anything was said, another initial number simply replaces one that nobody agreed to.
            if self.phase != Phase::HalfOpen || !untouched || self.half(direction).edge > 0 {
                if !segment.flags.has(TcpFlags::ACK) {
                    let held = Segment { payload: &[], ..*segment };
                    let (flow, window_scale) = (arrival.flow, arrival.window_scale);
                    self.reopening = Some(Box::new(Reopening { segment: held, flow, window_scale }));
                }
                return self.refuse(segment, Refusal::SynInStream, env);
            }
            self.drop_fast_open(Some(direction), env);
        }
        let half = self.half_mut(direction);
        half.numbering = Some(numbering);
        half.scale = Some(arrival.window_scale.unwrap_or(0).min(MAX_SCALE));
        if arrival.window_scale.is_none() {
            // Without the option on both sides neither scales (RFC 7323 §2.2).
            for half in &mut self.halves {
                half.scale = half.scale.map(|_| 0);
            }
        }
        if segment.flags.has(TcpFlags::ACK) {
            self.answer_syn(segment);
        } else if self.syn_at.is_none() {
            self.syn_at = Some(segment.timestamp);
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
        if !plausible && half.next == 0 && half.waiting.is_empty() {
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
        let half = self.half_mut(segment.direction.reversed());
        let numbering = *half.numbering.get_or_insert(Numbering::starting_at(segment.ack));
        let offset = u64::try_from(numbering.offset(half.next.max(half.acked), segment.ack)).ok()?;
        if offset > half.believable() && half.edge > 0 {
            return None;
        }
        let window = (u64::from(segment.window) << scale).min(MAX_WINDOW);
        half.edge = half.edge.max(offset + window);
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
        let checked = match half.numbering {
            _ if refuses_syn => Some(true),
            None => Some(false),
            Some(numbering) => {
                let step = numbering.offset(half.next, segment.seq).saturating_sub(half.next as i64);
                // The FIN takes the number behind the last byte.
                let behind_fin = half.fin == Some(half.next) && step == 1;
                match step {
                    0 => Some(true),
                    _ if behind_fin => Some(true),
                    1.. if !half.settled() && step < MAX_WINDOW as i64 => Some(false),
                    _ => None,
                }
            }
        };
        let Some(checked) = checked else {
            return self.refuse(segment, Refusal::StrayReset, env);
        };
        if payload > 0 {
            self.refuse(segment, Refusal::ResetPayload, env);
        }
        self.close(Ending::Reset { checked }, env);
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
