//! One direction of a connection: where in its messages it is.

use egret_reassembly::Timestamp;

use crate::Why;
use crate::chunked::Chunks;
use crate::content::Decoder;
use crate::message::Transfer;
use crate::scan::Scan;

/// One direction of a connection.
#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) state: State,
    /// Where its next byte is.
    pub(crate) position: u64,
    /// What was lost before the head that comes next, or is being gathered.
    pub(crate) resync: Option<Lost>,
    /// Whether empty lines came in front of the head that comes next.
    pub(crate) blank: bool,
    /// What undoes the content coding of the body under way.
    pub(crate) decoder: Option<Box<Decoder>>,
}

/// Where a direction is.
#[derive(Debug, Default)]
pub(crate) enum State {
    /// In front of a message.
    #[default]
    Start,
    /// In a head that is not whole yet.
    Head(Box<Gather>),
    /// In a body that has this many bytes left.
    Length(u64),
    /// In a chunked body.
    Chunked(Chunks),
    /// In a body that lasts until the connection ends.
    UntilClose,
    /// In what is not HTTP any more.
    Tunnel,
    /// Somewhere: until a segment begins with a start line.
    Lost(Lost),
    /// Nothing more is looked at.
    Ended,
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
