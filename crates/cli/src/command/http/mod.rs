//! `egret http`: each request with its response as one record, when both are over.

use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::Result;
use egret_decode::Decoder;
use egret_http::{
    BodyPiece, Context, Decode, Exchange, Handler, Hint, HttpFactory, Limits, Redactor, Seen, Selection,
    hints,
};
use egret_reassembly::{Assembler, Packet, StreamPool, Timestamp};

use crate::job::Job;
use crate::output::Output;
use crate::output::har::Har;
use crate::output::text::{Count, Lost};
use crate::pipeline::{self, Consumer, End};
use crate::{args, say};

use files::Files;

mod files;
mod har;
mod record;
mod text;

/// How much of a body is shown to people, if they do not say.
const SHOWN: usize = 64 << 10;

/// How much of a body goes into an archive, if they do not say.
const ARCHIVED: usize = 1 << 20;

pub(crate) fn run(arguments: &args::Http, redactor: Option<Redactor>) -> Result<ExitCode> {
    let args::Http { verbose, body_bytes, digest, har, bodies, select, form, limits, input } = arguments;
    let on_stdout = har.as_ref().is_some_and(|path| path.as_os_str() == "-");
    let job = Job::new(input, form.look.quiet, true)?;
    if let Some(path) = har {
        job.may_write(path, "--har")?;
    }
    let shows_bodies = *verbose > 1 && !form.json;
    let shown = body_bytes.unwrap_or(if shows_bodies { SHOWN } else { 0 });
    let archived = if har.is_some() { body_bytes.unwrap_or(ARCHIVED) } else { 0 };
    let (reassembly, http) = limits.with_http();
    // Files are written as bodies come, whether they are kept or not.
    let decode = if bodies.is_some() { Decode::Always } else { Decode::Kept };
    let limits = Limits { keep_body: shown.max(archived), digest: *digest, decode, ..http };
    let exchanges = Exchanges {
        out: Output::new(&form.look)?,
        shape: match (on_stdout, form.json) {
            (true, _) => Shape::Nothing,
            (_, true) => Shape::Json,
            _ => Shape::Text(*verbose),
        },
        keeps: shown > 0,
        selection: select.selection(),
        left_out: 0,
        redactor,
        har: har.as_deref().map(Har::create).transpose()?,
        files: bodies.as_deref().map(Files::create).transpose()?,
    };
    let assembler = Assembler::new(StreamPool::new(HttpFactory::new(), reassembly));
    let context = Context::new(exchanges, limits);
    let mut http = Http { decoder: input.decoding.decoder(), assembler, context, hints: Vec::new() };
    let done = pipeline::run(&job, &mut http);
    if !form.look.quiet {
        http.hints.iter().for_each(|hint| say(format_args!("hint: {hint}")));
    }
    // Whatever went wrong, what was found is in the archive and in the files.
    let Exchanges { har, files, .. } = http.context.into_handler();
    let archived = har.map_or(Ok(()), |har| har.close(done.is_ok()));
    let written = files.map_or(Ok(()), Files::close);
    done.and_then(|code| archived.and(written).map(|()| code))
}

struct Http {
    decoder: Decoder,
    assembler: Assembler<HttpFactory<Exchanges>>,
    context: Context<Exchanges>,
    /// Why nothing was found, if so.
    hints: Vec<Hint>,
}

impl Consumer for Http {
    fn packet(&mut self, packet: Packet<'_>) -> ControlFlow<()> {
        self.assembler.assemble(&self.decoder.decode(packet), &mut self.context);
        let Exchanges { har, files, .. } = self.context.handler();
        let failed =
            har.as_ref().is_some_and(Har::has_failed) || files.as_ref().is_some_and(Files::has_failed);
        if failed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn tick(&mut self, now: Timestamp) {
        self.assembler.advance(now, &mut self.context);
        let Exchanges { har, files, .. } = self.context.handler_mut();
        har.iter_mut().for_each(Har::flush);
        files.iter_mut().for_each(Files::flush);
    }

    fn finish(&mut self, end: &End) {
        self.assembler.finish(&mut self.context);
        self.hints = hints(&Seen {
            capture: end.statistics,
            live: end.live,
            streams: self.assembler.stats(),
            http: self.context.stats(),
            left_out: self.context.handler().left_out,
        });
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
    selection: Selection,
    /// Exchanges that were not selected.
    left_out: u64,
    /// What takes secrets out, if they are to be taken out.
    redactor: Option<Redactor>,
    har: Option<Har>,
    files: Option<Files>,
}

#[derive(Clone, Copy)]
enum Shape {
    /// Standard output is the archive's.
    Nothing,
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

impl Handler for Exchanges {
    fn body(&mut self, piece: BodyPiece<'_>) {
        if let Some(files) = &mut self.files
            && !self.selection.rules_out(piece.exchange)
        {
            files.piece(piece);
        }
    }

    fn exchange(&mut self, exchange: &Exchange) {
        let selected = self.selection.selects(exchange);
        if let Some(files) = &mut self.files {
            files.finish(exchange, selected);
        }
        if !selected {
            self.left_out += 1;
            return;
        }
        let redacted = self.redactor.as_ref().map(|redactor| redactor.exchange(exchange));
        let bodies = Bodies { kept: self.keeps, redacted: redacted.is_some() };
        let exchange = redacted.as_ref().unwrap_or(exchange);
        match self.shape {
            Shape::Nothing => {}
            Shape::Json => self.out.json(|json| record::write(exchange, bodies, json)),
            Shape::Text(verbose) => text::write(exchange, verbose, bodies, &mut self.out),
        }
        if let Some(har) = &mut self.har {
            har.entry(|json| har::entry(exchange, bodies, json));
        }
    }
}
