//! Exchanges out of packets, with their bodies, for whoever takes them: one alone, or several that each take a part of
//! the connections on a thread of their own.

use std::process::ExitCode;

use anyhow::Result;
use egret_decode::Decoded;
use egret_http::{Context, Exchange, Handler, HttpFactory, Limits, StreamStats};
use egret_reassembly::{Recording, Records, Shard, StreamPool, Timestamp};

use crate::args::LimitArgs;
use crate::crew::{Crew, Part};
use crate::job::Job;
use crate::output::Output;
use crate::output::text::{Count, Lost};
use crate::pipeline;

/// Bytes of each body that are kept, decoded. What is longer is counted, and no evidence.
const KEEP_BODY: usize = 1 << 20;

/// What takes exchanges.
pub(super) trait Sink: Send {
    fn exchange(&mut self, exchange: &Exchange);

    /// The time has come to this.
    fn idle(&mut self, _now: Timestamp) -> Result<()> {
        Ok(())
    }
}

/// Gives the exchanges of a job to sinks, each on a thread of its own, and gives them back. All exchanges of a connection
/// go to one of them.
pub(super) fn read<S: Sink>(
    job: &Job,
    limits: &LimitArgs,
    shard: Shard,
    sinks: Vec<S>,
) -> Result<(ExitCode, Vec<S>)> {
    let (reassembly, http) = limits.with_http(sinks.len());
    let limits = Limits { keep_body: KEEP_BODY, ..http };
    // Nothing is written before the end; what watches whether it is still read is.
    let out = Output::plain()?;
    let pools = sinks.iter().map(|_| StreamPool::new(HttpFactory::new(), reassembly)).collect();
    let mut parts = Vec::new();
    for sink in sinks {
        parts.push(Context::new(Taken { sink, out: out.elsewhere(), failed: None }, limits));
    }
    let mut crew = Crew::new(job.input.decoding.decoder(), shard, pools, parts, out);
    let code = pipeline::run(job, &mut crew)?;
    let mut sinks = Vec::new();
    for part in crew.parts {
        let Taken { sink, failed, .. } = part.into_handler();
        failed.map_or(Ok(()), Err)?;
        sinks.push(sink);
    }
    Ok((code, sinks))
}

/// A sink is a handler. It records nothing.
struct Taken<S> {
    sink: S,
    out: Output,
    failed: Option<anyhow::Error>,
}

impl<S: Sink> Handler for Taken<S> {
    fn exchange(&mut self, exchange: &Exchange) {
        self.sink.exchange(exchange);
    }
}

impl<S: Sink> Recording for Taken<S> {
    type Item = u8;

    fn records(&mut self) -> &mut Records<u8> {
        &mut self.out.records
    }

    fn packet(&mut self, decoded: &Decoded<'_>) {
        self.failed = self.failed.take().or(self.sink.idle(decoded.packet.timestamp).err());
    }
}

impl<S: Sink> Part for Context<Taken<S>> {
    fn output(&mut self) -> Option<&mut Output> {
        None
    }

    fn has_failed(&self) -> bool {
        self.handler().failed.is_some()
    }

    fn idle(&mut self, now: Timestamp) {
        // What cannot be written is tried again with the next packet, and said then.
        let _ = self.handler_mut().sink.idle(now);
    }

    fn summary(parts: &[Self], stats: &StreamStats) -> Option<String> {
        let complete: u64 = parts.iter().map(|part| part.stats().complete).sum();
        let incomplete: u64 = parts.iter().flat_map(|part| part.stats().incomplete.values()).sum();
        let mut found = format!(", {}", Count(complete + incomplete, "exchange"));
        if incomplete > 0 {
            found += &format!(" ({incomplete} incomplete)");
        }
        let mut lost = Lost::default();
        lost.add(&stats.totals);
        Some(found + &lost.to_string())
    }
}
