//! One direction of a connection: where in its messages it is.

use egret_reassembly::Timestamp;

use crate::Why;
use crate::budget::Budget;
use crate::chunked::Chunks;
use crate::content::Content;
use crate::message::Transfer;
use crate::prefix::Prefix;
use crate::scan::Scan;
use crate::sniff::is_simple_request;
use crate::tls::Hello;

/// One direction of a connection. What each piece of a body needs comes first.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Side {
    pub(crate) state: State,
    /// Where its next byte is.
    pub(crate) position: u64,
    /// What decodes and digests the body under way, if that is asked for.
    pub(crate) content: Option<Box<Content>>,
    /// What was lost before the head that comes next, or is being gathered.
    pub(crate) resync: Option<Box<Lost>>,
    /// Whether empty lines came in front of the head that comes next.
    pub(crate) blank: bool,
}

/// Where a direction is.
#[derive(Debug, Default)]
pub(crate) enum State {
    /// In front of a message.
    #[default]
    Start,
    /// In front of the first message, where a load balancer may have put something, of which this was there.
    Prefix(Option<Box<Prefix>>),
    /// In the first words of TLS.
    Hello(Box<Hello>),
    /// In a head that is not whole yet.
    Head(Box<Gather>),
    /// In a body that has this many bytes left.
    Length(u64),
    /// In a chunked body.
    Chunked(Box<Chunks>),
    /// In a body that lasts until the connection ends.
    UntilClose,
    /// In what is not HTTP any more.
    Tunnel,
    /// Somewhere: until a segment begins with a start line.
    Lost(Box<Lost>),
    /// Nothing more is looked at.
    Ended,
}

impl State {
    /// Whether a body is under way.
    pub(crate) const fn is_body(&self) -> bool {
        matches!(self, Self::Length(_) | Self::Chunked(_) | Self::UntilClose)
    }
}

/// The beginning of a head.
#[derive(Debug)]
pub(crate) struct Gather {
    /// What was kept of it.
    pub(crate) bytes: Vec<u8>,
    pub(crate) scan: Scan,
    /// Where it begins in the stream.
    pub(crate) offset: u64,
    /// What its first piece acknowledged.
    pub(crate) ack: Option<u64>,
    pub(crate) transfer: Transfer,
    /// Whether its first line is a start line for sure.
    pub(crate) certain: bool,
    /// Whether an exchange was made for it already, since its response has begun.
    pub(crate) has_slot: bool,
    /// How many of its bytes were not kept.
    pub(crate) dropped: u64,
    /// Its first bytes, which are here whatever the budget says: what cannot be kept can still be told from what is
    /// not HTTP.
    first: [u8; FIRST],
}

/// Longer than any method that is looked for, and the space behind it.
const FIRST: usize = 40;

impl Gather {
    pub(crate) const fn new(offset: u64, ack: Option<u64>, transfer: Transfer) -> Self {
        Self {
            bytes: Vec::new(),
            scan: Scan::new(),
            offset,
            ack,
            transfer,
            certain: false,
            has_slot: false,
            dropped: 0,
            first: [0; FIRST],
        }
    }

    /// Takes the next bytes, of which the budget and the limit of `head` bytes allow some to be kept. Whether it was
    /// the budget that did not allow more, for the first time.
    pub(crate) fn take(&mut self, piece: &[u8], before: usize, head: usize, budget: &mut Budget) -> bool {
        for (place, byte) in self.first.iter_mut().skip(before).zip(piece) {
            *place = *byte;
        }
        if self.dropped > 0 {
            // Behind a hole nothing is kept, so that what is kept is the beginning.
            self.dropped += piece.len() as u64;
            return false;
        }
        let wanted = piece.get(..head.saturating_sub(self.bytes.len())).unwrap_or(piece);
        let kept = budget.extend(&mut self.bytes, wanted);
        self.dropped = (piece.len() - kept) as u64;
        kept < wanted.len()
    }

    /// Whether it is a whole request of HTTP/0.9, if nothing comes behind it.
    pub(crate) fn is_simple(&self) -> bool {
        self.scan.first_line == Some(self.scan.before) && self.dropped == 0 && is_simple_request(&self.bytes)
    }

    /// As much of its beginning as is known.
    pub(crate) fn beginning(&self) -> &[u8] {
        let first = self.first.get(..self.scan.before).unwrap_or(&self.first);
        if self.bytes.len() < first.len() { first } else { &self.bytes }
    }
}

/// Why a direction is lost, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lost {
    pub(crate) why: Why,
    /// Where the last missing byte was; what was in front of it is not known.
    pub(crate) until: u64,
    /// How many bytes are missing.
    pub(crate) len: u64,
    /// Whether the first missing byte was the first of a message.
    pub(crate) clean: bool,
    /// Bytes that were there, but nobody knows what they were.
    pub(crate) bytes: u64,
}

impl Lost {
    /// Lost because of a limit of ours, with no byte missing.
    pub(crate) const fn at_limit() -> Self {
        Self { why: Why::Limit, until: 0, len: 0, clean: false, bytes: 0 }
    }
}

/// The packet that bytes came in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) packet: u64,
    pub(crate) timestamp: Timestamp,
    /// Where the first of the bytes is in its stream.
    pub(crate) offset: u64,
    pub(crate) ack: Option<u64>,
}
