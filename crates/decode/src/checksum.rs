//! Whether a TCP or UDP checksum is right (RFC 9293 §3.1, RFC 768, RFC 8200 §8.1), computed only when asked.

use crate::{Decoded, Network, Transport, transport};

/// What a transport checksum says about its segment.
///
/// `Invalid` alone is no proof of damage: the sender's own machine captures packets before its network card fills
/// the checksum in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Checksum {
    /// It fits the bytes.
    Valid,
    /// It does not fit the bytes.
    Invalid,
    /// The sender sent none (UDP over IPv4 may).
    Absent,
    /// Not TCP or UDP, a fragment, shorter than its headers say (cut by the snap length or before), or on a source
    /// route whose final destination the header does not have yet.
    Unverifiable,
}

impl Decoded<'_> {
    /// Verifies the TCP or UDP checksum; reads every byte of the segment.
    pub fn checksum(&self) -> Checksum {
        let protocol = match self.transport {
            _ if self.segment.is_empty() => return Checksum::Unverifiable,
            Some(Transport::Tcp(_)) => transport::TCP,
            Some(Transport::Udp(udp)) if udp.checksum == 0 => return Checksum::Absent,
            Some(Transport::Udp(_)) => transport::UDP,
            _ => return Checksum::Unverifiable,
        };
        let addresses = match self.network {
            Some(Network::Ipv4(header)) => sum(&header.source.octets()) + sum(&header.destination.octets()),
            Some(Network::Ipv6(header)) => sum(&header.source.octets()) + sum(&header.destination.octets()),
            _ => return Checksum::Unverifiable,
        };
        // The pseudo header has the length in 16 or 32 bits, which add up to the same.
        let total = addresses + u64::from(protocol) + self.segment.len() as u64 + sum(self.segment);
        if folded(total) == 0xffff { Checksum::Valid } else { Checksum::Invalid }
    }
}

/// The bytes as big-endian numbers of 32 bits, added up. Carries are folded later; no packet is long enough to lose one.
fn sum(bytes: &[u8]) -> u64 {
    let (words, tail) = bytes.as_chunks::<4>();
    let sum: u64 = words.iter().map(|word| u64::from(u32::from_be_bytes(*word))).sum();
    let mut last = [0; 4];
    last.iter_mut().zip(tail).for_each(|(slot, byte)| *slot = *byte);
    sum + u64::from(u32::from_be_bytes(last))
}

/// Adds the upper bits to the lowest 16 until there are none.
fn folded(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    sum as u16
}
