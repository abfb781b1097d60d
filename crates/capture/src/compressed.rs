//! Captures inside gzip and zstd, recognised by their first bytes.
//!
//! Promises: files of several members or frames (`cat a.gz b.gz`) are one capture; what was compressed before the damage
//! is delivered before the error. Refuses: zstd windows that `zstd -d` refuses too, and every other compression, by name.

use std::io::{self, BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::file::{Followed, Input};
use crate::stop::Wake;

/// The largest window of a zstd frame, in bytes, and with it the memory that one can make the reader take: what `zstd -d`
/// allows by default, and all that `zstd` makes without `--long=28` or more.
const MAX_WINDOW: u64 = 128 * 1024 * 1024;

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
    Gzip(Box<MultiGzDecoder<Compressed>>),
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
                Compression::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(compressed))),
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
            Self::Gzip(decoder) => (&decoder.get_ref().input, &decoder.get_ref().wake),
            Self::Zstd(decoder) => (&decoder.source.get_ref().input, &decoder.source.get_ref().wake),
        }
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

/// The frames of a zstd file, one behind the other.
pub(crate) struct Zstd {
    frame: FrameDecoder,
    source: BufReader<Compressed>,
    /// Whether we are inside a frame.
    inside: bool,
}

impl Zstd {
    fn new(source: Compressed) -> Self {
        let mut frame = FrameDecoder::new();
        frame.set_max_window_size(MAX_WINDOW);
        Self { frame, source: BufReader::new(source), inside: false }
    }

    /// Begins the next frame; `false` at the end of the data.
    fn begin(&mut self) -> io::Result<bool> {
        if self.source.fill_buf()?.is_empty() {
            return Ok(false);
        }
        match self.frame.reset(&mut self.source) {
            Ok(()) => self.inside = true,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length, ..
            })) => {
                let length = u64::from(length);
                if io::copy(&mut (&mut self.source).take(length), &mut io::sink())? < length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Err(error) => return Err(self.failed(error)),
        }
        Ok(true)
    }

    /// The decoder's word for what is wrong, or that the data is at its end before the frame is.
    fn failed(&mut self, error: FrameDecoderError) -> io::Error {
        match self.source.fill_buf() {
            Ok([]) => io::ErrorKind::UnexpectedEof.into(),
            Ok(_) => io::Error::new(io::ErrorKind::InvalidData, error),
            Err(error) => error,
        }
    }
}

impl Read for Zstd {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.inside {
                if !self.begin()? {
                    return Ok(0);
                }
                continue;
            }
            if self.frame.can_collect() > 0 {
                return self.frame.read(bytes);
            }
            if self.frame.is_finished() {
                self.inside = false;
                let (stated, found) =
                    (self.frame.get_checksum_from_data(), self.frame.get_calculated_checksum());
                if stated.is_some() && stated != found {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "the checksum of a zstd frame is wrong",
                    ));
                }
            } else if let Err(error) =
                self.frame.decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
            {
                return Err(self.failed(error));
            }
        }
    }
}
