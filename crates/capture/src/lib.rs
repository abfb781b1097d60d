//! Packets from capture files and live interfaces.

mod capture;
mod compressed;
mod error;
mod file;
mod interface;
mod link_type;
mod packet;
mod stop;
mod timestamp;
mod write;

pub use capture::{Capture, Event, Progress, Statistics};
pub use error::{Error, Fault, Position};
pub use interface::{Interface, InterfaceTable};
pub use link_type::LinkType;
pub use packet::Packet;
pub use stop::Stopper;
pub use timestamp::Timestamp;
pub use write::{Format, Writer};
