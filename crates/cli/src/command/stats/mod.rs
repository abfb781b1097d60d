//! `egret stats`: what a capture holds, what was lost on the way into it, and what could not be read.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::Result;
use egret_decode::{Decoded, Decoder, LinkType, Packet, Stop, StopReason, Timestamp};
use egret_http::{Context, Exchange, HttpFactory, Seen, hints};
use egret_reassembly::{Assembler, StreamPool};

use crate::args;
use crate::job::Job;
use crate::output::Output;
use crate::output::protocol::Protocol;
use crate::pipeline::{self, Consumer, End};

mod record;

/// Reasons that are counted one by one; the numbers in them are the peers', so there could be any number.
const REASONS: usize = 64;

pub(crate) fn run(arguments: &args::Stats) -> Result<ExitCode> {
    let args::Stats { form, limits, input } = arguments;
    let job = Job::new(input, form.look.quiet, true)?;
    let (reassembly, http) = limits.with_http();
    let mut stats = Stats {
        out: Output::new(&form.look)?,
        json: form.json,
        counts: Counts::default(),
        decoder: input.decoding.decoder(),
        assembler: Assembler::new(StreamPool::new(HttpFactory::new(), reassembly)),
        context: Context::new(ignore, http),
    };
    pipeline::run(&job, &mut stats)
}

/// Exchanges are counted by their context; nothing is left to do with them here.
fn ignore(_: &Exchange) {}

struct Stats {
    out: Output,
    json: bool,
    counts: Counts,
    decoder: Decoder,
    assembler: Assembler<HttpFactory<fn(&Exchange)>>,
    context: Context<fn(&Exchange)>,
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
    /// Those with other reasons than the first [`REASONS`].
    undecodable_otherwise: u64,
}

/// Why a packet could not be decoded to its transport header: a layer with what was wrong with it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
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
            let reason = Reason::from(stop);
            if self.undecodable.len() < REASONS || self.undecodable.contains_key(&reason) {
                *self.undecodable.entry(reason).or_default() += 1;
            } else {
                self.undecodable_otherwise += 1;
            }
        }
    }
}

impl Consumer for Stats {
    fn packet(&mut self, packet: Packet<'_>) -> ControlFlow<()> {
        let decoded = self.decoder.decode(packet);
        self.counts.add(&decoded);
        self.assembler.assemble(&decoded, &mut self.context);
        ControlFlow::Continue(())
    }

    fn tick(&mut self, now: Timestamp) {
        self.assembler.advance(now, &mut self.context);
    }

    fn finish(&mut self, end: &End) {
        self.assembler.finish(&mut self.context);
        let (counts, tcp, http) = (&self.counts, self.assembler.stats(), self.context.stats());
        let (capture, live) = (end.statistics, end.live);
        let hints = hints(&Seen { capture, live, streams: tcp, http, left_out: 0 });
        let report = record::Report { counts, tcp, http, end, hints };
        if self.json { self.out.json(|json| report.write(json)) } else { self.out.line(report) }
    }

    fn output(&mut self) -> &mut Output {
        &mut self.out
    }

    fn summary(&self) -> Option<String> {
        None
    }
}
