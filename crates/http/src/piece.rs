//! What a [`Connection`](crate::Connection) is fed with: bytes, and what is known of bytes that are missing.

use egret_reassembly::{Direction, GapReason, Timestamp};

use crate::Moment;

/// The next bytes of one direction.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// Who sent them.
    pub direction: Direction,
    /// Where the first of them is in its direction's stream.
    pub offset: u64,
    /// When they were captured.
    pub timestamp: Timestamp,
    /// The number of the packet they came in.
    pub packet: u64,
    /// How far their sender had received the other direction when it sent them: an offset there, where known. It
    /// keeps requests and responses together where bytes are missing.
    pub ack: Option<u64>,
    /// The bytes.
    pub bytes: &'a [u8],
}

impl<'a> Piece<'a> {
    /// Bytes of which no more is known than who sent them and when.
    pub const fn new(direction: Direction, timestamp: Timestamp, bytes: &'a [u8]) -> Self {
        Self { direction, offset: 0, timestamp, packet: 0, ack: None, bytes }
    }
}

/// Bytes of one direction that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// Who sent them.
    pub direction: Direction,
    /// Where the first of them is in its direction's stream.
    pub offset: u64,
    /// How many.
    pub len: u64,
    /// Why.
    pub reason: GapReason,
    /// When that was decided.
    pub at: Moment,
}
