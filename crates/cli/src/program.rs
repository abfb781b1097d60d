//! A program that runs while its traffic is captured: `egret http -i lo -- curl …`.
//!
//! Promises: it starts when the capture is ready, and the capture ends after it, with its exit code. It has this command's
//! standard input and error; what it prints goes to standard error too, so that records and its output do not mix.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use egret_capture::Stopper;

/// How long the last packets of its connections have to arrive when it is over.
const LINGER: Duration = Duration::from_millis(300);

pub(crate) struct Program(JoinHandle<io::Result<ExitStatus>>);

impl Program {
    /// Starts it, if there is one to start; when it ends, the capture is stopped.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(words: &[OsString], stopper: Stopper) -> Result<Option<Self>> {
        let Some((program, arguments)) = words.split_first() else { return Ok(None) };
        let mut child = Command::new(program)
            .args(arguments)
            .stdout(Stdio::from(io::stderr().as_fd().try_clone_to_owned()?))
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        Ok(Some(Self(thread::spawn(move || {
            let status = child.wait();
            thread::sleep(LINGER);
            stopper.stop();
            status
        }))))
    }

    /// Waits for its end: its exit code, or 128 and the number of the signal that ended it.
    ///
    /// # Errors
    /// The system does not tell how it ended.
    pub(crate) fn wait(self) -> Result<ExitCode> {
        let status =
            self.0.join().map_err(|_| anyhow!("the thread that waits for the program is gone"))??;
        let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
        Ok(u8::try_from(code).unwrap_or(1).into())
    }
}
