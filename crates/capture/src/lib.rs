//! Packets from capture files and live interfaces.

mod capture;
mod compressed;
mod error;
mod file;
#[cfg(feature = "libpcap")]
mod filter;
mod interface;
mod link_type;
#[cfg(feature = "libpcap")]
mod live;
mod packet;
mod stop;
mod timestamp;
mod write;

pub use capture::{Capture, Event, Progress, Statistics};
pub use error::{Error, Fault, Position};
pub use interface::{Interface, InterfaceTable};
pub use link_type::LinkType;
#[cfg(feature = "libpcap")]
#[cfg_attr(docsrs, doc(cfg(feature = "libpcap")))]
pub use live::{Device, LiveOptions, devices};
pub use packet::Packet;
pub use stop::Stopper;
pub use timestamp::Timestamp;
pub use write::{Format, Writer};
