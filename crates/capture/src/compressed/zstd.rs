//! zstd (RFC 8878), by ruzstd.
//!
//! What a frame's window holds is delivered when newer data pushes it out of the window, or at the end of the frame, which
//! is what a cut or a damage makes of it.

use std::io::{self, BufRead, BufReader, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::Compressed;

/// The largest window of a zstd frame, in bytes, and with it the memory that one can make the reader take: what `zstd -d`
/// allows by default, and all that `zstd` makes without `--long=28` or more.
const MAX_WINDOW: u64 = 128 * 1024 * 1024;

/// An empty block that is the last of its frame, and four bytes in the place of a checksum.
const LAST_BLOCK: &[u8] = &[1, 0, 0, 0, 0, 0, 0];

/// The frames of a zstd file, one behind the other.
pub(crate) struct Zstd {
    frame: FrameDecoder,
    source: BufReader<Compressed>,
    /// Whether we are inside a frame.
    inside: bool,
    /// What is wrong, to be told behind what was before it.
    error: Option<io::Error>,
}

impl Zstd {
    pub(super) fn new(source: Compressed) -> Self {
        let mut frame = FrameDecoder::new();
        frame.set_max_window_size(MAX_WINDOW);
        Self { frame, source: BufReader::new(source), inside: false, error: None }
    }

    pub(super) fn source(&self) -> &Compressed {
        self.source.get_ref()
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
            if let Some(error) = self.error.take() {
                return Err(error);
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
                self.error = Some(self.failed(error));
                // What the window still holds comes out at the end of the frame only: an empty last block is one. That it
                // fails too changes nothing, because the first error is the one that is told.
                let _ = self.frame.decode_blocks(LAST_BLOCK, BlockDecodingStrategy::UptoBlocks(1));
            }
        }
    }
}
