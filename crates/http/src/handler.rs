//! What the user of exchanges implements.

use egret_reassembly::Direction;

use crate::Exchange;

/// Takes what HTTP connections said. A closure `FnMut(&Exchange)` is one that takes whole exchanges.
///
/// The order of calls for one exchange: [`request`](Self::request), pieces of its body,
/// [`response`](Self::response), pieces of its body, [`exchange`](Self::exchange); what was not seen is left out, and
/// a response may begin before its request has ended. Calls for different connections alternate; the pair of
/// [`Exchange::connection`] and [`Exchange::index`] tells exchanges apart.
pub trait Handler {
    /// The head of a request is there.
    fn request(&mut self, _exchange: &Exchange) {}

    /// The head of a response is there: of each interim one (the last of [`Exchange::informational`] then) and of the
    /// final one ([`Exchange::response`] is `Some` then).
    fn response(&mut self, _exchange: &Exchange) {}

    /// The next bytes of a body.
    fn body(&mut self, _piece: BodyPiece<'_>) {}

    /// An exchange is over. Called once for each.
    fn exchange(&mut self, exchange: &Exchange);
}

impl<F: FnMut(&Exchange)> Handler for F {
    fn exchange(&mut self, exchange: &Exchange) {
        self(exchange);
    }
}

/// The next bytes of a body, in place.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct BodyPiece<'a> {
    /// The exchange it is part of, as far as it is known.
    pub exchange: &'a Exchange,
    /// Whose body: the request's ([`Direction::ClientToServer`]) or the response's.
    pub direction: Direction,
    /// Whether a content coding was undone. Pieces as sent come in any case, decoded ones as
    /// [`Limits::decode`](crate::Limits::decode) says.
    pub decoded: bool,
    /// Where it is in the body as sent, or in the decoded body. Where this jumps, bytes are missing.
    pub offset: u64,
    /// The bytes.
    pub bytes: &'a [u8],
}
