//! `egret api explain`, `diff` and `check`: what can be asked of a description, and of traffic held against one.

use std::process::ExitCode;

use anyhow::{Result, bail};
use egret_http::{Exchange, Redactor};
use egret_model::{Checker, Finding, Method, Model, Options, Witness, diff};

use egret_reassembly::Shard;

use super::files::{Target, print, read_document};
use super::reading::{Sink, read};
use super::{Learn, name, options};
use crate::args::{Check, Diff, Explain};
use crate::job::Job;
use crate::output::bytes::Escaped;

/// Why something is described as it is: a line for each claim, and below it the exchanges that say so.
pub(super) fn explain(arguments: &Explain, redactor: Option<Redactor>) -> Result<ExitCode> {
    let Explain { method, path, field, choice, limits, input } = arguments;
    let Some(method) = Method::named(method) else {
        bail!(
            "no operation has the method {method}: OpenAPI knows GET, PUT, POST, DELETE, PATCH, HEAD, OPTIONS, TRACE"
        );
    };
    let target = Target { path: None, json: false, options: Options::default() };
    let learn = Learn { redactor, ..Learn::new(Model::default(), target) };
    let (code, Learn { model, .. }) = learn.all(choice, limits, input, None, true, true)?;
    let field = field.as_deref().filter(|field| !field.is_empty());
    let claims = model.explain(&options(choice), method, path, field);
    if claims.is_empty() {
        let operations = model.describe(&options(choice)).map(|description| {
            description
                .operations()
                .map(|(method, path)| format!("{} {path}", method.name()))
                .collect::<Vec<_>>()
        });
        bail!("nothing is known of that; the operations are:\n{}", operations.unwrap_or_default().join("\n"));
    }
    let mut text = String::new();
    for claim in claims {
        text += &format!("{}\n", Escaped(claim.text.as_bytes()));
        for witness in claim.witnesses {
            text += &format!("    {}\n", Shown(&witness, model.source(witness.source)));
        }
    }
    print(text.as_bytes())?;
    Ok(code)
}

/// Differences of two descriptions, a line each.
pub(super) fn compare(arguments: &Diff) -> Result<ExitCode> {
    let changes = diff(&read_document(&arguments.old)?, &read_document(&arguments.new)?);
    let text: String =
        changes.iter().map(|change| format!("{}\n", Escaped(change.to_string().as_bytes()))).collect();
    print(text.as_bytes())?;
    let breaking = changes.iter().any(|change| change.breaking);
    Ok(if breaking { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Traffic held against a document. Violations and undocumented operations end with exit code 1.
pub(super) fn check(arguments: &Check) -> Result<ExitCode> {
    let Check { spec, quiet, limits, input } = arguments;
    let job = Job::new(input, *quiet, true)?;
    let source = name(&job.source);
    let held = Held { checker: Checker::new(read_document(spec)?), source };
    let (code, held) = read(&job, limits, Shard::default(), vec![held])?;
    let Some(Held { checker, source }) = held.into_iter().next() else { return Ok(code) };
    let report = checker.report();
    let mut text = String::new();
    let mut list = |title: &str, findings: &[Finding]| {
        for finding in findings {
            let shown = format!("{} {}", finding.place, finding.what);
            text +=
                &format!("{title:<12} {} ({} times)\n", Escaped(shown.trim_end().as_bytes()), finding.count);
            text += &format!("    {}\n", Shown(&finding.witness, Some(&source)));
        }
    };
    list("undocumented", &report.undocumented);
    list("violation", &report.violations);
    for operation in &report.unseen {
        text += &format!("unseen       {}\n", Escaped(operation.as_bytes()));
    }
    if report.more > 0 {
        text += &format!("and {} findings more\n", report.more);
    }
    let (seen, operations) = (report.seen, report.operations);
    text += &format!("{seen} of {operations} operations were called ({:.0} %)\n", report.coverage());
    print(text.as_bytes())?;
    let clean = report.undocumented.is_empty() && report.violations.is_empty();
    Ok(if clean { code } else { ExitCode::FAILURE })
}

struct Held {
    checker: Checker,
    source: String,
}

impl Sink for Held {
    fn exchange(&mut self, exchange: &Exchange) {
        self.checker.observe(&self.source, exchange);
    }
}

/// Where an exchange is found again.
struct Shown<'a>(&'a Witness, Option<&'a str>);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(Witness { connection, index, request, response, .. }, source) = self;
        let source = source.unwrap_or("?");
        write!(
            f,
            "{} connection {connection} exchange {index}: packets {}-{}, {}-{}",
            Escaped(source.as_bytes()),
            request.0,
            request.1,
            response.0,
            response.1
        )
    }
}
