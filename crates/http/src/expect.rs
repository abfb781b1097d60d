//! `Expect: 100-continue` (RFC 9110 §10.1.1): a client that waits for leave to send its body, and may not get it.
//!
//! Promises: a request whose body was refused in time, and never sent, is whole. What its client says next, once it
//! has the refusal, is the next request if it can be; else it is the body, which a client may send all the same.

use egret_reassembly::Direction;

use crate::connection::Connection;
use crate::side::State;
use crate::slot::{Progress, Slot};
use crate::sniff::{begins, may_be_known_method};

impl Connection {
    /// Whether the request under way waits for leave to send its body, and has got its final response instead.
    pub(crate) fn is_refused(&self) -> bool {
        let untouched = match &self.client.state {
            State::Length(_) => true,
            State::Chunked(chunks) => chunks.is_untouched(),
            _ => false,
        };
        untouched
            && self.queue.slots.back().is_some_and(|slot| slot.response != Progress::Nothing && slot.waits())
    }

    /// Whether the client, which has received the server's stream up to `acked`, says with these bytes that it goes on
    /// without the body that was refused.
    pub(crate) fn goes_on(&self, direction: Direction, bytes: &[u8], acked: Option<u64>) -> bool {
        direction == Direction::ClientToServer
            && self.is_refused()
            && self.queue.slots.back().is_some_and(|slot| slot.answered < acked || acked.is_none())
            && (begins(bytes).is_some() || may_be_known_method(bytes))
    }
}

impl Slot {
    /// Whether no byte of the request's body was there, and it was said that it would wait.
    pub(crate) fn waits(&self) -> bool {
        let request = &self.exchange.request.0;
        let leave = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(b"100-continue");
        request.body.size == 0 && request.headers.get("expect").is_some_and(leave)
    }
}
