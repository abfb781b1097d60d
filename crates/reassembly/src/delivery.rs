//! What is delivered when: data in order, gaps where they must be, and the directions in the order they were spoken.
//!
//! Promises: a segment that is next and waits for nothing is handed on without a copy; everything else is copied once.
//! No byte is delivered twice, and none behind a hole before the hole has been reported.

use egret_decode::TcpFlags;

use crate::connection::{Env, Phase, Tracked};
use crate::delivered::Contradicted;
use crate::half::{Fin, Half, MAX_WINDOW};
use crate::waiting::{Conflict, Doubled, Incoming};
use crate::{
    Anomaly, Data, Direction, Ending, Gap, GapReason, Opened, Refusal, Segment, Stream, StreamFactory,
};

impl<S: Stream> Tracked<S> {
    /// The payload and the FIN of a segment that was accepted. `ack` is what it acknowledges of the other direction.
    pub(crate) fn data<F: StreamFactory<Stream = S>>(
        &mut self,
        segment: &Segment<'_>,
        ack: Option<u64>,
        env: &mut Env<'_, F>,
    ) {
        let direction = segment.direction;
        let half = self.half(direction);
        let Some(numbering) = half.numbering else { return };
        let (len, cut) = (segment.payload.len() as u64, u64::from(segment.cut));
        let fin = segment.flags.has(TcpFlags::FIN);
        if segment.urgent.is_some() {
            self.note_urgent(segment);
        }
        if len + cut == 0 && !fin {
            return;
        }
        let next = self.half(direction).next;
        let start = numbering.offset(next, segment.seq);
        let end = start.saturating_add_unsigned(len + cut);
        if start > next.saturating_add(MAX_WINDOW) as i64 || len + cut > MAX_WINDOW {
            return self.refuse(segment, Refusal::BeyondWindow, env);
        }
        if self.ignoring {
            return self.count_ignored(direction, len, end, fin);
        }
        if self.half(direction).done && end > next as i64 {
            return self.refuse(segment, Refusal::AfterFin, env);
        }
        let old = len.min(u64::try_from((next as i64).saturating_sub(start)).unwrap_or(0));
        if old > 0 {
            self.count_old(segment, start, old, env);
        }
        if end <= next as i64 && !fin {
            return;
        }
        let end = u64::try_from(end).unwrap_or(0);
        let half = self.half_mut(direction);
        if half.fin.place().is_some_and(|fin| start <= half.fin_start() as i64 && end > fin) {
            // Data where a waiting FIN claimed the end: Linux lets the data win.
            half.fin = Fin::UNSEEN;
        }
        if fin && end >= next && !half.done && !half.waiting().covers(end) {
            half.set_fin(end, u64::try_from(start).unwrap_or(0));
        }
        if end <= next {
            return;
        }
        if let Some((_, packet)) = self.half(direction).reset().filter(|(place, _)| start < *place as i64) {
            // What was missing in front of a RST comes after it: the receiver did not believe it.
            self.half_mut(direction).set_reset(None);
            let reason = Refusal::StrayReset;
            self.report(Anomaly::Refused { direction, packet, len: 0, reason }, env);
        }
        let old = old as usize;
        let start = u64::try_from(start).unwrap_or(0).max(next);
        let bytes = segment.payload.get(old..).unwrap_or_default();
        let cut = end - start - bytes.len() as u64;
        if bytes.is_empty() && cut == 0 {
            // A bare FIN ahead of a hole: remembered above, and there is nothing to keep.
            return;
        }
        let (packet, timestamp) = (segment.packet, segment.timestamp);
        let incoming = Incoming { start, bytes, cut, packet, timestamp, arrived: env.now, ack };
        let undisturbed = self.half(direction).waiting().front().is_none_or(|piece| piece.from >= end);
        let spoken = ack.is_none_or(|ack| self.half(direction.reversed()).has_reached(ack));
        if start == next && undisturbed && spoken {
            self.deliver(direction, &incoming, env);
        } else {
            self.wait(direction, incoming, env);
        }
    }

    /// Notes which byte an urgent pointer marks: the one in front of it (RFC 6093 §2.1), and never an earlier one than
    /// was marked before.
    fn note_urgent(&mut self, segment: &Segment<'_>) {
        let half = self.half_mut(segment.direction);
        let (Some(pointer), Some(numbering)) = (segment.urgent, half.numbering) else { return };
        let place = numbering.offset(half.next, segment.seq) + i64::from(pointer.max(1)) - 1;
        let Ok(place) = u64::try_from(place) else { return };
        if place >= half.next && half.urgent().is_none_or(|pending| pending < place) {
            half.set_urgent(place);
        }
    }

    /// After a segment was taken: delivers what has become deliverable, gives up what is due, and ends the connection
    /// when both directions are done.
    pub(crate) fn settle<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) {
        self.drain(env);
        self.give_up_due(env);
        self.finish_if_done(env);
    }

    /// Gives up the holes whose time has come, and delivers what is behind them.
    pub(crate) fn give_up_overdue<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) {
        self.update(env);
        self.give_up_due(env);
        self.finish_if_done(env);
    }

    /// The same, where everything that can be delivered is.
    fn give_up_due<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) {
        // Where nothing waits and nothing is missing there is nothing to give up: so most connections end.
        let mut again = !self.halves.iter().all(Half::is_trouble_free);
        while again {
            again = false;
            for direction in Direction::BOTH {
                let half = self.half(direction);
                let stalled = half.stalled(env.now, self.packets, env.limits).unwrap_or(0);
                let hole_end = half.hole_end();
                if stalled > half.next {
                    let upto = hole_end.map_or(stalled, |end| end.min(stalled));
                    self.give_up(direction, upto, GapReason::Acknowledged, env);
                } else if half.impatient(env.now, env.limits.patience) {
                    match hole_end {
                        Some(upto) => self.give_up(direction, upto, GapReason::Patience, env),
                        None => self.unblock(direction, env),
                    }
                } else {
                    continue;
                }
                again = true;
                self.drain(env);
            }
        }
    }

    /// Gives up what the peer acknowledged of a direction and was never seen; what waits behind it is delivered.
    pub(crate) fn give_up_acknowledged<F: StreamFactory<Stream = S>>(
        &mut self,
        direction: Direction,
        env: &mut Env<'_, F>,
    ) {
        self.drain(env);
        let missing = |half: &Half| !half.has_reached(half.acked) && !half.front_ready();
        while missing(self.half(direction)) {
            let half = self.half(direction);
            let upto = half.hole_end().map_or(half.acked, |end| end.min(half.acked));
            self.give_up(direction, upto, GapReason::Acknowledged, env);
            self.drain(env);
        }
    }

    /// Gives up the hole that has lasted longest, or what is remembered of one.
    pub(crate) fn give_up_oldest<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) {
        let since = |direction: &Direction| self.half(*direction).waits_since();
        let waiting = Direction::BOTH.into_iter().filter(|direction| since(direction).is_some());
        let Some(direction) = waiting.min_by_key(|direction| since(direction)) else { return };
        match self.half(direction).hole_end() {
            Some(upto) => self.give_up(direction, upto, GapReason::Limit, env),
            None if !self.half(direction).waiting().is_empty() => self.unblock(direction, env),
            None => {
                if let Some(upto) = self.half(direction).stalls_until() {
                    self.give_up(direction, upto, GapReason::Limit, env);
                }
                self.half_mut(direction).forget();
            }
        }
        self.settle(env);
    }

    /// The end: everything that waits comes out, in the order it was captured, with its gaps.
    pub(crate) fn flush<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) {
        loop {
            self.drain(env);
            let front =
                |direction: &Direction| self.half(*direction).waiting().front().map(|piece| piece.packet);
            let waiting = Direction::BOTH.into_iter().filter(|direction| front(direction).is_some());
            let Some(direction) = waiting.min_by_key(|direction| front(direction)) else { break };
            match self.half(direction).hole_end() {
                Some(upto) => self.give_up(direction, upto, self.final_reason(direction, upto), env),
                None => self.unblock(direction, env),
            }
        }
        for direction in Direction::BOTH {
            let half = self.half_mut(direction);
            if half.may_be_fin() {
                // Nothing ever came behind it: it was a FIN.
                (half.fin, half.fin_acked) = (Fin::at(half.next), true);
            }
            let known_end = half.fin.place().unwrap_or(half.acked);
            if known_end > half.next && !self.ignoring {
                self.give_up(direction, known_end, self.final_reason(direction, known_end), env);
            }
        }
        self.drain(env);
    }

    /// Ends the front piece's wait for the other direction: what it acknowledges there is not coming any more.
    fn unblock<F: StreamFactory<Stream = S>>(&mut self, direction: Direction, env: &mut Env<'_, F>) {
        let other = direction.reversed();
        let acknowledged = self.half(direction).waiting().front().and_then(|piece| piece.ack).unwrap_or(0);
        let upto = self.half(other).hole_end().map_or(acknowledged, |end| end.min(acknowledged));
        if !self.half(other).has_reached(upto)
            && self.half(other).waiting().front().is_none_or(|piece| piece.from >= upto)
        {
            self.give_up(other, upto, GapReason::Acknowledged, env);
        } else {
            self.deliver_front(direction, env);
        }
    }

    fn final_reason(&self, direction: Direction, upto: u64) -> GapReason {
        if self.half(direction).acked >= upto { GapReason::Acknowledged } else { GapReason::End }
    }

    /// Delivers what is next in either direction and waits for nothing, in the order of the packets: a piece waits for
    /// what it acknowledges of the other direction, which may be waiting itself, behind a hole.
    ///
    /// Two pieces that wait for each other, as a retransmission with a newer acknowledgment makes them, go in the
    /// order of their packets too.
    fn drain<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) {
        while !self.halves.iter().all(Half::is_trouble_free) {
            let ready = |direction: Direction| {
                let half = self.half(direction);
                // Nothing behind a FIN is ever ready.
                let wanted = half.fin.place().is_none_or(|fin| half.next < fin);
                let front = half.waiting().front().filter(|piece| wanted && piece.from == half.next)?;
                let free = front.ack.is_none_or(|ack| self.half(direction.reversed()).has_reached(ack));
                Some((!free, front.packet, direction))
            };
            let [client, server] = Direction::BOTH.map(ready);
            let choice = match (client, server) {
                (Some(client), Some(server)) => client.min(server),
                (one, other) => match one.or(other) {
                    Some(only) if !only.0 => only,
                    _ => break,
                },
            };
            self.deliver_front(choice.2, env);
        }
        for direction in Direction::BOTH {
            let half = self.half(direction);
            if half.fin.place().is_some_and(|fin| fin <= half.next) {
                self.drop_behind_fin(direction, env);
                self.half_closed(direction, env);
            }
        }
        self.update(env);
    }

    /// A FIN in order ends its direction; what waits behind it is not taken any more.
    fn drop_behind_fin<F: StreamFactory<Stream = S>>(&mut self, direction: Direction, env: &mut Env<'_, F>) {
        while !self.half(direction).waiting().is_empty() {
            let half = self.half_mut(direction);
            let Some(piece) = half.waiting_mut().pop_front() else { return };
            let (packet, len, reason) = (piece.packet, piece.bytes().len() as u64, Refusal::AfterFin);
            half.count_refused(len);
            self.report(Anomaly::Refused { direction, packet, len, reason }, env);
        }
    }

    /// Ends the connection, or waits for its last acknowledgment, once both directions are done.
    pub(crate) fn finish_if_done<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) {
        if self.phase == Phase::Closed {
            return;
        }
        let reached = |half: &Half| {
            half.reset()
                .is_some_and(|(place, _)| place <= half.next || (place == half.next + 1 && half.may_be_fin()))
        };
        if self.halves.iter().any(reached) {
            self.close(Ending::Reset { checked: false }, env);
        } else if self.halves.iter().all(|half| half.done) {
            self.finish(env.now);
            if self.halves.iter().all(|half| half.fin_acked) {
                self.close(Ending::Finished, env);
            }
        }
    }

    fn update<F: StreamFactory<Stream = S>>(&mut self, env: &mut Env<'_, F>) {
        let packets = self.packets;
        for half in &mut self.halves {
            half.update(env.now, packets, env.packet);
        }
    }

    fn wait<F: StreamFactory<Stream = S>>(
        &mut self,
        direction: Direction,
        incoming: Incoming<'_>,
        env: &mut Env<'_, F>,
    ) {
        let mut conflicts = Vec::new();
        let half = self.half_mut(direction);
        let doubled =
            half.waiting_mut().insert(env.limits.overlap, incoming, &mut |conflict| conflicts.push(conflict));
        if doubled != Doubled::default() {
            half.odd().retransmitted += doubled.equal;
            half.odd().discarded.conflict += doubled.conflicting;
        }
        for Conflict { offset, len, kept, dropped } in conflicts {
            self.report(Anomaly::Conflict { direction, offset, len, kept, dropped }, env);
        }
    }

    /// Delivers the piece that comes next, whatever it waits for.
    fn deliver_front<F: StreamFactory<Stream = S>>(&mut self, direction: Direction, env: &mut Env<'_, F>) {
        let half = self.half_mut(direction);
        let Some(piece) = half.waiting_mut().pop_front() else { return };
        let (start, bytes, cut) = (piece.from, piece.bytes(), piece.cut);
        let (packet, timestamp, arrived, ack) = (piece.packet, piece.timestamp, piece.arrived, piece.ack);
        self.deliver(direction, &Incoming { start, bytes, cut, packet, timestamp, arrived, ack }, env);
    }

    /// Hands on bytes that are next, and reports what the snap length cut off behind them.
    fn deliver<F: StreamFactory<Stream = S>>(
        &mut self,
        direction: Direction,
        incoming: &Incoming<'_>,
        env: &mut Env<'_, F>,
    ) {
        let Incoming { start: offset, bytes, cut, packet, timestamp, ack, .. } = *incoming;
        let half = self.half_mut(direction);
        half.next = offset + bytes.len() as u64;
        if !bytes.is_empty() {
            let previous = std::mem::replace(&mut half.last_delivered, packet);
            env.delivered.note(packet, previous, offset, bytes, env.packet);
        }
        let seq = half.numbering.map_or(0, |numbering| numbering.seq(offset));
        let urgent = half.urgent().filter(|urgent| (offset..half.next).contains(urgent));
        let data = Data { direction, offset, timestamp, packet, seq, ack, bytes };
        match urgent {
            None => self.hand_on(data, env),
            Some(urgent) => {
                let (before, behind) = bytes.split_at((urgent - offset) as usize);
                self.hand_on(Data { bytes: before, ..data }, env);
                self.half_mut(direction).odd().discarded.urgent += 1;
                self.report(Anomaly::Urgent { direction, offset: urgent, packet }, env);
                let (offset, seq) = (urgent + 1, seq.wrapping_add(before.len() as u32 + 1));
                self.hand_on(Data { offset, seq, bytes: behind.get(1..).unwrap_or_default(), ..data }, env);
            }
        }
        if cut > 0 {
            let upto = self.half(direction).next + cut;
            self.give_up(direction, upto, GapReason::SnapLength, env);
        }
    }

    fn hand_on<F: StreamFactory<Stream = S>>(&mut self, data: Data<'_>, env: &mut Env<'_, F>) {
        if !data.bytes.is_empty() {
            self.half_mut(data.direction).delivered += data.bytes.len() as u64;
            self.ensure_stream(env).reassembled(data, env.context);
        }
    }

    /// Reports what is missing from `next` up to `upto`.
    fn give_up<F: StreamFactory<Stream = S>>(
        &mut self,
        direction: Direction,
        upto: u64,
        reason: GapReason,
        env: &mut Env<'_, F>,
    ) {
        let half = self.half_mut(direction);
        let (offset, len) = (half.next, upto.saturating_sub(half.next));
        if len == 0 {
            return;
        }
        half.next = upto;
        half.remember_gap(offset, upto, env.packet);
        half.odd().missing += len;
        half.odd().gaps += 1;
        if !self.ignoring {
            let gap = Gap { direction, offset, len, reason, timestamp: env.now, packet: env.packet };
            self.ensure_stream(env).gap(gap, env.context);
        }
    }

    /// Bytes in front of what is next: late when they were reported missing, in conflict where they are known to be
    /// others than those that were delivered, retransmitted otherwise.
    fn count_old<F: StreamFactory<Stream = S>>(
        &mut self,
        segment: &Segment<'_>,
        start: i64,
        len: u64,
        env: &mut Env<'_, F>,
    ) {
        let (direction, packet) = (segment.direction, segment.packet);
        let before_start = len.min(start.saturating_neg().max(0) as u64);
        let from = start.max(0) as u64;
        let end = from + (len - before_start);
        let half = self.half(direction);
        let missing = half.reported_missing(from, end);
        let late = missing.map_or(0, |(_, len)| len);
        let bytes = segment.payload.get(before_start as usize..len as usize).unwrap_or_default();
        // One byte in front of the next is how a connection is kept alive (RFC 9293 §3.8.4), whatever that byte is.
        let probe = segment.payload.len() <= 1 && end == half.next;
        let contradicted = if probe {
            Vec::new()
        } else {
            env.delivered.contradicted(half.last_delivered, from, bytes, env.packet)
        };
        let conflicting: u64 = contradicted.iter().map(|known| known.len).sum();
        let counts = self.half_mut(direction).odd();
        counts.discarded.late += before_start + late;
        counts.discarded.conflict += conflicting;
        counts.retransmitted += len - before_start - late - conflicting;
        for Contradicted { offset, len, packet: kept } in contradicted {
            self.report(Anomaly::Conflict { direction, offset, len, kept, dropped: packet }, env);
        }
        if let Some((offset, len)) = missing {
            self.report(Anomaly::Late { direction, offset, len, packet }, env);
        }
        if before_start > 0 && !probe && self.about.opened == Opened::Midstream {
            // Where the stream really began is not known: these would have been in front of what was taken for it.
            self.report(Anomaly::Late { direction, offset: 0, len: before_start, packet }, env);
        }
    }

    /// Follows a connection that nobody listens to just far enough to notice its end.
    fn count_ignored(&mut self, direction: Direction, len: u64, end: i64, fin: bool) {
        let half = self.half_mut(direction);
        half.count_ignored(len);
        half.next = half.next.max(u64::try_from(end).unwrap_or(0));
        half.acked = half.acked.min(half.next);
        if fin {
            half.fin = Fin::at(half.next);
        }
    }
}
