//! Content codings (RFC 9110 §8.4.1) undone as the bytes come.
//!
//! Promises: what a body becomes is bounded, absolutely and in proportion to what was sent, whether it is kept or
//! not; a decoder takes the same memory for every body. Refuses, for now: `br`, `zstd`, and more than one coding.

use std::fmt;

use flate2::{Decompress, FlushDecompress, Status};

use crate::{Limits, Undecoded};

/// What a decoder is charged: the window of 32 KiB and its tables.
pub(crate) const DECODER: usize = 48 << 10;

/// A body may always become this long, whatever the ratio.
const ALWAYS: u64 = 1 << 20;

/// A coding that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    /// RFC 1952; `x-gzip` is the same.
    Gzip,
    /// RFC 1950, or without its header RFC 1951, as some servers have always understood "deflate".
    Deflate,
}

/// Undoes the coding of one body.
pub(crate) struct Decoder {
    coding: Coding,
    inflate: Option<Decompress>,
    /// The first byte of `deflate`, until the second tells which of the two it is.
    first: Option<u8>,
    taken: u64,
    made: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between the beginning and the end of the coded data.
    Within,
    /// At the end of it; of gzip another member may follow.
    End,
    /// Behind the end.
    Trailing,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decoder({:?}, {} to {}, {:?})", self.coding, self.taken, self.made, self.state)
    }
}

impl Decoder {
    /// A decoder for codings in the order they were applied; `Ok(None)` if there is nothing to undo.
    pub(crate) fn new<T: AsRef<str>>(encodings: impl Iterator<Item = T>) -> Result<Option<Self>, Undecoded> {
        let mut found = None;
        for name in encodings {
            let name = name.as_ref();
            let coding = if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
                Coding::Gzip
            } else if name.eq_ignore_ascii_case("deflate") {
                Coding::Deflate
            } else if name.eq_ignore_ascii_case("identity") {
                continue;
            } else {
                return Err(Undecoded::UnknownCoding);
            };
            if found.replace(coding).is_some() {
                return Err(Undecoded::StackedCodings);
            }
        }
        Ok(found.map(|coding| Self {
            coding,
            inflate: None,
            first: None,
            taken: 0,
            made: 0,
            state: State::Within,
        }))
    }

    /// Whether there were bytes behind the end of the coded data.
    pub(crate) fn has_trailing(&self) -> bool {
        self.state == State::Trailing
    }

    /// How long the body has become so far.
    pub(crate) const fn made(&self) -> u64 {
        self.made
    }

    /// Takes the next bytes and gives what they become to `sink`, by way of `scratch`.
    pub(crate) fn push(
        &mut self,
        bytes: &[u8],
        scratch: &mut [u8],
        limits: &Limits,
        mut sink: impl FnMut(&[u8]),
    ) -> Result<(), Undecoded> {
        let held = self.first.take();
        if self.coding == Coding::Deflate && self.inflate.is_none() {
            let mut start = held.iter().chain(bytes);
            let (Some(first), second) = (start.next(), start.next()) else {
                return Ok(());
            };
            let Some(second) = second else {
                self.first = Some(*first);
                return Ok(());
            };
            // RFC 1950 §2.2: method 8, and the two bytes are a multiple of 31.
            let zlib = first & 0x0f == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0;
            self.inflate = Some(Decompress::new(zlib));
        }
        if let Some(first) = held {
            self.inflate(&[first], scratch, limits, &mut sink)?;
        }
        self.inflate(bytes, scratch, limits, &mut sink)
    }

    fn inflate(
        &mut self,
        mut bytes: &[u8],
        scratch: &mut [u8],
        limits: &Limits,
        sink: &mut impl FnMut(&[u8]),
    ) -> Result<(), Undecoded> {
        while !bytes.is_empty() || self.state == State::Within {
            match (self.state, self.coding, bytes.first()) {
                (State::Within, ..) => {}
                // RFC 1952 §2.2: members follow one another.
                (State::End, Coding::Gzip, Some(0x1f)) => (self.inflate, self.state) = (None, State::Within),
                _ => {
                    self.state = State::Trailing;
                    return Ok(());
                }
            }
            let inflate = self.inflate.get_or_insert_with(|| Decompress::new_gzip(15));
            let (taken, made) = (inflate.total_in(), inflate.total_out());
            let status =
                inflate.decompress(bytes, scratch, FlushDecompress::None).map_err(|_| Undecoded::Broken)?;
            let (taken, made) = (inflate.total_in() - taken, inflate.total_out() - made);
            bytes = bytes.get(usize::try_from(taken).unwrap_or(usize::MAX)..).unwrap_or_default();
            self.taken += taken;
            self.made += made;
            let output = scratch.get(..usize::try_from(made).unwrap_or(usize::MAX)).unwrap_or_default();
            if !output.is_empty() {
                sink(output);
            }
            if self.made > limits.decoded {
                return Err(Undecoded::SizeLimit);
            }
            if self.made > ALWAYS && self.made > self.taken.saturating_mul(limits.ratio) {
                return Err(Undecoded::RatioLimit);
            }
            match status {
                Status::StreamEnd => self.state = State::End,
                Status::Ok | Status::BufError if taken == 0 && made == 0 => return Ok(()),
                Status::Ok | Status::BufError => {}
            }
        }
        Ok(())
    }

    /// Says that the body is over: how long it became, or why it did not come to its end. `None` for no bytes at all.
    pub(crate) fn finish(&self) -> Result<Option<u64>, Undecoded> {
        match self.state {
            State::End | State::Trailing => Ok(Some(self.made)),
            State::Within if self.taken == 0 && self.first.is_none() => Ok(None),
            State::Within => Err(Undecoded::Truncated),
        }
    }
}
