//! Standard output: buffered, checked, and quick to notice that nobody reads it any more.
//!
//! Records are produced inside calls that cannot fail (a stream's `complete`, an exchange's handler), so the first
//! write error is kept here and whatever comes after it is not written. Who drives the loop asks for it with
//! [`Output::check`].

pub(crate) mod ascii;
pub(crate) mod bytes;
pub(crate) mod dump;
pub(crate) mod har;
pub(crate) mod json;
pub(crate) mod lines;
pub(crate) mod protocol;
pub(crate) mod text;

use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use egret_reassembly::Records;
use json::Json;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::args::{Color, Look};

/// Large enough that a system call is rare, small enough to stay in the cache.
const BUFFER: usize = 64 << 10;

/// Standard output cannot be written to.
#[derive(Debug)]
pub(crate) struct WriteError(io::Error);

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "writing to standard output failed: {}; the output is incomplete", self.0)
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Where the records go.
pub(crate) struct Output {
    /// Standard output; on a thread of several there is none.
    writer: Option<Writer>,
    /// Where records go there, each behind its [`Kind`].
    pub(crate) records: Records<u8>,
    /// What they are about.
    connection: u64,
    failed: Option<io::Error>,
    flush_each: bool,
    /// Whether text may be coloured.
    pub(crate) color: bool,
    /// How many columns a line may have; `None` when it is not read on a terminal.
    pub(crate) width: Option<usize>,
}

/// Standard output, and what is to be written there.
struct Writer {
    file: File,
    buffer: Vec<u8>,
}

impl Writer {
    fn flush(&mut self) -> io::Result<()> {
        let result = self.file.write_all(&self.buffer);
        // What could not be written is not tried again.
        self.buffer.clear();
        result
    }
}

impl Drop for Writer {
    /// Whatever ends the program, what it had found is printed if that works.
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

/// What a record that comes from another thread is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A part of standard output.
    Printed,
    /// An entry of the archive.
    Archived,
}

impl Output {
    /// Standard output, in the manner the arguments ask for.
    ///
    /// # Errors
    /// The system's, when the descriptor cannot be copied.
    pub(crate) fn new(look: &Look) -> io::Result<Self> {
        let stdout = io::stdout();
        let color = match look.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
        };
        let width = match stdout.is_terminal() {
            true => terminal_size::terminal_size_of(&stdout).map(|(width, _)| width.0.into()),
            false => None,
        };
        Ok(Self { flush_each: look.line_buffered, color, width, ..Self::plain()? })
    }

    /// Standard output, as it comes.
    ///
    /// # Errors
    /// The system's, when the descriptor cannot be copied.
    pub(crate) fn plain() -> io::Result<Self> {
        let writer = Writer { file: standard_output()?, buffer: Vec::new() };
        Ok(Self { writer: Some(writer), ..Self::recording(false, None) })
    }

    /// For a thread of several: the same records, on their way to this output.
    pub(crate) fn elsewhere(&self) -> Self {
        Self::recording(self.color, self.width)
    }

    fn recording(color: bool, width: Option<usize>) -> Self {
        let records = Records::default();
        Self { writer: None, records, connection: 0, failed: None, flush_each: false, color, width }
    }

    /// Says which connection the next records are about.
    pub(crate) fn about(&mut self, connection: u64) -> &mut Self {
        self.connection = connection;
        self
    }

    /// Writes one record as a line of JSON: an object with the fields that `fill` gives it.
    pub(crate) fn json(&mut self, fill: impl FnOnce(&mut Json<'_>)) {
        self.record(|line| {
            Json::object(line, fill);
            line.push(b'\n');
            Ok(())
        });
    }

    /// Writes one record of text, with the newline behind it.
    pub(crate) fn line(&mut self, record: impl fmt::Display) {
        self.record(|line| writeln!(line, "{record}"));
    }

    /// Writes one record.
    pub(crate) fn record(&mut self, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) {
        self.put(Kind::Printed, write);
    }

    /// Writes a record, or sends it where it is written. It is put together where it goes from: nothing is copied.
    pub(crate) fn put(&mut self, kind: Kind, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) {
        if self.failed.is_some() {
            return;
        }
        // What fails leaves nothing behind.
        let whole = |to: &mut Vec<u8>, start: usize| {
            let result = write(to);
            if result.is_err() {
                to.truncate(start);
            }
            result
        };
        let Some(Writer { buffer, .. }) = &mut self.writer else {
            let result = self.records.push(self.connection, |items| {
                let start = items.len();
                items.push(kind as u8);
                whole(items, start)
            });
            self.failed = result.err();
            return;
        };
        let start = buffer.len();
        self.failed = whole(buffer, start).err();
        if buffer.len() >= BUFFER || self.flush_each {
            self.flush();
        }
    }

    /// Hands everything to the system.
    pub(crate) fn flush(&mut self) {
        if let (None, Some(writer)) = (&self.failed, &mut self.writer) {
            self.failed = writer.flush().err();
        }
    }

    /// Hands everything to the system, and looks whether anyone reads it: a command that waits for packets would not
    /// notice before it has something to print.
    pub(crate) fn flush_idle(&mut self) {
        self.flush();
        let Some(writer) = &self.writer else { return };
        let mut stdout = [PollFd::new(&writer.file, PollFlags::empty())];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let gone = poll(&mut stdout, Some(&now)).is_ok()
            && stdout.iter().any(|fd| fd.revents().contains(PollFlags::ERR));
        if gone && self.failed.is_none() {
            self.failed = Some(io::ErrorKind::BrokenPipe.into());
        }
    }

    /// The first write that failed, if one did.
    ///
    /// # Errors
    /// That error.
    pub(crate) fn check(&mut self) -> Result<(), WriteError> {
        match &self.failed {
            None => Ok(()),
            // What could not be written is not tried again: the mark stays.
            Some(error) => Err(WriteError(
                error.raw_os_error().map_or(error.kind().into(), io::Error::from_raw_os_error),
            )),
        }
    }
}

/// The file itself: the library's handle flushes at every newline and takes a closed descriptor for success.
fn standard_output() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_record_is_printed_whole_or_not_at_all_and_nothing_is_left_over() {
        let path = std::env::temp_dir().join(format!("egret-output-{}", std::process::id()));
        let writer = Writer { file: File::create(&path).unwrap(), buffer: Vec::new() };
        let mut out = Output { writer: Some(writer), ..Output::recording(false, None) };
        let read = || fs::read_to_string(&path).unwrap();
        out.line("one");
        assert_eq!(read(), "", "it waits for more");
        out.flush();
        out.line("two");
        out.record(|to| {
            to.extend_from_slice(b"half");
            Err(io::ErrorKind::Other.into())
        });
        out.line("three");
        assert!(out.check().is_err());
        drop(out);
        assert_eq!(read(), "one\ntwo\n");
        fs::remove_file(&path).unwrap();
    }
}
