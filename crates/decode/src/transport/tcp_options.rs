//! TCP options (RFC 9293 §3.1, RFC 7323, RFC 2018).
//!
//! Promises: reading them is total on any bytes and always ends: the first option that contradicts the format ends the
//! list. Where an option is repeated, the accessors give the last, as Linux does.

use std::fmt;

/// Largest window scale there is (RFC 7323 §2.3).
const MAX_WINDOW_SCALE: u8 = 14;

/// The options of a TCP header: its bytes, read on demand.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpOptions<'a> {
    bytes: &'a [u8],
}

/// One option of a TCP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TcpOption<'a> {
    /// Kind 0: no options follow.
    EndOfList,
    /// Kind 1: padding between options.
    NoOperation,
    /// Kind 2: the largest segment its sender wants to receive, in bytes (in a SYN).
    MaximumSegmentSize(u16),
    /// Kind 3: how far its sender's windows are to be shifted left, as sent (in a SYN).
    WindowScale(u8),
    /// Kind 4: selective acknowledgments are welcome (in a SYN).
    SackPermitted,
    /// Kind 5: ranges received out of order.
    Sack(SackBlocks<'a>),
    /// Kind 8: the sender's clock, and the last one it saw of its peer's.
    Timestamps {
        /// The sender's clock (`TSval`).
        value: u32,
        /// What it echoes of the peer's (`TSecr`).
        echo: u32,
    },
    /// Any other option, also one of a known kind with a length that is not its own.
    Unknown {
        /// The kind.
        kind: u8,
        /// What is behind its length byte.
        data: &'a [u8],
    },
}

impl<'a> TcpOptions<'a> {
    /// Options from the bytes behind the fixed part of a header.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The bytes, as sent.
    pub const fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The options in the order they were sent, up to the end of the list or the first malformed one.
    pub fn iter(self) -> impl Iterator<Item = TcpOption<'a>> + Clone {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            let (option, behind) = split(rest)?;
            rest = behind;
            Some(option)
        })
    }

    /// The timestamps: the sender's clock, and the echo of its peer's.
    #[inline]
    pub fn timestamps(self) -> Option<(u32, u32)> {
        // Nearly every segment has exactly these, in the order that RFC 7323 recommends (appendix A).
        if let [1, 1, 8, 10, a, b, c, d, e, f, g, h] = *self.bytes {
            return Some((u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])));
        }
        self.timestamps_among_others()
    }

    fn timestamps_among_others(self) -> Option<(u32, u32)> {
        self.last(|option| match option {
            TcpOption::Timestamps { value, echo } => Some((value, echo)),
            _ => None,
        })
    }

    /// The window scale: at most 14, which larger ones mean too (RFC 7323 §2.3).
    pub fn window_scale(self) -> Option<u8> {
        self.last(|option| match option {
            TcpOption::WindowScale(shift) => Some(shift.min(MAX_WINDOW_SCALE)),
            _ => None,
        })
    }

    /// The maximum segment size, in bytes.
    pub fn mss(self) -> Option<u16> {
        self.last(|option| match option {
            TcpOption::MaximumSegmentSize(size) => Some(size),
            _ => None,
        })
    }

    /// Whether selective acknowledgments are permitted.
    pub fn sack_permitted(self) -> bool {
        self.iter().any(|option| option == TcpOption::SackPermitted)
    }

    fn last<T>(self, pick: impl Fn(TcpOption<'a>) -> Option<T>) -> Option<T> {
        self.iter().filter_map(pick).last()
    }
}

/// Takes the first option off. Every call returns fewer bytes than it was given.
fn split(bytes: &[u8]) -> Option<(TcpOption<'_>, &[u8])> {
    let (&kind, rest) = bytes.split_first()?;
    match kind {
        0 => return Some((TcpOption::EndOfList, &[])),
        1 => return Some((TcpOption::NoOperation, rest)),
        _ => {}
    }
    let (&length, rest) = rest.split_first()?;
    // The length counts the kind and itself.
    let (data, rest) = rest.split_at_checked(usize::from(length).checked_sub(2)?)?;
    let option = match (kind, data) {
        (2, &[a, b]) => TcpOption::MaximumSegmentSize(u16::from_be_bytes([a, b])),
        (3, &[shift]) => TcpOption::WindowScale(shift),
        (4, []) => TcpOption::SackPermitted,
        (5, data) if !data.is_empty() && data.len() % SackBlocks::SIZE == 0 => {
            TcpOption::Sack(SackBlocks { bytes: data })
        }
        (8, &[a, b, c, d, e, f, g, h]) => TcpOption::Timestamps {
            value: u32::from_be_bytes([a, b, c, d]),
            echo: u32::from_be_bytes([e, f, g, h]),
        },
        _ => TcpOption::Unknown { kind, data },
    };
    Some((option, rest))
}

/// The ranges of a selective acknowledgment: first sequence number received, first one behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SackBlocks<'a> {
    bytes: &'a [u8],
}

impl SackBlocks<'_> {
    const SIZE: usize = 8;
}

impl Iterator for SackBlocks<'_> {
    type Item = (u32, u32);

    fn next(&mut self) -> Option<(u32, u32)> {
        let (&[a, b, c, d, e, f, g, h], rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some((u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])))
    }
}

impl fmt::Display for TcpOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, option) in self.iter().enumerate() {
            write!(f, "{}{option}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Debug for TcpOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Display for TcpOption<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndOfList => f.write_str("eol"),
            Self::NoOperation => f.write_str("nop"),
            Self::MaximumSegmentSize(size) => write!(f, "mss {size}"),
            Self::WindowScale(shift) => write!(f, "wscale {shift}"),
            Self::SackPermitted => f.write_str("sack-permitted"),
            Self::Sack(blocks) => {
                f.write_str("sack")?;
                blocks.into_iter().try_for_each(|(start, end)| write!(f, " {start}:{end}"))
            }
            Self::Timestamps { value, echo } => write!(f, "timestamps {value} {echo}"),
            Self::Unknown { kind, data } => write!(f, "kind {kind} ({} bytes)", data.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(bytes: &[u8]) -> String {
        TcpOptions::new(bytes).to_string()
    }

    #[test]
    fn the_options_of_a_linux_syn() {
        let bytes = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9, 1, 3, 3, 7];
        let options = TcpOptions::new(&bytes);
        assert_eq!(options.to_string(), "mss 1460, sack-permitted, timestamps 7 9, nop, wscale 7");
        assert_eq!(options.timestamps(), Some((7, 9)));
        assert_eq!(options.window_scale(), Some(7));
        assert_eq!(options.mss(), Some(1460));
        assert!(options.sack_permitted());
        assert!(!TcpOptions::default().sack_permitted());
    }

    #[test]
    fn selective_acknowledgments_give_their_blocks() {
        let bytes = [1, 1, 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4];
        assert_eq!(listed(&bytes), "nop, nop, sack 1:2 3:4");
    }

    #[test]
    fn the_end_of_the_list_is_its_end() {
        assert_eq!(listed(&[1, 0, 1, 1]), "nop, eol");
    }

    #[test]
    fn a_known_kind_with_a_wrong_length_is_unknown_and_the_list_goes_on() {
        assert_eq!(
            listed(&[2, 3, 9, 3, 2, 8, 2, 5, 2, 5, 3, 1, 4, 3, 1, 1]),
            "kind 2 (1 bytes), kind 3 (0 bytes), kind 8 (0 bytes), kind 5 (0 bytes), kind 5 (1 bytes), kind 4 (1 bytes), nop"
        );
    }

    #[test]
    fn a_malformed_option_ends_the_list() {
        assert_eq!(listed(&[1, 3]), "nop", "no length");
        assert_eq!(listed(&[1, 254, 0, 1]), "nop", "a length of 0 would never end");
        assert_eq!(listed(&[1, 254, 1, 1]), "nop", "a length of 1 does not count itself");
        assert_eq!(listed(&[1, 254, 5, 1]), "nop", "beyond the end");
    }

    #[test]
    fn of_repeated_options_the_last_counts_as_in_linux() {
        assert_eq!(TcpOptions::new(&[3, 3, 7, 3, 3, 9]).window_scale(), Some(9));
    }

    #[test]
    fn a_window_scale_above_14_means_14() {
        let bytes = [3, 3, 255];
        let options = TcpOptions::new(&bytes);
        assert_eq!(options.window_scale(), Some(14));
        assert_eq!(options.to_string(), "wscale 255", "the listing shows what was sent");
    }
}
