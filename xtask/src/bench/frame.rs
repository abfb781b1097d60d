//! Packets as they go into the capture: Ethernet, perhaps a VLAN tag, IPv4 or IPv6, TCP with time stamps, payload;
//! all checksums right. Each is written into one buffer that is used again (RFC 791, 8200, 9293, 7323, 1071).

use std::net::IpAddr;

use super::conversation::{Ends, Side};

pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const PSH: u8 = 0x08;
pub(super) const ACK: u8 = 0x10;

const ETHERNET: usize = 14;
const TCP_HEADER: usize = 20;
/// Two fillers and the time stamps; in a SYN also segment size, selective acknowledgment and window scale.
const OPTIONS: usize = 12;
const SYN_OPTIONS: usize = 20;

/// The record header of a classic capture file in front, to be filled in once the packet is there.
pub(super) const RECORD: usize = 16;

/// What a packet's headers say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) from: Side,
    pub(super) flags: u8,
    pub(super) seq: u32,
    pub(super) ack: u32,
    /// Milliseconds, for the time stamps.
    pub(super) clock: u32,
    /// The number of the packet, for the identification field.
    pub(super) number: u64,
}

/// How much a segment may carry.
pub(super) const fn segment_size(ends: &Ends) -> usize {
    let mtu = 1500;
    match ends.client.ip() {
        IpAddr::V4(_) => mtu - 20 - TCP_HEADER - OPTIONS,
        IpAddr::V6(_) => mtu - 40 - TCP_HEADER - OPTIONS,
    }
}

/// Writes a packet behind room for its record header.
pub(super) fn write(ends: &Ends, header: Header, payload: &[u8], frame: &mut Vec<u8>) {
    let (source, destination) = match header.from {
        Side::Client => (ends.client, ends.server),
        Side::Server => (ends.server, ends.client),
    };
    let syn = header.flags & SYN != 0;
    let tcp_length = TCP_HEADER + if syn { SYN_OPTIONS } else { OPTIONS } + payload.len();
    frame.clear();
    frame.resize(RECORD, 0);
    let (client, server) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    for address in if header.from == Side::Client { [server, client] } else { [client, server] } {
        frame.extend(address);
    }
    if let Some(vlan) = ends.vlan {
        frame.extend([0x81, 0]);
        frame.extend(vlan.to_be_bytes());
    }
    // The pseudo header: both addresses, the protocol, the length.
    let mut sum = 6 + tcp_length as u64;
    match (source.ip(), destination.ip()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            frame.extend([8, 0]);
            let start = frame.len();
            frame.extend([0x45, 0]);
            frame.extend(((20 + tcp_length) as u16).to_be_bytes());
            frame.extend((header.number as u16).to_be_bytes());
            frame.extend([0x40, 0, 64, 6, 0, 0]);
            frame.extend(source.octets());
            frame.extend(destination.octets());
            let ip = frame.get(start..).unwrap_or_default();
            let checksum = folded(added(ip));
            fill(frame, start + 10, &checksum.to_be_bytes());
            sum += added(&source.octets()) + added(&destination.octets());
        }
        (source, destination) => {
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend((tcp_length as u16).to_be_bytes());
            frame.extend([6, 64]);
            for address in [source, destination] {
                if let IpAddr::V6(address) = address {
                    frame.extend(address.octets());
                    sum += added(&address.octets());
                }
            }
        }
    }
    let start = frame.len();
    frame.extend(source.port().to_be_bytes());
    frame.extend(destination.port().to_be_bytes());
    frame.extend(header.seq.to_be_bytes());
    frame.extend(header.ack.to_be_bytes());
    let words = (TCP_HEADER + if syn { SYN_OPTIONS } else { OPTIONS }) / 4;
    frame.extend([(words << 4) as u8, header.flags, 0x20, 0, 0, 0, 0, 0]);
    if syn {
        frame.extend([2, 4]);
        frame.extend(((segment_size(ends) + OPTIONS) as u16).to_be_bytes());
        frame.extend([4, 2]);
    } else {
        frame.extend([1, 1]);
    }
    frame.extend([8, 10]);
    frame.extend(header.clock.to_be_bytes());
    frame.extend(if syn { 0 } else { header.clock.saturating_sub(1) }.to_be_bytes());
    if syn {
        frame.extend([1, 3, 3, 7]);
    }
    frame.extend_from_slice(payload);
    sum += added(frame.get(start..).unwrap_or_default());
    fill(frame, start + 16, &folded(sum).to_be_bytes());
}

/// Fills in the record header: the time in nanoseconds, and the length twice.
pub(super) fn stamp(frame: &mut [u8], nanoseconds: u64) {
    let length = (frame.len() - RECORD) as u64;
    let words = [nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000 / 1_000, length, length];
    for (place, word) in words.into_iter().enumerate() {
        fill(frame, place * 4, &(word as u32).to_le_bytes());
    }
}

/// The length of the packet in a frame that was written, without its Ethernet header.
pub(super) const fn wire(frame: &[u8]) -> usize {
    frame.len() - RECORD - ETHERNET
}

fn fill(frame: &mut [u8], place: usize, bytes: &[u8]) {
    for (slot, byte) in frame.iter_mut().skip(place).zip(bytes) {
        *slot = *byte;
    }
}

/// The bytes as big-endian numbers, added up.
fn added(bytes: &[u8]) -> u64 {
    let (words, tail) = bytes.as_chunks::<4>();
    let mut last = [0; 4];
    fill(&mut last, 0, tail);
    words.iter().chain([&last]).map(|word| u64::from(u32::from_be_bytes(*word))).sum()
}

fn folded(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_as_the_formats_say() {
        let ends = Ends {
            client: ([10, 0, 0, 1], 40_000).into(),
            server: ([10, 0, 0, 2], 80).into(),
            vlan: Some(42),
        };
        let header = Header { from: Side::Client, flags: PSH | ACK, seq: 1, ack: 2, clock: 9, number: 3 };
        let mut frame = Vec::new();
        write(&ends, header, b"hello", &mut frame);
        stamp(&mut frame, 1_500_000_000);
        assert_eq!(frame.len(), RECORD + 18 + 20 + 32 + 5);
        assert_eq!(frame[..8], [1, 0, 0, 0, 0x20, 0xa1, 7, 0]);
        assert_eq!(frame[28..34], [0x81, 0, 0, 42, 8, 0]);
        // Summed up with its checksum, a header gives all ones.
        assert_eq!(folded(added(&frame[34..54])), 0);
        let pseudo = added(&frame[46..54]) + 6 + 37;
        assert_eq!(folded(pseudo + added(&frame[54..])), 0);
        assert!(frame.ends_with(b"hello"));
    }
}
