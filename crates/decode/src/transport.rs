//! Transport-layer headers, and which of them an IP protocol number announces.

use crate::layers::Fields;
use crate::net;
use crate::tunnel::{gre, mpls};
use crate::walk::{Next, Stopped, Visitor, Walk};

mod icmp;
pub(crate) mod security;
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
        other => walk_rare(walk, other),
    }
}

#[inline(never)]
fn walk_rare<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>, protocol: u8) -> Result<Next, Stopped> {
    match protocol {
        1 => icmp::walk(walk, "icmp"),
        58 => icmp::walk(walk, "icmpv6"),
        // IP in IP has two numbers (RFC 2003, and one older).
        4 | 94 => inside(walk, Next::EtherType(net::IPV4)),
        41 => inside(walk, Next::EtherType(net::IPV6)),
        47 => gre::walk(walk),
        50 => security::walk_esp(walk),
        51 => security::walk_authentication(walk).map(|(next, _)| Next::Protocol(next)),
        97 => {
            // EtherIP (RFC 3378): two bytes that say version 3.
            walk.enter_tunnel();
            walk.enter("etherip", 2, |bytes| Fields::Bytes(bytes.len()))?;
            Ok(Next::Ethernet)
        }
        137 => mpls::walk(walk),
        143 => inside(walk, Next::Ethernet),
        other => Err(walk.unsupported("protocol", other.into())),
    }
}

/// Another packet or frame follows without a header in between.
fn inside<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>, next: Next) -> Result<Next, Stopped> {
    walk.enter_tunnel();
    Ok(next)
}
