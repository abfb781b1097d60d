//! The oddities of a message: a closed list with stable names, and a set of them that fits in a word.
//!
//! An anomaly never hides what was sent: the message is still reported, as far as it could be told.

use std::fmt;

/// Something about one message that RFC 9112 does not allow, or that two readers of the message may see differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum MessageAnomaly {
    /// A line of the head ended with a line feed alone.
    BareLf,
    /// A carriage return inside a line of the head.
    BareCr,
    /// Empty lines in front of the start line (RFC 9112 §2.2 asks servers to skip them).
    LeadingEmptyLine,
    /// A header value went on in the next line (RFC 9112 §5.2).
    ObsFold,
    /// A byte of 0x80 or above that is not UTF-8: the text given for it is its Latin-1 reading.
    Latin1,
    /// A space or control character inside the request target.
    SpaceInTarget,
    /// More than one space between two words of the start line, or space behind the last.
    ExtraSpace,
    /// A space between a header name and its colon (RFC 9112 §5.1: a way to smuggle requests).
    SpaceBeforeColon,
    /// A header line without a colon, kept as a name without a value.
    NoColon,
    /// A header name with a character that names may not have.
    BadName,
    /// A NUL or another control character in a header value or reason phrase.
    ControlCharacter,
    /// A version that is not `HTTP/1.0` or `HTTP/1.1`.
    BadVersion,
    /// A status that is not three digits.
    BadStatus,
    /// The start line has fewer words than it needs.
    BadStartLine,
    /// There is no target between the method and the version.
    EmptyTarget,
    /// HTTP/0.9: a request of a method and a target alone, or a response without a head (RFC 1945 §4.1 and §6).
    Http09,
    /// More headers than [`Limits::headers`](crate::Limits::headers): those beyond are not kept.
    TooManyHeaders,
    /// A head longer than [`Limits::head`](crate::Limits::head): what is beyond is not kept.
    HeadTooLong,
    /// `Content-Length` is not one decimal number; the message is read as if it were not there.
    BadContentLength,
    /// Several `Content-Length` with different values.
    ConflictingContentLength,
    /// Several `Content-Length` with the same value.
    RepeatedContentLength,
    /// Both `Transfer-Encoding` and `Content-Length`: the former counts (RFC 9112 §6.3; a way to smuggle requests).
    LengthAndChunked,
    /// A `Transfer-Encoding` whose last coding is not `chunked`.
    NotChunked,
    /// A transfer coding other than `chunked`: it is not undone.
    TransferCoding,
    /// A chunk line ended with a line feed alone.
    ChunkBareLf,
    /// A chunk size line, or the line end behind chunk data, that is not what RFC 9112 §7.1 asks for.
    BadChunk,
    /// A chunk extension longer than is looked at; its rest was skipped.
    LongChunkExtension,
    /// Trailers beyond the limits of heads: the rest is not kept.
    TrailersTooLong,
    /// Bytes of the body behind the end of its content coding; they are not part of what it decodes to.
    DataBehindCoding,
    /// A checksum of the body's content coding is wrong, or cut off; what was decoded is given all the same.
    CodingChecksum,
    /// More than 32 interim responses; those beyond are not kept.
    TooManyInterim,
    /// The response was there before the request had been sent as a whole, though it did not ask for leave first.
    EarlyResponse,
}

impl MessageAnomaly {
    /// Each of them, in the order they are listed in.
    pub const ALL: [Self; 32] = [
        Self::BareLf,
        Self::BareCr,
        Self::LeadingEmptyLine,
        Self::ObsFold,
        Self::Latin1,
        Self::SpaceInTarget,
        Self::ExtraSpace,
        Self::SpaceBeforeColon,
        Self::NoColon,
        Self::BadName,
        Self::ControlCharacter,
        Self::BadVersion,
        Self::BadStatus,
        Self::BadStartLine,
        Self::EmptyTarget,
        Self::Http09,
        Self::TooManyHeaders,
        Self::HeadTooLong,
        Self::BadContentLength,
        Self::ConflictingContentLength,
        Self::RepeatedContentLength,
        Self::LengthAndChunked,
        Self::NotChunked,
        Self::TransferCoding,
        Self::ChunkBareLf,
        Self::BadChunk,
        Self::LongChunkExtension,
        Self::TrailersTooLong,
        Self::DataBehindCoding,
        Self::CodingChecksum,
        Self::TooManyInterim,
        Self::EarlyResponse,
    ];

    /// A stable name, in words joined by hyphens.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BareLf => "bare-lf",
            Self::BareCr => "bare-cr",
            Self::LeadingEmptyLine => "leading-empty-line",
            Self::ObsFold => "obs-fold",
            Self::Latin1 => "latin-1",
            Self::SpaceInTarget => "space-in-target",
            Self::ExtraSpace => "extra-space",
            Self::SpaceBeforeColon => "space-before-colon",
            Self::NoColon => "no-colon",
            Self::BadName => "bad-name",
            Self::ControlCharacter => "control-character",
            Self::BadVersion => "bad-version",
            Self::BadStatus => "bad-status",
            Self::BadStartLine => "bad-start-line",
            Self::EmptyTarget => "empty-target",
            Self::Http09 => "http-0.9",
            Self::TooManyHeaders => "too-many-headers",
            Self::HeadTooLong => "head-too-long",
            Self::BadContentLength => "bad-content-length",
            Self::ConflictingContentLength => "conflicting-content-length",
            Self::RepeatedContentLength => "repeated-content-length",
            Self::LengthAndChunked => "length-and-chunked",
            Self::NotChunked => "not-chunked",
            Self::TransferCoding => "transfer-coding",
            Self::ChunkBareLf => "chunk-bare-lf",
            Self::BadChunk => "bad-chunk",
            Self::LongChunkExtension => "long-chunk-extension",
            Self::TrailersTooLong => "trailers-too-long",
            Self::DataBehindCoding => "data-behind-coding",
            Self::CodingChecksum => "coding-checksum",
            Self::TooManyInterim => "too-many-interim",
            Self::EarlyResponse => "early-response",
        }
    }

    const fn bit(self) -> u64 {
        1 << self as u8
    }
}

impl fmt::Display for MessageAnomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which anomalies a message has.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct MessageAnomalies(u64);

impl MessageAnomalies {
    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this one is among them.
    pub const fn contains(self, anomaly: MessageAnomaly) -> bool {
        self.0 & anomaly.bit() != 0
    }

    /// Each of them once, in the order of [`MessageAnomaly::ALL`].
    pub fn iter(self) -> impl Iterator<Item = MessageAnomaly> {
        MessageAnomaly::ALL.into_iter().filter(move |anomaly| self.contains(*anomaly))
    }

    pub(crate) const fn insert(&mut self, anomaly: MessageAnomaly) {
        self.0 |= anomaly.bit();
    }

    pub(crate) const fn extend(&mut self, more: Self) {
        self.0 |= more.0;
    }

    pub(crate) const fn clear(&mut self) {
        self.0 = 0;
    }
}

impl fmt::Debug for MessageAnomalies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_anomaly_has_its_own_bit_and_name() {
        let mut all = MessageAnomalies::default();
        let mut names = std::collections::HashSet::new();
        for anomaly in MessageAnomaly::ALL {
            assert!(!all.contains(anomaly), "{anomaly} shares its bit");
            all.insert(anomaly);
            assert!(names.insert(anomaly.name()), "{anomaly} shares its name");
        }
        assert_eq!(all.iter().collect::<Vec<_>>(), MessageAnomaly::ALL);
    }
}
