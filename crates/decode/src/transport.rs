//! Transport-layer headers, and which of them an IP protocol number announces.

use crate::walk::{Next, Stopped, Visitor, Walk};

mod icmp;
mod tcp;
mod tcp_options;
mod udp;

pub use icmp::Icmp;
pub use tcp::{Tcp, TcpFlags};
pub use tcp_options::{SackBlocks, TcpOption, TcpOptions};
pub use udp::Udp;

/// The IP protocol number of TCP.
pub(crate) const TCP: u8 = 6;
/// The IP protocol number of UDP.
pub(crate) const UDP: u8 = 17;

/// A transport-layer header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport<'a> {
    /// Transmission Control Protocol (RFC 9293).
    Tcp(Tcp<'a>),
    /// User Datagram Protocol (RFC 768).
    Udp(Udp),
    /// ICMP (RFC 792) or, over IPv6, ICMPv6 (RFC 4443).
    Icmp(Icmp),
}

/// Goes by the protocol number that the header in front gave.
#[inline]
pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>, protocol: u8) -> Result<Next, Stopped> {
    match protocol {
        TCP => tcp::walk(walk),
        UDP => udp::walk(walk),
        1 => icmp::walk(walk, "icmp"),
        58 => icmp::walk(walk, "icmpv6"),
        other => Err(walk.unsupported("protocol", other.into())),
    }
}
