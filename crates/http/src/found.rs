//! Lost, and found again: what is done where a direction cannot be read on, and at the first bytes behind. Where the next
//! message begins in mid-segment, see `behind.rs`.

use egret_reassembly::{Direction, Opened};

use crate::connection::Connection;
use crate::side::{Lost, State};
use crate::sniff::{Sniff, Speaks, begins, sniff};
use crate::{Context, Handler, NotHttp, Why};

impl Connection {
    /// Looks whether a lost direction is found again at the beginning of a segment, and who says what a client says
    /// if that was a guess. The direction, in the roles that hold then.
    pub(crate) fn find<H: Handler>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        context: &mut Context<H>,
    ) -> Direction {
        let something = self.speaks == Speaks::Something;
        let guessed = self.opened == Opened::Midstream;
        let wanted = match direction {
            Direction::ClientToServer => Sniff::Request,
            Direction::ServerToClient => Sniff::Response,
        };
        // Empty lines in front of a message are no part of it (RFC 9112 §2.2).
        let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let bytes = bytes.get(blank..).filter(|bytes| !bytes.is_empty()).unwrap_or(bytes);
        let side = self.side(direction);
        match &side.state {
            // The server's first words decide.
            State::Lost(lost) if something && lost.why == Why::Malformed => return direction,
            State::Lost(_) => {}
            // What is being gathered may be nothing, and the real beginning may be here. A segment may also begin with the
            // version of a request line: that is no beginning.
            State::Head(gather)
                if !gather.certain
                    && side.resync.is_some()
                    && begins(bytes).is_some()
                    && (guessed || sniff(bytes) == wanted) =>
            {
                context.release(&gather.bytes);
                side.state = State::Start;
            }
            _ => return direction,
        }
        let found = match sniff(bytes) {
            Sniff::Not(kind) => {
                match kind {
                    NotHttp::Other => {}
                    _ if self.speaks != Speaks::Something => {}
                    NotHttp::Tls => self.begin_hello(direction, 0, context),
                    kind => self.is_not_http(kind, context),
                }
                return direction;
            }
            Sniff::Partial => true,
            found if found == wanted => found == Sniff::Response || begins(bytes).is_some(),
            _ if self.opened == Opened::Midstream && self.speaks == Speaks::Something => {
                if begins(bytes).is_none_or(|certain| !certain) {
                    return direction;
                }
                self.turned = !self.turned;
                self.flow = self.flow.reversed();
                std::mem::swap(&mut self.client, &mut self.server);
                return self.find(direction.reversed(), bytes, context);
            }
            _ => false,
        };
        let side = self.side(direction);
        if found && let State::Lost(lost) = std::mem::take(&mut side.state) {
            side.resync = Some(lost);
            let position = side.position;
            match direction {
                Direction::ClientToServer => self.queue.found_requests(position),
                Direction::ServerToClient => self.forget_behind(context),
            }
        }
        direction
    }

    /// Whether a response to a request that was never seen had no body, whatever its head says: where the body would
    /// begin, a segment begins with the next status line. What was lost asked with HEAD (RFC 9110 §9.3.2).
    pub(crate) fn has_no_body(&mut self, direction: Direction, bytes: &[u8]) -> bool {
        direction == Direction::ServerToClient
            && self.server.state.is_body()
            && self.queue.slots.front().is_some_and(|slot| {
                // In this order: the size is needed with each piece of a body.
                slot.exchange.response.0.body.size == 0 && !slot.exchange.has_request
            })
            && match &self.server.state {
                State::Chunked(chunks) => chunks.is_untouched(),
                _ => true,
            }
            && sniff(bytes) == Sniff::Response
    }

    /// From here on the direction is lost.
    pub(crate) fn lose(&mut self, direction: Direction, lost: Lost) {
        if direction == Direction::ClientToServer {
            self.queue.lose_requests(lost.why, self.next_index);
        }
        let side = self.side(direction);
        side.blank = false;
        side.state = State::Lost(match side.resync.take() {
            // It was not found again after all.
            Some(mut before) => {
                before.until = lost.until.max(before.until);
                before.bytes = before.bytes.saturating_add(lost.bytes);
                before.clean = false;
                before
            }
            None => Box::new(lost),
        });
    }
}
