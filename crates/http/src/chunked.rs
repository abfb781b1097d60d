//! The chunked transfer coding (RFC 9112 §7.1), one step at a time, from wherever the last piece ended.
//!
//! Promises: every step takes at least one byte; nothing is held but counters, so a chunk size of 2^63 costs nothing.
//! Tolerates and says: lines that end with a line feed alone. Refuses: a size without a digit or beyond 2^63, and
//! anything but a line end behind the data of a chunk.

use crate::MessageAnomaly;
use crate::scan::Scan;

/// How long a chunk extension may be before it is called long.
const EXTENSION: u32 = 4 << 10;

/// How many digits a chunk size may have: 16 tell any size, the rest can only be zeros.
const DIGITS: u8 = 32;

/// Where in a chunked body the last piece ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunks {
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// In the digits of a size.
    Size { digits: u8, size: u64 },
    /// Behind the digits, up to the end of the line.
    Extension { size: u64, length: u32, cr: bool },
    /// In the data of a chunk.
    Data { left: u64 },
    /// Behind the data: the line end, of which the carriage return may have been there.
    DataEnd { cr: bool },
    /// Behind the last chunk: trailers, up to an empty line.
    Trailers(Scan),
}

/// What the next bytes of a chunked body are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chunk {
    /// That many bytes of framing.
    Framing(usize),
    /// That many bytes of data.
    Data(usize),
    /// That many bytes of trailers, the empty line behind them included where it is `last`.
    Trailers {
        /// How many.
        bytes: usize,
        /// Whether the body ends with them.
        last: bool,
    },
    /// It is not a chunked body from here on.
    Bad,
}

impl Chunks {
    pub(crate) const fn new() -> Self {
        Self { state: State::Size { digits: 0, size: 0 } }
    }

    /// How many bytes of data are left of the current chunk, in its data.
    pub(crate) const fn data_left(&self) -> Option<u64> {
        match self.state {
            State::Data { left } => Some(left),
            _ => None,
        }
    }

    /// Whether no byte of it was there.
    pub(crate) const fn is_untouched(&self) -> bool {
        matches!(self.state, State::Size { digits: 0, .. })
    }

    /// Counts on over data of the current chunk; at most [`data_left`](Self::data_left).
    pub(crate) const fn skip(&mut self, bytes: u64) {
        if let State::Data { left } = &mut self.state {
            *left = left.saturating_sub(bytes);
            if *left == 0 {
                self.state = State::DataEnd { cr: false };
            }
        }
    }

    /// Takes a step into `bytes`, of which there is at least one.
    pub(crate) fn step(&mut self, bytes: &[u8], mut odd: impl FnMut(MessageAnomaly)) -> Chunk {
        match &mut self.state {
            State::Data { left } => {
                let taken = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                self.skip(taken as u64);
                Chunk::Data(taken)
            }
            State::Trailers(scan) => match scan.find(bytes) {
                Some(end) => Chunk::Trailers { bytes: end, last: true },
                None => Chunk::Trailers { bytes: bytes.len(), last: false },
            },
            State::Size { .. } | State::Extension { .. } | State::DataEnd { .. } => {
                self.line(bytes, &mut odd)
            }
        }
    }

    /// Takes bytes of framing, until data or trailers begin.
    fn line(&mut self, bytes: &[u8], odd: &mut impl FnMut(MessageAnomaly)) -> Chunk {
        for (position, byte) in bytes.iter().enumerate() {
            let (next, anomaly) = match (self.state, *byte) {
                (State::Size { digits, size }, digit) if digit.is_ascii_hexdigit() => {
                    let value = u64::from(char::from(digit).to_digit(16).unwrap_or(0));
                    match size.checked_mul(16).map(|size| size + value) {
                        Some(size) if size <= 1 << 63 && digits < DIGITS => {
                            (State::Size { digits: digits + 1, size }, None)
                        }
                        _ => return bad(odd),
                    }
                }
                (State::Size { digits: 0, .. }, _) => return bad(odd),
                (State::Size { size, .. }, b'\n') => (behind_size(size), Some(MessageAnomaly::ChunkBareLf)),
                (State::Size { size, .. }, end @ (b'\r' | b';' | b' ' | b'\t')) => {
                    (State::Extension { size, length: 0, cr: end == b'\r' }, None)
                }
                (State::Size { .. }, _) => return bad(odd),
                (State::Extension { size, cr, .. }, b'\n') => {
                    (behind_size(size), (!cr).then_some(MessageAnomaly::ChunkBareLf))
                }
                // A carriage return must end the line; inside it, readers disagree about where the line ends.
                (State::Extension { cr: true, .. }, _) => return bad(odd),
                (State::Extension { size, length, .. }, byte) => {
                    let next = State::Extension { size, length: length.saturating_add(1), cr: byte == b'\r' };
                    (next, (length == EXTENSION).then_some(MessageAnomaly::LongChunkExtension))
                }
                (State::DataEnd { cr: false }, b'\r') => (State::DataEnd { cr: true }, None),
                (State::DataEnd { cr }, b'\n') => {
                    (State::Size { digits: 0, size: 0 }, (!cr).then_some(MessageAnomaly::ChunkBareLf))
                }
                (State::DataEnd { .. }, _) => return bad(odd),
                (State::Data { .. } | State::Trailers(_), _) => return Chunk::Framing(position),
            };
            self.state = next;
            if let Some(anomaly) = anomaly {
                odd(anomaly);
            }
        }
        Chunk::Framing(bytes.len())
    }
}

const fn behind_size(size: u64) -> State {
    if size == 0 { State::Trailers(Scan::new()) } else { State::Data { left: size } }
}

fn bad(odd: &mut impl FnMut(MessageAnomaly)) -> Chunk {
    odd(MessageAnomaly::BadChunk);
    Chunk::Bad
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MessageAnomalies;

    /// Data, trailers, how it ended (`Some(rest)` or not), and what was odd, read in pieces of at most `step` bytes.
    fn read(bytes: &[u8], step: usize) -> (Vec<u8>, Vec<u8>, Option<usize>, MessageAnomalies) {
        let (mut chunks, mut data, mut trailers) = (Chunks::new(), Vec::new(), Vec::new());
        let (mut odd, mut position) = (MessageAnomalies::default(), 0);
        while position < bytes.len() {
            let piece = &bytes[position..bytes.len().min(position + step)];
            let taken = match chunks.step(piece, |anomaly| odd.insert(anomaly)) {
                Chunk::Framing(taken) => taken,
                Chunk::Data(taken) => {
                    data.extend_from_slice(&piece[..taken]);
                    taken
                }
                Chunk::Trailers { bytes: taken, last } => {
                    trailers.extend_from_slice(&piece[..taken]);
                    if last {
                        return (data, trailers, Some(bytes.len() - position - taken), odd);
                    }
                    taken
                }
                Chunk::Bad => break,
            };
            assert!(taken > 0, "every step takes a byte");
            position += taken;
        }
        (data, trailers, None, odd)
    }

    fn both_ways(bytes: &[u8]) -> (Vec<u8>, Vec<u8>, Option<usize>, MessageAnomalies) {
        let whole = read(bytes, usize::MAX >> 1);
        for step in 1..bytes.len() {
            assert_eq!(read(bytes, step), whole, "in pieces of {step}");
        }
        whole
    }

    fn odd(bytes: &[u8]) -> Vec<&'static str> {
        both_ways(bytes).3.iter().map(MessageAnomaly::name).collect()
    }

    #[test]
    fn chunks_extensions_and_trailers() {
        let body = b"5\r\nhello\r\n6 ;a=\"b\"\r\n world\r\n000\r\nX: y\r\n\r\nNEXT";
        let (data, trailers, rest, odd) = both_ways(body);
        assert_eq!(data, b"hello world");
        assert_eq!(trailers, b"X: y\r\n\r\n");
        assert_eq!(rest, Some(4));
        assert!(odd.is_empty());
        assert_eq!(both_ways(b"0\r\n\r\n").2, Some(0));
        assert_eq!(both_ways(b"A\r\n0123456789\r\n0\r\n\r\n").0, b"0123456789");
    }

    #[test]
    fn bare_line_feeds_are_tolerated_and_said() {
        let (data, _, rest, _) = both_ways(b"3\nabc\n0\n\n");
        assert_eq!((data.as_slice(), rest), (&b"abc"[..], Some(0)));
        assert_eq!(odd(b"3\nabc\r\n0\r\n\r\n"), ["chunk-bare-lf"]);
        assert_eq!(odd(b"3\r\nabc\n0\r\n\r\n"), ["chunk-bare-lf"]);
        assert_eq!(odd(b"3;x\nabc\r\n0\r\n\r\n"), ["chunk-bare-lf"]);
    }

    #[test]
    fn what_is_not_a_chunk_is_refused() {
        for body in [
            &b"\r\n\r\n"[..],
            b"x\r\n",
            b"-1\r\nabc",
            b"0x3\r\nabc",
            b" 3\r\nabc",
            b"3\rx\nabc",
            b"3\r\nabcd\r\n",
            b"3\r\nabc\r\r\n",
            b"8000000000000001\r\n",
            b"10000000000000000\r\n",
            b"000000000000000000000000000000001\r\n",
        ] {
            assert_eq!(odd(body), ["bad-chunk"], "{}", body.escape_ascii());
        }
    }

    #[test]
    fn a_size_may_be_two_to_the_63() {
        let mut chunks = Chunks::new();
        assert_eq!(chunks.step(b"8000000000000000\r\nx", |_| ()), Chunk::Framing(18));
        assert_eq!(chunks.data_left(), Some(1 << 63));
        chunks.skip((1 << 63) - 1);
        assert_eq!(chunks.step(b"x\r\n", |_| ()), Chunk::Data(1));
        assert_eq!(chunks.data_left(), None);
    }

    #[test]
    fn a_long_extension_is_said_once() {
        let mut body = b"3;".to_vec();
        body.resize(10_000, b'a');
        body.extend_from_slice(b"\r\nabc\r\n0\r\n\r\n");
        let (data, _, rest, odd) = read(&body, 1 << 20);
        assert_eq!((data.as_slice(), rest), (&b"abc"[..], Some(0)));
        assert!(odd.contains(MessageAnomaly::LongChunkExtension));
    }
}
