//! `--redact`: which commands can keep what it promises, and the key of its tokens.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory};
use egret_http::Redactor;

use super::{ApiCommand, Arguments, Command, Input};

/// Enough that a key cannot be guessed.
const SHORTEST: usize = 16;

/// No key is longer.
const LONGEST: u64 = 64 << 10;

/// Whether secrets are shown.
#[derive(Debug, Args)]
pub(crate) struct Redaction {
    /// Put tokens in the place of secrets: passwords, cookies, keys, values of queries. The same secret has the same
    /// token. What prints or writes bytes as they are refuses this: follow, packets -x, -X and -A, -w, http --bodies
    #[arg(long, global = true)]
    redact: bool,
    /// Make the tokens with the key in this file, of 16 bytes or more, so that they are the same in every run
    #[arg(long, global = true, value_name = "FILE", requires = "redact")]
    redact_key: Option<PathBuf>,
}

impl Redaction {
    /// What takes the secrets out, if they are to be taken out.
    ///
    /// # Errors
    /// An error of usage, where the command shows bytes as they are; what is wrong with the key.
    pub(crate) fn redactor(&self, command: &Command) -> Result<Option<Redactor>> {
        if !self.redact {
            return Ok(None);
        }
        if let Some(what) = as_it_is(command) {
            let message = format!("{what}: it cannot be had with --redact");
            return Err(Arguments::command().error(ErrorKind::ArgumentConflict, message).into());
        }
        let (path, most) = match &self.redact_key {
            Some(path) => (path.clone(), LONGEST),
            None => ("/dev/urandom".into(), 32),
        };
        let mut key = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(most).read_to_end(&mut key));
        read.with_context(|| format!("cannot read a key from {}", path.display()))?;
        ensure!(
            key.len() >= SHORTEST,
            "the key in {} has {} bytes, {SHORTEST} at least are needed: `head -c 32 /dev/urandom` makes one",
            path.display(),
            key.len()
        );
        Ok(Some(Redactor::new(&key)))
    }
}

/// What a command would show as it was captured.
fn as_it_is(command: &Command) -> Option<&'static str> {
    let input = match command {
        Command::Follow(_) => return Some("follow prints what was said as it was said"),
        Command::Packets(packets) if packets.hex > 0 || packets.hex_ascii > 0 || packets.ascii > 0 => {
            return Some("packets -x, -X and -A print bytes as they were captured");
        }
        Command::Http(http) if http.bodies.is_some() => {
            return Some("--bodies writes bodies as they were sent");
        }
        Command::Http(http) if http.digest => {
            return Some("--digest tells a short secret to whoever tries all of them");
        }
        Command::Split(_) => return Some("split writes packets as they were captured"),
        Command::Packets(packets) => &packets.input,
        Command::Http(http) => &http.input,
        Command::Streams(streams) if streams.digest => {
            return Some("--digest tells a short secret to whoever tries all of them");
        }
        Command::Streams(streams) => &streams.input,
        Command::Api(api) => match &api.command {
            None => &api.input,
            Some(ApiCommand::Explain(explain)) => &explain.input,
            Some(ApiCommand::Check(_)) => {
                return Some("api check holds values against a document as they were sent");
            }
            Some(ApiCommand::Diff(_)) => return None,
        },
        Command::Stats(stats) => &stats.input,
        Command::Interfaces(_) | Command::Completions { .. } | Command::Man { .. } => return None,
    };
    let Input { write, .. } = input;
    write.is_some().then_some("-w writes packets as they were captured")
}
