//! IPsec: the authentication header (RFC 4302), behind which everything can be read, and the encapsulating security
//! payload (RFC 4303), behind which nothing can.

use std::fmt;

use crate::layers::Fields;
use crate::walk::{Next, Stopped, Visitor, Walk};

const AUTHENTICATION: &str = "authentication";
const ESP: &str = "esp";

/// The fields that both headers have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Security {
    pub(crate) index: u32,
    pub(crate) sequence: u32,
    /// What follows, where it can be read.
    pub(crate) next: Option<u8>,
}

impl Security {
    fn new(index: [u8; 4], sequence: [u8; 4], next: Option<u8>) -> Self {
        Self { index: u32::from_be_bytes(index), sequence: u32::from_be_bytes(sequence), next }
    }
}

#[inline(never)]
pub(crate) fn walk_authentication<'a, V: Visitor<'a>>(
    walk: &mut Walk<'a, '_, V>,
) -> Result<(u8, usize), Stopped> {
    let [next, words, _, _, i0, i1, i2, i3, s0, s1, s2, s3] =
        *walk.view(AUTHENTICATION, 12, |bytes| bytes.first_chunk::<12>())?;
    let length = (usize::from(words) + 2) * 4;
    if length < 12 {
        return Err(walk.malformed(AUTHENTICATION, "the length is below 12 bytes"));
    }
    walk.enter(AUTHENTICATION, length, |_| {
        Fields::Security(Security::new([i0, i1, i2, i3], [s0, s1, s2, s3], Some(next)))
    })?;
    Ok((next, length))
}

#[inline(never)]
pub(crate) fn walk_esp<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let [i0, i1, i2, i3, s0, s1, s2, s3] = *walk.view(ESP, 8, |bytes| bytes.first_chunk::<8>())?;
    walk.enter(ESP, 8, |_| Fields::Security(Security::new([i0, i1, i2, i3], [s0, s1, s2, s3], None)))?;
    Err(walk.encrypted(ESP))
}

impl fmt::Display for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(next) = self.next {
            write!(f, "next {next}, ")?;
        }
        write!(f, "spi {:#010x}, sequence {}", self.index, self.sequence)
    }
}
