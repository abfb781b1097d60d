//! Writes a classic capture file: little-endian, nanoseconds, one link type.
//!
//! Format: <https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcap>.

use super::frame::Link;

/// What a capture keeps of one packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Captured {
    /// Nanoseconds since 1970.
    pub(super) time: u64,
    /// The whole packet.
    pub(super) frame: Vec<u8>,
    /// How much of it was captured at most.
    pub(super) snap: usize,
}

const MAGIC_NANOSECONDS: u32 = 0xa1b2_3c4d;
const NANOSECONDS: u64 = 1_000_000_000;

pub(super) fn file(link: Link, packets: &[Captured]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(MAGIC_NANOSECONDS.to_le_bytes());
    file.extend(2u16.to_le_bytes());
    file.extend(4u16.to_le_bytes());
    // Two reserved fields, the snap length that tcpdump writes, and the link type.
    file.extend([0; 8]);
    file.extend(262_144u32.to_le_bytes());
    file.extend(link.number().to_le_bytes());
    for packet in packets {
        let kept = packet.frame.len().min(packet.snap);
        for word in
            [packet.time / NANOSECONDS, packet.time % NANOSECONDS, kept as u64, packet.frame.len() as u64]
        {
            file.extend((word as u32).to_le_bytes());
        }
        file.extend(packet.frame.iter().take(kept));
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let packet = Captured { time: 1_000_000_002_000_000_003, frame: vec![1, 2, 3, 4], snap: 3 };
        let wanted = [
            0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0, //
            0x02, 0xca, 0x9a, 0x3b, 3, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3,
        ];
        assert_eq!(file(Link::Ethernet, &[packet]), wanted);
    }
}
