//! TCP connections put back together from packets.

mod assembler;
mod connection;
mod delivery;
mod fragments;
mod half;
mod limits;
mod pool;
mod queue;
mod receiver;
mod seq;
mod stats;
mod stream;
mod waiting;

pub use assembler::Assembler;
pub use pool::StreamPool;

pub use egret_decode::{
    Capture, Decoded, Endpoint, Flow, LinkType, Packet, Path, PathId, TcpFlags, Timestamp, decode,
};
pub use limits::Limits;
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
