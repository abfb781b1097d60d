//! The programs that egret is compared with.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    Tshark,
    Tcpflow,
}

impl Peer {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Tshark => "tshark",
            Self::Tcpflow => "tcpflow",
        }
    }
}
