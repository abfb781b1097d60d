//! `egret http`: each request with its response as one record, when both are over.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::Result;
use egret_http::{BodyPiece, Context, Decode, Exchange, Handler, HttpFactory, Limits, Redactor, Selection};
use egret_reassembly::{Assembler, Direction, Packet, StreamPool, Timestamp, decode};
use sha2::{Digest, Sha256};

use crate::args;
use crate::job::Job;
use crate::output::Output;
use crate::output::text::{Count, Lost};
use crate::pipeline::{self, Consumer, End};

mod record;
mod text;

/// How much of a body is shown to people, if they do not say.
const SHOWN: usize = 64 << 10;

pub(crate) fn run(arguments: &args::Http, redactor: Option<Redactor>) -> Result<ExitCode> {
    let args::Http { verbose, body_bytes, digest, select, form, limits: limit_args, input } = arguments;
    let job = Job::new(input, form.look.quiet, true)?;
    let out = Output::new(&form.look)?;
    let shows_bodies = *verbose > 1 && !form.json;
    let keep_body = body_bytes.unwrap_or(if shows_bodies { SHOWN } else { 0 });
    let (reassembly, http) = limit_args.with_http();
    let decode = if *digest { Decode::Always } else { Decode::Kept };
    let limits = Limits { keep_body, decode, ..http };
    let shape = if form.json { Shape::Json } else { Shape::Text(*verbose) };
    let exchanges = Exchanges {
        out,
        shape,
        keeps: keep_body > 0,
        digests: digest.then(HashMap::new),
        selection: select.selection(),
        left_out: 0,
        redactor,
    };
    let assembler = Assembler::new(StreamPool::new(HttpFactory::new(), reassembly));
    pipeline::run(&job, &mut Http { assembler, context: Context::new(exchanges, limits) })
}

struct Http {
    assembler: Assembler<HttpFactory<Exchanges>>,
    context: Context<Exchanges>,
}

impl Consumer for Http {
    fn packet(&mut self, packet: Packet<'_>) -> ControlFlow<()> {
        self.assembler.assemble(&decode(packet), &mut self.context);
        ControlFlow::Continue(())
    }

    fn tick(&mut self, now: Timestamp) {
        self.assembler.advance(now, &mut self.context);
    }

    fn finish(&mut self, _: &End) {
        self.assembler.finish(&mut self.context);
    }

    fn output(&mut self) -> &mut Output {
        &mut self.context.handler_mut().out
    }

    fn summary(&self) -> Option<String> {
        let stats = self.assembler.stats();
        let http = self.context.stats();
        let incomplete: u64 = http.incomplete.values().sum();
        let mut found = format!(", {}", Count(stats.opened_handshake + stats.opened_midstream, "connection"));
        found += &format!(", {}", Count(http.complete + incomplete, "exchange"));
        if incomplete > 0 {
            found += &format!(" ({incomplete} incomplete)");
        }
        let Exchanges { selection, left_out, .. } = self.context.handler();
        if !selection.is_everything() {
            found += &format!(", {left_out} not selected");
        }
        let mut lost = Lost::default();
        lost.add(&stats.totals);
        Some(found + &lost.to_string())
    }
}

/// Prints exchanges.
struct Exchanges {
    out: Output,
    shape: Shape,
    /// Whether bodies are kept.
    keeps: bool,
    /// The digests of the bodies of exchanges under way, if they are asked for.
    digests: Option<HashMap<(u64, u64), Digests>>,
    selection: Selection,
    /// Exchanges that were not selected.
    left_out: u64,
    /// What takes secrets out, if they are to be taken out.
    redactor: Option<Redactor>,
}

#[derive(Clone, Copy)]
enum Shape {
    Json,
    /// With this much below each line.
    Text(u8),
}

/// What there is of bodies.
#[derive(Clone, Copy)]
struct Bodies {
    kept: bool,
    /// Whether it is something else than what was sent.
    redacted: bool,
}

/// Of the two bodies of an exchange: as sent, and decoded where that was done.
#[derive(Default)]
struct Digests {
    request: Pair,
    response: Pair,
}

#[derive(Default)]
struct Pair {
    sent: Option<Box<Sha256>>,
    decoded: Option<Box<Sha256>>,
}

impl Handler for Exchanges {
    fn body(&mut self, piece: BodyPiece<'_>) {
        let Some(digests) = &mut self.digests else { return };
        let of = digests.entry((piece.exchange.connection(), piece.exchange.index())).or_default();
        let pair = match piece.direction {
            Direction::ClientToServer => &mut of.request,
            Direction::ServerToClient => &mut of.response,
        };
        let digest = if piece.decoded { &mut pair.decoded } else { &mut pair.sent };
        digest.get_or_insert_default().update(piece.bytes);
    }

    fn exchange(&mut self, exchange: &Exchange) {
        let digests = match &mut self.digests {
            Some(digests) => match digests.entry((exchange.connection(), exchange.index())) {
                Entry::Occupied(entry) => Some(entry.remove()),
                // No body: the digest of nothing.
                Entry::Vacant(_) => Some(Digests::default()),
            },
            None => None,
        };
        if !self.selection.selects(exchange) {
            self.left_out += 1;
            return;
        }
        let redacted = self.redactor.as_ref().map(|redactor| redactor.exchange(exchange));
        let bodies = Bodies { kept: self.keeps, redacted: redacted.is_some() };
        let exchange = redacted.as_ref().unwrap_or(exchange);
        match self.shape {
            Shape::Json => self.out.json(|json| record::write(exchange, bodies, digests, json)),
            Shape::Text(verbose) => text::write(exchange, verbose, bodies, &mut self.out),
        }
    }
}
