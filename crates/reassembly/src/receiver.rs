//! What a receiver does with a segment before it looks at the data: resets, acknowledgments, windows, time stamps.
//!
//! Promises: the rules of Linux as far as a reader of the wire can follow them (RFC 9293 §3.10, RFC 5961). What is
//! refused is counted and reported; nothing is refused because a packet is missing from the capture.

use egret_decode::{Checksum, TcpFlags};

use crate::arrival::{Arrival, Doubtful, Early, Held};
use crate::connection::{Env, Phase, Tracked};
use crate::half::{Claim, Half, MAX_WINDOW, Scale};
use crate::handshake::Connecting;
use crate::seq::{Numbering, distance};
use crate::{Checksums, Direction, Ending, Refusal, Segment, Stream, StreamFactory};

/// The largest shift a window scale option may ask for (RFC 7323 §2.3).
const MAX_SCALE: u8 = 14;

/// How far apart two acknowledgments may be of which one confirms the other, and how far from its place the segment that
/// carries one: more than is on the way at a time, and little among all numbers, where an earlier connection's would be.
const NEAR: u64 = MAX_WINDOW >> 8;

/// How many segments beyond the window are remembered, in case the packets that allowed them were not captured.
const MAX_DOUBTFUL: usize = 64;

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
        self.choose_starts(segment);
        if self.half(segment.direction).numbering.is_none() {
            if self.phase == Phase::HalfOpen
                && self.half(segment.direction.reversed()).syn
                && !self.may_answer(segment)
            {
                // Left over from an earlier connection of these ports (RFC 9293 §3.10.7.3).
                return self.refuse(segment, Refusal::AckBeforeStart, env);
            }
            // The handshake's other half was not captured: what comes first is taken for the start.
            self.half_mut(segment.direction).numbering = Some(Numbering::starting_at(segment.seq));
        }
        if self.acknowledges_nothing(segment) {
            return self.refuse(segment, Refusal::AckBeforeStart, env);
        }
        if self.acknowledges_long_ago(segment) {
            return self.refuse(segment, Refusal::OldAck, env);
        }
        self.heed_claim(arrival);
        if !self.ignoring && self.runs_ahead(segment) {
            // A receiver would drop it if that was never sent. Until this is known it changes nothing.
            let early = Early { held: Held::new(arrival), since: env.now, packets: self.packets };
            return self.aside_mut().early.push(early);
        }
        self.take(arrival, false, env);
    }

    /// Takes a segment whose acknowledgment is good. When it is `overdue`, what it acknowledges and was not seen is missing.
    fn take<F: StreamFactory<Stream = S>>(
        &mut self,
        arrival: &Arrival<'_>,
        overdue: bool,
        env: &mut Env<'_, F>,
    ) {
        let segment = &arrival.segment;
        if self.is_outdated(arrival) {
            return self.refuse(segment, Refusal::OldTimestamp, env);
        }
        let acknowledged = self.acknowledge(segment);
        if self.phase == Phase::HalfOpen {
            self.establish(segment);
        }
        if !self.aside().fast_opens.is_empty() {
            self.settle_fast_opens(segment, env);
        }
        if overdue {
            self.settle_doubtful(env);
            self.give_up_acknowledged(segment.direction.reversed(), env);
        }
        let half = self.half_mut(segment.direction);
        half.seen_end = half.seen_end.max(end_of(half, segment).unwrap_or(0));
        if !self.ignoring && self.exceeds_window(segment) {
            if self.aside().doubtful.len() == MAX_DOUBTFUL {
                self.decide_doubtful(0, false, env);
            }
            let half = self.half(segment.direction);
            // What was sent and not acknowledged yet leaves most of it: no acknowledgment is overdue.
            let (sent, window) =
                (half.next.saturating_sub(half.acked), half.window_edge.saturating_sub(half.acked));
            let fresh = sent < window / 2;
            self.aside_mut().doubtful.push(Doubtful { held: Held::new(arrival), fresh });
        } else {
            self.data(segment, acknowledged, env);
        }
    }

    /// The first segment that only an established connection has ends the handshake.
    #[inline(never)]
    pub(crate) fn establish(&mut self, segment: &Segment<'_>) {
        self.phase = Phase::Open;
        let client = segment.direction == Direction::ClientToServer;
        if let (true, Connecting::Since(syn_at)) = (client, self.connecting) {
            self.connecting = Connecting::Took(segment.timestamp.since(syn_at));
        }
    }

    /// What a segment acknowledges, as an offset of the other direction, whether or not that can be true.
    fn acknowledged(&self, segment: &Segment<'_>) -> Option<u64> {
        let half = self.half(segment.direction.reversed());
        u64::try_from(half.numbering?.offset(half.next.max(half.acked), segment.ack)).ok()
    }

    /// Whether a segment acknowledges more of the other direction than was seen of it, and may be right.
    fn runs_ahead(&self, segment: &Segment<'_>) -> bool {
        let half = self.half(segment.direction.reversed());
        self.acknowledged(segment).is_some_and(|offset| {
            !half.has_reached(offset)
                && offset > half.acked
                && (offset <= half.believable() || half.edge == 0)
        })
    }

    /// An acknowledgment beyond everything that was seen and allowed is a claim: one alone may be anything, a second one
    /// that fits it shows that the capture has lost what it acknowledges. The same packet captured twice is one claim.
    fn heed_claim(&mut self, arrival: &Arrival<'_>) {
        let segment = &arrival.segment;
        let half = self.half(segment.direction.reversed());
        let Some(offset) = self.acknowledged(segment).filter(|offset| *offset > half.believable()) else {
            return;
        };
        let own = self.half(segment.direction);
        let at_its_place = own.numbering.is_some_and(|numbering| {
            numbering.offset(own.next, segment.seq).abs_diff(own.next as i64) <= NEAR
        });
        if half.edge == 0 || !at_its_place {
            return;
        }
        let claim = Claim { offset, identity: arrival.identity };
        let agrees = |known: Claim| {
            (known.offset..=known.offset + NEAR).contains(&offset) && known.identity != claim.identity
        };
        let confirmed = half.claim().is_some_and(agrees);
        let half = self.half_mut(segment.direction.reversed());
        if confirmed {
            half.edge = half.edge.max(offset);
        }
        half.set_claim(if confirmed { None } else { Some(claim) });
    }

    /// Takes the segments that ran ahead of the other direction, once it has caught up. Where both wait for each other,
    /// as a retransmission with a newer acknowledgment makes them, they go in the order of their packets. Says whether
    /// there was anything.
    pub(crate) fn settle_early<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) -> bool {
        let before = self.aside().early.len();
        while self.phase != Phase::Closed {
            let caught_up =
                self.aside().early.iter().position(|early| !self.runs_ahead(&self.segment_of(&early.held)));
            let next_in = |direction: Direction| {
                self.aside().early.iter().position(|early| {
                    let segment = self.segment_of(&early.held);
                    let half = self.half(direction);
                    let start =
                        half.numbering.map_or(0, |numbering| numbering.offset(half.next, segment.seq));
                    segment.direction == direction && !segment.payload.is_empty() && start <= half.next as i64
                })
            };
            // Who was taken out of here already waits in its place, for the other one.
            let blocked = |direction: Direction| self.half(direction.reversed()).front_ready();
            let cycle = || match Direction::BOTH.map(next_in) {
                [Some(client), Some(server)] => Some(client.min(server)),
                [Some(client), None] if blocked(Direction::ClientToServer) => Some(client),
                [None, Some(server)] if blocked(Direction::ServerToClient) => Some(server),
                _ => None,
            };
            let Some(index) = caught_up.or_else(cycle) else { break };
            self.take_early(index, false, env);
            self.settle(env);
        }
        self.aside().early.len() < before
    }

    /// Takes the segments that have run ahead for long enough: what they acknowledge was sent and is not in the capture.
    pub(crate) fn give_up_early<F: StreamFactory<Stream = S>>(&mut self, all: bool, env: &mut Env<'_, F>) {
        while self.phase != Phase::Closed
            && let Some(first) = self.aside().early.first()
        {
            let waited = self.packets.saturating_sub(first.packets) >= env.limits.slack_packets();
            if !all && !waited && env.now < first.since.after(env.limits.slack) {
                break;
            }
            let segment = self.segment_of(&first.held);
            let (direction, ack) = (segment.direction.reversed(), segment.ack);
            let half = self.half(direction);
            let numbering = half.numbering;
            let offset = numbering.map_or(0, |numbering| numbering.offset(half.next.max(half.acked), ack));
            let offset = u64::try_from(offset).unwrap_or(0);
            // What the other direction has here in front of that place was not missing, only early as well.
            let covers = |early: &Early| {
                let segment = self.segment_of(&early.held);
                let start = numbering.map_or(0, |numbering| numbering.offset(offset, segment.seq));
                segment.direction == direction && start < offset as i64 && !segment.payload.is_empty()
            };
            match self.aside().early.iter().position(covers) {
                Some(index) => self.take_early(index, false, env),
                None => self.take_early(0, true, env),
            }
            self.settle(env);
        }
    }

    fn take_early<F: StreamFactory<Stream = S>>(
        &mut self,
        index: usize,
        overdue: bool,
        env: &mut Env<'_, F>,
    ) {
        let early = self.aside_mut().early.remove(index);
        let arrival = early.held.arrival();
        let segment = self.segment_of(&early.held);
        self.take(&Arrival { segment, ..arrival }, overdue, env);
    }

    /// The segment that is held, with its direction.
    fn segment_of<'h>(&self, held: &'h Held) -> Segment<'h> {
        let arrival = held.arrival();
        Segment { direction: self.direction(&arrival.flow), ..arrival.segment }
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
        if self.halves.iter().any(|half| half.no_stamps) {
            return false;
        }
        let half = self.half_mut(segment.direction);
        let (Some(sent_at), Some(numbering)) = (arrival.sent_at, half.numbering) else { return false };
        // Some systems send nought in their SYN, and Linux takes it for no time at all.
        let age = half.ts_recent.filter(|recent| *recent != 0).map_or(0, |recent| distance(sent_at, recent));
        if age > 1 {
            return !segment.payload.is_empty() || segment.flags.has(TcpFlags::FIN);
        }
        let start = numbering.offset(half.next, segment.seq);
        let next = half.next as i64;
        if age <= 0 && start <= next && start.saturating_add_unsigned(segment.payload.len() as u64) >= next {
            half.ts_recent = Some(sent_at);
        }
        false
    }

    /// Whether a segment acknowledges the other side's SYN and at most a window behind it.
    fn may_answer(&self, segment: &Segment<'_>) -> bool {
        self.half(segment.direction.reversed())
            .numbering
            .is_some_and(|numbering| (0..=MAX_WINDOW as i64).contains(&numbering.offset(0, segment.ack)))
    }

    /// Whether a segment acknowledges something in front of a start that is known from the other side's SYN.
    fn acknowledges_nothing(&self, segment: &Segment<'_>) -> bool {
        let half = self.half(segment.direction.reversed());
        let Some(numbering) = half.numbering.filter(|_| half.scale != Scale::Unknown) else { return false };
        numbering.offset(half.next.max(half.acked), segment.ack) < 0
    }

    /// Whether a segment acknowledges what was acknowledged more than a window ago: no copy of a segment is that old
    /// (RFC 5961 §5.2).
    fn acknowledges_long_ago(&self, segment: &Segment<'_>) -> bool {
        let half = self.half(segment.direction.reversed());
        let oldest = half.acked.saturating_sub(u64::from(half.widest));
        half.widest > 0 && self.acknowledged(segment).is_some_and(|offset| offset < oldest)
    }

    /// Whether a segment leaves a hole and goes beyond everything the peer is known to have allowed.
    ///
    /// What is next is always taken: that the peer's packets are not in the capture, all of them or some, is more
    /// likely than a sender that does not wait for them. And once data went beyond it, the edge is known to be wrong.
    fn exceeds_window(&self, segment: &Segment<'_>) -> bool {
        let half = self.half(segment.direction);
        let (Some(numbering), edge) = (half.numbering, half.window_edge) else { return false };
        let len = segment.payload.len() as u64 + u64::from(segment.cut);
        let start = numbering.offset(half.next, segment.seq);
        let known = edge > 0 && half.next <= edge;
        let beyond = known && start.saturating_add_unsigned(len) > edge as i64;
        let says_something = len > 0 || segment.flags.has(TcpFlags::FIN);
        beyond && start > half.next as i64 && says_something
    }

    /// Lets in what was beyond the window, once that is known to be no reason to refuse it. Says whether there was anything.
    pub(crate) fn settle_doubtful<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) -> bool {
        let (before, mut index) = (self.aside().doubtful.len(), 0);
        while let Some(doubtful) = self.aside().doubtful.get(index) {
            if self.is_vouched_for(doubtful) {
                self.decide_doubtful(index, true, env);
                index = 0;
            } else {
                index += 1;
            }
        }
        self.aside().doubtful.len() < before
    }

    /// Whether the peer has acknowledged a segment that was beyond the window when it came. That the window has moved since
    /// says nothing: the receiver had no room for it then. Only where the window was not known for certain, it is enough
    /// that the segment is next now.
    fn is_vouched_for(&self, doubtful: &Doubtful) -> bool {
        let segment = self.segment_of(&doubtful.held);
        let half = self.half(segment.direction);
        let Some(numbering) = half.numbering else { return true };
        let start = numbering.offset(half.next, segment.seq);
        let len = segment.payload.len() as u64 + u64::from(segment.cut);
        let acknowledged = start.saturating_add_unsigned(len) <= half.acked as i64;
        let next = start <= half.next as i64 || half.next > half.window_edge;
        acknowledged || (next && !self.was_beyond(doubtful))
    }

    /// Whether a segment was beyond the window for certain: the window was up to date then, and the peer's acknowledgments
    /// are in the capture.
    fn was_beyond(&self, Doubtful { held, fresh }: &Doubtful) -> bool {
        *fresh && self.half(self.segment_of(held).direction.reversed()).packets > 1
    }

    /// Takes one of the segments that were beyond the window, or refuses it where that is certain.
    fn decide_doubtful<F: StreamFactory<Stream = S>>(
        &mut self,
        index: usize,
        vouched: bool,
        env: &mut Env<'_, F>,
    ) {
        let doubtful = self.aside_mut().doubtful.remove(index);
        let segment = self.segment_of(&doubtful.held);
        if vouched || !self.was_beyond(&doubtful) {
            self.data(&segment, None, env);
        } else {
            self.refuse(&segment, Refusal::BeyondWindow, env);
        }
    }

    /// Refuses what was beyond the window to the end.
    pub(crate) fn drop_doubtful<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) {
        for Doubtful { held, .. } in self.take_aside(|aside| &mut aside.doubtful) {
            self.refuse(&self.segment_of(&held), Refusal::BeyondWindow, env);
        }
    }

    /// What a segment acknowledges, as an offset of the other direction, if that can be true.
    ///
    /// An acknowledgment beyond everything the peer could have sent is ignored: it would turn bytes that are still to
    /// come into a gap. Two that agree are believed, see `heed_claim`.
    pub(crate) fn acknowledge(&mut self, segment: &Segment<'_>) -> Option<u64> {
        let scale = if segment.flags.has(TcpFlags::SYN) { 0 } else { self.scale(segment.direction) };
        let exact = self.knows_windows();
        let half = self.half_mut(segment.direction.reversed());
        let numbering = *half.numbering.get_or_insert(Numbering::starting_at(segment.ack));
        let offset = u64::try_from(numbering.offset(half.next.max(half.acked), segment.ack)).ok()?;
        if offset > half.believable() && half.edge > 0 {
            return None;
        }
        let window = (u64::from(segment.window) << scale).min(MAX_WINDOW);
        half.allow(offset + window, window as u32, exact);
        let plain = segment.payload.is_empty() && !segment.flags.has(TcpFlags::SYN | TcpFlags::FIN);
        if plain && offset == half.acked && offset == half.next {
            half.confirm_hole();
        }
        // The FIN takes one number, but is no byte.
        half.fin_acked |= half.fin.place().is_some_and(|fin| offset > fin);
        let offset = half.fin.place().map_or(offset, |fin| offset.min(fin.max(half.next)));
        half.acked = half.acked.max(offset);
        Some(offset)
    }

    /// By how much this side's windows are to be shifted, behind the SYN (RFC 7323 §2.2).
    pub(crate) fn scale(&self, direction: Direction) -> u8 {
        match self.half(direction).scale {
            // Without the option on both sides neither scales.
            _ if self.halves.iter().any(|half| half.scale == Scale::Without) => 0,
            Scale::By(shift) => shift,
            Scale::Without | Scale::Unknown => MAX_SCALE,
        }
    }

    /// Whether both sides' window scales are known.
    pub(crate) fn knows_windows(&self) -> bool {
        self.halves.iter().all(|half| half.scale != Scale::Unknown)
    }

    /// A RST: believed when its number is exactly the next byte, or when that byte is not known and it may be right.
    fn reset<F: StreamFactory<Stream = S>>(&mut self, segment: &Segment<'_>, env: &mut Env<'_, F>) {
        let (direction, payload) = (segment.direction, segment.payload.len() as u64);
        let half = self.half(direction);
        // Before its SYN was answered, a client believes a RST that acknowledges it (RFC 9293 §3.10.7.3).
        let unanswered = self.phase == Phase::HalfOpen && half.numbering.is_none();
        let refuses_syn = segment.flags.has(TcpFlags::ACK)
            && self.half(direction.reversed()).numbering.is_some_and(|numbering| {
                (0..=i64::from(u16::MAX)).contains(&numbering.offset(0, segment.ack))
            });
        // How far it is from the next byte; the FIN takes the number behind the last one.
        let step = match half.numbering {
            None if unanswered && !refuses_syn => i64::MIN,
            None => 0,
            Some(numbering) => {
                let step = numbering.offset(half.next, segment.seq).saturating_sub(half.next as i64);
                let behind_fin = step == 1 && (half.fin.place() == Some(half.next) || half.may_be_fin());
                if behind_fin { 0 } else { step }
            }
        };
        let checked = unanswered || half.numbering.is_some();
        let unsettled = !half.settled() || !self.aside().early.is_empty();
        let place = half.next.saturating_add_signed(step);
        // Where selective acknowledgments are agreed to, Linux also believes one that is behind all that it has: the sender
        // was there.
        let behind_all =
            step > 0 && half.behind_real_hole() == Some(place) && self.halves.iter().all(|half| half.sack);
        if step > 0 && step < MAX_WINDOW as i64 && unsettled && !behind_all {
            // It is right if what is missing was received but not captured, and wrong if it is still to come.
            self.half_mut(direction).set_reset(Some((place, segment.packet)));
        } else if step != 0 && !behind_all {
            return self.refuse(segment, Refusal::StrayReset, env);
        }
        if payload > 0 {
            self.refuse(segment, Refusal::ResetPayload, env);
        }
        if step == 0 || behind_all {
            self.close(Ending::Reset { checked }, env);
        }
    }
}

/// The offset behind a segment's payload, if it is anywhere a window could reach.
fn end_of(half: &Half, segment: &Segment<'_>) -> Option<u64> {
    let len = segment.payload.len() as u64 + u64::from(segment.cut);
    let end = half.numbering?.offset(half.next, segment.seq).checked_add_unsigned(len)?;
    u64::try_from(end).ok().filter(|end| *end <= half.next.saturating_add(MAX_WINDOW))
}
