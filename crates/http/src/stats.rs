//! What was found, in numbers: plain counts that can be added up over threads, shards and files.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Names, Why};

/// What was found, in numbers. Bounded: kinds are few, and names that peers choose are [`Names`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Exchanges that are complete.
    pub complete: u64,
    /// Exchanges that are not, by the reason.
    pub incomplete: BTreeMap<Why, u64>,
    /// Connections that do not speak HTTP/1, by what they speak.
    pub not_http: BTreeMap<NotHttp, u64>,
    /// What TLS clients asked for, on those connections of which the beginning was seen.
    pub tls: TlsStats,
    /// Connections that began with HTTP/1 and became a tunnel, by what is in it.
    pub tunnels: BTreeMap<TunnelKind, u64>,
    /// Connections that began with the PROXY protocol of load balancers, which was skipped.
    pub proxied: u64,
    /// How many times [`Limits::memory`](crate::Limits::memory) had no room for a head, or for the exchange that it
    /// belongs to. Those exchanges are reported all the same, as incomplete (`limit`).
    pub no_memory: u64,
}

impl Stats {
    /// Adds up what was counted elsewhere: of two halves of the traffic this makes the counts of the whole.
    pub fn merge(&mut self, other: &Self) {
        let Self { complete, incomplete, not_http, tls, tunnels, proxied, no_memory } = other;
        self.complete += complete;
        add(&mut self.incomplete, incomplete);
        add(&mut self.not_http, not_http);
        self.tls.server_names.merge(&tls.server_names);
        self.tls.protocols.merge(&tls.protocols);
        add(&mut self.tls.versions, &tls.versions);
        add(&mut self.tunnels, tunnels);
        self.proxied += proxied;
        self.no_memory += no_memory;
    }
}

fn add<K: Ord + Copy>(counts: &mut BTreeMap<K, u64>, more: &BTreeMap<K, u64>) {
    for (kind, count) in more {
        *counts.entry(*kind).or_default() += count;
    }
}

/// What TLS clients asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TlsStats {
    /// The servers' names (SNI, RFC 6066 §3). Clients that want an address give none.
    pub server_names: Names,
    /// The protocols offered (ALPN, RFC 7301), one or more a client: `h2`, `http/1.1`.
    pub protocols: Names,
    /// The latest version offered, one a client.
    pub versions: BTreeMap<TlsVersion, u64>,
}

/// A version of TLS, as its number is on the wire: 0x0304 is TLS 1.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TlsVersion(pub u16);

impl fmt::Display for TlsVersion {
    /// `TLS 1.3`, `SSL 3.0`, or the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.to_be_bytes() {
            [3, 0] => f.write_str("SSL 3.0"),
            [3, minor @ 1..=9] => write!(f, "TLS 1.{}", minor - 1),
            _ => write!(f, "{:#06x}", self.0),
        }
    }
}

/// What a connection speaks that does not speak HTTP/1, as far as its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NotHttp {
    /// TLS (RFC 8446): HTTPS, most likely.
    Tls,
    /// HTTP/2 without TLS, by its preface (RFC 9113 §3.4).
    Http2,
    /// SSH (RFC 4253 §4.2).
    Ssh,
    /// Something else.
    Other,
}

impl NotHttp {
    /// A stable name: `tls`, `http2`, `ssh`, `other`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Http2 => "http2",
            Self::Ssh => "ssh",
            Self::Other => "other",
        }
    }
}

/// What a connection became that began with HTTP/1, as the exchange that turned it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum TunnelKind {
    /// CONNECT: whatever client and server say to each other through a proxy.
    Connect,
    /// `Upgrade: websocket` (RFC 6455).
    WebSocket,
    /// `Upgrade: h2c`: HTTP/2 (RFC 7540 §3.2).
    Http2,
    /// `Upgrade: TLS/1.0` or later (RFC 2817).
    Tls,
    /// Another protocol.
    #[default]
    Other,
}

impl TunnelKind {
    /// A stable name: `connect`, `websocket`, `http2`, `tls`, `other`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::WebSocket => "websocket",
            Self::Http2 => "http2",
            Self::Tls => "tls",
            Self::Other => "other",
        }
    }

    /// What the value of `Upgrade` means.
    pub(crate) fn of_upgrade(value: &[u8]) -> Self {
        let is = |name: &[u8]| {
            value.len() >= name.len() && value.iter().zip(name).all(|(a, b)| a.eq_ignore_ascii_case(b))
        };
        match () {
            () if is(b"websocket") => Self::WebSocket,
            () if is(b"h2c") => Self::Http2,
            () if is(b"tls/") => Self::Tls,
            () => Self::Other,
        }
    }
}
