//! The name of what a packet carries, for records and statistics.

use std::fmt;

use egret_decode::{Decoded, Network, Transport};

/// The protocol number of IPsec's authentication header.
const AUTHENTICATION: u8 = 51;

/// What the innermost network header carries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Protocol {
    Arp,
    Ip(u8),
}

impl Protocol {
    /// Of a fragment: what its datagram carries. `None` where no network header was found.
    pub(crate) fn of(decoded: &Decoded<'_>) -> Option<Self> {
        match (decoded.fragment(), decoded.network?) {
            // Behind an authentication header the number in front is not the transport's.
            (None, Network::Ipv4(header)) if header.protocol == AUTHENTICATION => {
                Some(Self::Ip(match decoded.transport {
                    Some(Transport::Tcp(_)) => 6,
                    Some(Transport::Udp(_)) => 17,
                    Some(Transport::Icmp(_)) => 1,
                    _ => AUTHENTICATION,
                }))
            }
            (Some(fragment), _) => Some(Self::Ip(fragment.protocol)),
            (None, Network::Ipv4(header)) => Some(Self::Ip(header.protocol)),
            (None, Network::Ipv6(header)) => Some(Self::Ip(header.protocol)),
            (None, Network::Arp(_)) => Some(Self::Arp),
            _ => None,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arp => "arp",
            Self::Ip(1) => "icmp",
            Self::Ip(2) => "igmp",
            Self::Ip(6) => "tcp",
            Self::Ip(17) => "udp",
            Self::Ip(47) => "gre",
            Self::Ip(50) => "esp",
            Self::Ip(51) => "ah",
            Self::Ip(58) => "icmpv6",
            Self::Ip(89) => "ospf",
            Self::Ip(132) => "sctp",
            Self::Ip(number) => return write!(f, "ip-proto-{number}"),
        })
    }
}
