//! Running other programs: always with the project as the working directory, never through a shell.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A program and its arguments. What it prints goes to the terminal unless `output` is asked for.
pub(crate) struct Program {
    command: Command,
    words: String,
}

impl Program {
    /// `name` with arguments split at spaces, for those that hold none themselves.
    pub(crate) fn new(name: impl AsRef<OsStr>, arguments: &str) -> Self {
        let name = name.as_ref();
        let mut command = Command::new(name);
        command.current_dir(workspace::root()).args(arguments.split_whitespace());
        let words = [&name.to_string_lossy(), arguments].join(" ").trim().to_string();
        Self { command, words }
    }

    /// The cargo that runs us, so that a chosen toolchain stays chosen.
    pub(crate) fn cargo(arguments: &str) -> Self {
        let mut program = Self::new("cargo", arguments);
        if let Some(cargo) = std::env::var_os("CARGO") {
            let mut command = Command::new(cargo);
            command.current_dir(workspace::root()).args(arguments.split_whitespace());
            program.command = command;
        }
        program
    }

    /// One more argument, taken as it is.
    pub(crate) fn arg(mut self, argument: impl Into<OsString>) -> Self {
        let argument = argument.into();
        self.words = format!("{} {}", self.words, argument.to_string_lossy());
        self.command.arg(argument);
        self
    }

    /// More arguments, split at spaces.
    pub(crate) fn words(self, arguments: &str) -> Self {
        arguments.split_whitespace().fold(self, |program, word| program.arg(word))
    }

    /// With a variable in its environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.words = format!("{name}='{value}' {}", self.words);
        self.command.env(name, value);
        self
    }

    /// Runs it; anything but success is an error that gives the command to repeat it by hand.
    pub(crate) fn run(mut self) -> Result<()> {
        let status = self.command.status().with_context(|| format!("cannot run `{}`", self.words))?;
        if !status.success() {
            bail!("`{}` failed ({status})", self.words);
        }
        Ok(())
    }

    /// Runs it and gives what it printed on standard output; its standard error goes to the terminal.
    pub(crate) fn output(mut self) -> Result<String> {
        let output = self
            .command
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot run `{}`", self.words))?;
        if !output.status.success() {
            bail!("`{}` failed ({})", self.words, output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// With its standard error in a file instead of the terminal.
    pub(crate) fn errors_to(mut self, file: File) -> Self {
        self.command.stderr(file);
        self
    }

    /// Runs it with its standard output in a file, and gives how it ended.
    pub(crate) fn output_to(mut self, file: File) -> Result<ExitStatus> {
        let status = self.command.stdin(Stdio::null()).stdout(file).status();
        status.with_context(|| format!("cannot run `{}`", self.words))
    }

    /// Runs it, hands on what it prints line by line as it comes, as bytes, and gives how it ended.
    pub(crate) fn lines(mut self, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<ExitStatus> {
        let mut child = self
            .command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run `{}`", self.words))?;
        let mut taken = Ok(());
        if let Some(output) = child.stdout.take() {
            let mut output = BufReader::new(output);
            let mut line = Vec::new();
            while taken.is_ok() && output.read_until(b'\n', &mut line).context("cannot read")? > 0 {
                taken = take(line.strip_suffix(b"\n").unwrap_or(&line));
                line.clear();
            }
        }
        // The pipe is closed now, so that a program that was not heard out ends too.
        let status = child.wait().with_context(|| format!("cannot run `{}`", self.words))?;
        taken.map(|()| status)
    }

    /// Whether it can be run and succeeds; says nothing.
    pub(crate) fn succeeds(mut self) -> bool {
        let quiet = self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_gives_the_command_to_repeat() {
        let error = Program::new("false", "").arg("a b").run().expect_err("`false` fails");
        assert!(error.to_string().starts_with("`false a b` failed"), "{error}");
        let error = Program::new("no-such-program", "x").run().expect_err("it is not there");
        assert_eq!(error.to_string(), "cannot run `no-such-program x`");
    }

    #[test]
    fn lines_come_one_by_one() {
        let mut lines = Vec::new();
        let program = Program::new("printf", "").arg("one\\n\\ntwo words");
        let status = program.lines(&mut |line| {
            lines.push(line.to_vec());
            Ok(())
        });
        assert!(status.expect("printf is everywhere").success());
        assert_eq!(lines, [&b"one"[..], b"", b"two words"]);
        let stop = |_: &[u8]| bail!("enough");
        let error = Program::new("yes", "").lines(&mut { stop }).expect_err("it was stopped");
        assert_eq!(error.to_string(), "enough");
    }

    #[test]
    fn success_is_asked_for_quietly() {
        assert!(Program::new("true", "").succeeds());
        assert!(!Program::new("false", "").succeeds());
        assert!(!Program::new("no-such-program", "").succeeds());
    }
}
