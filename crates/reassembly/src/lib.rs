//! TCP connections put back together from packets: every byte once, in order, or reported missing.
//!
//! ```
//! use egret_reassembly::{Assembler, Close, Connection, Data, Gap, Limits, Stream, StreamFactory, StreamPool};
//! # use egret_reassembly::{LinkType, Packet, Timestamp, decode};
//!
//! struct Upper;
//!
//! impl Stream for Upper {
//!     type Context = String;
//!     fn reassembled(&mut self, data: Data<'_>, out: &mut String) {
//!         out.push_str(&data.bytes.escape_ascii().to_string().to_uppercase());
//!     }
//!     fn gap(&mut self, gap: Gap, out: &mut String) {
//!         out.push_str(&format!("[{} bytes missing]", gap.len));
//!     }
//!     fn complete(&mut self, close: Close, out: &mut String) {
//!         out.push_str(&format!(" ({})", close.how));
//!     }
//! }
//!
//! impl StreamFactory for Upper {
//!     type Stream = Upper;
//!     fn new_stream(&mut self, _: &Connection) -> Upper { Upper }
//! }
//!
//! let mut assembler = Assembler::new(StreamPool::new(Upper, Limits::default()));
//! let mut out = String::new();
//! # let header = *b"E\0\0\x2d\0\0\0\0\x40\x06\0\0\x0a\0\0\x01\x0a\0\0\x02\xc0\0\0\x50\0\0\0\x07\0\0\0\0\x50\x10\0\0\0\0\0\0hello";
//! # let packet = Packet {
//! #     number: 1, timestamp: Timestamp::EPOCH, link_type: LinkType::IPV4, interface: 0, data: &header, wire_len: 45,
//! # };
//! // For each packet of a `Capture`:
//! assembler.assemble(&decode(packet), &mut out);
//! // And at its end:
//! assembler.finish(&mut out);
//! assert_eq!(out, "HELLO (end-of-capture)");
//! ```
//!
//! A [`Stream`] of yours gets the bytes of one connection; a [`StreamFactory`] of yours makes one for each; a
//! [`StreamPool`] keeps them, and an [`Assembler`] feeds them with decoded packets. What the streams share is their
//! [`Context`](Stream::Context), lent with every call.
//!
//! Each byte of a direction is delivered once, in order, or reported by [`Stream::gap`]. Which of two versions of a byte counts is decided
//! as the receiver decided it ([`Overlap`]). Time is packet time; memory is bounded by [`Limits`]; the same packets
//! give the same calls on any day.
//!
//! This crate never looks into the bytes it delivers, reads no files, has no clock and prints nothing. It starts threads in
//! one place, when told to: [`parallel()`]. It re-exports what is needed of the crates to its left, so that one dependency is enough.
#![forbid(unsafe_code)]

mod arrival;
mod assembler;
mod closing;
mod connection;
mod delivered;
mod delivery;
mod fate;
mod fragments;
mod half;
mod handshake;
mod in_order;
mod key;
mod limits;
mod office;
mod parallel;
mod partition;
mod pool;
mod queue;
mod receiver;
mod records;
mod seq;
mod shard;
mod slots;
mod standing;
mod stats;
mod strays;
mod stream;
mod tombstones;
mod waiting;

pub use assembler::Assembler;
pub use parallel::{Outcome, PacketSource, RecordSink, Recording, parallel};
pub use partition::{Partition, Parts};
pub use pool::StreamPool;
pub use records::Records;

pub use egret_decode::{
    Batch, Capture, Decoded, Decoder, Endpoint, Flow, LinkType, Packet, Path, PathId, Statistics, TcpFlags,
    Timestamp, UdpTunnel, UnknownTunnel, decode,
};
pub use limits::Limits;
pub use shard::{BadShard, Shard};
pub use stats::{Counts, Discarded, Ended, FragmentStats, Stats};
pub use stream::{
    Admit, Anomaly, Close, Connection, Data, Direction, Ending, Gap, GapReason, Opened, Refusal, Segment,
    Stream, StreamFactory,
};

/// Who wins where two segments carry different bytes for the same place in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Overlap {
    /// What Linux keeps: the segment with the lower start.
    #[default]
    Linux,
    /// The bytes that came first.
    First,
    /// The bytes that came last and were not delivered yet.
    Last,
}

/// What is done about segments with a wrong TCP checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Checksums {
    /// Nothing: on the sending machine packets are captured before the network card has filled the checksum in.
    #[default]
    Ignore,
    /// They are refused, as every receiver does.
    Verify,
    /// They are refused in a direction of which an earlier segment had a right one.
    Auto,
}
