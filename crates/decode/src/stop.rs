//! Why decoding ended early: as data, because what the network did wrong is not an error of this program.

use std::fmt;

/// Where and why decoding ended. The layers in front of it are decoded and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stop {
    /// The layer that could not be decoded: `ethernet`, `ipv4`, `tcp`, …; for a kind of layer that is not decoded
    /// here, what its number numbers: `link type`, `ethertype`, `protocol`, ….
    pub layer: &'static str,
    /// Where that layer starts in the packet's bytes.
    pub offset: u32,
    /// Why.
    pub reason: StopReason,
}

/// Why a layer could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// The header needs more bytes than there are: the capture was cut, or the packet is short.
    Truncated {
        /// Bytes the header needs.
        needed: u32,
        /// Bytes there are.
        had: u32,
    },
    /// A field contradicts the format; the text says which and how.
    Malformed(&'static str),
    /// What follows is of a kind that is not decoded here: an ethertype, a protocol number, a link type.
    Unsupported(u32),
    /// What follows is encrypted.
    Encrypted,
    /// More headers inside each other than any honest packet has.
    TooDeep,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { layer, offset, reason } = self;
        match reason {
            StopReason::Truncated { needed, had } => write!(f, "{layer}: {had} bytes of {needed}"),
            StopReason::Malformed(what) => write!(f, "{layer}: {what}"),
            // Ethertypes and their like are known by their hexadecimal number, everything else by the decimal one.
            StopReason::Unsupported(number) if matches!(*layer, "ethertype" | "ppp protocol" | "snap") => {
                write!(f, "{layer} {number:#06x} is not decoded")
            }
            StopReason::Unsupported(number) => write!(f, "{layer} {number} is not decoded"),
            StopReason::Encrypted => write!(f, "{layer}: encrypted"),
            StopReason::TooDeep => write!(f, "{layer}: too many headers at byte {offset}"),
        }
    }
}
