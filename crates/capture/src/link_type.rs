//! The link-layer header types of the [registry](https://www.tcpdump.org/linktypes.html), as files number them.

use std::fmt;

/// The number that says what a packet's bytes begin with: a `LINKTYPE_` value, as in capture files.
///
/// libpcap's own `DLT_` values, which differ between systems for a few types, are mapped to these at the door.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: the protocol family in the capturing host's byte order.
    pub const NULL: Self = Self(0);
    /// Ethernet (IEEE 802.3), without the frame check sequence.
    pub const ETHERNET: Self = Self(1);
    /// PPP (RFC 1661), with or without HDLC's address and control bytes.
    pub const PPP: Self = Self(9);
    /// FDDI, with IEEE 802.2 headers inside.
    pub const FDDI: Self = Self(10);
    /// PPP in HDLC-like framing (RFC 1662), or Cisco's HDLC.
    pub const PPP_HDLC: Self = Self(50);
    /// PPPoE (RFC 2516), from its header on.
    pub const PPP_ETHER: Self = Self(51);
    /// Raw IP, version 4 or 6 by its first nibble.
    pub const RAW: Self = Self(101);
    /// Cisco's HDLC.
    pub const C_HDLC: Self = Self(104);
    /// IEEE 802.11 frames.
    pub const IEEE802_11: Self = Self(105);
    /// OpenBSD loopback: the protocol family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux "cooked" capture, version 1 (the `any` device).
    pub const LINUX_SLL: Self = Self(113);
    /// OpenBSD's packet filter log.
    pub const PFLOG: Self = Self(117);
    /// IEEE 802.11 frames behind a Prism header.
    pub const IEEE802_11_PRISM: Self = Self(119);
    /// IEEE 802.11 frames behind a radiotap header.
    pub const IEEE802_11_RADIOTAP: Self = Self(127);
    /// IEEE 802.11 frames behind an AVS header.
    pub const IEEE802_11_AVS: Self = Self(163);
    /// PPP as Linux' and NetBSD's `pppd` log it: the direction in the address byte's place.
    pub const PPP_PPPD: Self = Self(166);
    /// Any packet behind a per-packet information header.
    pub const PPI: Self = Self(192);
    /// PPP behind a byte for the direction.
    pub const PPP_WITH_DIR: Self = Self(204);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux' netfilter log.
    pub const NFLOG: Self = Self(239);
    /// Linux "cooked" capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
    /// Ethernet with a Broadcom switch's tag behind the addresses.
    pub const DSA_TAG_BRCM: Self = Self(281);
    /// Ethernet with a Broadcom switch's tag in front.
    pub const DSA_TAG_BRCM_PREPEND: Self = Self(282);
    /// Ethernet with a Marvell switch's tag behind the addresses.
    pub const DSA_TAG_DSA: Self = Self(284);
    /// Ethernet with a Marvell switch's tag and an ethertype for it behind the addresses.
    pub const DSA_TAG_EDSA: Self = Self(285);

    /// The link type for a number found in a file header or given by libpcap.
    ///
    /// Maps the values that systems use in place of the registry's: raw IP is 12 or 14 in a `DLT_`. In a pcap
    /// file header only the low 16 bits are the type (the upper hold the frame check sequence's length).
    pub const fn from_raw(number: u32) -> Self {
        match number & 0xffff {
            12 | 14 => Self::RAW,
            other => Self(other as u16),
        }
    }

    /// The registry's name in lower case, or `None` where this crate has none.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::NULL => "null",
            Self::ETHERNET => "ethernet",
            Self::PPP => "ppp",
            Self::FDDI => "fddi",
            Self::PPP_HDLC => "ppp-hdlc",
            Self::PPP_ETHER => "pppoe",
            Self::RAW => "raw",
            Self::C_HDLC => "c-hdlc",
            Self::IEEE802_11 => "ieee802-11",
            Self::LOOP => "loop",
            Self::LINUX_SLL => "linux-sll",
            Self::PFLOG => "pflog",
            Self::IEEE802_11_PRISM => "prism",
            Self::IEEE802_11_RADIOTAP => "radiotap",
            Self::IEEE802_11_AVS => "avs",
            Self::PPP_PPPD => "ppp-pppd",
            Self::PPI => "ppi",
            Self::PPP_WITH_DIR => "ppp-with-direction",
            Self::IPV4 => "ipv4",
            Self::IPV6 => "ipv6",
            Self::NFLOG => "nflog",
            Self::LINUX_SLL2 => "linux-sll2",
            Self::DSA_TAG_BRCM => "dsa-brcm",
            Self::DSA_TAG_BRCM_PREPEND => "dsa-brcm-prepend",
            Self::DSA_TAG_DSA => "dsa",
            Self::DSA_TAG_EDSA => "edsa",
            _ => return None,
        })
    }
}

/// The link types whose numbers libpcap has under another value, in every system or in some: `LINKTYPE_`, `DLT_`.
#[cfg(feature = "libpcap")]
const RENUMBERED: [(u16, i32); 5] = [(100, 11), (101, 12), (102, 15), (103, 16), (106, 19)];

/// The link type for a `DLT_` value of this system's libpcap.
#[cfg(feature = "libpcap")]
pub(crate) fn from_dlt(dlt: i32) -> LinkType {
    match RENUMBERED.iter().find(|&&(_, number)| number == dlt) {
        Some(&(link_type, _)) => LinkType(link_type),
        None => LinkType::from_raw(dlt as u32),
    }
}

/// The `DLT_` value that this system's libpcap has for a link type.
#[cfg(feature = "libpcap")]
pub(crate) fn to_dlt(link_type: LinkType) -> i32 {
    match RENUMBERED.iter().find(|&&(number, _)| number == link_type.0) {
        // OpenBSD alone has 14 for raw IP.
        Some((101, _)) if cfg!(target_os = "openbsd") => 14,
        Some(&(_, dlt)) => dlt,
        None => i32::from(link_type.0),
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "link type {}", self.0),
        }
    }
}

impl fmt::Debug for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(all(test, feature = "libpcap"))]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_that_of_its_name() {
        let named = [
            (LinkType::NULL, "NULL"),
            (LinkType::ETHERNET, "EN10MB"),
            (LinkType::PPP, "PPP"),
            (LinkType::FDDI, "FDDI"),
            (LinkType::PPP_HDLC, "PPP_SERIAL"),
            (LinkType::PPP_ETHER, "PPP_ETHER"),
            (LinkType::RAW, "RAW"),
            (LinkType::C_HDLC, "C_HDLC"),
            (LinkType::IEEE802_11, "IEEE802_11"),
            (LinkType::LOOP, "LOOP"),
            (LinkType::LINUX_SLL, "LINUX_SLL"),
            (LinkType::PFLOG, "PFLOG"),
            (LinkType::IEEE802_11_PRISM, "PRISM_HEADER"),
            (LinkType::IEEE802_11_RADIOTAP, "IEEE802_11_RADIO"),
            (LinkType::IEEE802_11_AVS, "IEEE802_11_RADIO_AVS"),
            (LinkType::PPP_PPPD, "PPP_PPPD"),
            (LinkType::PPI, "PPI"),
            (LinkType::IPV4, "IPV4"),
            (LinkType::IPV6, "IPV6"),
            (LinkType::NFLOG, "NFLOG"),
            (LinkType::LINUX_SLL2, "LINUX_SLL2"),
            (LinkType::DSA_TAG_BRCM, "DSA_TAG_BRCM"),
            (LinkType::DSA_TAG_BRCM_PREPEND, "DSA_TAG_BRCM_PREPEND"),
            (LinkType::DSA_TAG_DSA, "DSA_TAG_DSA"),
            (LinkType::DSA_TAG_EDSA, "DSA_TAG_EDSA"),
        ];
        for (link_type, name) in named {
            // An older libpcap may not know the latest; none has another name for a number.
            if let Ok(known) = pcap::Linktype(to_dlt(link_type)).get_name() {
                assert_eq!(known, name, "{}", link_type.0);
            }
        }
    }
}
