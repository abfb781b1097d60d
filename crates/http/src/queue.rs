//! The exchanges of a connection that are under way, oldest first, and which of them a response answers.
//!
//! Promises: a response never answers a request that was sent after it; one lost response leaves one request
//! unanswered, the right one, and shifts none; where that cannot be told, the exchanges say so. Nothing here takes
//! more steps than requests leave the queue, but for a binary search.
//!
//! Where requests are lost, nobody sees whether they were pipelined. The first one behind them is answered for certain only
//! where its client had waited for what the server said with all of the lost ones in hand.
//!
//! What it rests on: a client that does not pipeline sends a request when it has received the whole response before.
//! The acknowledgment number in the request's packet is then exactly where its own response will begin. One that sends
//! several at once and waits for all of their responses does so too, for the first of the next ones; unless it was seen
//! to send more while it waited, it is taken for such a one.

use crate::Why;
use crate::side::Lost;
use crate::slot::{Progress, Slot};
use crate::slots::Slots;

/// The most requests that are looked at as one burst. Browsers that pipelined sent a few; each hole costs a look at all.
const BURST: usize = 64;

/// The exchanges under way. Requests are added at the back, responses belong to the front.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Queue {
    pub(crate) slots: Slots,
    /// What the last request acknowledged.
    last_acked: Mark,
    /// Whether the client sent more when it had got some of the responses it waited for, and not all.
    refills: bool,
    /// Whether the client was seen to send a request while it waited for the answer to another.
    pipelines: bool,
    /// Exchanges below this index may be joined from two different ones.
    uncertain: u64,
    /// Requests that were reported because the queue was full, and whose responses are still to come, if there are any.
    skipped: Option<Box<Skipped>>,
    /// Requests that may have been lost. Known until a response shows that the answers to them are past.
    request_loss: Option<Box<RequestLoss>>,
    /// Where the last bytes of the client's stream end that may have been lost requests.
    lost_until: u64,
    /// How far the server had received the client's stream when it said what it said last.
    received: Mark,
}

/// A place in a stream, if it is known: in eight bytes, of which there are two in each connection. No stream is so long that
/// the last of all numbers is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark(u64);

impl Mark {
    const UNKNOWN: Self = Self(u64::MAX);

    const fn new(place: Option<u64>) -> Self {
        match place {
            Some(place) => Self(place),
            None => Self::UNKNOWN,
        }
    }

    const fn place(self) -> Option<u64> {
        if self.0 == Self::UNKNOWN.0 { None } else { Some(self.0) }
    }
}

impl Default for Mark {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

/// Requests that may have been lost, at one place or at several.
#[derive(Debug, Clone, Copy)]
struct RequestLoss {
    why: Why,
    /// The index of the first exchange that began behind the first of them.
    first: u64,
    /// The index of the first exchange that began behind all of them.
    last: u64,
}

/// Requests that the queue had no place for.
#[derive(Debug, Clone, Copy)]
struct Skipped {
    /// How many; at least one.
    count: u64,
    /// The index of the first of them.
    from: u64,
}

/// What a response head is to the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pairing {
    /// How many exchanges, from the front, have lost their response before it.
    pub(crate) lost: usize,
    /// Whether the exchange that is then at the front is the one it answers.
    pub(crate) answers: Result<(), Why>,
}

impl Queue {
    /// Adds a request, which acknowledged the server's stream up to `acked`; `certain` if nothing of it was lost.
    pub(crate) fn add(&mut self, mut slot: Box<Slot>, acked: Option<u64>, certain: bool) {
        slot.acked = acked;
        slot.lost_until = self.lost_until;
        slot.pipelined = match (self.last_acked.place(), acked) {
            (Some(before), Some(now)) => now <= before,
            (_, None) => !self.slots.is_empty(),
            (None, Some(_)) => false,
        };
        self.pipelines |= slot.pipelined;
        // A response that nobody was seen to ask for is not waited for, as far as one can tell.
        let waits = self.slots.back().is_some_and(|slot| slot.exchange.has_request);
        self.refills |= certain && !slot.pipelined && waits;
        if self.slots.front().is_some_and(|front| self.is_uncertain(front)) {
            self.uncertain = slot.exchange.index + 1;
        }
        self.last_acked = Mark::new(acked);
        self.slots.push_back(slot);
    }

    /// Whether the exchange may be joined from two different ones.
    pub(crate) fn is_uncertain(&self, slot: &Slot) -> bool {
        slot.exchange.index < self.uncertain
    }

    /// What was cut may have been an answer or an interim response: where several requests wait, the next response may be
    /// that of either.
    pub(crate) fn doubt(&mut self) {
        if self.slots.len() > 1 {
            self.doubt_all();
        }
    }

    /// Any exchange that waits may be joined from two different ones.
    pub(crate) fn doubt_all(&mut self) {
        self.uncertain = self.slots.back().map_or(0, |slot| slot.exchange.index + 1);
    }

    /// Requests may have been lost in front of the exchange that will have this index.
    pub(crate) fn lose_requests(&mut self, why: Why, index: u64) {
        let first = match &self.request_loss {
            Some(loss) => loss.first,
            None => index,
        };
        self.request_loss = Some(Box::new(RequestLoss { why, first, last: index }));
    }

    /// What was lost of the client's stream ends here.
    pub(crate) fn found_requests(&mut self, position: u64) {
        self.lost_until = self.lost_until.max(position);
    }

    /// The server has said something, when it had received the client's stream up to `received`.
    pub(crate) fn heard(&mut self, received: Option<u64>) {
        self.received = Mark::new(self.received.place().max(received));
    }

    /// Which exchange a response answers that begins at `at`, in front of which bytes may have been `lost`; its server
    /// had received the client's stream up to `received`.
    pub(crate) fn pair(&mut self, at: u64, received: Option<u64>, lost: Option<&Lost>) -> Pairing {
        let pairing = self.choose(at, received, lost);
        if pairing.answers.is_ok()
            && let (Some(loss), Some(slot)) =
                (self.request_loss.as_deref().copied(), self.slots.get(pairing.lost))
            && slot.exchange.index >= loss.first
        {
            let behind = slot.exchange.index + 1;
            if self.answers_to_lost_are_past(slot, at, lost) {
                let left = RequestLoss { first: behind, ..loss };
                self.request_loss = (loss.last >= behind).then(|| Box::new(left));
            } else {
                self.doubt_all();
            }
        }
        self.heard(received);
        pairing
    }

    /// Whether the response that begins at `at` is to this request and not to one that was lost in front of it: the
    /// client had waited for what the server said with all of those in hand, or for a whole lost response at least.
    fn answers_to_lost_are_past(&self, slot: &Slot, at: u64, lost: Option<&Lost>) -> bool {
        slot.acked == Some(at)
            && !slot.pipelined
            && !self.refills
            && (self.received.place().is_some_and(|received| received >= slot.lost_until)
                || !self.pipelines && lost.is_some_and(|lost| lost.clean))
    }

    fn choose(&mut self, at: u64, received: Option<u64>, lost: Option<&Lost>) -> Pairing {
        let front = |lost| Pairing { lost, answers: Ok(()) };
        let unasked = |lost, why| Pairing { lost, answers: Err(why) };
        let nobody = match (self.request_loss.as_deref(), lost) {
            (Some(loss), _) => loss.why,
            (None, Some(lost)) => lost.why,
            (None, None) => Why::Unasked,
        };
        let Some(first) = self.slots.front() else {
            return self.pair_with_skipped().unwrap_or(unasked(0, nobody));
        };
        if first.response == Progress::Done {
            return unasked(0, nobody); // It came early, and its request is still being sent.
        }
        if self.skipped.as_ref().is_some_and(|skipped| first.exchange.index > skipped.from) {
            return self.pair_with_skipped().unwrap_or(unasked(0, nobody));
        }
        if first.acked.is_some_and(|acked| acked > at) {
            return unasked(0, nobody);
        }
        if lost.is_none() && !self.is_uncertain(first) {
            return front(0);
        }
        let exact = self.slots.partition_point(|slot| slot.acked.is_none_or(|acked| acked < at));
        let exact = self.slots.get(exact).filter(|slot| slot.acked == Some(at)).map(|slot| (exact, slot));
        if lost.is_none() {
            return match exact {
                // Responses that may have been lost before are now known to be.
                Some((exact, slot)) if !slot.pipelined => front(exact),
                _ => front(0),
            };
        }
        let sent = self.slots.partition_point(|slot| {
            slot.acked.is_none_or(|acked| acked <= at)
                && received.is_none_or(|received| received > slot.offset)
        });
        let pipelined = |count: usize| self.slots.iter().take(count).any(|slot| slot.pipelined);
        match exact {
            // Nobody else can have been asked.
            _ if sent == 1 && self.request_loss.is_none() => front(0),
            Some((exact, _)) if !pipelined(exact + 1) => front(exact),
            Some((exact, slot)) if exact < sent && !slot.pipelined && !self.refills => front(exact),
            _ if pipelined(sent) => {
                self.doubt_all();
                // What was lost began with a response, most likely the whole of it, and this is the next.
                front(usize::from(sent > 1 && lost.is_some_and(|lost| lost.clean)))
            }
            // No request was sent exactly here. If none was lost it is the last one's, behind an interim response.
            _ => match self.request_loss.as_deref() {
                None => front(sent.saturating_sub(1)),
                Some(loss) => unasked(sent, loss.why),
            },
        }
    }

    /// Whether all that wait were asked at once, are whole, and have no answer yet; and nothing is known to be lost of what was
    /// asked. Never so of many.
    pub(crate) fn is_burst(&self) -> bool {
        let waits = |slot: &Slot| {
            slot.exchange.has_request && slot.request == Progress::Done && slot.response == Progress::Nothing
        };
        self.slots.len() <= BURST
            && self.request_loss.is_none()
            && !self.has_skipped()
            && self.slots.iter().all(waits)
            && self.slots.iter().skip(1).all(|slot| slot.pipelined)
    }

    /// There is no place for the request with this index.
    pub(crate) fn skip(&mut self, index: u64) {
        match &mut self.skipped {
            Some(skipped) => skipped.count += 1,
            None => self.skipped = Some(Box::new(Skipped { count: 1, from: index })),
        }
    }

    /// Whether there are responses to come for which there was no place.
    pub(crate) const fn has_skipped(&self) -> bool {
        self.skipped.is_some()
    }

    fn pair_with_skipped(&mut self) -> Option<Pairing> {
        let skipped = self.skipped.as_mut()?;
        skipped.count -= 1;
        if skipped.count == 0 {
            self.skipped = None;
        }
        Some(Pairing { lost: 0, answers: Err(Why::Limit) })
    }

    /// Whether the oldest exchange is known to have lost its response, now that the server's stream was lost up to
    /// `position`: the next request was sent by a client that had received it.
    pub(crate) fn front_is_lost(&self, position: u64) -> bool {
        let (Some(first), Some(second)) = (self.slots.front(), self.slots.get(1)) else {
            return false;
        };
        first.response == Progress::Nothing
            && !first.pipelined
            && !second.pipelined
            && !self.is_uncertain(first)
            && second.acked.is_some_and(|acked| acked <= position)
    }
}
