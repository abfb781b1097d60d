//! A handler that checks the order of its calls, and keeps all that it was given.

use std::collections::BTreeMap;

use egret_http::{BodyPiece, Direction, Exchange, Handler};

/// Whose body: the exchange's index, whether the response's, whether decoded.
pub type Key = (u64, bool, bool);

/// Pieces of one body that follow each other without a hole, and where the first begins.
pub type Run = (u64, Vec<u8>);

/// Checks the order of calls that [`Handler`] promises, and that the pieces of a body are what the exchange says.
#[derive(Debug, Default)]
pub struct Checker {
    /// Exchanges that are over, in the order in which that was told.
    pub over: Vec<Exchange>,
    /// The pieces of every body.
    pub bodies: BTreeMap<Key, Vec<Run>>,
    /// Heads that were told, by index and side.
    heads: BTreeMap<(u64, bool), ()>,
}

impl Checker {
    fn is_over(&self, index: u64) -> bool {
        self.over.iter().any(|exchange| exchange.index() == index)
    }

    fn head(&mut self, exchange: &Exchange, server: bool) {
        assert!(!self.is_over(exchange.index()), "a head of an exchange that is over");
        assert!(self.heads.insert((exchange.index(), server), ()).is_none(), "a head told twice");
    }
}

impl Handler for Checker {
    fn request(&mut self, exchange: &Exchange) {
        assert!(exchange.request().is_some(), "a request head, but no request");
        self.head(exchange, false);
    }

    fn response(&mut self, exchange: &Exchange) {
        if exchange.response().is_some() {
            self.head(exchange, true);
        } else {
            assert!(!exchange.informational().is_empty(), "a response head, but no response");
        }
    }

    fn body(&mut self, piece: BodyPiece<'_>) {
        let index = piece.exchange.index();
        let server = piece.direction == Direction::ServerToClient;
        assert!(!self.is_over(index), "a piece of an exchange that is over");
        assert!(!piece.bytes.is_empty(), "a piece of nothing");
        let runs = self.bodies.entry((index, server, piece.decoded)).or_default();
        match runs.last_mut() {
            Some((start, bytes)) if *start + bytes.len() as u64 == piece.offset => bytes.extend(piece.bytes),
            last => {
                let end = last.map_or(0, |(start, bytes)| *start + bytes.len() as u64);
                assert!(piece.offset >= end, "pieces go forward");
                assert!(!piece.decoded || piece.offset == 0, "decoded pieces have no holes");
                runs.push((piece.offset, piece.bytes.to_vec()));
            }
        }
    }

    fn exchange(&mut self, exchange: &Exchange) {
        assert!(!self.is_over(exchange.index()), "an exchange told twice");
        let seen = exchange.request().is_some() || exchange.response().is_some();
        assert!(seen || !exchange.informational().is_empty(), "an exchange of nothing");
        let sides =
            [exchange.request().map(|message| &**message), exchange.response().map(|message| &**message)];
        for (server, message) in [false, true].into_iter().zip(sides) {
            let Some(body) = message.map(|message| message.body()) else { continue };
            let runs = |decoded| self.bodies.get(&(exchange.index(), server, decoded));
            let given = |decoded| {
                runs(decoded).into_iter().flatten().map(|(_, bytes)| bytes.len() as u64).sum::<u64>()
            };
            assert_eq!(
                given(false).saturating_add(body.missing()),
                body.size(),
                "a body is its pieces and its holes"
            );
            let first =
                |decoded| runs(decoded).and_then(|runs| runs.first()).filter(|(start, _)| *start == 0);
            let beginning = |decoded| first(decoded).map_or(&[][..], |(_, bytes)| bytes);
            assert!(beginning(false).starts_with(body.raw()), "what is kept is the beginning");
            assert!(beginning(true).starts_with(body.decoded()), "what is kept is the decoded beginning");
            if let Some(size) = body.decoded_size() {
                assert_eq!(given(true), size, "the decoded size is that of the pieces");
            }
        }
        // Its text never panics, and never steers a terminal.
        assert!(!exchange.to_string().contains(char::is_control), "a control character in the text");
        self.over.push(exchange.clone());
    }
}
