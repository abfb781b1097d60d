//! Exchanges out of packets, with their bodies, for whoever takes them.

use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::Result;
use egret_decode::Decoder;
use egret_http::{Context, Exchange, Handler, HttpFactory, Limits};
use egret_reassembly::{Assembler, Packet, StreamPool, Timestamp};

use crate::args::LimitArgs;
use crate::job::Job;
use crate::output::Output;
use crate::output::text::{Count, Lost};
use crate::pipeline::{self, Consumer, End};

/// Bytes of each body that are kept, decoded. What is longer is counted, and no evidence.
const KEEP_BODY: usize = 1 << 20;

/// What takes exchanges.
pub(super) trait Sink {
    fn exchange(&mut self, exchange: &Exchange);

    /// The time has come to this.
    fn idle(&mut self, _now: Timestamp) -> Result<()> {
        Ok(())
    }
}

/// Gives the exchanges of a job to `sink`, and gives it back.
pub(super) fn read<S: Sink>(job: &Job, limits: &LimitArgs, sink: S) -> Result<(ExitCode, S)> {
    let (reassembly, http) = limits.with_http(1);
    let mut reading = Reading {
        decoder: job.input.decoding.decoder(),
        assembler: Assembler::new(StreamPool::new(HttpFactory::new(), reassembly)),
        context: Context::new(Taken(sink), Limits { keep_body: KEEP_BODY, ..http }),
        out: Output::plain()?,
        failed: None,
    };
    let code = pipeline::run(job, &mut reading)?;
    match reading.failed {
        Some(error) => Err(error),
        None => Ok((code, reading.context.into_handler().0)),
    }
}

/// A sink is a handler.
struct Taken<S>(S);

impl<S: Sink> Handler for Taken<S> {
    fn exchange(&mut self, exchange: &Exchange) {
        self.0.exchange(exchange);
    }
}

struct Reading<S: Sink> {
    decoder: Decoder,
    assembler: Assembler<HttpFactory<Taken<S>>>,
    context: Context<Taken<S>>,
    /// Nothing is written before the end; what watches whether it is still read is.
    out: Output,
    failed: Option<anyhow::Error>,
}

impl<S: Sink> Consumer for Reading<S> {
    fn packet(&mut self, packet: Packet<'_>) -> ControlFlow<()> {
        self.assembler.assemble(&self.decoder.decode(packet), &mut self.context);
        self.failed = self.context.handler_mut().0.idle(packet.timestamp).err();
        if self.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn tick(&mut self, now: Timestamp) {
        self.assembler.advance(now, &mut self.context);
        // What cannot be written is tried again with the next packet, and said then.
        let _ = self.context.handler_mut().0.idle(now);
    }

    fn finish(&mut self, _: &End) {
        self.assembler.finish(&mut self.context);
    }

    fn output(&mut self) -> &mut Output {
        &mut self.out
    }

    fn summary(&self) -> Option<String> {
        let http = self.context.stats();
        let incomplete: u64 = http.incomplete.values().sum();
        let mut found = format!(", {}", Count(http.complete + incomplete, "exchange"));
        if incomplete > 0 {
            found += &format!(" ({incomplete} incomplete)");
        }
        let mut lost = Lost::default();
        lost.add(&self.assembler.stats().totals);
        Some(found + &lost.to_string())
    }
}
