//! What crosses from reassembly to its user: the traits to implement and the values they are called with.
//!
//! Promises: each byte of a direction is given to [`Stream::reassembled`] exactly once and in order, or is reported
//! by [`Stream::gap`] (or, for an urgent byte, by [`Anomaly::Urgent`]); [`Stream::complete`] comes exactly once and last.

use std::fmt;
use std::time::Duration;

use egret_decode::{Endpoint, Flow, TcpFlags, Timestamp};

use crate::Counts;

/// What the user of reassembled data implements: one value per TCP connection.
///
/// The order of calls: [`accept`](Self::accept) for each segment, followed by what that segment made deliverable —
/// any number of [`anomaly`](Self::anomaly), [`gap`](Self::gap), [`reassembled`](Self::reassembled) — then at most
/// one [`half_closed`](Self::half_closed) per direction, and one [`complete`](Self::complete).
pub trait Stream {
    /// Where this stream puts its results; lent by the caller of [`Assembler::assemble`](crate::Assembler::assemble),
    /// so that streams share it without reference counting.
    type Context: ?Sized;

    /// Every TCP segment of the connection, after defragmentation and before the receiver's rules.
    fn accept(&mut self, _segment: &Segment<'_>, _context: &mut Self::Context) -> Admit {
        Admit::Yes
    }

    /// The next bytes of one direction. Never empty, never twice, always from exactly one packet.
    fn reassembled(&mut self, data: Data<'_>, context: &mut Self::Context);

    /// Bytes that were on the wire but are not in the capture. Required: a gap nobody handles becomes a splice.
    fn gap(&mut self, gap: Gap, context: &mut Self::Context);

    /// One thing the peers did that a plain receiver would not expect.
    fn anomaly(&mut self, _anomaly: Anomaly, _context: &mut Self::Context) {}

    /// One direction has said all it will say: its FIN came in order, or the connection is over.
    fn half_closed(&mut self, _direction: Direction, _timestamp: Timestamp, _context: &mut Self::Context) {}

    /// Among the next few packets there are so many bytes of payload of this direction: what they will need may be brought
    /// near from wherever it is in memory, by reading it, while the same is done for other streams. It is only that: nothing
    /// may depend on it, and there may be no such call.
    fn fetch(&self, _direction: Direction, _len: usize) {}

    /// The connection is over; called exactly once, after everything else.
    fn complete(&mut self, close: Close, context: &mut Self::Context);
}

/// Makes the stream for a connection that has just been seen for the first time.
pub trait StreamFactory {
    /// What it makes.
    type Stream: Stream;

    /// Called once per connection, before its first byte is delivered, with the roles as they will stay.
    fn new_stream(&mut self, connection: &Connection) -> Self::Stream;
}

/// Which half of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the side that opened the connection.
    ClientToServer,
    /// From the side that was connected to.
    ServerToClient,
}

impl Direction {
    /// Both, the client's first.
    pub const BOTH: [Self; 2] = [Self::ClientToServer, Self::ServerToClient];

    /// The opposite direction.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::ClientToServer => Self::ServerToClient,
            Self::ServerToClient => Self::ClientToServer,
        }
    }

    /// `client-to-server` or `server-to-client`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientToServer => "client-to-server",
            Self::ServerToClient => "server-to-client",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a stream wants done with a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admit {
    /// Reassemble it.
    Yes,
    /// Its payload is not data: counted as refused, and the segment has no further effect.
    No,
    /// Neither this segment nor any later one of the connection matters: counted, never buffered, never delivered.
    Ignore,
}

/// A TCP connection, as it looked when its roles were settled.
// In this order in memory: each packet looks at the flow.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// The flow from client to server, with the encapsulation ids it has.
    pub flow: Flow,
    /// The number of the connection's first packet: unique in a capture, and the same however it is processed.
    pub id: u64,
    /// Time of the first packet.
    pub started: Timestamp,
    /// How the roles are known.
    pub opened: Opened,
}

impl Connection {
    /// Who opened the connection.
    pub const fn client(&self) -> Endpoint {
        self.flow.source
    }

    /// Who was connected to.
    pub const fn server(&self) -> Endpoint {
        self.flow.destination
    }
}

/// How a connection began, in the capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opened {
    /// With a SYN or a SYN-ACK: who is the client is known.
    Handshake,
    /// In the middle: the lower port was taken for the server.
    Midstream,
}

impl Opened {
    /// `handshake` or `midstream`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Midstream => "midstream",
        }
    }
}

/// One TCP segment, as it was captured.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Segment<'a> {
    /// Who sent it.
    pub direction: Direction,
    /// When it was captured.
    pub timestamp: Timestamp,
    /// The number of its packet.
    pub packet: u64,
    /// Its sequence number, as on the wire.
    pub seq: u32,
    /// Its acknowledgment number, as on the wire.
    pub ack: u32,
    /// Its flags.
    pub flags: TcpFlags,
    /// Its window, not scaled.
    pub window: u16,
    /// Its urgent pointer, if it has the flag that makes it one.
    pub urgent: Option<u16>,
    /// Its payload, as far as captured.
    pub payload: &'a [u8],
    /// How many bytes of payload the snap length cut off.
    pub cut: u32,
    /// The numbers of the packets that it was put together from, ascending, where it came in IP fragments; also those of
    /// fragments of a tunnel around it. Empty if it came in one packet.
    pub fragments: &'a [u64],
}

/// The next bytes of one direction.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Data<'a> {
    /// Who sent them.
    pub direction: Direction,
    /// Where they are in the stream, counted in sequence space from its first byte.
    pub offset: u64,
    /// When the packet was captured that they came in.
    pub timestamp: Timestamp,
    /// The number of the packet that they came in (of a fragmented datagram: the one that completed it).
    pub packet: u64,
    /// The sequence number of the first of them, as on the wire.
    pub seq: u32,
    /// How far their sender had received the other direction when it sent them: an offset there, where known.
    pub ack: Option<u64>,
    /// The bytes, at least one.
    pub bytes: &'a [u8],
}

impl fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { direction, offset, packet, bytes, .. } = self;
        write!(f, "Data({direction} {offset}+{} packet {packet})", bytes.len())
    }
}

/// Bytes of one direction that were sent but are not in the capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// Who sent them.
    pub direction: Direction,
    /// Where the first missing byte is in the stream.
    pub offset: u64,
    /// How many are missing.
    pub len: u64,
    /// Why they are given up.
    pub reason: GapReason,
    /// When that was decided: a packet's time, or a deadline in packet time.
    pub timestamp: Timestamp,
    /// The number of the packet at which it was decided.
    pub packet: u64,
}

/// Why missing bytes are not waited for any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum GapReason {
    /// The peer acknowledged them: they were received, and will not be sent again.
    Acknowledged,
    /// The snap length cut them off.
    SnapLength,
    /// A memory limit was reached.
    Limit,
    /// [`Limits::patience`](crate::Limits::patience) of packet time went by.
    Patience,
    /// The connection or the capture ended.
    End,
}

impl GapReason {
    /// A stable name: `acknowledged`, `snap-length`, `limit`, `patience`, `end`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::SnapLength => "snap-length",
            Self::Limit => "limit",
            Self::Patience => "patience",
            Self::End => "end",
        }
    }
}

impl fmt::Display for GapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something the peers did that a plain receiver would not expect. Nothing is wrong with the reassembly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Anomaly {
    /// Two packets carried different bytes for the same place; the receiver's rules decided which count.
    ///
    /// Among bytes that wait, the range is exact. Bytes that were delivered are not kept, only a digest of what each
    /// packet brought: a later copy is compared as far as it carries all that one packet brought, and the range is then
    /// all of that. Where it carries a part, or the packet is 65,536 packets back, nothing can be told, and the bytes count
    /// as retransmitted.
    Conflict {
        /// Who sent them.
        direction: Direction,
        /// Where in the stream.
        offset: u64,
        /// How many bytes: from the first that differs to the last where both waited, all of the packet's where one was
        /// delivered.
        len: u64,
        /// The packet whose bytes count.
        kept: u64,
        /// The packet whose bytes do not.
        dropped: u64,
    },
    /// Bytes turned up after their gap had been reported; they are not delivered any more. With offset 0: bytes from in front
    /// of what was taken for the start of a connection that begins in its middle.
    Late {
        /// Who sent them.
        direction: Direction,
        /// Where in the stream.
        offset: u64,
        /// How many.
        len: u64,
        /// In which packet.
        packet: u64,
    },
    /// A segment that the receiver refused, as a whole.
    Refused {
        /// Who sent it.
        direction: Direction,
        /// In which packet.
        packet: u64,
        /// Its payload, in bytes.
        len: u64,
        /// Why.
        reason: Refusal,
    },
    /// A byte marked urgent: the receiver takes it out of the stream, so this offset is not delivered.
    Urgent {
        /// Who sent it.
        direction: Direction,
        /// Where in the stream.
        offset: u64,
        /// In which packet.
        packet: u64,
    },
    /// Both sides opened the connection at once, each with a SYN that the other answered. The first is taken for the
    /// client.
    SimultaneousOpen {
        /// The packet that shows it.
        packet: u64,
    },
    /// The same packet is in the capture twice (the `any` device, a mirror port). Reported once per connection.
    DuplicateCapture {
        /// The second of the first such pair.
        packet: u64,
    },
}

impl Anomaly {
    /// A stable name: `conflict`, `late`, `refused`, `urgent`, `simultaneous-open`,
    /// `duplicate-capture`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "conflict",
            Self::Late { .. } => "late",
            Self::Refused { .. } => "refused",
            Self::Urgent { .. } => "urgent",
            Self::SimultaneousOpen { .. } => "simultaneous-open",
            Self::DuplicateCapture { .. } => "duplicate-capture",
        }
    }

    /// The direction it is about, where there is one.
    pub const fn direction(&self) -> Option<Direction> {
        match self {
            Self::Conflict { direction, .. }
            | Self::Late { direction, .. }
            | Self::Refused { direction, .. }
            | Self::Urgent { direction, .. } => Some(*direction),
            Self::SimultaneousOpen { .. } | Self::DuplicateCapture { .. } => None,
        }
    }
}

/// Why a receiver refused a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Refusal {
    /// The stream's own [`accept`](Stream::accept) said no.
    Stream,
    /// A wrong checksum, where [`Checksums`](crate::Checksums) says that it counts.
    Checksum,
    /// A time stamp from before that of a segment in front of it (PAWS, RFC 7323 §5).
    OldTimestamp,
    /// No ACK flag on an established connection.
    NoAck,
    /// An acknowledgment of something in front of the stream's first byte (RFC 5961 §5.2).
    AckBeforeStart,
    /// An acknowledgment of what was acknowledged more than a window ago (RFC 5961 §5.2).
    OldAck,
    /// A SYN inside an established connection.
    SynInStream,
    /// Data behind a FIN that had been delivered.
    AfterFin,
    /// A RST that is not exactly at the next byte.
    StrayReset,
    /// Data in a segment with the RST flag.
    ResetPayload,
    /// Data in a SYN that the peer did not acknowledge with it (RFC 7413 is how it would be).
    SynData,
    /// Further ahead than the receiver had allowed, and never acknowledged.
    BeyondWindow,
}

impl Refusal {
    /// A stable name, in words joined by hyphens.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Checksum => "checksum",
            Self::OldTimestamp => "old-timestamp",
            Self::NoAck => "no-ack",
            Self::AckBeforeStart => "ack-before-start",
            Self::OldAck => "old-ack",
            Self::SynInStream => "syn-in-stream",
            Self::AfterFin => "after-fin",
            Self::StrayReset => "stray-reset",
            Self::ResetPayload => "reset-payload",
            Self::SynData => "syn-data",
            Self::BeyondWindow => "beyond-window",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How and when a connection ended, and what its directions came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Close {
    /// How it ended.
    pub how: Ending,
    /// When: packet time, which never goes back, at the packet that ended it, or the deadline that passed.
    pub timestamp: Timestamp,
    /// The number of the packet at which it ended.
    pub packet: u64,
    /// From the first SYN to the handshake's last ACK, where both were seen.
    pub connect: Option<Duration>,
    /// What the client sent.
    pub client_to_server: Counts,
    /// What the server sent.
    pub server_to_client: Counts,
}

impl Close {
    /// What one direction came to.
    pub const fn counts(&self, direction: Direction) -> &Counts {
        match direction {
            Direction::ClientToServer => &self.client_to_server,
            Direction::ServerToClient => &self.server_to_client,
        }
    }
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Ending {
    /// Both sides sent a FIN.
    Finished,
    /// A RST that a receiver would believe. Not `checked` when the next byte was not known, as behind a gap.
    Reset {
        /// Whether its sequence number was exactly the next byte.
        checked: bool,
    },
    /// Nothing was heard for [`Limits::idle`](crate::Limits::idle), or its ports were used again.
    Idle,
    /// Given up to keep to a limit.
    Evicted,
    /// The capture ended first.
    EndOfCapture,
}

impl Ending {
    /// A stable name: `finished`, `reset`, `idle`, `evicted`, `end-of-capture`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Reset { .. } => "reset",
            Self::Idle => "idle",
            Self::Evicted => "evicted",
            Self::EndOfCapture => "end-of-capture",
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
