//! Arguments that belong together, checked: from where, which packets, to where.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::CommandFactory;
use clap::error::ErrorKind;
use egret_capture::Rotation;

use crate::args::{Arguments, Input};

/// What is read, and what is done with it besides printing.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) source: Source,
    /// The filter's words, joined.
    pub(crate) filter: Option<String>,
    /// The arguments that this was made from.
    pub(crate) input: Input,
    pub(crate) quiet: bool,
}

/// Where packets come from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Files; `-` is standard input.
    Files(Vec<PathBuf>),
    /// Interfaces.
    Interfaces(Vec<String>),
}

impl Job {
    /// Checks the arguments. `prints` says whether the command itself writes to standard output.
    ///
    /// # Errors
    /// What the options contradict, as an error of usage.
    pub(crate) fn new(input: &Input, quiet: bool, prints: bool) -> Result<Self> {
        let source = match (input.read.as_slice(), input.interface.as_slice()) {
            (files @ [_, ..], _) => Source::Files(files.to_vec()),
            ([], interfaces @ [_, ..]) => Source::Interfaces(interfaces.to_vec()),
            ([], []) if input.program.is_empty() && is_fed(io::stdin()) => Source::Files(vec!["-".into()]),
            ([], []) => Source::Interfaces(vec!["any".to_owned()]),
        };
        if input.read.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
            return Err(usage("standard input can be read once: give -r - only once"));
        }
        let twice = input.stream.is_some() || input.exchange.is_some();
        if twice && input.read.iter().any(|path| !path.is_file() && path.exists() || path == Path::new("-")) {
            return Err(usage(
                "--stream and --exchange read the file twice: save what is piped in, and give its name",
            ));
        }
        if input.tail && input.read.len() > 1 {
            return Err(usage("--tail waits at the end of one file: give one -r"));
        }
        if let Some(target) = input.write.as_deref().filter(|target| *target == Path::new("-")) {
            if prints {
                return Err(usage(
                    "-w - would mix packets into what this command prints: give -w a file name",
                ));
            }
            if input.rotation() != Rotation::default() {
                return Err(usage(&format!("-C, -G and -W make files: {} is none", target.display())));
            }
        }
        let filter = input.filter.join(" ");
        let filter = (!filter.trim().is_empty()).then_some(filter);
        let job = Self { source, filter, input: input.clone(), quiet };
        if let Some(target) = &input.write {
            job.may_write(target, "-w")?;
        }
        Ok(job)
    }

    /// Whether a file that an option names may be written.
    ///
    /// # Errors
    /// Not if it is one that is read.
    pub(crate) fn may_write(&self, target: &Path, option: &str) -> Result<()> {
        match &self.source {
            Source::Files(files) if files.iter().any(|path| same_file(path, target)) => Err(usage(&format!(
                "{option} names the file that -r reads: it would be emptied before it is read"
            ))),
            _ => Ok(()),
        }
    }
}

/// Makes the folder that an option names, if it is not there.
///
/// # Errors
/// If it cannot be made, or there is something in it.
pub(crate) fn empty_folder(folder: &Path, option: &str) -> Result<()> {
    let shown = folder.display();
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {shown}"))?;
    let mut entries = fs::read_dir(folder).with_context(|| format!("cannot read the folder {shown}"))?;
    if entries.next().is_some() {
        bail!("{shown} is not empty: name a new folder for {option}, so that nothing is written over");
    }
    Ok(())
}

/// An error of usage, which ends the program with exit code 2.
fn usage(message: &str) -> anyhow::Error {
    Arguments::command().error(ErrorKind::ArgumentConflict, message).into()
}

/// Whether something is piped or redirected into `stdin` (a terminal and `/dev/null` are neither).
fn is_fed(stdin: impl AsFd) -> bool {
    let Ok(descriptor) = stdin.as_fd().try_clone_to_owned() else { return false };
    let kind = File::from(descriptor).metadata().map(|metadata| metadata.file_type());
    kind.is_ok_and(|kind| kind.is_fifo() || kind.is_file() || kind.is_socket())
}

/// Whether two names mean one regular file that exists.
fn same_file(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => one.is_file() && (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}
