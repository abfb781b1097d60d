//! Bodies as files: one each, in a folder of their own, written as they come.
//!
//! Promises: nothing that was there before is touched; what a name begins with is a number, so that no file lies
//! elsewhere; a file without `.part` behind its name holds all of a body, decoded. Held in memory: 8 MiB of all bodies
//! together, and no file open between two writes.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use egret_http::{Body, BodyPiece, Exchange, Framing, Message, Part, Verdict};
use egret_reassembly::Direction;

use crate::job::empty_folder;

/// So much of one body is written at a time.
const PART: usize = 64 << 10;

/// So much of all of them waits to be written.
const ALL: usize = 8 << 20;

/// The end of the name of what is not all of a body, or not yet.
const UNFINISHED: &str = "part";

/// Connection, index, and whether it is the request's.
type Key = (u64, u64, bool);

/// A folder that bodies are written to.
pub(super) struct Files {
    folder: PathBuf,
    open: HashMap<Key, Open>,
    /// What waits to be written, of all of them.
    waiting: usize,
    failed: Option<(PathBuf, io::Error)>,
}

/// A body under way.
struct Open {
    /// What the file will be called.
    name: String,
    /// Whether it is written as it was sent.
    raw: bool,
    /// How much of it there was.
    length: u64,
    waiting: Vec<u8>,
    /// Whether there is a file of it.
    begun: bool,
    /// Whether something is missing in front of what came last.
    holed: bool,
}

impl Files {
    /// Makes the folder, if it is not there.
    ///
    /// # Errors
    /// If it cannot be made, or there is something in it.
    pub(super) fn create(folder: &Path) -> Result<Self> {
        empty_folder(folder, "--bodies")?;
        Ok(Self { folder: folder.to_owned(), open: HashMap::new(), waiting: 0, failed: None })
    }

    /// Takes the next bytes of a body.
    pub(super) fn piece(&mut self, piece: BodyPiece<'_>) {
        let request = piece.direction == Direction::ClientToServer;
        let Some(message) = message(piece.exchange, request) else { return };
        let open =
            self.open.entry(key(piece.exchange, request)).or_insert_with(|| Open::new(&piece, message));
        if open.raw == piece.decoded || open.holed {
            return;
        }
        if open.length != piece.offset {
            open.holed = true;
            return;
        }
        open.length += piece.bytes.len() as u64;
        open.waiting.extend(piece.bytes);
        self.waiting += piece.bytes.len();
        if open.waiting.len() >= PART {
            self.waiting -= open.waiting.len();
            let written = open.write(&self.folder);
            self.note(written);
        } else if self.waiting >= ALL {
            self.flush();
        }
    }

    /// Writes everything that waits.
    pub(super) fn flush(&mut self) {
        self.waiting = 0;
        let written = self.open.values_mut().try_for_each(|open| open.write(&self.folder));
        self.note(written);
    }

    /// An exchange is over: its bodies get their names, or go if it was not selected.
    pub(super) fn finish(&mut self, exchange: &Exchange, selected: bool) {
        for request in [true, false] {
            let (Some(open), Some(message)) =
                (self.open.remove(&key(exchange, request)), message(exchange, request))
            else {
                continue;
            };
            self.waiting -= open.waiting.len();
            let whole =
                is_whole(exchange.verdict(), request, message.body()) && open.is_decoded(message.body());
            let done = if selected { open.close(&self.folder, whole) } else { open.discard(&self.folder) };
            self.note(done);
        }
    }

    fn note(&mut self, done: Result<(), (PathBuf, io::Error)>) {
        if let Err(error) = done {
            self.failed.get_or_insert(error);
        }
    }

    /// Whether something could not be written, so that there is no use in going on.
    pub(super) const fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Says whether all is written.
    ///
    /// # Errors
    /// The first that failed.
    pub(super) fn close(mut self) -> Result<()> {
        self.flush();
        match self.failed {
            None => Ok(()),
            Some((path, error)) => {
                Err(error).with_context(|| format!("writing to {} failed", path.display()))
            }
        }
    }
}

impl Open {
    fn new(piece: &BodyPiece<'_>, message: &Message) -> Self {
        let coded = message.encodings().any(|coding| !coding.eq_ignore_ascii_case("identity"));
        // What cannot be undone is known before the first byte.
        let raw = !coded || message.body().undecoded().is_some();
        let mut name = piece.exchange.body_file_name(piece.direction);
        if coded && raw {
            name.push_str(".coded");
        }
        Self { name, raw, length: 0, waiting: Vec::new(), begun: false, holed: false }
    }

    fn unfinished(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.{UNFINISHED}", self.name))
    }

    /// Whether what is written is what it should be: decoded to the end, if it was to be.
    fn is_decoded(&self, body: &Body) -> bool {
        self.raw || body.undecoded().is_none()
    }

    fn write(&mut self, folder: &Path) -> Result<(), (PathBuf, io::Error)> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let path = self.unfinished(folder);
        let mut options = OpenOptions::new();
        let options = if self.begun { options.append(true) } else { options.write(true).create_new(true) };
        let written = options.open(&path).and_then(|mut file| file.write_all(&self.waiting));
        self.begun = true;
        self.waiting.clear();
        written.map_err(|error| (path, error))
    }

    fn close(mut self, folder: &Path, whole: bool) -> Result<(), (PathBuf, io::Error)> {
        self.write(folder)?;
        if !self.begun || !whole || self.holed {
            return Ok(());
        }
        let path = folder.join(&self.name);
        fs::rename(self.unfinished(folder), &path).map_err(|error| (path, error))
    }

    fn discard(&self, folder: &Path) -> Result<(), (PathBuf, io::Error)> {
        let path = self.unfinished(folder);
        if self.begun { fs::remove_file(&path).map_err(|error| (path, error)) } else { Ok(()) }
    }
}

fn key(exchange: &Exchange, request: bool) -> Key {
    (exchange.connection(), exchange.index(), request)
}

fn message(exchange: &Exchange, request: bool) -> Option<&Message> {
    match request {
        true => exchange.request().map(|request| &**request),
        false => exchange.response().map(|response| &**response),
    }
}

/// Whether all of a body was there.
fn is_whole(verdict: Verdict, request: bool, body: &Body) -> bool {
    let cut = match verdict {
        Verdict::Incomplete { part: Part::RequestHead | Part::RequestBody, .. } => request,
        Verdict::Incomplete { part: Part::ResponseHead | Part::ResponseBody, .. } => !request,
        _ => false,
    };
    // Of an exchange, the verdict names one part only.
    let short = matches!(body.framing(), Framing::Length(length) if body.size() < length);
    !cut && !short && body.missing() == 0
}
