//! HTTP archives (HAR 1.2), written entry by entry: nothing of them is held in memory.
//!
//! Promises: a file is a valid archive at any time, whatever ends the program. With each part that is written goes the
//! end of the archive, which the next part writes over. A pipe gets the end when the command ends, as it does with
//! Ctrl-C and SIGTERM.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::mem;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::json::Json;

/// What all entries stand between.
const BEGIN: &str = concat!(
    r#"{"log":{"version":"1.2","creator":{"name":"egret","version":""#,
    env!("CARGO_PKG_VERSION"),
    "\"},\"entries\":["
);
const END: &[u8] = b"\n]}}\n";

/// So much is written at a time, if nobody waits for it.
const PART: usize = 64 << 10;

/// An archive that is being written.
pub(crate) struct Har {
    path: PathBuf,
    file: File,
    /// Where the next part goes in a regular file; elsewhere there is only one place to write to.
    place: Option<u64>,
    part: Vec<u8>,
    entries: u64,
    failed: Option<io::Error>,
}

impl Har {
    /// Opens the file, or standard output for `-`. What it held before stays until there is something to write.
    ///
    /// # Errors
    /// The system's, with the name of the file.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let name = if path == Path::new("-") { Path::new("/dev/stdout") } else { path };
        let open = || {
            let file = match path == Path::new("-") {
                true => super::standard_output()?,
                false => OpenOptions::new().write(true).create(true).truncate(false).open(path)?,
            };
            let place = (path != Path::new("-") && file.metadata()?.is_file()).then_some(0);
            io::Result::Ok((file, place))
        };
        let (file, place) = open().with_context(|| format!("cannot write to {}", name.display()))?;
        Ok(Self { path: name.to_owned(), file, place, part: Vec::new(), entries: 0, failed: None })
    }

    /// Writes an entry: an object with the fields that `fill` gives it.
    pub(crate) fn entry(&mut self, fill: impl FnOnce(&mut Json<'_>)) {
        self.add(|part| Json::object(part, fill));
    }

    /// Writes an entry that is put together.
    pub(crate) fn put(&mut self, entry: &[u8]) {
        self.add(|part| part.extend_from_slice(entry));
    }

    fn add(&mut self, fill: impl FnOnce(&mut Vec<u8>)) {
        self.begin();
        if self.entries > 0 {
            self.part.push(b',');
        }
        self.part.push(b'\n');
        fill(&mut self.part);
        self.entries += 1;
        if self.part.len() >= PART {
            self.flush();
        }
    }

    fn begin(&mut self) {
        if self.entries == 0 && self.part.is_empty() {
            self.part.extend(BEGIN.as_bytes());
        }
    }

    /// Hands everything to the system.
    pub(crate) fn flush(&mut self) {
        if self.part.is_empty() || self.failed.is_some() {
            return;
        }
        let mut part = mem::take(&mut self.part);
        let length = part.len() as u64;
        let written = match &mut self.place {
            Some(place) => {
                part.extend(END);
                // Of what was there before, nothing may stay behind the end.
                let emptied = if *place == 0 { self.file.set_len(0) } else { Ok(()) };
                let written = emptied.and_then(|()| self.file.write_all_at(&part, *place));
                *place += length;
                written
            }
            None => self.file.write_all(&part),
        };
        self.failed = written.err();
        part.clear();
        self.part = part;
    }

    /// Whether something could not be written, so that there is no use in going on.
    pub(crate) const fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Writes what is left, and the end. `empty` says that an archive without entries is worth writing too.
    ///
    /// # Errors
    /// The first write that failed.
    pub(crate) fn close(mut self, empty: bool) -> Result<()> {
        if self.entries == 0 && !empty {
            return Ok(());
        }
        self.begin();
        if self.place.is_none() {
            self.part.extend(END);
        }
        self.flush();
        match self.failed {
            None => Ok(()),
            Some(error) => Err(error).with_context(|| {
                format!("writing to {} failed; the archive is incomplete", self.path.display())
            }),
        }
    }
}
