//! `egret api`: an API's description out of its traffic, and what can be asked of it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use egret_http::{Exchange, Redactor};
use egret_model::{Model, Options, Timestamp};

use crate::args::{self, ApiCommand, Choice, Division, Input, LimitArgs};
use crate::job::{Job, Source};
use crate::say;

mod ask;
mod files;
mod reading;

use files::{Target, read_model};
use reading::{Sink, read};

/// How often a file is written anew while capturing, in packet time.
const OFTEN: Duration = Duration::from_secs(2);

pub(crate) fn run(arguments: &args::Api, redactor: Option<Redactor>) -> Result<ExitCode> {
    match &arguments.command {
        None => describe(arguments, redactor),
        Some(ApiCommand::Explain(arguments)) => ask::explain(arguments, redactor),
        Some(ApiCommand::Diff(arguments)) => ask::compare(arguments),
        Some(ApiCommand::Check(arguments)) => ask::check(arguments),
    }
}

/// Learns, and writes what it has learned.
fn describe(arguments: &args::Api, redactor: Option<Redactor>) -> Result<ExitCode> {
    let args::Api { output, json, choice, examples, quiet, limits, division, input, .. } = arguments;
    let model = if *examples { Model::with_examples() } else { Model::default() };
    let path = output.clone().filter(|path| path.as_os_str() != "-");
    let prints = path.is_none();
    let target = Target { path, json: *json, options: options(choice) };
    let learn = Learn { redactor, ..Learn::new(model, target) };
    let (code, learned) = learn.all(choice, limits, input, Some(division), *quiet, prints)?;
    finish(&learned.model, &learned.target, *quiet).map(|()| code)
}

/// Writes the result, and says what is not in it.
fn finish(model: &Model, target: &Target, quiet: bool) -> Result<()> {
    target.write(model)?;
    if quiet {
        return Ok(());
    }
    for name in model.limited().take(8) {
        say(format_args!("{name}: more was observed than is kept whole; rare places and fields are folded"));
    }
    if !target.options.hosts.is_empty() || target.is_model() {
        return Ok(());
    }
    let mut others: Vec<_> = model.servers().collect();
    others.sort_by_key(|(name, calls)| (std::cmp::Reverse(*calls), *name));
    for (name, calls) in others.iter().skip(1).take(8) {
        say(format_args!("{calls} exchanges with {name} are not in it: --host {name} describes them"));
    }
    Ok(())
}

/// Learns from exchanges, and writes what it knows while packets still come.
struct Learn {
    source: String,
    /// What takes secrets out before they are looked at.
    redactor: Option<Redactor>,
    model: Model,
    target: Target,
    live: bool,
    /// When a file was last written, and how many exchanges were known then.
    written: (Timestamp, u64),
}

impl Learn {
    fn new(model: Model, target: Target) -> Self {
        Self {
            source: String::new(),
            redactor: None,
            model,
            target,
            live: false,
            written: (Timestamp::EPOCH, 0),
        }
    }

    /// The same for another thread, which has seen nothing yet.
    fn another(&self) -> Self {
        Self {
            source: self.source.clone(),
            redactor: self.redactor.clone(),
            ..Self::new(self.model.fresh(), self.target.clone())
        }
    }

    /// Takes the models that were named, and the packets, if packets are asked for or there is no model. Several threads
    /// have a model each, which add up to that of one.
    fn all(
        mut self,
        choice: &Choice,
        limits: &LimitArgs,
        input: &Input,
        division: Option<&Division>,
        quiet: bool,
        prints: bool,
    ) -> Result<(ExitCode, Self)> {
        for path in &choice.model {
            self.model.merge(read_model(path)?);
        }
        let named = input.read.is_empty() && input.interface.is_empty() && input.program.is_empty();
        if named && !choice.model.is_empty() {
            return Ok((ExitCode::SUCCESS, self));
        }
        let job = Job::new(input, quiet, prints)?;
        self.live = matches!(job.source, Source::Interfaces(_));
        self.source = name(&job.source);
        // While capturing, one thread knows all that is written.
        let threads = division.filter(|_| !self.live).map_or(1, |division| division.threads(&job, false));
        let shard = division.map(|division| division.shard).unwrap_or_default();
        let mut learning: Vec<_> = (1..threads).map(|_| self.another()).collect();
        learning.push(self);
        let (code, mut learned) = read(&job, limits, shard, learning)?;
        let mut all = learned.pop().context("no thread has learned anything")?;
        learned.into_iter().for_each(|part| all.model.merge(part.model));
        Ok((code, all))
    }
}

impl Sink for Learn {
    fn exchange(&mut self, exchange: &Exchange) {
        match &self.redactor {
            Some(redactor) => self.model.observe(&self.source, &redactor.exchange(exchange)),
            None => self.model.observe(&self.source, exchange),
        }
    }

    fn idle(&mut self, now: Timestamp) -> Result<()> {
        let (when, known) = self.written;
        if !self.live || self.target.path.is_none() || now.since(when) < OFTEN {
            return Ok(());
        }
        let seen = self.model.servers().map(|(_, calls)| calls).sum();
        self.written = (now, seen);
        if seen == known { Ok(()) } else { self.target.write_if_any(&self.model) }
    }
}

/// What the witnesses of a job's exchanges call it, in whatever order its files were named.
fn name(source: &Source) -> String {
    let mut names: Vec<_> = match source {
        Source::Files(paths) => paths.iter().map(|path: &PathBuf| path.display().to_string()).collect(),
        Source::Interfaces(names) => names.clone(),
    };
    names.sort();
    names.join(", ")
}

fn options(choice: &Choice) -> Options {
    let Choice { host, template, no_files, no_health, .. } = choice;
    Options { hosts: host.clone(), hints: template.clone(), no_files: *no_files, no_health: *no_health }
}
