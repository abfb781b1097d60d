//! `egret api`: an API's description out of its traffic, and what can be asked of it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use egret_http::{Exchange, Redactor};
use egret_model::{Model, Options, Timestamp};

use crate::args::{self, Choice, Input};
use crate::job::{Job, Source};
use crate::say;

mod files;
mod reading;

use files::{Target, read_model};
use reading::{Sink, read};

/// How often a file is written anew while capturing, in packet time.
const OFTEN: Duration = Duration::from_secs(2);

pub(crate) fn run(arguments: &args::Api, redactor: Option<Redactor>) -> Result<ExitCode> {
    let args::Api { output, json, choice, examples, quiet, limits, input, .. } = arguments;
    let mut model = if *examples { Model::with_examples() } else { Model::default() };
    for path in &choice.model {
        model.merge(read_model(path)?);
    }
    let target = Target { path: output.clone(), json: *json, options: options(choice) };
    let mut code = ExitCode::SUCCESS;
    if packets_are_asked_for(choice, input) {
        let job = Job::new(input, *quiet, output.is_none())?;
        let live = matches!(job.source, Source::Interfaces(_));
        let source = name(&job.source);
        let learn = Learn { source, redactor, model, target, live, written: (Timestamp::EPOCH, 0) };
        let (ended, learned) = read(&job, limits, learn)?;
        code = ended;
        return finish(learned.model, &learned.target, *quiet).map(|()| code);
    }
    finish(model, &target, *quiet).map(|()| code)
}

/// Writes the result, and says what is not in it.
fn finish(model: Model, target: &Target, quiet: bool) -> Result<()> {
    target.write(&model)?;
    if quiet || !target.options.hosts.is_empty() || target.is_model() {
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
        if seen == known { Ok(()) } else { self.target.write(&self.model) }
    }
}

/// Packets are read if they are asked for, or if there is no model to begin with.
fn packets_are_asked_for(choice: &Choice, input: &Input) -> bool {
    choice.model.is_empty() || !input.read.is_empty() || !input.interface.is_empty()
}

/// What the witnesses of a job's exchanges call it.
fn name(source: &Source) -> String {
    match source {
        Source::Files(paths) => {
            let names: Vec<_> = paths.iter().map(|path: &PathBuf| path.display().to_string()).collect();
            names.join(", ")
        }
        Source::Interfaces(names) => names.join(", "),
    }
}

fn options(choice: &Choice) -> Options {
    let Choice { host, template, no_files, no_health, .. } = choice;
    Options { hosts: host.clone(), hints: template.clone(), no_files: *no_files, no_health: *no_health }
}
