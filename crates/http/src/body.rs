//! What a message's body came to: sizes always, bytes as far as the caller wants them kept.

use std::fmt;

/// How the end of a body is told (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Framing {
    /// There is none.
    None,
    /// By `Content-Length`: this many bytes.
    Length(u64),
    /// By `Transfer-Encoding: chunked`.
    Chunked,
    /// By the end of the connection.
    UntilClose,
}

impl Framing {
    /// A stable name: `none`, `length`, `chunked`, `until-close`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Length(_) => "length",
            Self::Chunked => "chunked",
            Self::UntilClose => "until-close",
        }
    }
}

/// Why a body with a content coding was not decoded, or not to its end. Its bytes are then those that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Undecoded {
    /// A coding that this crate does not know.
    UnknownCoding,
    /// More than four codings, one upon another.
    TooManyCodings,
    /// The bytes are not what the coding asks for.
    Broken,
    /// The body ended before the coding's end.
    Truncated,
    /// Bytes are missing from the capture.
    Gap,
    /// It became longer than [`Limits::decoded`](crate::Limits::decoded).
    SizeLimit,
    /// It became [`Limits::ratio`](crate::Limits::ratio) times longer than it was sent.
    RatioLimit,
    /// Its coding asks for a larger window than it may have on the web: 8 MiB for zstd (RFC 9659).
    WindowLimit,
    /// No memory left for a decoder, or for its window, in [`Limits::memory`](crate::Limits::memory).
    MemoryLimit,
}

impl Undecoded {
    /// A stable name, in words joined by hyphens.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownCoding => "unknown-coding",
            Self::TooManyCodings => "too-many-codings",
            Self::Broken => "broken",
            Self::Truncated => "truncated",
            Self::Gap => "gap",
            Self::SizeLimit => "size-limit",
            Self::RatioLimit => "ratio-limit",
            Self::WindowLimit => "window-limit",
            Self::MemoryLimit => "memory-limit",
        }
    }
}

impl fmt::Display for Undecoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The body of a message.
///
/// "As sent" means: behind the removal of chunk framing, before content decoding.
// In this order in memory: each of its pieces needs the first two.
#[repr(C)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    pub(crate) size: u64,
    pub(crate) raw: Vec<u8>,
    pub(crate) missing: u64,
    pub(crate) framing: Framing,
    pub(crate) decoded: Vec<u8>,
    pub(crate) decoded_size: Option<u64>,
    pub(crate) undecoded: Option<Undecoded>,
    /// Nearly nobody asks for these, and exchanges that are open should be small.
    pub(crate) digests: Option<Box<Digests>>,
}

/// SHA-256 of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Digests {
    /// As it was sent.
    pub(crate) sent: Option<[u8; 32]>,
    pub(crate) decoded: Option<[u8; 32]>,
}

impl Default for Body {
    fn default() -> Self {
        Self {
            framing: Framing::None,
            size: 0,
            missing: 0,
            raw: Vec::new(),
            decoded: Vec::new(),
            decoded_size: None,
            undecoded: None,
            digests: None,
        }
    }
}

impl Body {
    /// How its end is told.
    pub const fn framing(&self) -> Framing {
        self.framing
    }

    /// Bytes as sent, missing ones included.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// How many of [`size`](Self::size) are not in the capture.
    pub const fn missing(&self) -> u64 {
        self.missing
    }

    /// Bytes after decoding, kept or not; `None` where there was no coding, decoding was not asked for, or it did not
    /// come to its end ([`undecoded`](Self::undecoded) says why).
    pub const fn decoded_size(&self) -> Option<u64> {
        match self.undecoded {
            None => self.decoded_size,
            Some(_) => None,
        }
    }

    /// Why decoding did not come to its end, where it was asked for.
    pub const fn undecoded(&self) -> Option<Undecoded> {
        self.undecoded
    }

    /// What was kept, from the body's first byte on: decoded where it could be, else as sent. Where bytes are
    /// missing, it ends in front of them.
    pub fn bytes(&self) -> &[u8] {
        if self.decoded_size().is_some() { &self.decoded } else { &self.raw }
    }

    /// Whether [`bytes`](Self::bytes) is all there is of the body.
    pub fn is_whole(&self) -> bool {
        self.missing == 0 && self.bytes().len() as u64 == self.decoded_size().unwrap_or(self.size)
    }

    /// What was kept of the bytes as sent.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// What was kept of the bytes that decoding gave, up to where it failed if it did.
    pub fn decoded(&self) -> &[u8] {
        &self.decoded
    }

    /// The SHA-256 of the bytes as sent, all [`size`](Self::size) of them, kept or not; `None` where it was not asked
    /// for ([`Limits::digest`](crate::Limits::digest)), or bytes are missing.
    pub const fn sha256(&self) -> Option<&[u8; 32]> {
        match &self.digests {
            Some(digests) => digests.sent.as_ref(),
            None => None,
        }
    }

    /// The SHA-256 of the bytes after decoding, all [`decoded_size`](Self::decoded_size) of them.
    pub const fn decoded_sha256(&self) -> Option<&[u8; 32]> {
        match &self.digests {
            Some(digests) => digests.decoded.as_ref(),
            None => None,
        }
    }

    /// The digest of what was sent, if that was asked for.
    pub(crate) fn set_sha256(&mut self, digest: Option<[u8; 32]>) {
        if digest.is_some() || self.digests.is_some() {
            self.digests.get_or_insert_default().sent = digest;
        }
    }

    /// The digest of what came of decoding, if there is one.
    pub(crate) fn set_decoded_sha256(&mut self, digest: Option<[u8; 32]>) {
        if digest.is_some() || self.digests.is_some() {
            self.digests.get_or_insert_default().decoded = digest;
        }
    }

    /// What its digests take, if it has any.
    pub(crate) const DIGESTS: usize = size_of::<Digests>();

    pub(crate) fn clear(&mut self) {
        let Self { framing, size, missing, raw, decoded, decoded_size, undecoded, digests } = self;
        (*framing, *size, *missing) = (Framing::None, 0, 0);
        (*decoded_size, *undecoded) = (None, None);
        *digests = None;
        raw.clear();
        decoded.clear();
    }
}
