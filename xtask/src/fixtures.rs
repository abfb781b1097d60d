//! `cargo xtask fixtures`: compiles every `fixtures/GROUP/NAME.script` into `NAME.pcap`, always the same bytes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::script;
use crate::workspace::{self, files, read, shown};

/// Writes what is missing or different.
pub(crate) fn run() -> Result<()> {
    let scripts = scripts()?;
    let mut written = 0;
    for path in &scripts {
        let bytes = compile(path)?;
        let target = path.with_extension("pcap");
        if fs::read(&target).ok().as_ref() != Some(&bytes) {
            fs::write(&target, bytes).with_context(|| format!("cannot write {}", shown(&target)))?;
            println!("wrote {}", shown(&target));
            written += 1;
        }
    }
    println!("fixtures: {} scripts, {written} captures written", scripts.len());
    Ok(())
}

/// Compares what the scripts say now with what is there.
pub(crate) fn check() -> Result<()> {
    let scripts = scripts()?;
    for path in &scripts {
        let bytes = compile(path)?;
        let target = path.with_extension("pcap");
        if fs::read(&target).ok().as_ref() != Some(&bytes) {
            bail!("{} is not what {} says", shown(&target), shown(path));
        }
    }
    println!("fixtures: {} captures are what their scripts say", scripts.len());
    Ok(())
}

fn scripts() -> Result<Vec<PathBuf>> {
    files(&workspace::root().join("fixtures"), "script")
}

fn compile(path: &Path) -> Result<Vec<u8>> {
    script::compile(&read(path)?).map_err(|error| anyhow::anyhow!("{}:{error}", shown(path)))
}
