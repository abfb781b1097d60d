//! `cargo xtask fuzz [TARGET…] [--minutes N]`: builds the fuzz targets of `crates/*/fuzz` and runs them one after the
//! other, from inputs made of the fixtures and those that earlier runs found.
//!
//! The folders have the layout of cargo-fuzz, but all that is needed is the Rust that builds the project and a C++
//! compiler: what counts coverage is in every rustc. Each folder's example `seeds` writes the first inputs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell::Program;
use crate::workspace::{self, files, shown};

/// What makes rustc count edges and watch comparisons, as libFuzzer wants them. No sanitizer: the libraries are safe
/// Rust, and overflows and broken promises panic.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Inputs are at most this long: what needs more is found by tests made for it.
const LONGEST: usize = 4096;

/// A fuzz target, by the crate whose `fuzz` folder it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    of: String,
    name: String,
}

/// What a run came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    executions: u64,
    edges: u64,
    inputs: u64,
}

pub(crate) fn run(words: &[String]) -> Result<()> {
    let (wanted, minutes) = arguments(words)?;
    let targets = chosen(&all()?, &wanted)?;
    let mut prepared = Vec::new();
    for target in &targets {
        if !prepared.contains(&target.of.as_str()) {
            prepare(&target.of)?;
            prepared.push(&target.of);
        }
    }
    // What one target finds does not keep the others from running.
    let mut failures = Vec::new();
    for target in &targets {
        let Figures { executions, edges, inputs } = match target.fuzz(minutes) {
            Ok(figures) => figures,
            Err(error) => {
                println!("{error:#}");
                failures.push(target.name.as_str());
                continue;
            }
        };
        println!(
            "fuzz: {}/{}: {executions} executions in {minutes} min, {edges} edges reached, {inputs} inputs kept, nothing found",
            target.of, target.name
        );
    }
    if !failures.is_empty() {
        bail!("fuzz: something was found by {}; see above", failures.join(", "));
    }
    Ok(())
}

/// The targets that were named, and for how many minutes each is to run.
fn arguments(words: &[String]) -> Result<(Vec<String>, u64)> {
    let (mut wanted, mut minutes) = (Vec::new(), 1);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--minutes" {
            let number = words.next().and_then(|number| number.parse().ok()).filter(|number| *number > 0);
            minutes = number.context("`--minutes` wants a number, of minutes for each target")?;
        } else {
            wanted.push(word.clone());
        }
    }
    Ok((wanted, minutes))
}

/// Every target there is.
fn all() -> Result<Vec<Target>> {
    let crates = workspace::root().join("crates");
    let mut targets = Vec::new();
    for path in files(&crates, "rs")? {
        let mut folders = path.ancestors().skip(1);
        let is_target = folders.next().is_some_and(|folder| folder.ends_with("fuzz/fuzz_targets"));
        let of = folders.nth(1).and_then(Path::file_name);
        if let (true, Some(of), Some(name)) = (is_target, of, path.file_stem()) {
            let text = |name: &std::ffi::OsStr| name.to_string_lossy().into_owned();
            targets.push(Target { of: text(of), name: text(name) });
        }
    }
    Ok(targets)
}

/// Those of `all` that `wanted` names: `http/head`, `head`, or `http` for all of a crate; all if nothing is named.
fn chosen(all: &[Target], wanted: &[String]) -> Result<Vec<Target>> {
    let is = |target: &Target, word: &String| {
        [&target.of, &target.name].contains(&word) || format!("{}/{}", target.of, target.name) == *word
    };
    if let Some(word) = wanted.iter().find(|word| !all.iter().any(|target| is(target, word))) {
        let names: Vec<String> = all.iter().map(|target| format!("{}/{}", target.of, target.name)).collect();
        bail!("there is no fuzz target `{word}`; there are {}", names.join(", "));
    }
    let named = |target: &&Target| wanted.is_empty() || wanted.iter().any(|word| is(target, word));
    Ok(all.iter().filter(named).cloned().collect())
}

/// The fuzz folder of a crate.
fn folder(of: &str) -> PathBuf {
    workspace::root().join("crates").join(of).join("fuzz")
}

/// Where the targets are built: beside what else is.
fn build_folder() -> Result<PathBuf> {
    let built = workspace::built("xtask")?;
    let folder = built.ancestors().nth(2).context("cannot tell where cargo builds")?;
    Ok(folder.join("fuzz"))
}

/// Builds a crate's targets, and writes their first inputs.
fn prepare(of: &str) -> Result<()> {
    let manifest = folder(of).join("Cargo.toml");
    let build = build_folder()?;
    let cargo = |arguments: &str, flags: &str| {
        Program::cargo(arguments).env("CARGO_TARGET_DIR", &build.to_string_lossy()).env("RUSTFLAGS", flags)
    };
    println!("fuzz: building the targets of crates/{of}/fuzz");
    // With a target named, the flags are not for build scripts.
    let targets = cargo("build --quiet --release --bins", FLAGS);
    targets.arg("--target").arg(host()?).arg("--manifest-path").arg(&manifest).run()?;
    let seeds = cargo("run --quiet --release --example seeds", "").arg("--manifest-path").arg(&manifest);
    seeds.arg("--").arg(workspace::root().join("fixtures")).arg(folder(of).join("corpus")).run()
}

/// What this machine is called by rustc.
fn host() -> Result<String> {
    let version = Program::new("rustc", "--version --verbose").output()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say what it builds for")?.to_string())
}

impl Target {
    fn fuzz(&self, minutes: u64) -> Result<Figures> {
        let Self { of, name } = self;
        let program = build_folder()?.join(host()?).join("release").join(name);
        let (corpus, found) = (folder(of).join("corpus").join(name), folder(of).join("artifacts").join(name));
        for folder in [&corpus, &found] {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", shown(folder)))?;
        }
        let log = build_folder()?.join(format!("{of}-{name}.log"));
        println!("fuzz: {of}/{name} for {minutes} min; what it says goes to {}", log.display());
        let options = format!(
            "-max_total_time={} -max_len={LONGEST} -timeout=10 -rss_limit_mb=2048 -print_final_stats=1",
            minutes * 60
        );
        let mut fuzzer =
            Program::new(&program, &options).arg(format!("-artifact_prefix={}/", found.display()));
        let dictionary = folder(of).join("dictionary");
        if dictionary.is_file() {
            fuzzer = fuzzer.arg(format!("-dict={}", dictionary.display()));
        }
        let words = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let status = fuzzer.arg(&corpus).errors_to(words).output_to(File::create("/dev/null")?)?;
        let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        if !status.success() {
            let what = said.lines().skip_while(|line| !line.contains("panicked at")).take(12);
            println!("{}", what.collect::<Vec<_>>().join("\n"));
            let input = said.lines().find_map(|line| line.split_once("Test unit written to "));
            bail!(
                "{of}/{name} found something; do it again with\n  {} {}",
                program.display(),
                input.map_or("INPUT", |(_, input)| input)
            );
        }
        Ok(figures(&said))
    }
}

/// What libFuzzer said at the end.
fn figures(said: &str) -> Figures {
    let number =
        |text: &str| text.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0);
    let executions = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let last =
        said.lines().rev().find(|line| line.starts_with('#') && line.contains(" cov: ")).unwrap_or_default();
    let behind = |word: &str| last.split_once(word).map_or("", |(_, rest)| rest);
    let inputs = behind(" corp: ").split('/').next().unwrap_or_default();
    Figures {
        executions: executions.map_or(0, number),
        edges: number(behind(" cov: ")),
        inputs: number(inputs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::read;

    #[test]
    fn targets_are_found_and_named() {
        let all = all().expect("the project can be read");
        let names = |wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
            chosen(&all, &wanted)
                .map(|targets| targets.into_iter().map(|target| target.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["http"]).expect("it has some"), ["chunked", "connection", "content", "head"]);
        assert_eq!(names(&["http/head", "chunked"]).expect("both are there"), ["chunked", "head"]);
        assert_eq!(names(&[]).expect("all").len(), all.len());
        let error = names(&["tail"]).expect_err("there is none").to_string();
        assert!(error.starts_with("there is no fuzz target `tail`; there are "), "{error}");
        // Each is in its manifest, and each folder has what makes the first inputs.
        for Target { of, name } in &all {
            let manifest = read(&folder(of).join("Cargo.toml")).expect("it has a manifest");
            assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{of}/{name}");
            assert!(
                folder(of).join("examples/seeds.rs").is_file(),
                "crates/{of}/fuzz/examples/seeds.rs is missing"
            );
        }
    }

    #[test]
    fn figures_are_read_from_what_libfuzzer_says() {
        let said = "#12\tINITED cov: 3 ft: 4 corp: 2/9b\n#66227\tDONE   cov: 2013 ft: 8911 corp: 1640/404Kb lim: 730\n\
            Done 66227 runs in 9 second(s)\nstat::number_of_executed_units: 66227\n";
        assert_eq!(figures(said), Figures { executions: 66_227, edges: 2_013, inputs: 1_640 });
        assert_eq!(figures(""), Figures::default());
    }

    #[test]
    fn minutes_are_a_number() {
        let words = |text: &str| text.split(' ').map(str::to_string).collect::<Vec<_>>();
        assert_eq!(arguments(&words("head --minutes 10")).expect("good"), (vec!["head".to_string()], 10));
        assert_eq!(arguments(&[]).expect("good"), (vec![], 1));
        for wrong in ["--minutes", "--minutes x", "--minutes 0"] {
            assert!(arguments(&words(wrong)).is_err(), "{wrong}");
        }
    }
}
