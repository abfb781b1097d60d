//! What it costs to run a program: processor time, wall time, memory, from the kernel's own books.
//!
//! A program's peak memory begins with that of the one that starts it, so it is started by a small process: this same
//! one, run anew with [`WORD`].

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::shell::Program;

/// `cargo xtask bench` with this word first is the small process: `OUTPUT PROGRAM ARGUMENT…`.
pub(super) const WORD: &str = "measure";

/// What one run took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    /// Seconds of processor time, the kernel's part included.
    pub(super) cpu: f64,
    /// Seconds from beginning to end.
    pub(super) wall: f64,
    /// Bytes of memory at most.
    pub(super) peak: u64,
}

/// Runs a program with its output in a file; what it printed stays there.
pub(super) fn cost(program: &Path, arguments: &[OsString], output: &Path) -> Result<Cost> {
    let here = std::env::current_exe().context("cannot tell where this program lies")?;
    let mut starter = Program::new(here, &format!("bench {WORD}")).arg(output).arg(program);
    for argument in arguments {
        starter = starter.arg(argument);
    }
    let figures = starter.output()?;
    let mut figures = figures.split_whitespace().map(|figure| figure.parse::<f64>());
    let mut next = || figures.next().and_then(Result::ok).context("a measurement printed no figures");
    Ok(Cost { cpu: next()?, wall: next()?, peak: next()? as u64 })
}

/// What the small process does: runs the program, and prints what it took.
pub(super) fn run(words: &[String]) -> Result<()> {
    let [output, program, arguments @ ..] = words else {
        bail!("`{WORD}` is for `cargo xtask bench` itself")
    };
    let file = File::create(output).with_context(|| format!("cannot write {output}"))?;
    let start = now();
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    let (code, usage) = wait(child.id()).with_context(|| format!("cannot wait for {program}"))?;
    let wall = start.elapsed();
    if code != 0 {
        bail!("`{program} {}` failed ({code})", arguments.join(" "));
    }
    let cpu = time(usage.ru_utime) + time(usage.ru_stime);
    // In KiB, but on macOS, where it is in bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    println!("{} {} {}", cpu.as_secs_f64(), wall.as_secs_f64(), usage.ru_maxrss * unit);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "how long a program ran is wall time")]
fn now() -> Instant {
    Instant::now()
}

fn time(time: libc::timeval) -> Duration {
    Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000)
}

#[expect(unsafe_code, reason = "no safe function of the standard library tells what a child has used")]
fn wait(child: u32) -> std::io::Result<(i32, libc::rusage)> {
    let mut status = 0;
    // SAFETY: a structure of numbers, for which zeros are valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live, writable places of the types that wait4(2) fills.
    let waited = unsafe { libc::wait4(child as libc::pid_t, &mut status, 0, &mut usage) };
    if waited < 0 { Err(std::io::Error::last_os_error()) } else { Ok((status, usage)) }
}
