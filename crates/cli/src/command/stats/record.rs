//! The statistics as one JSON object and as a table for people.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use egret_decode::Timestamp;
use serde::Serialize;

use super::{Counts, Reason};
use crate::output::json::Text;
use crate::output::text::{Clock, Count, Size, Span};
use crate::pipeline::End;

/// Numbers by name, in the order of the names.
type Named = BTreeMap<String, u64>;

#[derive(Serialize)]
pub(super) struct Record {
    packets: u64,
    bytes: u64,
    captured: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<Text<Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Text<Timestamp>>,
    link_types: Named,
    protocols: Named,
    dropped: Dropped,
    undecodable: Named,
    fragments: Fragments,
    connections: Connections,
    streams: Streams,
    exchanges: Exchanges,
    not_http: Named,
}

/// Live captures only: a file does not tell.
#[derive(Serialize)]
struct Dropped {
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<u64>,
}

#[derive(Serialize)]
struct Fragments {
    fragments: u64,
    datagrams: u64,
    incomplete: u64,
    overlapping: u64,
}

#[derive(Serialize)]
struct Connections {
    total: u64,
    opened: Named,
    closed: Named,
    limits_hit: u64,
}

#[derive(Serialize)]
struct Streams {
    delivered: u64,
    missing: u64,
    gaps: u64,
    retransmitted: u64,
    discarded: Named,
}

#[derive(Serialize)]
struct Exchanges {
    total: u64,
    complete: u64,
    incomplete: Named,
}

impl Record {
    pub(super) fn new(
        counts: &Counts,
        tcp: &egret_reassembly::Stats,
        http: &egret_http::Stats,
        end: &End,
    ) -> Self {
        let mut protocols = named(&counts.protocols);
        some(&mut protocols, "none", counts.no_network);
        let mut undecodable = named(&counts.undecodable);
        some(&mut undecodable, "other", counts.undecodable_otherwise);
        let (ended, totals, fragments) = (&tcp.ended, &tcp.totals, &tcp.fragments);
        let incomplete =
            http.incomplete.iter().map(|(why, count)| (why.to_string(), *count)).collect::<Named>();
        Self {
            packets: counts.packets,
            bytes: counts.bytes,
            captured: counts.captured,
            first: counts.span.map(|(first, _)| Text(first)),
            last: counts.span.map(|(_, last)| Text(last)),
            link_types: named(&counts.link_types),
            protocols,
            dropped: Dropped {
                kernel: end.statistics.dropped_by_kernel,
                interface: end.statistics.dropped_by_interface,
            },
            undecodable,
            fragments: Fragments {
                fragments: fragments.fragments,
                datagrams: fragments.completed,
                incomplete: fragments.incomplete,
                overlapping: fragments.overlapping,
            },
            connections: Connections {
                total: tcp.opened_handshake + tcp.opened_midstream,
                opened: list([("handshake", tcp.opened_handshake), ("midstream", tcp.opened_midstream)]),
                closed: list([
                    ("finished", ended.finished),
                    ("reset", ended.reset),
                    ("idle", ended.idle),
                    ("evicted", ended.evicted),
                    ("end-of-capture", ended.end_of_capture),
                ]),
                limits_hit: tcp.limits_hit,
            },
            streams: Streams {
                delivered: totals.delivered,
                missing: totals.missing,
                gaps: totals.gaps,
                retransmitted: totals.retransmitted,
                discarded: list([
                    ("conflict", totals.discarded.conflict),
                    ("late", totals.discarded.late),
                    ("refused", totals.discarded.refused),
                    ("urgent", totals.discarded.urgent),
                    ("ignored", totals.discarded.ignored),
                ]),
            },
            exchanges: Exchanges {
                total: http.complete + incomplete.values().sum::<u64>(),
                complete: http.complete,
                incomplete,
            },
            not_http: http.not_http.iter().map(|(kind, count)| (kind.name().to_owned(), *count)).collect(),
        }
    }
}

fn named<K: Display>(counts: &BTreeMap<K, u64>) -> Named {
    counts.iter().map(|(name, count)| (name.to_string(), *count)).collect()
}

/// Only what there is.
fn list<const N: usize>(counts: [(&str, u64); N]) -> Named {
    let mut list = Named::new();
    counts.into_iter().for_each(|(name, count)| some(&mut list, name, count));
    list
}

fn some(list: &mut Named, name: &str, count: u64) {
    if count > 0 {
        list.insert(name.to_owned(), count);
    }
}

impl Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated(layer) => write!(f, "{layer}: truncated"),
            Self::Malformed(layer, what) => write!(f, "{layer}: {what}"),
            Self::Unsupported(layer, number) => write!(f, "{layer}: {number:#06x} is not decoded"),
            Self::TooDeep(layer) => write!(f, "{layer}: too many headers"),
            Self::Other(layer) => write!(f, "{layer}: not decoded"),
        }
    }
}

/// The table: what there is nothing of is left out.
impl Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "packets      {}, {}", self.packets, Size(self.bytes))?;
        if self.captured < self.bytes {
            write!(f, " ({} captured)", Size(self.captured))?;
        }
        if let (Some(Text(first)), Some(Text(last))) = (self.first, self.last) {
            write!(f, "\ntime         {first} to {} ({})", Clock(last), Span(last.since(first)))?;
        }
        if let (Some(kernel), interface) = (self.dropped.kernel, self.dropped.interface) {
            write!(f, "\ndropped      {kernel} by the kernel, {} by the interface", interface.unwrap_or(0))?;
        }
        row(f, "link types", &self.link_types)?;
        row(f, "protocols", &self.protocols)?;
        row(f, "undecodable", &self.undecodable)?;
        let Fragments { fragments, datagrams, incomplete, overlapping } = self.fragments;
        if fragments > 0 {
            write!(f, "\nfragments    {fragments} of {}", Count(datagrams, "datagram"))?;
            write!(f, ", {incomplete} given up, {overlapping} dropped for overlaps")?;
        }
        let Connections { total, opened, closed, limits_hit } = &self.connections;
        write!(f, "\nconnections  {total}")?;
        row(f, "  opened", opened)?;
        row(f, "  closed", closed)?;
        if *limits_hit > 0 {
            write!(
                f,
                "\n  limits     were reached {limits_hit} times: see --max-memory and --max-connections"
            )?;
        }
        let Streams { delivered, missing, gaps, retransmitted, discarded } = &self.streams;
        write!(
            f,
            "\nstreams      {} delivered, {} missing in {}",
            Size(*delivered),
            Size(*missing),
            Count(*gaps, "gap")
        )?;
        write!(f, ", {} sent again", Size(*retransmitted))?;
        row(f, "  discarded", discarded)?;
        let Exchanges { total, complete, incomplete } = &self.exchanges;
        write!(f, "\nexchanges    {total}, {complete} complete")?;
        row(f, "  incomplete", incomplete)?;
        row(f, "not HTTP", &self.not_http)
    }
}

fn row(f: &mut fmt::Formatter<'_>, title: &str, counts: &Named) -> fmt::Result {
    for (index, (name, count)) in counts.iter().enumerate() {
        match index {
            0 => write!(f, "\n{title:<13}{name} {count}")?,
            _ => write!(f, ", {name} {count}")?,
        }
    }
    Ok(())
}
