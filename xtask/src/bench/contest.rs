//! The programs that are run on one capture, turn by turn, so that what slows the machine slows them all.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::make::Capture;
use super::measure::{self, Cost};
use crate::shell::Program;
use crate::{setup, workspace};

/// A program, with what it is run with on a capture.
#[derive(Debug, Clone)]
pub(super) struct Contestant {
    /// As the table calls it.
    pub(super) name: String,
    program: PathBuf,
    /// `FILE` stands for the capture, `FOLDER` for an empty folder.
    arguments: Vec<&'static str>,
    /// It is not run on longer captures, or on more connections: it would take minutes, or fill the disk.
    most_bytes: u64,
    most_connections: u64,
}

/// What a contestant took, run by run.
#[derive(Debug)]
pub(super) struct Runs {
    pub(super) name: String,
    pub(super) costs: Vec<Cost>,
    /// The lines it printed.
    pub(super) lines: u64,
}

/// What keeps bodies, and what digests them besides.
pub(super) const KEPT: &str = "egret http --json --body-bytes 65536";
pub(super) const DIGESTED: &str = "egret http --json --body-bytes 65536 --digest";

/// What egret is measured at, on one thread.
pub(super) const OURS: [(&str, &[&str]); 5] = [
    ("egret http", &["http"]),
    ("egret http --json", &["http", "--json"]),
    // The default is no room for what 200,000 connections say at a time.
    (KEPT, &["http", "--json", "--body-bytes", "65536", "--max-memory", "4G"]),
    (DIGESTED, &["http", "--json", "--body-bytes", "65536", "--digest", "--max-memory", "4G"]),
    ("egret streams", &["streams"]),
];

/// What of it is measured on two threads as well.
const TWICE: [&str; 3] = ["egret http", "egret http --json", KEPT];

/// What stands behind the name of what runs on two threads.
pub(super) const TWO_THREADS: &str = ", two threads";

/// What GoPacket is measured at.
const GOPACKET: [(&str, &str); 3] =
    [("GoPacket decode", "decode"), ("GoPacket reassembly", "reassembly"), ("GoPacket net/http", "http")];

/// What every run of egret has.
const COMMON: [&str; 5] = ["--quiet", "--checksums", "ignore", "--read", "FILE"];

const NO_LIMIT: u64 = u64::MAX;

/// Others that do a part of it.
const PEERS: [(&str, &[&str], u64, u64); 5] = [
    ("tcpdump", &["-r", "FILE", "-w", "/dev/null", "tcp port 80"], NO_LIMIT, NO_LIMIT),
    (
        "tshark",
        &[
            "-n",
            "-r",
            "FILE",
            "-Y",
            "http",
            "-T",
            "fields",
            "-e",
            "http.request.method",
            "-e",
            "http.request.uri",
            "-e",
            "http.response.code",
        ],
        100 << 20,
        NO_LIMIT,
    ),
    ("tcpflow", &["-q", "-r", "FILE", "-o", "FOLDER"], NO_LIMIT, 20_000),
    ("httpry", &["-r", "FILE", "-o", "/dev/null"], NO_LIMIT, NO_LIMIT),
    ("ndpiReader", &["-q", "-i", "FILE"], NO_LIMIT, NO_LIMIT),
];

/// egret's own contestants.
pub(super) fn ours(egret: &Path) -> Vec<Contestant> {
    let of = |name: String, words: &[&'static str], threads| Contestant {
        name,
        program: egret.to_owned(),
        arguments: [words, &["--threads", threads], &COMMON].concat(),
        most_bytes: NO_LIMIT,
        most_connections: NO_LIMIT,
    };
    let alone = OURS.into_iter().map(|(name, words)| of(name.to_owned(), words, "1"));
    let two = OURS.into_iter().filter(|(name, _)| TWICE.contains(name));
    alone.chain(two.map(|(name, words)| of(format!("{name}{TWO_THREADS}"), words, "2"))).collect()
}

/// A program for GoPacket, if Go and GoPacket's source are here: Debian's packages put it where this looks first.
pub(super) fn gopacket(folder: &Path) -> Vec<Contestant> {
    let source = workspace::root().join("xtask/src/bench/gopacket/main.go");
    let program = folder.join("gopacket");
    let path = std::env::var_os("GOPATH").unwrap_or_else(|| "/usr/share/gocode".into());
    let build = || {
        Program::new("go", "build -o")
            .arg(&program)
            .arg(&source)
            .env("GO111MODULE", "off")
            .env("GOPATH", &path.to_string_lossy())
            .env("GOCACHE", &folder.join("go-cache").to_string_lossy())
            .succeeds()
    };
    if !setup::on_path("go") || !build() {
        return Vec::new();
    }
    let modes = GOPACKET.into_iter().map(|(name, mode)| Contestant {
        name: name.to_owned(),
        program: program.clone(),
        arguments: vec![mode, "FILE"],
        most_bytes: NO_LIMIT,
        most_connections: NO_LIMIT,
    });
    modes.collect()
}

/// A program for protolens, if cargo can get it: a package of its own, so that nothing of the project depends on it.
pub(super) fn protolens(folder: &Path) -> Vec<Contestant> {
    let source = workspace::root().join("xtask/src/bench/protolens");
    let package = folder.join("protolens");
    let copied = fs::create_dir_all(&package).is_ok()
        && ["Cargo.toml", "main.rs"]
            .iter()
            .all(|file| fs::copy(source.join(file), package.join(file)).is_ok());
    let target = package.join("target");
    let build = || {
        Program::cargo("build --quiet --release --manifest-path")
            .arg(package.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&target)
            .succeeds()
    };
    if !copied || !build() {
        return Vec::new();
    }
    vec![Contestant {
        name: "protolens".to_owned(),
        program: target.join("release/protolens-peer"),
        arguments: vec!["FILE"],
        most_bytes: NO_LIMIT,
        most_connections: NO_LIMIT,
    }]
}

/// The peers that are installed, and the names of those that are not.
pub(super) fn peers() -> (Vec<Contestant>, Vec<&'static str>) {
    let (there, missing): (Vec<_>, Vec<_>) = PEERS.into_iter().partition(|(name, ..)| setup::on_path(name));
    let there = there.into_iter().map(|(name, arguments, most_bytes, most_connections)| Contestant {
        name: name.to_owned(),
        program: name.into(),
        arguments: arguments.to_vec(),
        most_bytes,
        most_connections,
    });
    (there.collect(), missing.into_iter().map(|(name, ..)| name).collect())
}

/// The yardstick: a program without checks that is called `PROGRAM MODE FILE`.
pub(super) fn floor(program: &Path) -> Vec<Contestant> {
    let modes = ["json-read", "gunz-read"].into_iter().map(|mode| Contestant {
        name: format!("floor {mode}"),
        program: program.to_owned(),
        arguments: vec![mode, "FILE"],
        most_bytes: NO_LIMIT,
        most_connections: NO_LIMIT,
    });
    modes.collect()
}

/// Runs all of them that can take the capture, `runs` times in turn. One that is very slow is run once.
pub(super) fn run(
    contestants: &[Contestant],
    capture: &Capture,
    runs: usize,
    folder: &Path,
) -> Result<Vec<Runs>> {
    /// So many times the quickest's processor time, and at least so many seconds, is very slow.
    const SLOW: (f64, f64) = (20.0, 10.0);
    let fits = |contestant: &&Contestant| {
        capture.truth.bytes <= contestant.most_bytes
            && capture.truth.connections <= contestant.most_connections
    };
    let chosen: Vec<&Contestant> = contestants.iter().filter(fits).collect();
    let mut table: Vec<Runs> = chosen
        .iter()
        .map(|contestant| Runs { name: contestant.name.clone(), costs: Vec::new(), lines: 0 })
        .collect();
    let mut quickest = f64::MAX;
    for _ in 0..runs {
        for (contestant, runs) in chosen.iter().zip(&mut table) {
            if runs.costs.first().is_some_and(|first| first.cpu > SLOW.1 && first.cpu > SLOW.0 * quickest) {
                continue;
            }
            let (cost, lines) = contestant.run(&capture.path, folder)?;
            quickest = quickest.min(cost.cpu);
            runs.costs.push(cost);
            runs.lines = lines;
        }
    }
    Ok(table)
}

impl Contestant {
    /// The same with more words in front of the others behind its command.
    pub(super) fn with(&self, more: &[&'static str]) -> Self {
        let mut one = self.clone();
        one.arguments.splice(1..1, more.iter().copied());
        one
    }

    fn run(&self, capture: &Path, folder: &Path) -> Result<(Cost, u64)> {
        let (output, scratch) = (folder.join("output"), folder.join("scratch"));
        let arguments: Vec<OsString> = self
            .arguments
            .iter()
            .map(|argument| match *argument {
                "FILE" => capture.into(),
                "FOLDER" => scratch.clone().into(),
                word => word.into(),
            })
            .collect();
        let takes_folder = self.arguments.contains(&"FOLDER");
        if takes_folder {
            fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
        }
        let cost = measure::cost(&self.program, &arguments, &output)
            .with_context(|| format!("cannot measure {}", self.name))?;
        let printed = fs::read(&output).with_context(|| format!("cannot read {}", output.display()))?;
        let lines = printed.iter().filter(|byte| **byte == b'\n').count() as u64;
        if takes_folder {
            fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))?;
        }
        fs::remove_file(&output).with_context(|| format!("cannot remove {}", output.display()))?;
        Ok((cost, lines))
    }
}
