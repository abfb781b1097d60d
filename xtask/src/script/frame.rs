//! Builds packets: TCP and UDP in IPv4 or IPv6, in a link-layer frame, with right checksums unless asked for wrong
//! ones. Sources: RFC 791, 8200, 9293, 768, 1071; link types: <https://www.tcpdump.org/linktypes.html>.

use std::net::{IpAddr, SocketAddr};

/// How frames begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Ethernet,
    Raw,
    Null,
    Loop,
    Cooked,
    Cooked2,
}

impl Link {
    pub(super) const NAMES: &'static str = "ethernet, raw, null, loop, sll, sll2";

    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "ethernet" => Self::Ethernet,
            "raw" => Self::Raw,
            "null" => Self::Null,
            "loop" => Self::Loop,
            "sll" => Self::Cooked,
            "sll2" => Self::Cooked2,
            _ => return None,
        })
    }

    pub(super) const fn number(self) -> u32 {
        match self {
            Self::Ethernet => 1,
            Self::Raw => 101,
            Self::Null => 0,
            Self::Loop => 108,
            Self::Cooked => 113,
            Self::Cooked2 => 276,
        }
    }
}

pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const PSH: u8 = 0x08;
pub(super) const ACK: u8 = 0x10;
pub(super) const URG: u8 = 0x20;
/// tcpdump's letters for the flags.
pub(super) const FLAG_LETTERS: [(char, u8); 8] =
    [('F', FIN), ('S', SYN), ('R', RST), ('P', PSH), ('.', ACK), ('U', URG), ('E', 0x40), ('W', 0x80)];

/// A TCP header's own fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tcp<'a> {
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) flags: u8,
    pub(super) window: u16,
    pub(super) urgent: u16,
    /// Any number of bytes up to 40; filled up to a multiple of four with ends of options.
    pub(super) options: &'a [u8],
}

const TCP: u8 = 6;
const UDP: u8 = 17;

/// A transport header with its payload, ready to be put into IP.
pub(super) struct Segment {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    protocol: u8,
    bytes: Vec<u8>,
}

impl Segment {
    pub(super) fn tcp(source: SocketAddr, destination: SocketAddr, tcp: Tcp<'_>, payload: &[u8]) -> Self {
        let header_words = 5 + tcp.options.len().div_ceil(4);
        let mut bytes = ports(source, destination);
        bytes.extend(tcp.seq.to_be_bytes());
        bytes.extend(tcp.ack.to_be_bytes());
        bytes.extend([(header_words << 4) as u8, tcp.flags]);
        bytes.extend(tcp.window.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(tcp.urgent.to_be_bytes());
        bytes.extend(tcp.options);
        bytes.resize(header_words * 4, 0);
        bytes.extend(payload);
        let mut segment = Self { source, destination, protocol: TCP, bytes };
        segment.fill_in_checksum(16);
        segment
    }

    pub(super) fn udp(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Self {
        let mut bytes = ports(source, destination);
        bytes.extend(((8 + payload.len()) as u16).to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(payload);
        let mut segment = Self { source, destination, protocol: UDP, bytes };
        segment.fill_in_checksum(6);
        segment
    }

    /// With a checksum that is off by one bit.
    pub(super) fn with_bad_checksum(mut self) -> Self {
        let place = if self.protocol == TCP { 16 } else { 6 };
        if let Some(byte) = self.bytes.get_mut(place) {
            *byte ^= 1;
        }
        self
    }

    fn fill_in_checksum(&mut self, place: usize) {
        let mut pseudo_header = addresses(self.source.ip(), self.destination.ip());
        pseudo_header.extend((self.bytes.len() as u32).to_be_bytes());
        pseudo_header.extend([0, 0, 0, self.protocol]);
        pseudo_header.extend(&self.bytes);
        let sum = match checksum(&pseudo_header) {
            // In UDP a zero says that there is none (RFC 768).
            0 if self.protocol == UDP => 0xffff,
            sum => sum,
        };
        for (byte, sum) in self.bytes.iter_mut().skip(place).zip(sum.to_be_bytes()) {
            *byte = sum;
        }
    }

    /// The IP packets that carry it: one, or with `fragment` as many as it takes with that much payload each, which
    /// must be a multiple of eight.
    pub(super) fn packets(&self, id: u32, fragment: Option<usize>) -> Vec<Vec<u8>> {
        let size = fragment.unwrap_or(usize::MAX);
        let last = self.bytes.len().div_ceil(size).saturating_sub(1);
        let piece = |(index, bytes): (usize, &[u8])| {
            let place = fragment.map(|_| Fragment { offset: index * size, more: index != last });
            match (self.source.ip(), self.destination.ip()) {
                (IpAddr::V4(_), IpAddr::V4(_)) => self.ipv4(bytes, id, place),
                _ => self.ipv6(bytes, id, place),
            }
        };
        self.bytes.chunks(size).enumerate().map(piece).collect()
    }

    fn ipv4(&self, payload: &[u8], id: u32, fragment: Option<Fragment>) -> Vec<u8> {
        const DO_NOT_FRAGMENT: u16 = 0x4000;
        let place = fragment
            .map_or(DO_NOT_FRAGMENT, |place| (u16::from(place.more) << 13) | (place.offset / 8) as u16);
        let mut header = vec![0x45, 0];
        header.extend(((20 + payload.len()) as u16).to_be_bytes());
        header.extend((id as u16).to_be_bytes());
        header.extend(place.to_be_bytes());
        header.extend([64, self.protocol, 0, 0]);
        header.extend(addresses(self.source.ip(), self.destination.ip()));
        let sum = checksum(&header).to_be_bytes();
        for (byte, sum) in header.iter_mut().skip(10).zip(sum) {
            *byte = sum;
        }
        header.extend(payload);
        header
    }

    fn ipv6(&self, payload: &[u8], id: u32, fragment: Option<Fragment>) -> Vec<u8> {
        const FRAGMENT: u8 = 44;
        let mut packet = vec![0x60, 0, 0, 0];
        let extra = if fragment.is_some() { 8 } else { 0 };
        packet.extend(((payload.len() + extra) as u16).to_be_bytes());
        packet.extend([if fragment.is_some() { FRAGMENT } else { self.protocol }, 64]);
        packet.extend(addresses(self.source.ip(), self.destination.ip()));
        if let Some(place) = fragment {
            packet.extend([self.protocol, 0]);
            packet.extend((place.offset as u16 | u16::from(place.more)).to_be_bytes());
            packet.extend(id.to_be_bytes());
        }
        packet.extend(payload);
        packet
    }
}

/// Where a fragment belongs in its datagram.
#[derive(Clone, Copy)]
struct Fragment {
    offset: usize,
    more: bool,
}

/// An IP packet in a frame of `link`. `outgoing` is what the client sends: it decides the hardware addresses.
pub(super) fn framed(link: Link, vlans: &[u16], outgoing: bool, packet: &[u8]) -> Vec<u8> {
    let version_4 = packet.first().is_some_and(|byte| byte >> 4 == 4);
    let ethertype: u16 = if version_4 { 0x0800 } else { 0x86dd };
    let client = [0x02, 0, 0, 0, 0, 0x01];
    let server = [0x02, 0, 0, 0, 0, 0x02];
    let (from, to) = if outgoing { (client, server) } else { (server, client) };
    // The numbers that systems with this header give to IPv4 and IPv6 (30 is Darwin's).
    let family: u32 = if version_4 { 2 } else { 30 };
    let mut frame = Vec::new();
    match link {
        Link::Raw => {}
        Link::Null => frame.extend(family.to_le_bytes()),
        Link::Loop => frame.extend(family.to_be_bytes()),
        Link::Ethernet => {
            frame.extend(to);
            frame.extend(from);
            for (index, vlan) in vlans.iter().enumerate() {
                // An outer tag of several is a service tag (IEEE 802.1ad).
                let service = vlans.len() > 1 && index == 0;
                frame.extend((if service { 0x88a8u16 } else { 0x8100 }).to_be_bytes());
                frame.extend(vlan.to_be_bytes());
            }
            frame.extend(ethertype.to_be_bytes());
        }
        Link::Cooked => {
            frame.extend([0, if outgoing { 4 } else { 0 }, 0, 1, 0, 6]);
            frame.extend(from);
            frame.extend([0, 0]);
            frame.extend(ethertype.to_be_bytes());
        }
        Link::Cooked2 => {
            frame.extend(ethertype.to_be_bytes());
            frame.extend([0, 0, 0, 0, 0, 1, 0, 1, if outgoing { 4 } else { 0 }, 6]);
            frame.extend(from);
            frame.extend([0, 0]);
        }
    }
    frame.extend(packet);
    frame
}

fn ports(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    [source.port().to_be_bytes(), destination.port().to_be_bytes()].concat()
}

fn addresses(source: IpAddr, destination: IpAddr) -> Vec<u8> {
    let octets = |address| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    [octets(source), octets(destination)].concat()
}

/// The Internet checksum (RFC 1071): zero over bytes that hold their own right checksum.
fn checksum(bytes: &[u8]) -> u16 {
    let word = |pair: &[u8]| match pair {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    };
    let mut sum = bytes.chunks(2).map(word).fold(0u32, u32::wrapping_add);
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(v6: bool) -> (SocketAddr, SocketAddr) {
        let (source, destination) =
            if v6 { ("[::1]:51234", "[::2]:80") } else { ("10.0.0.1:51234", "10.0.0.2:80") };
        (source.parse().expect("an address"), destination.parse().expect("an address"))
    }

    fn segment(v6: bool, payload: &[u8]) -> Segment {
        let (source, destination) = ends(v6);
        let tcp = Tcp { seq: 1, ack: 2, flags: PSH | ACK, window: 1000, urgent: 0, options: &[1, 1, 1] };
        Segment::tcp(source, destination, tcp, payload)
    }

    #[test]
    fn the_checksum_is_that_of_the_rfc() {
        // The example of RFC 1071 §3, whose sum is ddf2.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        assert_eq!(checksum(&[0xff]), 0x00ff, "an odd byte counts as the upper one");
    }

    #[test]
    fn checksums_verify_at_every_length() {
        for v6 in [false, true] {
            for len in 0..40 {
                let segment = segment(v6, &vec![0xab; len]);
                let verifies = |segment: &Segment| {
                    let mut all = addresses(segment.source.ip(), segment.destination.ip());
                    all.extend((segment.bytes.len() as u32).to_be_bytes());
                    all.extend([0, 0, 0, TCP]);
                    all.extend(&segment.bytes);
                    checksum(&all) == 0
                };
                assert!(verifies(&segment), "{len} bytes");
                assert!(!verifies(&segment.with_bad_checksum()), "{len} bytes");
            }
        }
        let packet = segment(false, b"x").packets(7, None).remove(0);
        assert_eq!(checksum(&packet[..20]), 0, "the IPv4 header's");
    }

    #[test]
    fn fragments_join_to_the_whole() {
        for v6 in [false, true] {
            let segment = segment(v6, &[7; 50]);
            let pieces = segment.packets(9, Some(16));
            assert_eq!(pieces.len(), segment.bytes.len().div_ceil(16));
            let (header, place) = if v6 { (48, 42) } else { (20, 6) };
            let joined: Vec<u8> = pieces.iter().flat_map(|piece| piece[header..].to_vec()).collect();
            assert_eq!(joined, segment.bytes);
            for (index, piece) in pieces.iter().enumerate() {
                let place = u16::from_be_bytes([piece[place], piece[place + 1]]);
                let more = index + 1 != pieces.len();
                let wanted =
                    if v6 { index * 16 + usize::from(more) } else { index * 2 + (usize::from(more) << 13) };
                assert_eq!(usize::from(place), wanted);
            }
        }
    }

    #[test]
    fn each_link_has_its_header() {
        let packet = [0x45, 0, 0];
        let len = |link| framed(link, &[], true, &packet).len() - packet.len();
        let all = [Link::Raw, Link::Null, Link::Loop, Link::Ethernet, Link::Cooked, Link::Cooked2];
        assert_eq!(all.map(len), [0, 4, 4, 14, 16, 20]);
        let tagged = framed(Link::Ethernet, &[100, 7], true, &packet);
        assert_eq!(tagged[12..22], [0x88, 0xa8, 0, 100, 0x81, 0, 0, 7, 0x08, 0]);
    }
}
