//! `egret stats`: what a capture holds, what was lost on the way into it, and what could not be read.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Result;
use egret_decode::{Decoded, LinkType, Packet, Stop, StopReason, Timestamp};
use egret_http::{Context, Exchange, Handler, HttpFactory, Seen, StreamStats, hints};
use egret_reassembly::{Recording, Records, StreamPool};

use crate::args;
use crate::crew::{Crew, Part};
use crate::job::Job;
use crate::output::Output;
use crate::output::protocol::Protocol;
use crate::pipeline::{self, End};

mod record;

/// Reasons that are counted one by one; the numbers in them are the peers', so there could be any number. Those that come
/// first in their order are kept, which does not depend on how packets are divided.
const REASONS: usize = 64;

pub(crate) fn run(arguments: &args::Stats) -> Result<ExitCode> {
    let args::Stats { form, limits, division, input } = arguments;
    let job = Job::new(input, form.look.quiet, true)?;
    let threads = division.threads(&job, false);
    let (reassembly, http) = limits.with_http(threads);
    let part = |_| {
        let counting = Counting { json: form.json, counts: Counts::default(), records: Records::default() };
        Context::new(counting, http)
    };
    let pools = (0..threads).map(|_| StreamPool::new(HttpFactory::new(), reassembly)).collect();
    let (parts, out) = ((0..threads).map(part).collect(), Output::new(&form.look)?);
    pipeline::run(&job, &mut Crew::new(input.decoding.decoder(), division.shard, pools, parts, out))
}

/// Counts packets. Exchanges are counted by their context.
struct Counting {
    json: bool,
    counts: Counts,
    /// There are none.
    records: Records<u8>,
}

impl Handler for Counting {
    fn exchange(&mut self, _: &Exchange) {}
}

impl Recording for Counting {
    type Item = u8;

    fn records(&mut self) -> &mut Records<u8> {
        &mut self.records
    }

    fn packet(&mut self, decoded: &Decoded<'_>) {
        self.counts.add(decoded);
    }
}

impl Part for Context<Counting> {
    fn output(&mut self) -> Option<&mut Output> {
        None
    }

    fn finish(parts: &mut [Self], tcp: &StreamStats, end: &End, out: &mut Output) {
        let (mut counts, mut http, mut json) = (Counts::default(), egret_http::Stats::default(), false);
        for part in parts.iter() {
            counts.merge(&part.handler().counts);
            http.merge(part.stats());
            json = part.handler().json;
        }
        let (capture, live) = (end.statistics, end.live);
        let hints = hints(&Seen { capture, live, streams: *tcp, http: &http, left_out: 0 });
        let threads = parts.len();
        let report = record::Report { counts: &counts, tcp: *tcp, http: &http, end, hints, threads };
        if json { out.json(|json| report.write(json)) } else { out.line(report) }
    }

    fn summary(_: &[Self], _: &StreamStats) -> Option<String> {
        None
    }
}

/// What is counted of packets.
#[derive(Default)]
struct Counts {
    packets: u64,
    /// As they were on the wire.
    bytes: u64,
    /// As far as they were captured.
    captured: u64,
    /// Times of the earliest and the latest packet.
    span: Option<(Timestamp, Timestamp)>,
    link_types: BTreeMap<LinkType, u64>,
    protocols: BTreeMap<Protocol, u64>,
    /// Packets in which no network header was found.
    no_network: u64,
    undecodable: BTreeMap<Reason, u64>,
    /// Those with other reasons than [`REASONS`] of them.
    undecodable_otherwise: u64,
}

/// Why a packet could not be decoded to its transport header: a layer with what was wrong with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    Truncated(&'static str),
    Malformed(&'static str, &'static str),
    Unsupported(&'static str, u32),
    TooDeep(&'static str),
    Other(&'static str),
}

impl From<Stop> for Reason {
    fn from(stop: Stop) -> Self {
        match stop.reason {
            StopReason::Truncated { .. } => Self::Truncated(stop.layer),
            StopReason::Malformed(what) => Self::Malformed(stop.layer, what),
            StopReason::Unsupported(number) => Self::Unsupported(stop.layer, number),
            StopReason::TooDeep => Self::TooDeep(stop.layer),
            _ => Self::Other(stop.layer),
        }
    }
}

impl Counts {
    fn add(&mut self, decoded: &Decoded<'_>) {
        let Packet { timestamp, link_type, data, wire_len, .. } = decoded.packet;
        self.packets += 1;
        self.bytes += u64::from(wire_len);
        self.captured += data.len() as u64;
        let (first, last) = self.span.unwrap_or((timestamp, timestamp));
        self.span = Some((first.min(timestamp), last.max(timestamp)));
        *self.link_types.entry(link_type).or_default() += 1;
        match Protocol::of(decoded) {
            Some(protocol) => *self.protocols.entry(protocol).or_default() += 1,
            None => self.no_network += 1,
        }
        if let Some(stop) = decoded.stop {
            *self.undecodable.entry(Reason::from(stop)).or_default() += 1;
            self.keep_reasons();
        }
    }

    fn keep_reasons(&mut self) {
        while self.undecodable.len() > REASONS
            && let Some((_, count)) = self.undecodable.pop_last()
        {
            self.undecodable_otherwise += count;
        }
    }

    /// Adds up what was counted of other packets.
    fn merge(&mut self, other: &Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.captured += other.captured;
        if let Some((first, last)) = other.span {
            let (known_first, known_last) = self.span.unwrap_or((first, last));
            self.span = Some((known_first.min(first), known_last.max(last)));
        }
        add(&mut self.link_types, &other.link_types);
        add(&mut self.protocols, &other.protocols);
        self.no_network += other.no_network;
        add(&mut self.undecodable, &other.undecodable);
        self.undecodable_otherwise += other.undecodable_otherwise;
        self.keep_reasons();
    }
}

fn add<K: Ord + Copy>(counts: &mut BTreeMap<K, u64>, more: &BTreeMap<K, u64>) {
    for (kind, count) in more {
        *counts.entry(*kind).or_default() += count;
    }
}
