//! Packets from capture files and live interfaces.

mod link_type;
mod packet;
mod timestamp;

pub use link_type::LinkType;
pub use packet::Packet;
pub use timestamp::Timestamp;

/// A source of packets.
pub struct Capture {}
