//! Why no exchange was found: what was there instead, and what to try.

use std::fmt;

use egret_reassembly::{GapReason, Statistics, Stats as StreamStats};

use crate::{NotHttp, Stats, Why};

/// How many names of servers a hint tells.
const NAMES: usize = 5;

/// What was counted on every layer, when a capture is over.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// By the capture.
    pub capture: Statistics,
    /// Whether it was a live one.
    pub live: bool,
    /// By the assembler.
    pub streams: StreamStats,
    /// By the context.
    pub http: &'a Stats,
    /// Exchanges that a [`Selection`](crate::Selection) did not select.
    pub left_out: u64,
}

/// One reason why someone may have seen no exchange, or no whole one. Its `Display` says what was seen, and what to try.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// There were exchanges, but none that was asked for.
    NotSelected {
        /// How many there were.
        exchanges: u64,
    },
    /// There was no packet at all.
    NoPackets {
        /// Whether the capture was live.
        live: bool,
    },
    /// There were packets, but the filter let none of them through.
    FilterMatchedNothing {
        /// How many there were.
        packets: u64,
    },
    /// There were packets, but no TCP segment among them.
    NoTcp {
        /// How many there were.
        packets: u64,
    },
    /// There were segments, but not a byte of data in them.
    NoData {
        /// How many there were.
        segments: u64,
    },
    /// Connections that speak something else.
    NotHttp {
        /// What they speak.
        kind: NotHttp,
        /// How many there were.
        connections: u64,
        /// For TLS: the servers that were asked for most, and how often. Five at most.
        servers: Vec<(String, u64)>,
    },
    /// Of most connections only one side was captured.
    OneDirection {
        /// Of how many.
        connections: u64,
        /// How many connections there were.
        of: u64,
    },
    /// Every connection began before the capture did.
    Midstream {
        /// How many there were.
        connections: u64,
    },
    /// Packets were cut before the end of a head or a body.
    SnapLength {
        /// Of how many exchanges.
        exchanges: u64,
    },
    /// Packets were lost while they were captured.
    Drops {
        /// How many.
        packets: u64,
    },
}

impl Hint {
    /// A stable name, in words joined by hyphens.
    pub const fn id(&self) -> &'static str {
        match self {
            Self::NotSelected { .. } => "not-selected",
            Self::NoPackets { .. } => "no-packets",
            Self::FilterMatchedNothing { .. } => "filter-matched-nothing",
            Self::NoTcp { .. } => "no-tcp",
            Self::NoData { .. } => "no-data",
            Self::NotHttp { kind: NotHttp::Tls, .. } => "tls",
            Self::NotHttp { kind: NotHttp::Http2, .. } => "http2",
            Self::NotHttp { kind: NotHttp::Ssh, .. } => "ssh",
            Self::NotHttp { .. } => "not-http",
            Self::OneDirection { .. } => "one-direction",
            Self::Midstream { .. } => "midstream",
            Self::SnapLength { .. } => "snap-length",
            Self::Drops { .. } => "drops",
        }
    }
}

/// Why no exchange was found, or none that is whole: the likeliest reason first. Nothing, if there are whole ones to be
/// seen.
pub fn hints(seen: &Seen<'_>) -> Vec<Hint> {
    let Seen { capture, streams, http, left_out, .. } = seen;
    let exchanges = http.complete + http.incomplete.values().sum::<u64>();
    if exchanges > 0 && exchanges == *left_out {
        return vec![Hint::NotSelected { exchanges }];
    }
    if http.complete > 0 {
        return Vec::new();
    }
    let mut hints = Vec::new();
    if exchanges == 0 {
        nothing(seen, &mut hints);
    }
    let connections = streams.opened_handshake + streams.opened_midstream;
    if streams.one_sided * 2 > connections {
        hints.push(Hint::OneDirection { connections: streams.one_sided, of: connections });
    }
    if exchanges == 0 && connections > 0 && streams.opened_handshake == 0 {
        hints.push(Hint::Midstream { connections });
    }
    if let Some(exchanges) = http.incomplete.get(&Why::Gap(GapReason::SnapLength)) {
        hints.push(Hint::SnapLength { exchanges: *exchanges });
    }
    let packets = capture.dropped_by_kernel.unwrap_or(0) + capture.dropped_by_interface.unwrap_or(0);
    if packets > 0 {
        hints.push(Hint::Drops { packets });
    }
    hints
}

/// What there was instead of exchanges.
fn nothing(seen: &Seen<'_>, hints: &mut Vec<Hint>) {
    let Seen { capture, live, streams, http, .. } = seen;
    let packets = capture.passed;
    hints.extend(match () {
        () if capture.read == 0 => Some(Hint::NoPackets { live: *live }),
        () if packets == 0 => Some(Hint::FilterMatchedNothing { packets: capture.read }),
        () if streams.segments == 0 => Some(Hint::NoTcp { packets }),
        () if streams.totals.seen == 0 => Some(Hint::NoData { segments: streams.segments }),
        () => None,
    });
    let kinds = http.not_http.iter().map(|(kind, connections)| {
        let servers = if *kind == NotHttp::Tls { http.tls.server_names.top() } else { Vec::new() };
        let servers = servers.into_iter().take(NAMES).map(|(name, times)| (name.to_owned(), times)).collect();
        Hint::NotHttp { kind: *kind, connections: *connections, servers }
    });
    let before = hints.len();
    hints.extend(kinds);
    // What there is most of explains most.
    if let Some(kinds) = hints.get_mut(before..) {
        kinds.sort_by_key(|hint| match hint {
            Hint::NotHttp { connections, .. } => u64::MAX - connections,
            _ => 0,
        });
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSelected { exchanges } => {
                write!(f, "{}, none of them selected: ask for less", Count(*exchanges, "exchange"))
            }
            Self::NoPackets { live: true } => f.write_str(
                "no packet came: look whether it is the right interface (`any` is all of them), whether the filter is too \
                 narrow, and whether anything was sent",
            ),
            Self::NoPackets { live: false } => f.write_str("there is no packet in it"),
            Self::FilterMatchedNothing { packets } => write!(
                f,
                "the filter let none of {} through: try without it, or, where packets carry VLAN tags, `vlan and …`",
                Count(*packets, "packet")
            ),
            Self::NoTcp { packets } => write!(
                f,
                "no TCP in {}: `egret packets` shows what they are; HTTP/3 goes over UDP, and is encrypted",
                Count(*packets, "packet")
            ),
            Self::NoData { segments } => write!(
                f,
                "{} of TCP, but no data in them: connections that were refused, or had nothing to say",
                Count(*segments, "packet")
            ),
            Self::NotHttp { kind, connections, servers } => not_http(*kind, *connections, servers, f),
            Self::OneDirection { connections, of } => write!(
                f,
                "only one side of {} was captured, of {of} in all: look whether the other side's packets take another \
                 way, or whether the filter leaves them out",
                Count(*connections, "connection")
            ),
            Self::Midstream { connections } => write!(
                f,
                "{}, begun before the capture: begin it before the connections, or wait for new ones",
                Count(*connections, "connection")
            ),
            Self::SnapLength { exchanges } => write!(
                f,
                "packets were cut in {}: capture more of each (`-s 262144`)",
                Count(*exchanges, "exchange")
            ),
            Self::Drops { packets } => write!(
                f,
                "{} dropped while capturing: capture less (a filter), or write to a file first and read it then",
                Count(*packets, "packet")
            ),
        }
    }
}

fn not_http(
    kind: NotHttp,
    connections: u64,
    servers: &[(String, u64)],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let count = Count(connections, "connection");
    match kind {
        NotHttp::Tls => {
            write!(f, "{count} in TLS")?;
            for (index, (name, times)) in servers.iter().enumerate() {
                write!(f, "{}{name} {times}", if index == 0 { ", to " } else { ", " })?;
            }
            f.write_str(
                ": what they say cannot be read; capture where it is not encrypted, as behind the proxy that ends TLS",
            )
        }
        NotHttp::Http2 => write!(f, "{count} in HTTP/2 without TLS, which is not read yet"),
        NotHttp::Ssh => write!(f, "{count} in SSH"),
        NotHttp::Other => {
            write!(
                f,
                "{count} with something else than HTTP: `egret streams` lists them, `egret follow` shows them"
            )
        }
    }
}

/// A number and what is counted.
struct Count(u64, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, what) = self;
        write!(f, "{number} {what}{}", if *number == 1 { "" } else { "s" })
    }
}
