//! What a user knows about a network that no packet says: which UDP ports carry tunnels there, and whether VLANs tell
//! connections apart.
//!
//! Promises: a decoder is a plain value; with the default one, its functions are [`decode`](crate::decode) and
//! [`layers`](crate::layers()).

use std::fmt;
use std::str::FromStr;

use egret_capture::Packet;

use crate::walk::{self, Unseen};
use crate::{Decoded, Layers, plain};

/// How to decode, where it is not as everywhere.
///
/// ```
/// use egret_decode::{Decoder, UdpTunnel};
///
/// // Linux had VXLAN on this port before there was a standard.
/// let decoder = Decoder { udp_tunnels: vec![(8472, UdpTunnel::Vxlan)], ..Decoder::default() };
/// # let _ = decoder;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoder {
    /// UDP ports, of either end, that mean a tunnel here besides the standard ones; the first rule that fits counts.
    ///
    /// A port is a hint: a datagram whose first bytes are not that tunnel's header is a plain one.
    pub udp_tunnels: Vec<(u16, UdpTunnel)>,
    /// Leave VLAN ids out of the path, for taps that see the two directions of a connection in different VLANs.
    pub ignore_vlan: bool,
}

impl Decoder {
    /// The default, without a value of one's own.
    pub(crate) const STANDARD: &'static Self = &Self { udp_tunnels: Vec::new(), ignore_vlan: false };

    /// As [`decode`](crate::decode), by these rules.
    #[inline]
    pub fn decode<'a>(&'a self, packet: Packet<'a>) -> Decoded<'a> {
        match plain::packet(self, packet) {
            Some(decoded) => decoded,
            None => walk::packet(self, packet, &mut Unseen),
        }
    }

    /// Decodes some packets, and puts what they are behind what is in `to`: each in its place there, while the result of
    /// [`decode`](Self::decode) has to be copied to where it is kept, which takes about as long as to decode it.
    #[inline]
    pub fn decode_all<'a, 'p: 'a>(
        &'a self,
        packets: impl Iterator<Item = Packet<'p>>,
        to: &mut Vec<Decoded<'a>>,
    ) {
        for packet in packets {
            // Not one `push` for both: what goes through one place in memory is put together there and copied.
            match plain::packet(self, packet) {
                Some(decoded) => to.push(decoded),
                None => to.push(walk::packet(self, packet, &mut Unseen)),
            }
        }
    }

    /// As [`layers`](crate::layers()), by these rules.
    pub fn layers<'a>(&'a self, packet: Packet<'a>) -> Layers<'a> {
        Layers::of(self, packet)
    }

    /// What a datagram between these ports carries, if it may be a tunnel's.
    pub(crate) fn udp_tunnel(&self, source: u16, destination: u16) -> Option<UdpTunnel> {
        let rule = self.udp_tunnels.iter().find(|(port, _)| *port == destination || *port == source);
        let standard = || UdpTunnel::on_port(destination).or_else(|| UdpTunnel::on_port(source));
        rule.map(|(_, tunnel)| *tunnel).or_else(standard)
    }
}

/// A tunnel that rides in UDP datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UdpTunnel {
    /// VXLAN (RFC 7348), on port 4789.
    Vxlan,
    /// VXLAN with a next-protocol field (draft-ietf-nvo3-vxlan-gpe), on port 4790.
    VxlanGpe,
    /// GENEVE (RFC 8926), on port 6081.
    Geneve,
    /// User data of mobile networks (3GPP TS 29.281), on port 2152.
    GtpU,
    /// IPv6 through a network address translator (RFC 4380), on port 3544, and between peers on any.
    Teredo,
    /// GRE in UDP (RFC 8086), on port 4754.
    Gre,
    /// MPLS in UDP (RFC 7510), on port 6635.
    Mpls,
    /// L2TP version 2 (RFC 2661), on port 1701.
    L2tp,
}

impl UdpTunnel {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Vxlan,
        Self::VxlanGpe,
        Self::Geneve,
        Self::GtpU,
        Self::Teredo,
        Self::Gre,
        Self::Mpls,
        Self::L2tp,
    ];

    /// The stable name, which [`FromStr`] takes: `vxlan`, `vxlan-gpe`, `geneve`, `gtp-u`, `teredo`, `gre`, `mpls`, `l2tp`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vxlan => "vxlan",
            Self::VxlanGpe => "vxlan-gpe",
            Self::Geneve => "geneve",
            Self::GtpU => "gtp-u",
            Self::Teredo => "teredo",
            Self::Gre => "gre",
            Self::Mpls => "mpls",
            Self::L2tp => "l2tp",
        }
    }

    const fn on_port(port: u16) -> Option<Self> {
        Some(match port {
            1701 => Self::L2tp,
            2152 => Self::GtpU,
            3544 => Self::Teredo,
            4754 => Self::Gre,
            4789 => Self::Vxlan,
            4790 => Self::VxlanGpe,
            6081 => Self::Geneve,
            6635 => Self::Mpls,
            _ => return None,
        })
    }
}

impl fmt::Display for UdpTunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no tunnel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownTunnel;

impl fmt::Display for UnknownTunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a tunnel over UDP: give one of")?;
        for (index, tunnel) in UdpTunnel::ALL.into_iter().enumerate() {
            write!(f, "{}{tunnel}", if index == 0 { " " } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownTunnel {}

impl FromStr for UdpTunnel {
    type Err = UnknownTunnel;

    fn from_str(name: &str) -> Result<Self, UnknownTunnel> {
        Self::ALL.into_iter().find(|tunnel| tunnel.name() == name).ok_or(UnknownTunnel)
    }
}
