//! What an exchange came to: whole, or which part is not, how much of it is missing, and why.

use std::fmt;

use egret_reassembly::{Ending, GapReason};

/// Whether everything of an exchange was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The request and its final response, to the last byte of both bodies.
    Complete,
    /// Not everything.
    Incomplete {
        /// The first part that is not whole.
        part: Part,
        /// How many bytes of it are missing, where that is known.
        missing: Option<u64>,
        /// Why.
        why: Why,
    },
}

impl Verdict {
    /// Whether everything was seen.
    pub const fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }

    /// `complete` or `incomplete`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete { .. } => "incomplete",
        }
    }
}

impl fmt::Display for Verdict {
    /// `complete`, or `response-body incomplete: 1460 bytes missing, gap-acknowledged`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("complete"),
            Self::Incomplete { part: Part::Response, why, .. } => write!(f, "no response: {why}"),
            Self::Incomplete { part, missing: Some(missing), why } => {
                write!(f, "{part} incomplete: {missing} bytes missing, {why}")
            }
            Self::Incomplete { part, missing: None, why } => write!(f, "{part} incomplete: {why}"),
        }
    }
}

/// A part of an exchange, in the order in which they are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Part {
    /// The request line and headers.
    RequestHead,
    /// The request's body, its chunk framing and trailers.
    RequestBody,
    /// The response as a whole: nothing of it was seen.
    Response,
    /// The status line and headers.
    ResponseHead,
    /// The response's body, its chunk framing and trailers.
    ResponseBody,
}

impl Part {
    /// A stable name: `request-head`, `request-body`, `response`, `response-head`, `response-body`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestHead => "request-head",
            Self::RequestBody => "request-body",
            Self::Response => "response",
            Self::ResponseHead => "response-head",
            Self::ResponseBody => "response-body",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a part of an exchange is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Why {
    /// Bytes are missing from the capture.
    Gap(GapReason),
    /// The connection, or the capture, ended first.
    Ended(Ending),
    /// One of [`Limits`](crate::Limits) was reached.
    Limit,
    /// Bytes are missing where requests were pipelined: this exchange may be joined from two different ones.
    PairingUncertain,
    /// A response although no request was waiting for one.
    Unasked,
    /// The capture began in the middle of the connection, and the request was sent before.
    Midstream,
    /// What was there instead cannot be read as HTTP.
    Malformed,
}

impl Why {
    /// A stable name: `gap-` and the gap's reason, the ending's name, or `limit`, `pairing-uncertain`, `unasked`,
    /// `midstream`, `malformed`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gap(GapReason::Acknowledged) => "gap-acknowledged",
            Self::Gap(GapReason::SnapLength) => "gap-snap-length",
            Self::Gap(GapReason::Limit) => "gap-limit",
            Self::Gap(GapReason::Patience) => "gap-patience",
            Self::Gap(GapReason::End) => "gap-end",
            Self::Gap(_) => "gap",
            Self::Ended(ending) => ending.name(),
            Self::Limit => "limit",
            Self::PairingUncertain => "pairing-uncertain",
            Self::Unasked => "unasked",
            Self::Midstream => "midstream",
            Self::Malformed => "malformed",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
