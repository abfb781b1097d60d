//! `egret http`: each request with its response as one record, when both are over.

use std::process::ExitCode;

use anyhow::Result;
use egret_http::{
    BodyPiece, Context, Decode, Exchange, Handler, Hint, HttpFactory, Limits, Redactor, Seen, Selection,
    Stats, StreamStats, hints,
};
use egret_reassembly::{Recording, Records, StreamPool, Timestamp};

use crate::crew::{Crew, Part};
use crate::job::Job;
use crate::output::har::Har;
use crate::output::json::Json;
use crate::output::text::{Count, Lost};
use crate::output::{Kind, Output};
use crate::pipeline::{self, End};
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
    let args::Http { verbose, body_bytes, digest, har, bodies, select, form, limits, division, input } =
        arguments;
    let on_stdout = har.as_ref().is_some_and(|path| path.as_os_str() == "-");
    let job = Job::new(input, form.look.quiet, true)?;
    if let Some(path) = har {
        job.may_write(path, "--har")?;
    }
    let shows_bodies = *verbose > 1 && !form.json;
    let shown = body_bytes.unwrap_or(if shows_bodies { SHOWN } else { 0 });
    let archived = if har.is_some() { body_bytes.unwrap_or(ARCHIVED) } else { 0 };
    // One thread writes all files, so that they have one budget.
    let threads = if bodies.is_some() { 1 } else { division.threads(&job, false) };
    let (reassembly, http) = limits.with_http(threads);
    // Files are written as bodies come, whether they are kept or not.
    let decode = if bodies.is_some() { Decode::Always } else { Decode::Kept };
    let limits = Limits { keep_body: shown.max(archived), digest: *digest, decode, ..http };
    let shape = match (on_stdout, form.json) {
        (true, _) => Shape::Nothing,
        (_, true) => Shape::Json,
        _ => Shape::Text(*verbose),
    };
    let out = Output::new(&form.look)?;
    let part = |out, archive, files| {
        let (selection, redactor) = (select.selection(), redactor.clone());
        let exchanges = Exchanges {
            out,
            shape,
            keeps: shown > 0,
            selection,
            left_out: 0,
            redactor,
            archive,
            files,
            hints: Vec::new(),
        };
        Context::new(exchanges, limits)
    };
    let har = har.as_deref().map(Har::create).transpose()?;
    let (parts, har) = match (threads, har) {
        (1, har) => {
            let files = bodies.as_deref().map(Files::create).transpose()?;
            let archive = har.map_or(Archive::None, Archive::Here);
            (vec![part(Output::new(&form.look)?, archive, files)], None)
        }
        (_, har) => {
            let archive = || if har.is_some() { Archive::Elsewhere } else { Archive::None };
            ((0..threads).map(|_| part(out.elsewhere(), archive(), None)).collect(), har)
        }
    };
    let pools = (0..threads).map(|_| StreamPool::new(HttpFactory::new(), reassembly)).collect();
    let mut crew = Crew::new(input.decoding.decoder(), division.shard, pools, parts, out);
    crew.archive = har;
    let done = pipeline::run(&job, &mut crew);
    let Crew { parts, mut archive, .. } = crew;
    let (mut written, mut hints) = (Ok(()), Vec::new());
    for part in parts {
        let exchanges = part.into_handler();
        hints.extend(exchanges.hints);
        if let Archive::Here(har) = exchanges.archive {
            archive = Some(har);
        }
        written = written.and(exchanges.files.map_or(Ok(()), Files::close));
    }
    if !form.look.quiet {
        hints.iter().for_each(|hint| say(format_args!("hint: {hint}")));
    }
    // Whatever went wrong, what was found is in the archive and in the files.
    let archived = archive.map_or(Ok(()), |har| har.close(done.is_ok()));
    done.and_then(|code| archived.and(written).map(|()| code))
}

/// What all parts of the work found.
fn found(parts: &[Context<Exchanges>]) -> (Stats, u64) {
    let (mut stats, mut left_out) = (Stats::default(), 0);
    for part in parts {
        stats.merge(part.stats());
        left_out += part.handler().left_out;
    }
    (stats, left_out)
}

impl Part for Context<Exchanges> {
    fn output(&mut self) -> Option<&mut Output> {
        Some(&mut self.handler_mut().out)
    }

    fn has_failed(&self) -> bool {
        let Exchanges { archive, files, .. } = self.handler();
        matches!(archive, Archive::Here(har) if har.has_failed())
            || files.as_ref().is_some_and(Files::has_failed)
    }

    fn idle(&mut self, _: Timestamp) {
        let Exchanges { archive, files, .. } = self.handler_mut();
        if let Archive::Here(har) = archive {
            har.flush();
        }
        files.iter_mut().for_each(Files::flush);
    }

    fn finish(parts: &mut [Self], streams: &StreamStats, end: &End, _: &mut Output) {
        let (http, left_out) = found(parts);
        let (capture, live, streams) = (end.statistics, end.live, *streams);
        if let Some(first) = parts.first_mut() {
            first.handler_mut().hints = hints(&Seen { capture, live, streams, http: &http, left_out });
        }
    }

    fn summary(parts: &[Self], stats: &StreamStats) -> Option<String> {
        let (http, left_out) = found(parts);
        let incomplete: u64 = http.incomplete.values().sum();
        let mut found = format!(", {}", Count(stats.opened_handshake + stats.opened_midstream, "connection"));
        found += &format!(", {}", Count(http.complete + incomplete, "exchange"));
        if incomplete > 0 {
            found += &format!(" ({incomplete} incomplete)");
        }
        if parts.iter().any(|part| !part.handler().selection.is_everything()) {
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
    archive: Archive,
    files: Option<Files>,
    /// Why nothing was found, if so.
    hints: Vec<Hint>,
}

/// Where entries of the archive go.
enum Archive {
    None,
    Here(Har),
    /// Another thread has it.
    Elsewhere,
}

impl Recording for Exchanges {
    type Item = u8;

    fn records(&mut self) -> &mut Records<u8> {
        &mut self.out.records
    }
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
        self.out.about(exchange.connection());
        match self.shape {
            Shape::Nothing => {}
            Shape::Json => self.out.json(|json| record::write(exchange, bodies, json)),
            Shape::Text(verbose) => text::write(exchange, verbose, bodies, &mut self.out),
        }
        match &mut self.archive {
            Archive::None => {}
            Archive::Here(har) => har.entry(|json| har::entry(exchange, bodies, json)),
            Archive::Elsewhere => {
                self.out.put(Kind::Archived, |to| {
                    Json::object(to, |json| har::entry(exchange, bodies, json));
                    Ok(())
                });
            }
        }
    }
}
