//! What all connections of one assembler share: the user's handler, the buffers, the budget, the counts.

use std::collections::BTreeMap;

use crate::{Exchange, Handler, Limits, Verdict, Why};

/// The handler of a user, with the limits, and the buffers and counts that all its connections share.
#[derive(Debug)]
pub struct Context<H> {
    pub(crate) handler: H,
    pub(crate) limits: Limits,
    pub(crate) stats: Stats,
}

impl<H: Handler> Context<H> {
    /// A context that gives what it finds to `handler`.
    pub fn new(handler: H, limits: Limits) -> Self {
        Self { handler, limits, stats: Stats::default() }
    }

    /// The handler.
    pub const fn handler(&self) -> &H {
        &self.handler
    }

    /// The handler, to be changed.
    pub const fn handler_mut(&mut self) -> &mut H {
        &mut self.handler
    }

    /// The handler, at the end.
    pub fn into_handler(self) -> H {
        self.handler
    }

    /// The limits it was made with.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What was counted so far.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    pub(crate) fn deliver(&mut self, exchange: &Exchange) {
        match exchange.verdict {
            Verdict::Complete => self.stats.complete += 1,
            Verdict::Incomplete { why, .. } => *self.stats.incomplete.entry(why).or_default() += 1,
        }
        self.handler.exchange(exchange);
    }
}

/// What was found, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Exchanges that are complete.
    pub complete: u64,
    /// Exchanges that are not, by the reason.
    pub incomplete: BTreeMap<Why, u64>,
    /// Connections that do not speak HTTP/1, by what they speak.
    pub not_http: BTreeMap<NotHttp, u64>,
}

/// What a connection speaks that does not speak HTTP/1, as far as its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NotHttp {
    /// TLS (RFC 8446): HTTPS, most likely.
    Tls,
    /// HTTP/2 without TLS, by its preface (RFC 9113 §3.4).
    Http2,
    /// SSH (RFC 4253 §4.2).
    Ssh,
    /// Something else.
    Other,
}

impl NotHttp {
    /// A stable name: `tls`, `http2`, `ssh`, `other`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Http2 => "http2",
            Self::Ssh => "ssh",
            Self::Other => "other",
        }
    }
}
