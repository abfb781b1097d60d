//! `egret`: network traffic as packets, TCP streams and HTTP exchanges, live or from a file.
//!
//! The command parses nothing itself. Arguments become a [`job::Job`], [`pipeline`] drives packets through the
//! [`command`] that was asked for, and [`output`] writes what it finds. Errors become exit codes here: 0 for success
//! (a reader of the output who goes away is one), 1 for what went wrong, 2 for usage; for a file that was not read to
//! its end because of a signal 128 and the signal's number, that is, 130 for Ctrl-C and 143 for SIGTERM.
#![forbid(unsafe_code)]

mod args;
mod command;
mod crew;
mod cut;
mod job;
mod output;
mod pipeline;
mod program;
mod progress;
mod signals;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use args::{Arguments, Command};
use output::bytes::Escaped;

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(usage) = error.downcast_ref::<clap::Error>() {
                usage.exit();
            }
            say(&error);
            ExitCode::FAILURE
        }
    }
}

/// Does what was asked for.
fn run(arguments: Arguments) -> Result<ExitCode> {
    let redactor = arguments.redaction.redactor(&arguments.command)?;
    match arguments.command {
        Command::Packets(arguments) => command::packets::run(&arguments, redactor.is_some()),
        Command::Streams(arguments) => command::streams::run(&arguments),
        Command::Follow(arguments) => command::follow::run(&arguments),
        Command::Http(arguments) => command::http::run(&arguments, redactor),
        Command::Api(arguments) => command::api::run(&arguments, redactor),
        Command::Stats(arguments) => command::stats::run(&arguments),
        Command::Split(arguments) => command::split::run(&arguments),
        Command::Interfaces(arguments) => command::interfaces::run(&arguments.form),
        Command::Completions { shell } => command::about::completions(shell),
        Command::Man { command } => command::about::manual(command.as_deref()),
    }
}

/// Whether an error only says that nobody reads the output any more.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// A message on standard error. If nobody reads that either, there is no one left to tell.
///
/// File names are in it, and whoever made the file chose them: control characters are escaped, and lines after the
/// first are indented, so that none passes for a message of its own.
fn say(message: impl Display) {
    let message = message.to_string();
    let lines = message.split('\n').map(|line| Escaped(line.as_bytes()).to_string());
    let _ = writeln!(io::stderr(), "egret: {}", lines.collect::<Vec<_>>().join("\n  "));
}
