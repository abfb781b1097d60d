//! How many instructions a packet takes, crate by crate, as callgrind counts them: the same figures on a busy machine
//! as on a quiet one.
//!
//! Counted by source file, for which the release build has the lines: code that was inlined counts where it was written.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::contest::OURS;
use super::make::Capture;
use crate::setup;
use crate::shell::Program;

/// Runs each of egret's commands on the capture under callgrind, and prints a table.
pub(super) fn run(egret: &Path, capture: &Capture, folder: &Path) -> Result<()> {
    if !setup::on_path("valgrind") {
        bail!("instructions are counted by valgrind, which is not installed");
    }
    let mut columns = Vec::new();
    for (name, words) in OURS {
        let counts = folder.join("callgrind");
        let mut program = Program::new("valgrind", "--quiet --tool=callgrind")
            .arg(format!("--callgrind-out-file={}", counts.display()))
            .arg(egret);
        for word in words {
            program = program.arg(*word);
        }
        let program =
            program.arg("--quiet").arg("--checksums").arg("ignore").arg("--read").arg(&capture.path);
        if !program.lines(&mut |_| Ok(()))?.success() {
            bail!("`{name}` failed under valgrind");
        }
        let text =
            fs::read_to_string(&counts).with_context(|| format!("cannot read {}", counts.display()))?;
        fs::remove_file(&counts).with_context(|| format!("cannot remove {}", counts.display()))?;
        columns.push((name, by_place(&text)));
    }
    print(&columns, capture.truth.packets);
    Ok(())
}

fn print(columns: &[(&str, BTreeMap<String, u64>)], packets: u64) {
    let mut places: Vec<&String> = columns.iter().flat_map(|(_, counts)| counts.keys()).collect();
    places.sort();
    places.dedup();
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    println!("\n| instructions a packet | {} |\n|---|{}", names.join(" | "), "--:|".repeat(names.len()));
    let line = |place: &str, figure: &dyn Fn(&BTreeMap<String, u64>) -> u64| {
        let figures: Vec<String> =
            columns.iter().map(|(_, counts)| (figure(counts) / packets.max(1)).to_string()).collect();
        println!("| {place} | {} |", figures.join(" | "));
    };
    // What takes less than one instruction a packet is of no interest.
    let counts = |place: &str| {
        columns.iter().any(|(_, counts)| counts.get(place).is_some_and(|cost| *cost >= packets))
    };
    for place in places.into_iter().filter(|place| counts(place)) {
        line(place, &|counts| counts.get(place).copied().unwrap_or(0));
    }
    line("all", &|counts| counts.values().sum());
}

/// Adds up a callgrind file by where the code was written
/// ([format](https://valgrind.org/docs/manual/cl-format.html)).
fn by_place(text: &str) -> BTreeMap<String, u64> {
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    let mut counts = BTreeMap::new();
    let (mut place, mut object) = (String::new(), String::new());
    let mut objects: BTreeMap<&str, String> = BTreeMap::new();
    let mut called = false;
    for line in text.lines() {
        if let Some((key, value)) = line.split_once('=').filter(|(key, _)| key.len() <= 5) {
            // `(number) name` the first time, `(number)` from then on.
            let (number, name) = value.split_once(") ").unwrap_or((value.trim_end_matches(')'), ""));
            match key {
                "ob" if name.is_empty() => object = objects.get(number).cloned().unwrap_or_default(),
                "ob" => {
                    object = name.to_owned();
                    objects.insert(number, object.clone());
                }
                "cob" if !name.is_empty() => drop(objects.insert(number, name.to_owned())),
                "cfi" | "cfl" if !name.is_empty() => drop(files.insert(number, name.to_owned())),
                "fl" | "fi" | "fe" => {
                    if !name.is_empty() {
                        files.insert(number, name.to_owned());
                    }
                    place = place_of(files.get(number).map_or("", String::as_str), &object);
                }
                "calls" => called = true,
                _ => {}
            }
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            // What a call cost is counted where it was spent.
            if !std::mem::take(&mut called) {
                let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok()).unwrap_or(0);
                *counts.entry(place.clone()).or_default() += cost;
            }
        }
    }
    counts
}

/// The crate that a file belongs to; of ours with the letter that sorts it by its place in the chain.
fn place_of(file: &str, object: &str) -> String {
    let behind = |mark: &str| file.split_once(mark).map(|(_, rest)| rest.split('/').next().unwrap_or(rest));
    if let Some(own) = behind("/crates/") {
        let order = ["capture", "decode", "reassembly", "http", "cli"];
        let number = order.iter().position(|name| *name == own).map_or(9, |place| place + 1);
        return format!("{number} {own}");
    }
    // …/registry/src/index.crates.io-HASH/httparse-1.10.1/src/lib.rs
    if let Some((_, rest)) = file.split_once("/registry/src/") {
        let package = rest.split('/').nth(1).unwrap_or_default();
        return package.rsplit_once('-').map_or(package, |(name, _)| name).to_owned();
    }
    if file.contains("/library/") || file.starts_with("library/") {
        return "the standard library".to_owned();
    }
    if object.contains("/libc") || file.contains("malloc") {
        "the C library".to_owned()
    } else {
        "other".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_added_up_where_the_code_was_written() {
        let text = "events: Ir\nob=(1) /x/egret\nfl=(1) /p/crates/http/src/a.rs\nfn=(1) f\n12 100\n+1 5\n\
            fi=(2) /r/registry/src/i-1/memchr-2.8.3/src/b.rs\n3 7\nfe=(1)\n13 2\n\
            cfi=(3) /rustc/1/library/core/src/c.rs\ncfn=(2) g\ncalls=1 9\n13 1000\n\
            fl=(3)\nfn=(2)\n9 40\n";
        let counts = by_place(text);
        let found: Vec<(&str, u64)> = counts.iter().map(|(place, count)| (place.as_str(), *count)).collect();
        assert_eq!(found, [("4 http", 107), ("memchr", 7), ("the standard library", 40)]);
    }
}
