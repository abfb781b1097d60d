//! What is in a capture that was made: the sums, and a line for each exchange.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::talk::Exchange;

/// The sums of a capture.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Truth {
    /// The length of the file.
    pub(super) bytes: u64,
    pub(super) packets: u64,
    pub(super) connections: u64,
    pub(super) exchanges: u64,
    /// Exchanges of which every byte was captured, and which no lost head in front of them makes uncertain.
    pub(super) intact: u64,
    /// The bytes of all streams, captured or not.
    pub(super) said: u64,
}

/// What is known of an exchange: what `egret http --json --digest` must say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: u64,
    pub(super) method: String,
    pub(super) target: String,
    pub(super) status: u16,
    pub(super) request_size: u64,
    pub(super) request_digest: String,
    /// As sent.
    pub(super) response_size: u64,
    pub(super) response_digest: String,
    /// Size and digest without its coding, if it has one.
    pub(super) decoded: Option<(u64, String)>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, method, target, status, request_size, request_digest, .. } = self;
        let Self { response_size, response_digest, decoded, .. } = self;
        write!(f, "{id:016x} {method} {target} {status} {request_size} {request_digest}")?;
        write!(f, " {response_size} {response_digest}")?;
        match decoded {
            Some((size, digest)) => write!(f, " {size} {digest}"),
            None => Ok(()),
        }
    }
}

/// What the capture has of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// All of it.
    Intact,
    /// All but so many bytes of one body, or of both; the first that is not whole is named.
    Body { of: &'static str, missing: u64 },
    /// Not all of a head, or of what tells the length of a body.
    Broken,
    /// All of it, but with one that is broken, or behind one, where requests were pipelined: which response answers which
    /// request may be uncertain.
    Exposed,
}

impl State {
    /// What is left of an exchange without these pieces of what the client and what the server said.
    pub(super) fn of(exchange: &Exchange, holes: &[Vec<Range<usize>>; 2]) -> Self {
        let [client, server] = holes;
        let mut state = Self::Intact;
        for (of, spoken, holes) in
            [("request-body", &exchange.request, client), ("response-body", &exchange.response, server)]
        {
            let missing: u64 = holes.iter().map(|hole| shared(hole, &spoken.body)).sum();
            if holes.iter().any(|hole| shared(hole, &spoken.head) > 0) || (missing > 0 && !spoken.counted) {
                return Self::Broken;
            }
            if missing > 0 && state == Self::Intact {
                state = Self::Body { of, missing };
            }
        }
        state
    }

    /// As it is written in the file of rows, and read from it.
    pub(super) fn word(self) -> String {
        match self {
            Self::Intact => "intact".to_owned(),
            Self::Body { of, missing } => format!("{of}:{missing}"),
            Self::Broken => "broken".to_owned(),
            Self::Exposed => "exposed".to_owned(),
        }
    }
}

fn shared(hole: &Range<usize>, part: &Range<usize>) -> u64 {
    hole.end.min(part.end).saturating_sub(hole.start.max(part.start)) as u64
}
