//! gzip (RFC 1952), by flate2's decompressor.
//!
//! Not by its readers, which forget what a call gave before it came to a damage: up to a whole read buffer.

use std::io::{self, BufRead, BufReader, Read};

use flate2::{Decompress, FlushDecompress, Status};

use super::Compressed;

/// The members of a gzip file, one behind the other.
pub(crate) struct Gzip {
    inflate: Decompress,
    source: BufReader<Compressed>,
    /// Whether we are inside a member.
    inside: bool,
    /// What is wrong, to be told behind what was before it.
    error: Option<io::Error>,
}

impl Gzip {
    pub(super) fn new(source: Compressed) -> Self {
        // The exponent of the largest window there is: 32 KiB.
        let inflate = Decompress::new_gzip(15);
        Self { inflate, source: BufReader::new(source), inside: false, error: None }
    }

    pub(super) fn source(&self) -> &Compressed {
        self.source.get_ref()
    }
}

impl Read for Gzip {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        loop {
            let packed = self.source.fill_buf()?;
            let at_end = packed.is_empty();
            if bytes.is_empty() || (at_end && !self.inside) {
                return Ok(0);
            }
            let before = (self.inflate.total_in(), self.inflate.total_out());
            let result = self.inflate.decompress(packed, bytes, FlushDecompress::None);
            let taken = (self.inflate.total_in() - before.0) as usize;
            let given = (self.inflate.total_out() - before.1) as usize;
            self.source.consume(taken);
            let error = match result {
                Ok(Status::StreamEnd) => {
                    self.inside = false;
                    self.inflate.reset(true);
                    None
                }
                Ok(_) if at_end && given == 0 => Some(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {
                    self.inside = true;
                    None
                }
                // The decompressor's own words depend on how much it was given at once.
                Err(_) => Some(io::Error::new(io::ErrorKind::InvalidData, "the gzip data is damaged")),
            };
            match error {
                Some(error) if given == 0 => return Err(error),
                error => self.error = error,
            }
            if given > 0 {
                return Ok(given);
            }
        }
    }
}
