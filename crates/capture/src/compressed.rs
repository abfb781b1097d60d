//! Captures inside gzip and zstd, recognised by their first bytes.
//!
//! Promises: files of several members or frames (`cat a.gz b.gz`) are one capture; what was compressed before a cut or a
//! damage is delivered before the error. Refuses: zstd windows that `zstd -d` refuses too, and every other compression, by
//! name.

mod gzip;
mod zstd;

use std::io::{self, Read};

use crate::file::{Followed, Input};
use crate::stop::Wake;
use gzip::Gzip;
use zstd::Zstd;

/// The compressions that are undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    /// The one that a file beginning like this is in, if it is.
    pub(crate) fn recognise(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            // A frame to be skipped, which some tools put in front.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// What the reading side of a capture reads from: the input as it is, or decompressed.
pub(crate) enum Source {
    Plain(Input, Wake),
    Gzip(Box<Gzip>),
    Zstd(Box<Zstd>),
}

/// The input below a decompressor: first the bytes that were read to recognise it.
pub(crate) struct Compressed {
    head: io::Cursor<Vec<u8>>,
    input: Input,
    wake: Wake,
}

impl Source {
    /// Puts a decompressor before the input, which has already given `head`.
    pub(crate) fn decompress(&mut self, compression: Compression, head: Vec<u8>) {
        if let Self::Plain(input, wake) = self {
            let input = std::mem::replace(input, Input::from_reader(io::empty()));
            let compressed = Compressed { head: io::Cursor::new(head), input, wake: wake.clone() };
            *self = match compression {
                Compression::Gzip => Self::Gzip(Box::new(Gzip::new(compressed))),
                Compression::Zstd => Self::Zstd(Box::new(Zstd::new(compressed))),
            };
        }
    }

    /// Waits at the end of a growing file.
    pub(crate) fn follow(&mut self) -> io::Result<Followed> {
        match self {
            Self::Plain(input, wake) => input.follow(wake),
            // What is compressed is not followed.
            Self::Gzip(_) | Self::Zstd(_) => Ok(Followed::Stopped),
        }
    }

    pub(crate) fn is_compressed(&self) -> bool {
        !matches!(self, Self::Plain(..))
    }

    /// The input itself, and what stops it.
    pub(crate) fn input(&self) -> (&Input, &Wake) {
        match self {
            Self::Plain(input, wake) => (input, wake),
            Self::Gzip(decoder) => decoder.source().input(),
            Self::Zstd(decoder) => decoder.source().input(),
        }
    }
}

impl Compressed {
    fn input(&self) -> (&Input, &Wake) {
        (&self.input, &self.wake)
    }
}

impl Read for Source {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(input, wake) => input.read(bytes, wake),
            Self::Gzip(decoder) => decoder.read(bytes),
            Self::Zstd(decoder) => decoder.read(bytes),
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
