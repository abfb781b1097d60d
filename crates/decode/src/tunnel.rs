//! Headers that carry another packet or frame inside them.
//!
//! The ids that both directions share enter the packet's path; what differs by direction is only told to the visitor.

use crate::UdpTunnel;
use crate::walk::{Next, Stopped, Visitor, Walk};

pub(crate) mod backbone;
pub(crate) mod erspan;
pub(crate) mod geneve;
pub(crate) mod gre;
pub(crate) mod gtp;
pub(crate) mod l2tp;
pub(crate) mod mpls;
pub(crate) mod pppoe;
pub(crate) mod teredo;
pub(crate) mod vlan;
pub(crate) mod vntag;
pub(crate) mod vxlan;

/// Goes on in a UDP datagram between these ports, behind its header. Where the ports do not mean a tunnel, or the bytes
/// are not what the ports promise, they are payload.
#[inline]
pub(crate) fn walk_udp<'a, V: Visitor<'a>>(
    walk: &mut Walk<'a, '_, V>,
    (source, destination): (u16, u16),
) -> Result<Next, Stopped> {
    match walk.decoder.udp_tunnel(source, destination) {
        Some(tunnel) => walk_into(walk, tunnel),
        None if teredo::is_between_peers(walk) => teredo::walk(walk),
        None => Ok(Next::Payload),
    }
}

#[inline(never)]
fn walk_into<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>, tunnel: UdpTunnel) -> Result<Next, Stopped> {
    // Without the first four bytes nothing can be told: of a datagram that was cut, that is where decoding stopped.
    let Some(first) = walk.rest().first_chunk::<4>() else {
        if walk.cut() == 0 {
            return Ok(Next::Payload);
        }
        walk.enter_tunnel();
        return Err(walk.truncated(tunnel.name(), 4));
    };
    let fits = match tunnel {
        UdpTunnel::Vxlan | UdpTunnel::VxlanGpe => vxlan::fits(first),
        UdpTunnel::Geneve => geneve::fits(first),
        UdpTunnel::GtpU => gtp::fits(first),
        UdpTunnel::Teredo => teredo::fits(first),
        UdpTunnel::Gre => gre::fits(first),
        UdpTunnel::Mpls => true,
        UdpTunnel::L2tp => l2tp::fits(first),
    };
    if !fits {
        return Ok(Next::Payload);
    }
    walk.enter_tunnel();
    match tunnel {
        UdpTunnel::Vxlan => vxlan::walk(walk),
        UdpTunnel::VxlanGpe => vxlan::walk_gpe(walk),
        UdpTunnel::Geneve => geneve::walk(walk),
        UdpTunnel::GtpU => gtp::walk(walk),
        UdpTunnel::Teredo => teredo::walk(walk),
        UdpTunnel::Gre => gre::walk(walk),
        UdpTunnel::Mpls => mpls::walk(walk),
        UdpTunnel::L2tp => l2tp::walk(walk),
    }
}
