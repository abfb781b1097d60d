//! The PROXY protocol, which load balancers put in front of what a client says: skipped, so that HTTP begins behind it.
//!
//! Source: <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>, versions 1 and 2. Nothing is copied: what may
//! become its beginning and does not is known by what it was compared with.

use egret_reassembly::Direction;

use crate::connection::Connection;
use crate::side::{self, At};
use crate::{Context, Handler};

/// How version 1 begins: one line of at most 107 bytes.
const TEXT: &[u8] = b"PROXY ";
const LINE: u16 = 107;

/// How version 2 begins; four more bytes end with the length of what follows.
const BINARY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Where in it the client's first bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// So many bytes of one of the beginnings were there.
    Known(&'static [u8], usize),
    /// In a line that may have so many more bytes.
    Line(u16),
    /// Behind the beginning of version 2, and so many bytes, the last two of which are a length.
    Length(u8, u16),
    /// So many bytes are still to be skipped.
    Skip(u16),
}

/// The first bytes of a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prefix {
    state: State,
    /// Where its first byte came.
    first: Option<At>,
}

/// What the next bytes are.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// All of them belong to it, as far as one can tell.
    Taken,
    /// It ends with so many of them.
    Over(usize),
    /// There is none. These bytes were taken for one, from here on; so many are of the current piece.
    None(&'static [u8], At, usize),
}

impl Connection {
    /// Takes the first bytes of a client; how many of them are in front of its first message.
    pub(crate) fn prefix<H: Handler>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        at: At,
        context: &mut Context<H>,
    ) -> usize {
        let held = match std::mem::take(&mut self.side(direction).state) {
            side::State::Prefix(held) => held,
            _ => None,
        };
        let mut prefix = held.map_or(Prefix::new(), |held| *held);
        match prefix.step(bytes, at) {
            Step::Taken => {
                self.side(direction).state = side::State::Prefix(Some(Box::new(prefix)));
                bytes.len()
            }
            Step::Over(taken) => {
                context.stats.proxied += 1;
                taken
            }
            Step::None(before, first, taken) => {
                self.said(direction, before, first, context);
                taken
            }
        }
    }
}

impl Prefix {
    const fn new() -> Self {
        Self { state: State::Known(TEXT, 0), first: None }
    }

    /// Takes the next bytes.
    fn step(&mut self, bytes: &[u8], at: At) -> Step {
        let first = *self.first.get_or_insert(at);
        for (place, byte) in bytes.iter().enumerate() {
            self.state = match self.state {
                State::Known(TEXT, 0) if BINARY.first() == Some(byte) => State::Known(BINARY, 1),
                State::Known(known, count) if known.get(count) == Some(byte) => match known {
                    TEXT if count + 1 == TEXT.len() => State::Line(LINE - TEXT.len() as u16),
                    BINARY if count + 1 == BINARY.len() => State::Length(0, 0),
                    _ => State::Known(known, count + 1),
                },
                State::Known(known, count) => {
                    return Step::None(known.get(..count).unwrap_or_default(), first, place);
                }
                // Longer than it may be: what follows is looked at as what it is.
                State::Line(left) if *byte == b'\n' || left == 0 => return Step::Over(place + 1),
                State::Line(left) => State::Line(left - 1),
                State::Length(count @ ..3, length) => {
                    State::Length(count + 1, length << 8 | u16::from(*byte))
                }
                State::Length(_, length) => match length << 8 | u16::from(*byte) {
                    0 => return Step::Over(place + 1),
                    left => State::Skip(left),
                },
                State::Skip(left @ ..2) => return Step::Over(place + usize::from(left)),
                State::Skip(left) => State::Skip(left - 1),
            };
        }
        Step::Taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egret_reassembly::Timestamp;

    /// How many bytes belong to it, or what was taken for it and how many bytes that were; read in pieces.
    fn read(bytes: &[u8], step: usize) -> Option<Result<usize, &'static [u8]>> {
        let mut prefix = Prefix::new();
        let mut position = 0;
        for piece in bytes.chunks(step) {
            let at = At {
                packet: position as u64,
                timestamp: Timestamp::EPOCH,
                offset: position as u64,
                ack: None,
            };
            match prefix.step(piece, at) {
                Step::Taken => {}
                Step::Over(taken) => return Some(Ok(position + taken)),
                Step::None(before, first, taken) => {
                    assert_eq!((before.len(), first.packet), (position + taken, 0));
                    return Some(Err(before));
                }
            }
            position += piece.len();
        }
        None
    }

    #[test]
    fn both_versions_are_skipped_and_nothing_else() {
        let long = format!("PROXY {}\r\n", "x".repeat(99));
        let binary = |length: u8, rest: &[u8]| [BINARY, &[0x21, 0x11, 0, length], rest].concat();
        let big = [BINARY, &[0x21, 0x11, 1, 2], &[7; 258]].concat();
        for (bytes, expected) in [
            (&b"PROXY TCP4 10.0.0.1 10.0.0.2 5 80\r\nGET /"[..], Some(Ok(35))),
            (b"PROXY UNKNOWN\r\n", Some(Ok(15))),
            (long.as_bytes(), Some(Ok(107))),
            (&binary(0, b"GET /"), Some(Ok(16))),
            (&binary(12, b"0123456789abGET /"), Some(Ok(28))),
            (&big, Some(Ok(274))),
            (b"GET /", Some(Err(&b""[..]))),
            (b"POST /", Some(Err(b"P"))),
            (b"PROXYING / HTTP/1.1", Some(Err(b"PROXY"))),
            (b"\r\nGET /", Some(Err(b"\r\n"))),
            (b"\r\n\r\n\0\r\nQUIET", Some(Err(b"\r\n\r\n\0\r\nQUI"))),
            (b"PRO", None),
            (&binary(3, b"ab"), None),
        ] {
            for step in 1..=bytes.len() {
                assert_eq!(read(bytes, step), expected, "{} in pieces of {step}", bytes.escape_ascii());
            }
        }
        // No line that is a PROXY header is longer.
        let endless = format!("PROXY {}", "x".repeat(300));
        assert_eq!(read(endless.as_bytes(), 1), Some(Ok(108)));
    }
}
