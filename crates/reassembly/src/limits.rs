//! Every bound the assembler keeps to, as plain values. All are finite by default.

use std::time::Duration;

use crate::{Checksums, Overlap};

/// How much an [`Assembler`](crate::Assembler) may hold, how long it waits, and which receiver it imitates.
///
/// Beside what is counted here, an assembler remembers digests of the last 65,536 packets: at most 2.7 MB, whatever the
/// limits are. More limits may come; write the ones you set and `..Limits::default()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that may wait in this assembler, over all its connections and fragments together, with what it costs to
    /// keep them. Worst case: this many bytes. Default 64 MiB.
    pub memory: usize,
    /// Connections that are open at a time. Worst case: about 700 bytes each (950 where something was sent again, refused
    /// or missing) and the size of the user's stream; what waits is charged to `memory`. As many that have ended are
    /// remembered for 30 s, in about 110 bytes each; [`Stats::forgotten`](crate::Stats::forgotten) counts those of more.
    /// Default 200,000.
    pub connections: usize,
    /// Bytes of IP fragments that may wait, set aside from `memory`; at most a quarter of it. Default 4 MiB.
    pub fragments: usize,
    /// How long fragments of a datagram are waited for. Default 30 s (RFC 8200 §4.5 has 60 s; Linux has 30 s).
    pub fragment_patience: Duration,
    /// How long a hole that nobody acknowledged is waited for. Default 30 s.
    pub patience: Duration,
    /// How long a connection may be silent before it is taken for dead. Default 5 min.
    pub idle: Duration,
    /// How far packets may be out of order in the capture itself: packets of the connection. Default 32, and never more than
    /// 1,024, so that looking through those that wait takes a bounded time.
    pub slack_packets: u32,
    /// How far packets may be out of order in the capture itself: packet time. Default 20 ms.
    pub slack: Duration,
    /// Who wins where segments overlap with different bytes.
    pub overlap: Overlap,
    /// Whether segments with a wrong TCP checksum are refused.
    pub checksums: Checksums,
}

/// The most that [`Limits::slack_packets`] counts for.
const MAX_SLACK_PACKETS: u32 = 1 << 10;

impl Limits {
    /// For how many packets a connection waits for what was captured out of order.
    pub(crate) fn slack_packets(&self) -> u64 {
        u64::from(self.slack_packets.min(MAX_SLACK_PACKETS))
    }

    /// What fragments may take: never so much of a small budget that nothing is left for segments.
    pub(crate) fn for_fragments(&self) -> usize {
        self.fragments.min(self.memory / 4)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            connections: 200_000,
            fragments: 4 << 20,
            fragment_patience: Duration::from_secs(30),
            patience: Duration::from_secs(30),
            idle: Duration::from_secs(300),
            slack_packets: 32,
            slack: Duration::from_millis(20),
            overlap: Overlap::Linux,
            checksums: Checksums::Ignore,
        }
    }
}
