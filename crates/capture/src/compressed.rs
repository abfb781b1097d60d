//! Captures inside gzip, recognised by their first two bytes.
//!
//! Promises: files of several members (`cat a.gz b.gz`) are one capture; what was compressed before the damage is
//! delivered before the error. Refuses: every other compression, by name.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use crate::file::Input;
use crate::stop::Wake;

/// The first bytes of a gzip member.
pub(crate) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What the reading side of a capture reads from: the input as it is, or decompressed.
pub(crate) enum Source {
    Plain(Input, Wake),
    Gzip(Box<MultiGzDecoder<Compressed>>),
}

/// The input below a decompressor: first the bytes that were read to recognise it.
pub(crate) struct Compressed {
    head: io::Cursor<Vec<u8>>,
    input: Input,
    wake: Wake,
}

impl Source {
    /// Puts a decompressor before the input, which has already given `head`.
    pub(crate) fn decompress(&mut self, head: Vec<u8>) {
        if let Self::Plain(input, wake) = self {
            let input = std::mem::replace(input, Input::from_reader(io::empty()));
            let compressed = Compressed { head: io::Cursor::new(head), input, wake: wake.clone() };
            *self = Self::Gzip(Box::new(MultiGzDecoder::new(compressed)));
        }
    }

    pub(crate) fn is_compressed(&self) -> bool {
        matches!(self, Self::Gzip(_))
    }

    /// The input itself, and what stops it.
    pub(crate) fn input(&self) -> (&Input, &Wake) {
        match self {
            Self::Plain(input, wake) => (input, wake),
            Self::Gzip(decoder) => (&decoder.get_ref().input, &decoder.get_ref().wake),
        }
    }
}

impl Read for Source {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(input, wake) => input.read(bytes, wake),
            Self::Gzip(decoder) => decoder.read(bytes),
        }
    }
}

impl Read for Compressed {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.head.read(bytes)? {
            0 => self.input.read(bytes, &self.wake),
            count => Ok(count),
        }
    }
}
