//! `cargo xtask bless`: takes what the code does now for right, and shows what that changes.

use anyhow::Result;

use crate::fixtures;
use crate::shell::Program;

/// Each has `tests/golden.rs`, which compares what the crate makes of every fixture with the file beside it.
pub(crate) const GOLDEN: [&str; 3] = ["egret-decode", "egret-reassembly", "egret-http"];

pub(crate) fn run() -> Result<()> {
    fixtures::run()?;
    for package in GOLDEN {
        Program::cargo("test --quiet --test golden --package")
            .arg(package)
            .env("UPDATE_EXPECT", "1")
            .run()?;
    }
    // The command's README shows what it prints.
    Program::cargo("test --quiet --package egret --test command readme").env("UPDATE_EXPECT", "1").run()?;
    Program::new("git", "--no-pager diff --stat --patch -- fixtures crates/cli/README.md").run()?;
    // A difference shows no new file; this does.
    Program::new("git", "status --short -- fixtures").run()?;
    println!("bless: read every line above before you commit it");
    Ok(())
}
