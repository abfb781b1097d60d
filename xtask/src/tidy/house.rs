//! What lies at the top, and how the lines are divided.

use std::fs;

use anyhow::{Context, Result};

use crate::workspace;

/// All that a visitor sees first. Dot-files are listed too: each is one more thing to know.
const TOP_LEVEL: [&str; 13] = [
    ".cargo",
    ".ci",
    ".clippy.toml",
    ".github",
    ".gitignore",
    ".rustfmt.toml",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "crates",
    "fixtures",
];
const TOP_LEVEL_ALSO: [&str; 3] = ["xtask", "target", ".git"];

pub(super) fn entries() -> Result<Vec<String>> {
    let entries = fs::read_dir(workspace::root()).context("cannot list the top of the project")?;
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

pub(super) fn top_level(entries: &[String]) -> Vec<String> {
    let known = |name: &String| TOP_LEVEL.iter().chain(&TOP_LEVEL_ALSO).any(|known| known == name);
    let unknown = entries.iter().filter(|name| !known(name)).map(|name| {
        format!(
            "{name}: the top level holds only what xtask/src/tidy/house.rs lists; move it to where it belongs"
        )
    });
    let missing = TOP_LEVEL.iter().filter(|known| !entries.iter().any(|name| name == *known));
    unknown.chain(missing.map(|name| format!("{name}: is missing at the top level; write it"))).collect()
}

/// `lines` are those of the libraries and of the command, tests aside.
pub(super) fn proportion([libraries, command]: [usize; 2]) -> Option<String> {
    (command * 4 >= libraries).then(|| {
        format!(
            "crates/cli has {command} lines, a quarter or more of the libraries' {libraries}: the command only \
             parses arguments and prints; move what it decides into a library, with its tests"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_level_is_as_listed() {
        let mut entries: Vec<String> = TOP_LEVEL.iter().map(ToString::to_string).collect();
        assert_eq!(top_level(&entries), [""; 0]);
        entries.retain(|name| name != "README.md");
        entries.push("notes.txt".into());
        let complaints = top_level(&entries);
        assert_eq!(complaints.len(), 2);
        assert!(complaints[0].starts_with("notes.txt: "), "{complaints:?}");
        assert!(complaints[1].starts_with("README.md: is missing"), "{complaints:?}");
    }

    #[test]
    fn the_command_stays_small() {
        assert_eq!(proportion([1000, 249]), None);
        assert!(proportion([1000, 250]).is_some());
    }
}
