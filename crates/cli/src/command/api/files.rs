//! Models and descriptions in files. What is written is whole or not there: a new file takes the place of the old one.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use egret_model::{Document, Model, Options};

use crate::output::Output;

/// Where a model or its description goes.
#[derive(Clone)]
pub(super) struct Target {
    /// A file, or standard output.
    pub(super) path: Option<PathBuf>,
    pub(super) json: bool,
    pub(super) options: Options,
}

impl Target {
    pub(super) fn is_model(&self) -> bool {
        self.ends_with("egret-model")
    }

    fn ends_with(&self, end: &str) -> bool {
        self.path.as_deref().and_then(Path::extension).is_some_and(|extension| extension == end)
    }

    pub(super) fn write(&self, model: &Model) -> Result<()> {
        let Some(bytes) = self.bytes(model) else {
            let seen: Vec<_> = model.servers().map(|(name, _)| name).collect();
            match seen.as_slice() {
                [] => bail!("no HTTP exchange was seen to its status: there is nothing to describe"),
                names => bail!("none of the servers asked for was seen; there were: {}", names.join(", ")),
            }
        };
        self.put(&bytes)
    }

    /// As [`write`](Self::write), but if there is nothing to describe yet, nothing is written.
    pub(super) fn write_if_any(&self, model: &Model) -> Result<()> {
        self.bytes(model).map_or(Ok(()), |bytes| self.put(&bytes))
    }

    fn put(&self, bytes: &[u8]) -> Result<()> {
        match &self.path {
            Some(path) => {
                replace(path, bytes).map_err(|error| anyhow!("writing {} failed: {error}", path.display()))
            }
            None => print(bytes),
        }
    }

    /// What is written; `None` if there is nothing to describe.
    fn bytes(&self, model: &Model) -> Option<Vec<u8>> {
        if self.is_model() {
            return Some(model.to_bytes());
        }
        let document = model.describe(&self.options)?.document();
        let json = self.json || self.ends_with("json");
        Some(if json { document.to_json() } else { document.to_yaml() }.into_bytes())
    }
}

pub(super) fn print(bytes: &[u8]) -> Result<()> {
    let mut out = Output::plain()?;
    out.record(|to| to.write_all(bytes));
    out.flush();
    Ok(out.check()?)
}

/// Writes a file under another name, and gives it its own when it is whole. What is no file (a pipe, `/dev/null`) is
/// written to as it is: nothing may take its place.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if fs::metadata(path).is_ok_and(|known| !known.is_file()) {
        return OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let mut name = OsString::from(".");
    name.push(path.file_name().ok_or(ErrorKind::InvalidInput)?);
    name.push(format!(".{}", std::process::id()));
    let other = path.with_file_name(name);
    // A new file and nothing else: who may write to the folder could have put a link to another file there.
    let create = || File::create_new(&other);
    let file = create().or_else(|error| match error.kind() {
        ErrorKind::AlreadyExists => fs::remove_file(&other).and_then(|()| create()),
        _ => Err(error),
    });
    let mut file = file?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let renamed = written.and_then(|()| fs::rename(&other, path));
    if renamed.is_err() {
        let _ = fs::remove_file(&other);
    }
    renamed
}

pub(super) fn read_model(path: &Path) -> Result<Model> {
    let bytes = fs::read(path).map_err(|error| anyhow!("reading {} failed: {error}", path.display()))?;
    Model::from_bytes(&bytes).map_err(|error| anyhow!("{}: {error}", path.display()))
}

/// A description in a file: a document, or a model that is described.
pub(super) fn read_document(path: &Path) -> Result<Document> {
    if path.extension().is_some_and(|extension| extension == "egret-model") {
        let description = read_model(path)?.describe(&Options::default());
        let description = description.with_context(|| format!("{} holds no exchange", path.display()))?;
        return Ok(description.document());
    }
    let text =
        fs::read_to_string(path).map_err(|error| anyhow!("reading {} failed: {error}", path.display()))?;
    Document::parse(&text).map_err(|error| anyhow!("{}: {error}", path.display()))
}
