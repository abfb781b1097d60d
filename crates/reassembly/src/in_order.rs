//! The short way: a segment that is next, of a connection in which nothing is missing, early or odd. It may be the one that
//! ends the handshake, or a direction. That is nearly all of them, and none of the receiver's rules has anything to say
//! about them.
//!
//! Promises: what goes this way comes out exactly as it would the long way (`receiver.rs`, `delivery.rs`), which a law
//! in `tests/laws.rs` compares. Refuses whatever is not plain at first sight, before it has changed anything; it decides
//! nothing.

use std::hint::black_box;

use egret_decode::{Checksum, Decoded, Flow, Tcp, TcpFlags};

use crate::assembler::identification;
use crate::connection::{Env, Phase, Tracked};
use crate::half::{Fin, MAX_WINDOW};
use crate::seq::distance;
use crate::{Admit, Checksums, Data, Direction, Refusal, Segment, Stream, StreamFactory};

/// What became of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Short {
    /// It has gone the short way.
    Gone,
    /// It has, and the connection has come further: it is established, a side has said all, or it is over.
    Moved,
    /// It has to go the long way.
    Long,
    /// It has to go on where the stream has lost interest: behind its acceptance.
    Ignored,
}

impl<S: Stream> Tracked<S> {
    /// Has what a segment will need brought near from wherever it is in memory.
    #[inline]
    pub(crate) fn fetch(&self) {
        black_box((self.about.flow.source.port, self.phase, self.packets));
        for half in &self.halves {
            // At most a line of memory from each other.
            black_box((half.numbering.is_some(), half.fin, half.fingerprint.at, half.done));
        }
        black_box(self.stream.is_some());
    }

    /// The same with what the stream will need.
    #[inline]
    pub(crate) fn fetch_stream(&self, decoded: &Decoded<'_>) {
        if let (Some(stream), Some(flow)) = (&self.stream, &decoded.flow)
            && !decoded.payload.is_empty()
        {
            stream.fetch(self.direction(flow), decoded.payload.len());
        }
    }

    /// Takes a segment of this connection, which is [calm](Self::is_calm), if it can go the short way.
    #[inline]
    pub(crate) fn in_order<F: StreamFactory<Stream = S>>(
        &mut self,
        decoded: &Decoded<'_>,
        (tcp, flow): (&Tcp<'_>, &Flow),
        env: &mut Env<'_, F>,
    ) -> Short {
        let plain = tcp.flags.0 & !(TcpFlags::PSH | TcpFlags::FIN) == TcpFlags::ACK
            && decoded.cut == 0
            && !self.ignoring
            && self.halves.iter().all(|half| half.is_plain());
        if !plain {
            return Short::Long;
        }
        let direction = self.direction(flow);
        let scale = self.scale(direction);
        let exact = self.knows_windows();
        let (own, other) = self.halves_mut(direction);
        let (Some(numbering), Some(others)) = (own.numbering, other.numbering) else { return Short::Long };
        // How much more of the other direction it acknowledges.
        let step = tcp.ack.wrapping_sub(others.seq(other.acked));
        let sent_at = tcp.options.timestamps().map(|(value, _)| value);
        let age = own.ts_recent.zip(sent_at).map_or(0, |(recent, sent_at)| distance(sent_at, recent));
        let (offset, bytes) = (own.next, decoded.payload);
        let (len, fin) = (bytes.len() as u64, tcp.flags.has(TcpFlags::FIN));
        // Behind its FIN, which takes a number, a side has nothing to say but acknowledgments.
        let said_all = own.done;
        let next = numbering.seq(offset + u64::from(said_all)) == tcp.seq;
        // Beyond half of all numbers, a step does not tell how far it goes.
        let ahead = other.next + u64::from(other.done) - other.acked;
        let odd = ahead > MAX_WINDOW || u64::from(step) > ahead || age > 0 || said_all && (fin || len > 0);
        if !next || odd {
            return Short::Long;
        }
        let looks = env.limits.checksums != Checksums::Ignore;
        if looks && decoded.checksum() != Checksum::Valid {
            return Short::Long;
        }
        own.packets += 1;
        own.seen += len;
        let segment = Segment {
            direction,
            timestamp: decoded.packet.timestamp,
            packet: decoded.packet.number,
            seq: tcp.seq,
            ack: tcp.ack,
            flags: tcp.flags,
            window: tcp.window,
            urgent: None,
            payload: bytes,
            cut: 0,
            fragments: &[],
        };
        self.packets += 1;
        self.last = self.last.max(env.now);
        if len > 0 || fin {
            self.notice_duplicate(&segment, (tcp.checksum, identification(decoded)), env);
        }
        match self.ensure_stream(env).accept(&segment, env.context) {
            Admit::Yes => {}
            Admit::No => {
                self.refuse(&segment, Refusal::Stream, env);
                return Short::Gone;
            }
            Admit::Ignore => return Short::Ignored,
        }
        let begins = self.phase == Phase::HalfOpen;
        if begins {
            self.establish(&segment);
        }
        let (own, other) = self.halves_mut(direction);
        own.verified |= looks;
        if !said_all {
            own.ts_recent = sent_at.or(own.ts_recent);
        }
        let acked = other.acked + u64::from(step);
        let window = (u64::from(segment.window) << scale).min(MAX_WINDOW);
        other.allow(acked + window, window as u32, exact);
        other.fin_acked |= acked > other.next;
        let acked = acked.min(other.next);
        other.acked = acked;
        own.next += len;
        own.seen_end = own.seen_end.max(own.next + u64::from(said_all));
        if len > 0 {
            own.delivered += len;
            let Segment { timestamp, packet, seq, .. } = segment;
            let previous = std::mem::replace(&mut own.last_delivered, packet);
            env.delivered.note(packet, previous, offset, bytes, env.packet);
            let data = Data { direction, offset, timestamp, packet, seq, ack: Some(acked), bytes };
            self.ensure_stream(env).reassembled(data, env.context);
        }
        if fin || said_all {
            self.end(direction, env);
            return Short::Moved;
        }
        if begins { Short::Moved } else { Short::Gone }
    }

    /// A side has said all, now or before; with what it acknowledges, that may be the end.
    #[inline(never)]
    fn end<F: StreamFactory<Stream = S>>(&mut self, direction: Direction, env: &mut Env<'_, F>) {
        let half = self.half_mut(direction);
        half.fin = Fin::at(half.next);
        self.half_closed(direction, env);
        self.finish_if_done(env);
    }
}
