//! The short way: a segment that is next, of a connection in which nothing is missing, early, odd or at its end. That is
//! nearly all of them, and none of the receiver's rules has anything to say about them.
//!
//! Promises: what goes this way comes out exactly as it would the long way (`receiver.rs`, `delivery.rs`), which a law
//! in `tests/laws.rs` compares. Refuses whatever is not plain at first sight, before it has changed anything; it decides
//! nothing.

use egret_decode::{Checksum, Decoded, Flow, Tcp, TcpFlags};

use crate::assembler::identification;
use crate::connection::{Env, Tracked};
use crate::half::MAX_WINDOW;
use crate::seq::distance;
use crate::{Admit, Checksums, Data, Refusal, Segment, Stream, StreamFactory};

/// What became of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Short {
    /// It has gone the short way.
    Gone,
    /// It has to go the long way.
    Long,
    /// It has to go on where the stream has lost interest: behind its acceptance.
    Ignored,
}

impl<S: Stream> Tracked<S> {
    /// Takes a segment of this connection, which is settled, if it can go the short way.
    #[inline]
    pub(crate) fn in_order<F: StreamFactory<Stream = S>>(
        &mut self,
        decoded: &Decoded<'_>,
        (tcp, flow): (&Tcp<'_>, &Flow),
        env: &mut Env<'_, F>,
    ) -> Short {
        let plain = tcp.flags.0 & !TcpFlags::PSH == TcpFlags::ACK
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
        let next = numbering.seq(own.next) == tcp.seq;
        // Beyond half of all numbers, a step does not tell how far it goes.
        let ahead = other.next - other.acked;
        if !next || ahead > MAX_WINDOW || u64::from(step) > ahead || age > 0 {
            return Short::Long;
        }
        let looks = env.limits.checksums != Checksums::Ignore;
        if looks && decoded.checksum() != Checksum::Valid {
            return Short::Long;
        }
        let (offset, bytes) = (own.next, decoded.payload);
        let len = bytes.len() as u64;
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
        if len > 0 {
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
        let (own, other) = self.halves_mut(direction);
        own.verified |= looks;
        own.ts_recent = sent_at.or(own.ts_recent);
        let acked = other.acked + u64::from(step);
        let window = (u64::from(segment.window) << scale).min(MAX_WINDOW);
        other.acked = acked;
        other.allow(acked + window, window as u32, exact);
        own.next += len;
        own.seen_end = own.seen_end.max(own.next);
        if len > 0 {
            own.delivered += len;
            let Segment { timestamp, packet, seq, .. } = segment;
            let previous = std::mem::replace(&mut own.last_delivered, packet);
            env.delivered.note(packet, previous, offset, bytes, env.packet);
            let data = Data { direction, offset, timestamp, packet, seq, ack: Some(acked), bytes };
            self.ensure_stream(env).reassembled(data, env.context);
        }
        Short::Gone
    }
}
