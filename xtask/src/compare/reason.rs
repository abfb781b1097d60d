//! The known reasons for differences, by name.

/// What is known to make the programs differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Reason {
    /// tcpflow: later bytes overwrite earlier ones.
    LastWins,
    /// tshark: the first version of a byte stays, whatever a receiver would do.
    FirstWins,
    /// The urgent byte is left in the stream.
    UrgentByte,
    /// Data behind a RST, or the RST's own payload.
    AfterReset,
    /// Data behind a FIN.
    AfterFin,
    /// Segments that a receiver refuses.
    RefusedSegment,
    /// tcpflow: missing bytes become zeros.
    ZeroFilled,
    /// tcpflow: what fills up a short Ethernet frame, or is appended to a frame, is taken for payload.
    Padding,
    /// tcpflow: the last packets of a connection that is over, padded, begin a new one.
    Ghost,
    /// tcpflow: no tunnels, no VLANs with IPv6.
    NotFollowed,
    /// tcpflow: nothing of this capture could be read.
    NotRead,
    /// tcpflow: a RST begins a new file.
    SplitAtReset,
    /// tshark: a SYN behind data begins a new stream.
    SplitAtSyn,
    /// tshark: without a SYN, the first segment in the file is the start.
    FirstSegment,
    /// tshark: nothing behind a hole that was never filled.
    SilentAfterHole,
    /// tshark: the same addresses in two VLANs are one stream.
    VlansMerged,
    /// egret: the bytes came after egret had reported them missing.
    Late,
    /// egret: the connection was silent for so long that it was taken for dead.
    Idle,
}

impl Reason {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::LastWins => "last-wins",
            Self::FirstWins => "first-wins",
            Self::UrgentByte => "urgent-byte",
            Self::AfterReset => "after-reset",
            Self::AfterFin => "after-fin",
            Self::RefusedSegment => "refused-segment",
            Self::ZeroFilled => "zero-filled",
            Self::Padding => "padding",
            Self::Ghost => "ghost",
            Self::NotFollowed => "not-followed",
            Self::NotRead => "not-read",
            Self::SplitAtReset => "split-at-reset",
            Self::SplitAtSyn => "split-at-syn",
            Self::FirstSegment => "first-segment",
            Self::SilentAfterHole => "silent-after-hole",
            Self::VlansMerged => "vlans-merged",
            Self::Late => "late",
            Self::Idle => "idle",
        }
    }

    /// For the list below the figures.
    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::LastWins => "of two versions of a byte, the later one is kept",
            Self::FirstWins => "of two versions of a byte, the earlier one is kept",
            Self::UrgentByte => "the urgent byte is left in the stream",
            Self::AfterReset => "data behind a RST, or in it, is taken",
            Self::AfterFin => "data behind a FIN is taken",
            Self::RefusedSegment => "segments that a receiver refuses are taken",
            Self::ZeroFilled => "missing bytes are filled up with zeros",
            Self::Padding => "what fills up a short frame, or is appended to one, is taken for payload",
            Self::Ghost => "a padded last packet of a connection that is over begins a new one",
            Self::NotFollowed => "tunnels, and VLANs with IPv6, are not followed",
            Self::NotRead => "nothing of the capture was read",
            Self::SplitAtReset => "a RST begins a new connection",
            Self::SplitAtSyn => "a SYN behind data begins a new connection",
            Self::FirstSegment => "without a SYN, the first segment in the file is taken for the start",
            Self::SilentAfterHole => "nothing is shown behind a hole that was never filled",
            Self::VlansMerged => "the same addresses in two VLANs are taken for one connection",
            Self::Late => "egret had reported the bytes missing before they came",
            Self::Idle => "egret had taken a silent connection for dead before it went on",
        }
    }

    /// Whether it is egret, not the peer, that could do better.
    pub(super) const fn is_ours(self) -> bool {
        matches!(self, Self::Late | Self::Idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_egret_could_do_better_is_its_own() {
        assert!(Reason::Late.is_ours() && Reason::Idle.is_ours());
        assert!(!Reason::Padding.is_ours() && !Reason::AfterReset.is_ours());
    }
}
