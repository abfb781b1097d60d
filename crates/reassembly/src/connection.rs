//! One connection: what arrives for it, in which order that is looked at, and how it ends.
//!
//! Promises: the user's stream is made once the roles are settled, and completed exactly once. The rules of acceptance
//! are in `receiver.rs`, what is delivered when in `delivery.rs`.

use std::time::Duration;

use egret_decode::{Flow, TcpFlags, Timestamp};

use crate::arrival::{Arrival, Aside, Held};
use crate::delivered::Delivered;
use crate::half::{Fingerprint, Half};
use crate::handshake::Connecting;
use crate::key::is_same;
use crate::seq::{Numbering, distance};
use crate::standing::{Class, NEVER, Standing};
use crate::{
    Admit, Anomaly, Close, Connection, Direction, Ending, Limits, Opened, Refusal, Segment, Stream,
    StreamFactory,
};

/// How long the acknowledgment of the last FIN is waited for.
pub(crate) const LAST_ACK: Duration = Duration::from_secs(1);

/// How soon a packet that is captured twice is captured again: packet time, and segments of the connection. The second
/// copy comes from another interface or a mirror port; the earliest that Linux sends anything again is after 10 ms (a tail
/// loss probe), or behind what made it do so.
const DUPLICATE_TIME: Duration = Duration::from_millis(5);
const DUPLICATE_PACKETS: u32 = 16;

/// What the rules need around a connection, lent for one call.
pub(crate) struct Env<'e, F: StreamFactory> {
    pub(crate) limits: &'e Limits,
    pub(crate) factory: &'e mut F,
    pub(crate) context: &'e mut <F::Stream as Stream>::Context,
    pub(crate) delivered: &'e mut Delivered,
    /// Packet time: of the packet at hand, or of the deadline that passed.
    pub(crate) now: Timestamp,
    /// The number of the packet at hand.
    pub(crate) packet: u64,
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Begun in the middle: the first segments are held, until it is clear which is the first.
    Held,
    /// A SYN was seen, but nothing that only an established connection sends.
    HalfOpen,
    /// Established.
    Open,
    /// Over; its last packets may still come.
    Closed,
}

/// A connection that is known to the pool, with its stream. What each packet needs comes first.
#[repr(C)]
pub(crate) struct Tracked<S> {
    pub(crate) about: Connection,
    pub(crate) standing: Standing,
    pub(crate) phase: Phase,
    /// That under which it is queued.
    pub(crate) class: Class,
    pub(crate) ignoring: bool,
    duplicates_reported: bool,
    /// How it ended, once it has.
    pub(crate) ending: Option<Ending>,
    /// When its last segment came, by the clock that never goes back.
    pub(crate) last: Timestamp,
    /// How many segments came.
    pub(crate) packets: u64,
    pub(crate) aside: Option<Box<Aside>>,
    /// [`NEVER`] until both sides have said all: in eight bytes what would take sixteen. At the end of all times, which a
    /// capture may claim, everybody has been silent for too long, whatever this is.
    pub(crate) finished: Timestamp,
    pub(crate) halves: [Half; 2],
    pub(crate) stream: Option<S>,
    pub(crate) connecting: Connecting,
}

impl<S: Stream> Tracked<S> {
    /// The connection that a segment opens. Only a SYN, a SYN-ACK or payload may.
    #[inline]
    pub(crate) fn new(arrival: &Arrival<'_>, now: Timestamp) -> Self {
        let Arrival { segment, flow, .. } = arrival;
        let syn = segment.flags.has(TcpFlags::SYN);
        let from_server = match (syn, segment.flags.has(TcpFlags::ACK)) {
            (true, ack) => ack,
            (false, _) => flow.source.port < flow.destination.port,
        };
        let about = Connection {
            id: segment.packet,
            flow: if from_server { flow.reversed() } else { *flow },
            opened: if syn { Opened::Handshake } else { Opened::Midstream },
            started: segment.timestamp,
        };
        Self {
            about,
            standing: Standing::new(now),
            phase: if syn { Phase::HalfOpen } else { Phase::Held },
            class: Class::HalfOpen,
            last: now,
            packets: 0,
            ignoring: false,
            halves: [Half::default(), Half::default()],
            stream: None,
            aside: None,
            connecting: Connecting::Unseen,
            finished: NEVER,
            ending: None,
            duplicates_reported: false,
        }
    }

    /// Whether it is established, and nothing shows that a segment with its addresses may be of another connection.
    pub(crate) const fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Open) && self.finished().is_none() && self.aside.is_none()
    }

    /// Whether it is known who is who, and nothing that concerns both directions waits for a segment to come.
    #[inline]
    pub(crate) const fn is_calm(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::HalfOpen) && self.aside.is_none()
    }

    /// Whether a flow is one of this connection's two.
    #[inline]
    pub(crate) fn is_of(&self, flow: &Flow) -> bool {
        is_same(&self.about.flow, flow)
    }

    /// Which direction a flow is of, one of the connection's own.
    pub(crate) fn direction(&self, flow: &Flow) -> Direction {
        if flow.source == self.about.flow.source {
            Direction::ClientToServer
        } else {
            Direction::ServerToClient
        }
    }

    pub(crate) fn half(&self, direction: Direction) -> &Half {
        let [client, server] = &self.halves;
        match direction {
            Direction::ClientToServer => client,
            Direction::ServerToClient => server,
        }
    }

    pub(crate) fn half_mut(&mut self, direction: Direction) -> &mut Half {
        let [client, server] = &mut self.halves;
        match direction {
            Direction::ClientToServer => client,
            Direction::ServerToClient => server,
        }
    }

    /// The direction's half, and the other's.
    pub(crate) fn halves_mut(&mut self, direction: Direction) -> (&mut Half, &mut Half) {
        let [client, server] = &mut self.halves;
        match direction {
            Direction::ClientToServer => (client, server),
            Direction::ServerToClient => (server, client),
        }
    }

    /// What is kept before the rules are applied to it.
    pub(crate) fn aside(&self) -> &Aside {
        const NOTHING: &Aside = &Aside::new();
        self.aside.as_deref().unwrap_or(NOTHING)
    }

    /// The same, to change it.
    pub(crate) fn aside_mut(&mut self) -> &mut Aside {
        self.aside.get_or_insert_default()
    }

    /// Takes out a part of it.
    pub(crate) fn take_aside<T: Default>(&mut self, part: impl FnOnce(&mut Aside) -> &mut T) -> T {
        self.aside.as_mut().map(|aside| std::mem::take(part(aside))).unwrap_or_default()
    }

    /// Takes a segment of this connection.
    pub(crate) fn segment<F: StreamFactory<Stream = S>>(
        &mut self,
        arrival: &mut Arrival<'_>,
        env: &mut Env<'_, F>,
    ) {
        self.packets += 1;
        self.last = self.last.max(env.now);
        if self.phase == Phase::Held {
            if !arrival.segment.flags.has(TcpFlags::SYN | TcpFlags::RST) {
                let aside = self.aside_mut();
                if aside.held.is_empty() {
                    aside.began = env.now;
                }
                aside.held.push(Held::new(arrival));
                if self.packets >= env.limits.slack_packets() {
                    self.release(env);
                }
                return;
            }
            self.settle_roles(arrival);
            self.release(env);
        }
        self.receive(arrival, env);
    }

    /// Time has passed: gives up what has been waited for long enough.
    pub(crate) fn expire<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) {
        if self.phase == Phase::Held && env.now >= self.aside().began.after(env.limits.slack) {
            self.release(env);
        }
        self.give_up_early(false, env);
        self.give_up_overdue(env);
        self.settle_aside(env);
        if self.last_ack_until().is_some_and(|until| env.now >= until) {
            self.close(Ending::Finished, env);
        }
    }

    /// Frees memory by giving up what has waited longest.
    pub(crate) fn relieve<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) {
        if self.phase == Phase::Held {
            self.release(env);
        } else if !self.aside().fast_opens.is_empty() || !self.aside().doubtful.is_empty() {
            self.drop_fast_opens(env);
            self.drop_doubtful(env);
        } else if self.aside().reopening.is_some() {
            self.take_aside(|aside| &mut aside.reopening);
        } else if !self.aside().early.is_empty() {
            self.give_up_early(true, env);
        } else {
            self.give_up_oldest(env);
        }
    }

    /// A SYN or SYN-ACK among the first segments of a connection that seemed to begin in the middle says who is who.
    fn settle_roles(&mut self, arrival: &Arrival<'_>) {
        if !arrival.segment.flags.has(TcpFlags::SYN) {
            return;
        }
        let from_server = arrival.segment.flags.has(TcpFlags::ACK);
        self.about.flow = if from_server { arrival.flow.reversed() } else { arrival.flow };
        self.about.opened = Opened::Handshake;
        let direction = self.direction(&arrival.flow);
        self.half_mut(direction).numbering =
            Some(Numbering::starting_at(arrival.segment.seq.wrapping_add(1)));
    }

    /// The connection begins in its middle, but where is known: the peer, whose next byte is `peer_seq`, had everything
    /// in front of this segment.
    pub(crate) fn begins_behind(&mut self, peer_seq: u32, arrival: &Arrival<'_>) {
        if self.phase == Phase::Held {
            let direction = self.direction(&arrival.flow);
            self.phase = Phase::Open;
            self.half_mut(direction).numbering = Some(Numbering::starting_at(arrival.segment.seq));
            self.half_mut(direction.reversed()).numbering = Some(Numbering::starting_at(peer_seq));
        }
    }

    /// Ends the wait for earlier segments of a midstream connection: the lowest held sequence number is the start.
    pub(crate) fn release<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) {
        let held = self.take_aside(|aside| &mut aside.held);
        self.phase = Phase::Open;
        for direction in Direction::BOTH {
            if self.half(direction).numbering.is_some() {
                continue;
            }
            let segments = || held.iter().map(|held| &held.arrival.segment).zip(held.iter());
            let own = segments().filter(|(_, held)| self.direction(&held.arrival.flow) == direction);
            let with_payload =
                own.clone().filter(|(_, held)| !held.payload.is_empty()).map(|(segment, _)| segment.seq);
            let acknowledged = segments()
                .filter(|(segment, held)| {
                    self.direction(&held.arrival.flow) != direction && segment.flags.has(TcpFlags::ACK)
                })
                .map(|(segment, _)| segment.ack);
            let start = lowest(with_payload).or_else(|| lowest(own.map(|(segment, _)| segment.seq)));
            let start = start.or_else(|| lowest(acknowledged));
            self.half_mut(direction).numbering = start.map(Numbering::starting_at);
        }
        for held in &held {
            self.receive(&mut held.arrival(), env);
        }
    }

    /// Makes the user's stream, if that has not been done. Inlined in any case: nearly always there is nothing to do.
    #[inline(always)]
    pub(crate) fn ensure_stream<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) -> &mut S {
        match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(env.factory.new_stream(&self.about)),
        }
    }

    /// One segment, its roles settled: the stream may refuse it, then the receiver's rules apply.
    fn receive<F: StreamFactory<Stream = S>>(&mut self, arrival: &mut Arrival<'_>, env: &mut Env<'_, F>) {
        let direction = self.direction(&arrival.flow);
        arrival.segment.direction = direction;
        let segment = &arrival.segment;
        let payload = segment.payload.len() as u64;
        let closed = self.phase == Phase::Closed;
        let half = self.half_mut(direction);
        half.packets += 1;
        half.seen += payload;
        if closed {
            // Only when a connection ends while its held segments are gone through.
            half.count_refused(payload);
            return;
        }
        self.notice_duplicate(segment, arrival.identity, env);
        if !self.ignoring {
            match self.ensure_stream(env).accept(segment, env.context) {
                Admit::Yes => {}
                Admit::No => return self.refuse(segment, Refusal::Stream, env),
                Admit::Ignore => self.ignore(),
            }
        }
        self.go_on(arrival, env);
    }

    /// What a segment does behind its acceptance.
    fn go_on<F: StreamFactory<Stream = S>>(&mut self, arrival: &Arrival<'_>, env: &mut Env<'_, F>) {
        self.apply(arrival, env);
        if self.phase != Phase::Closed && !self.halves.iter().all(Half::is_quiet) {
            self.settle(env);
        }
        if self.aside.is_some() {
            self.settle_aside(env);
            self.give_up_early(false, env);
        }
    }

    /// Goes on with a segment in which the stream has lost interest.
    pub(crate) fn ignored<F: StreamFactory<Stream = S>>(
        &mut self,
        arrival: &mut Arrival<'_>,
        env: &mut Env<'_, F>,
    ) {
        self.ignore();
        arrival.segment.direction = self.direction(&arrival.flow);
        self.go_on(arrival, env);
    }

    /// Takes what was put aside and has become good.
    fn settle_aside<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) {
        loop {
            let early = !self.aside().early.is_empty() && self.settle_early(env);
            let doubtful =
                self.phase != Phase::Closed && !self.aside().doubtful.is_empty() && self.settle_doubtful(env);
            if doubtful {
                self.settle(env);
            }
            if !early && !doubtful {
                return;
            }
        }
    }

    /// From now on the connection is only counted.
    fn ignore(&mut self) {
        self.ignoring = true;
        for half in &mut self.halves {
            if half.waiting().is_empty() {
                continue;
            }
            half.next = half.next.max(half.waiting().end().unwrap_or(0));
            let waited = half.waiting_mut().clear();
            half.count_ignored(waited);
        }
        let doubtful = self.take_aside(|aside| &mut aside.doubtful).into_iter().map(|doubtful| doubtful.held);
        let fast_opens = self.take_aside(|aside| &mut aside.fast_opens);
        for held in fast_opens.into_iter().chain(doubtful) {
            let direction = self.direction(&held.arrival.flow);
            self.half_mut(direction).count_ignored(held.payload.len() as u64);
        }
    }

    /// Counts and reports a segment that has no effect.
    pub(crate) fn refuse<F: StreamFactory<Stream = S>>(
        &mut self,
        segment: &Segment<'_>,
        reason: Refusal,
        env: &mut Env<'_, F>,
    ) {
        let len = segment.payload.len() as u64;
        self.half_mut(segment.direction).count_refused(len);
        let (direction, packet) = (segment.direction, segment.packet);
        self.report(Anomaly::Refused { direction, packet, len, reason }, env);
    }

    /// Tells the stream about an anomaly, unless it has lost interest.
    pub(crate) fn report<F: StreamFactory<Stream = S>>(&mut self, anomaly: Anomaly, env: &mut Env<'_, F>) {
        if !self.ignoring {
            self.ensure_stream(env).anomaly(anomaly, env.context);
        }
    }

    #[inline]
    pub(crate) fn notice_duplicate<F: StreamFactory<Stream = S>>(
        &mut self,
        segment: &Segment<'_>,
        (checksum, identification): (u16, u16),
        env: &mut Env<'_, F>,
    ) {
        let telling = segment.flags.has(TcpFlags::SYN | TcpFlags::FIN) || !segment.payload.is_empty();
        if !telling || self.duplicates_reported {
            return;
        }
        let identity = (segment.seq, segment.ack, checksum, identification);
        let fingerprint = Fingerprint { identity, at: segment.timestamp, packets: self.packets as u32 };
        let half = self.half_mut(segment.direction);
        let before = half.fingerprint;
        let again = before.packets > 0
            && before.identity == identity
            && fingerprint.at.since(before.at) <= DUPLICATE_TIME
            && fingerprint.packets.wrapping_sub(before.packets) <= DUPLICATE_PACKETS;
        if again {
            self.duplicates_reported = true;
            self.report(Anomaly::DuplicateCapture { packet: segment.packet }, env);
        } else {
            half.fingerprint = fingerprint;
        }
    }

    /// Ends the connection: what still waits comes out with its gaps, then the stream is completed and dropped.
    pub(crate) fn close<F: StreamFactory<Stream = S>>(&mut self, how: Ending, env: &mut Env<'_, F>) {
        if self.ending.is_some() {
            return;
        }
        // What comes out now may end the connection too: it ends once.
        self.ending = Some(how);
        if self.phase == Phase::Held {
            self.release(env);
        }
        self.give_up_early(true, env);
        self.phase = Phase::Closed;
        self.drop_fast_opens(env);
        self.drop_doubtful(env);
        self.flush(env);
        // With the last holes given up, a RST or the FINs behind them have come true.
        let reset = self.halves.iter().any(|half| half.reset().is_some());
        let finished = self.halves.iter().all(|half| half.done);
        let how = match how {
            Ending::Idle | Ending::EndOfCapture if reset && !finished => Ending::Reset { checked: false },
            // A RST behind both FINs is how some stacks save themselves TIME_WAIT.
            _ if finished => Ending::Finished,
            how => how,
        };
        self.ending = Some(how);
        for direction in Direction::BOTH {
            self.half_closed(direction, env);
            let peer_was_seen = self.half(direction.reversed()).packets > 0;
            let half = self.half_mut(direction);
            let tail = half.next.saturating_sub(half.acked).min(half.delivered);
            // With a FIN from both sides the last acknowledgment is still on its way.
            if tail > 0 && peer_was_seen && how != Ending::Finished {
                half.odd().unacknowledged = tail;
            }
        }
        let [client, server] = &self.halves;
        let close = Close {
            how,
            timestamp: env.now,
            packet: env.packet,
            connect: self.connecting.took(),
            client_to_server: client.counts(),
            server_to_client: server.counts(),
        };
        self.ensure_stream(env).complete(close, env.context);
        self.stream = None;
        self.finished = NEVER;
    }

    pub(crate) fn half_closed<F: StreamFactory<Stream = S>>(
        &mut self,
        direction: Direction,
        env: &mut Env<'_, F>,
    ) {
        let half = self.half_mut(direction);
        if !std::mem::replace(&mut half.done, true) && !self.ignoring {
            let now = env.now;
            self.ensure_stream(env).half_closed(direction, now, env.context);
        }
    }
}

/// The lowest of some sequence numbers that are all near each other.
fn lowest(numbers: impl Iterator<Item = u32>) -> Option<u32> {
    numbers.reduce(|lowest, number| if distance(lowest, number) < 0 { number } else { lowest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    /// What each connection takes is what a table full of them takes: growing it is a decision.
    #[test]
    fn a_connection_is_small() {
        let sizes = (size_of::<Tracked<()>>(), size_of::<Half>());
        assert!(sizes.0 <= 464 && sizes.1 <= 152, "{sizes:?}");
    }

    /// What is asked for before a packet is taken leaves out no line of memory of a direction.
    #[test]
    fn a_direction_is_brought_near_as_a_whole() {
        let mut asked = [
            offset_of!(Half, numbering),
            offset_of!(Half, fin),
            offset_of!(Half, fingerprint) + offset_of!(Fingerprint, at),
            offset_of!(Half, done),
        ];
        asked.sort_unstable();
        let [first, .., last] = asked;
        assert!(first < 64 && size_of::<Half>() - last <= 64, "{asked:?}");
        assert!(asked.is_sorted_by(|one, next| next - one <= 64), "{asked:?}");
    }

    /// A look-up needs no more than the line of memory that a connection begins in.
    #[test]
    fn whose_it_is_comes_first() {
        let flow = offset_of!(Tracked<()>, about) + offset_of!(Connection, flow);
        assert!(flow + size_of::<Flow>() <= 56, "{flow}");
    }
}
