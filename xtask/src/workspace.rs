//! Where the project lies, and walking over its files in a fixed order.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The library crates from left to right; each may know only the one before it.
pub(crate) const LIBRARIES: [&str; 5] = ["capture", "decode", "reassembly", "http", "model"];

/// The top of the project.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Every file under `folder` whose name ends in `.extension`, sorted, as full paths. A folder that is not there
/// holds none.
pub(crate) fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    walk(folder, &mut |path| {
        if path.extension().is_some_and(|end| end == extension) {
            found.push(path);
        }
    })?;
    found.sort();
    Ok(found)
}

/// `path` from the top of the project, with forward slashes, for messages.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// The text of a file, or an error that names it.
pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", shown(path)))
}

fn walk(folder: &Path, visit: &mut dyn FnMut(PathBuf)) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", shown(folder)))?;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot list {}", shown(folder)))?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target" && name != ".git") {
                walk(&path, visit)?;
            }
        } else {
            visit(path);
        }
    }
    Ok(())
}

/// Where cargo puts a program or, as `examples/NAME`, an example: beside this one.
pub(crate) fn built(name: &str) -> Result<PathBuf> {
    let here = std::env::current_exe().context("cannot tell where this program lies")?;
    Ok(here.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}
