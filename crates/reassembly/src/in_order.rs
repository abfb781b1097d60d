//! The short way: a segment that is next, of a connection in which nothing is missing, early, odd or at its end. That is
//! nearly all of them, and none of the receiver's rules has anything to say about them.
//!
//! Promises: what goes this way comes out exactly as it would the long way (`receiver.rs`, `delivery.rs`), which a law
//! in `tests/laws.rs` compares. Refuses whatever is not plain at first sight; it decides nothing.

use egret_decode::{Checksum, TcpFlags};

use crate::arrival::Arrival;
use crate::connection::{Env, Phase, Tracked};
use crate::half::MAX_WINDOW;
use crate::seq::distance;
use crate::{Data, Segment, Stream, StreamFactory};

impl<S: Stream> Tracked<S> {
    /// Takes a segment that the stream wants, if it can go the short way; whether it did.
    pub(crate) fn in_order<F: StreamFactory<Stream = S>>(
        &mut self,
        segment: &Segment<'_>,
        arrival: &Arrival<'_>,
        env: &mut Env<'_, F>,
    ) -> bool {
        let plain = segment.flags.0 & !TcpFlags::PSH == TcpFlags::ACK
            && segment.cut == 0
            && matches!(arrival.checksum, None | Some(Checksum::Valid))
            && self.phase == Phase::Open
            && !self.ignoring
            && self.is_plain();
        if !plain {
            return false;
        }
        let scale = self.scale(segment.direction);
        let exact = self.knows_windows();
        let (own, other) = self.halves_mut(segment.direction);
        let (Some(numbering), Some(others)) = (own.numbering, other.numbering) else { return false };
        // How much more of the other direction it acknowledges.
        let step = segment.ack.wrapping_sub(others.seq(other.acked));
        let age = own.ts_recent.zip(arrival.sent_at).map_or(0, |(recent, sent_at)| distance(sent_at, recent));
        let next = numbering.seq(own.next) == segment.seq;
        if !next || u64::from(step) > other.next - other.acked || age > 0 {
            return false;
        }
        own.verified |= arrival.checksum.is_some();
        own.ts_recent = arrival.sent_at.or(own.ts_recent);
        let acked = other.acked + u64::from(step);
        let window = (u64::from(segment.window) << scale).min(MAX_WINDOW);
        other.acked = acked;
        other.allow(acked + window, window as u32, exact);
        let (offset, bytes) = (own.next, segment.payload);
        own.next += bytes.len() as u64;
        own.seen_end = own.seen_end.max(own.next);
        if !bytes.is_empty() {
            own.delivered += bytes.len() as u64;
            let Segment { direction, timestamp, packet, seq, .. } = *segment;
            let previous = std::mem::replace(&mut own.last_delivered, packet);
            env.delivered.note(packet, previous, offset, bytes, env.packet);
            let data = Data { direction, offset, timestamp, packet, seq, ack: Some(acked), bytes };
            self.ensure_stream(env).reassembled(data, env.context);
        }
        true
    }
}
