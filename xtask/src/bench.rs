//! `cargo xtask bench`: how fast egret is, and whether what it says in that time is true.
//!
//! Makes captures of which everything is known, checks what egret says of them to the last byte, and only then measures
//! it, beside the tools that are installed. Fails when anything egret says is not the truth; never because of a time.

mod bodies;
mod check;
mod contest;
mod conversation;
mod frame;
mod instructions;
mod make;
mod measure;
mod random;
mod scale;
mod table;
mod talk;
mod truth;
mod workload;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell::Program;
use crate::workspace;
use contest::{Contestant, Runs};
use make::Capture;
use truth::Truth;
use workload::{WORKLOADS, Workload};

const HELP: &str = "\
cargo xtask bench [WORKLOAD…] [OPTION…]

  --runs N         how often each program is run; medians are printed [default: 5]
  --scale X        the size of the workloads: 0.1 makes a tenth [default: 1]
  --floor PATH     a yardstick to run with them, called `PATH json-read FILE` and `PATH gunz-read FILE`
  --dir PATH       where the captures are kept [default: bench in the target directory]
  --instructions   count the instructions of a packet, crate by crate, instead of measuring time
";

/// Not a capture of its own, but how cost grows with length and with the number of connections.
const GROWTH: &str = "growth";

/// Nor this: whether memory stays what it is from 0.3 to 4 GB. Made and read only when it is asked for.
const MEMORY: &str = "memory";

/// What a capture is there to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    /// How all programs fare.
    All,
    /// How the cost of egret grows.
    Growth,
    /// How its memory does not.
    Memory,
}

impl Shows {
    /// What egret is run with besides. With 100,000 connections in the middle of an exchange each, more is under way than it
    /// may hold without being told so.
    const fn more(self) -> &'static [&'static str] {
        match self {
            Self::Growth => &["--max-memory", "1G"],
            Self::All | Self::Memory => &[],
        }
    }
}

/// What was asked for.
#[derive(Debug)]
struct Job {
    names: Vec<String>,
    runs: usize,
    scale: f64,
    floor: Option<PathBuf>,
    folder: PathBuf,
    instructions: bool,
}

pub(crate) fn run(words: &[String]) -> Result<()> {
    match words.split_first() {
        Some((word, rest)) if word == measure::WORD => measure::run(rest),
        Some((word, _)) if matches!(word.as_str(), "-h" | "--help") => {
            print!("{HELP}\nWorkloads:\n");
            WORKLOADS.iter().for_each(|workload| println!("  {:<10} {}", workload.name, workload.what));
            println!("  {GROWTH:<10} once, twice, four times the length; 1,000, 10,000, 100,000 connections");
            println!(
                "  {MEMORY:<10} api of 0.3, 1.2 and 4 GB: only by its name, since it takes the room on the disk"
            );
            Ok(())
        }
        _ => bench(&job(words)?),
    }
}

fn job(words: &[String]) -> Result<Job> {
    let target = workspace::built("egret")?.parent().and_then(Path::parent).map(Path::to_owned);
    let mut job = Job {
        names: Vec::new(),
        runs: 5,
        scale: 1.0,
        floor: None,
        folder: target.context("cannot tell where the target directory is")?.join("bench"),
        instructions: false,
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value\n\n{HELP}"));
        match word.as_str() {
            "--runs" => job.runs = value()?.parse().context("--runs takes a number")?,
            "--scale" => job.scale = value()?.parse().context("--scale takes a number")?,
            "--floor" => {
                let path = value()?;
                job.floor = Some(std::fs::canonicalize(path).with_context(|| format!("there is no {path}"))?);
            }
            "--dir" => job.folder = std::path::absolute(value()?).context("--dir takes a folder")?,
            "--instructions" => job.instructions = true,
            name if [GROWTH, MEMORY].contains(&name) || Workload::named(name).is_some() => {
                job.names.push(name.to_owned());
            }
            other => bail!("there is no workload or option `{other}`\n\n{HELP}"),
        }
    }
    if job.names.is_empty() {
        job.names =
            WORKLOADS.iter().map(|workload| workload.name).chain([GROWTH]).map(str::to_owned).collect();
    }
    if job.runs == 0 || job.scale.is_nan() || job.scale <= 0.0 {
        bail!("--runs and --scale must be above zero");
    }
    Ok(job)
}

fn bench(job: &Job) -> Result<()> {
    Program::cargo("build --quiet --release --package egret").run()?;
    let built = workspace::built("egret")?;
    let egret = built.parent().and_then(Path::parent).context("cannot tell where egret was built")?;
    let egret = egret.join("release").join(built.file_name().unwrap_or_default());
    if job.instructions {
        let capture = make::capture(&Workload::sample(), "sample", &job.folder)?;
        return instructions::run(&egret, &capture, &job.folder);
    }
    let (peers, mut missing) = contest::peers();
    let gopacket = contest::gopacket(&job.folder);
    if gopacket.is_empty() {
        missing.push("GoPacket (golang-go, golang-github-google-gopacket-dev, golang-golang-x-net-dev)");
    }
    let protolens = contest::protolens(&job.folder);
    if protolens.is_empty() {
        missing.push("protolens (a crate, which was not to be had from crates.io)");
    }
    let floor = job.floor.as_deref().map(contest::floor).unwrap_or_default();
    let contestants = [contest::ours(&egret), floor, peers, protolens, gopacket].concat();
    let captures = captures(job)?;
    // First whether it is true: a program that is wrong may well be quick.
    let mut records = Vec::new();
    let mut wrong = 0;
    for (label, capture, shows) in &captures {
        let found = check::run(&egret, capture, shows.more())?;
        let Truth { intact, exchanges, .. } = capture.truth;
        println!("{label}: {exchanges} exchanges, {intact} of them intact, {} told wrongly", found.wrong);
        records.push(found.records);
        wrong += found.wrong;
    }
    let known = |name: &&str| contestants.iter().any(|contestant| contestant.name == **name);
    let yardsticks = ["tcpdump", "floor json-read", "floor gunz-read", "protolens", "GoPacket net/http"];
    let yardsticks: Vec<&str> = yardsticks.into_iter().filter(known).collect();
    println!();
    table::heading(&yardsticks);
    let mut remarks = Vec::new();
    let mut peaks = Vec::new();
    for ((label, capture, shows), records) in captures.iter().zip(records) {
        let chosen: Vec<Contestant> = match shows {
            Shows::All => contestants.clone(),
            _ => contestants
                .iter()
                .filter(|one| one.name == "egret http")
                .map(|one| one.with(shows.more()))
                .collect(),
        };
        let runs = contest::run(&chosen, capture, job.runs, &job.folder)?;
        counted(capture, records, &runs)?;
        table::lines(label, capture, &runs, &yardsticks);
        remarks.extend(scale::threads(label, &runs));
        remarks.extend(scale::digest(label, &runs));
        if *shows == Shows::Memory {
            peaks.extend(scale::peak(label, &runs));
        }
        if label == "api" {
            remarks.push(scale::split(label, &egret, capture, job.runs, &job.folder)?);
        }
    }
    if !peaks.is_empty() {
        remarks.push(format!("`egret http` takes {}", peaks.join(", ")));
    }
    if captures.iter().any(|(.., shows)| *shows == Shows::Growth) {
        remarks.push(format!("growth: with `{}`", Shows::Growth.more().join(" ")));
    }
    remarks.extend(scale::start(&egret, &job.folder)?);
    println!();
    remarks.iter().for_each(|remark| println!("* {remark}"));
    if !missing.is_empty() {
        println!("\nNot installed, and so not run: {}.", missing.join(", "));
    }
    println!("tshark is run on captures of up to 100 MB only, tcpflow on those of up to 20,000 connections.");
    if wrong > 0 {
        bail!("{wrong} times egret did not tell the truth: the first are shown above the table");
    }
    Ok(())
}

/// The captures of a job, with their labels, and what they are there to show.
fn captures(job: &Job) -> Result<Vec<(String, Capture, Shows)>> {
    let mut captures = Vec::new();
    let mut add = |workload: Workload, label: String, shows: Shows| -> Result<()> {
        let workload = workload.scaled(job.scale);
        let file = format!("{}-x{}", label.replace([' ', ','], ""), job.scale);
        captures.push((label, make::capture(&workload, &file, &job.folder)?, shows));
        Ok(())
    };
    for name in &job.names {
        if let Some(workload) = Workload::named(name) {
            add(workload, name.clone(), Shows::All)?;
            continue;
        }
        if name == MEMORY {
            for megabytes in [300, 1_200, 4_000] {
                add(Workload::sized(megabytes), format!("api {megabytes} MB"), Shows::Memory)?;
            }
            continue;
        }
        for times in [1, 2, 4] {
            add(Workload::longer(times), format!("api {times}×"), Shows::Growth)?;
        }
        for open in [1_000, 10_000, 100_000] {
            add(Workload::wider(open), format!("{open} open"), Shows::Growth)?;
        }
    }
    Ok(captures)
}

/// What was measured must have found as much as what was checked.
fn counted(capture: &Capture, records: u64, table: &[Runs]) -> Result<()> {
    for runs in table {
        let wanted = match runs.name.strip_prefix("egret ") {
            Some("streams") => capture.truth.connections,
            Some(_) => records,
            None => continue,
        };
        if runs.lines != wanted {
            bail!(
                "`{}` printed {} lines for {}, not {wanted}",
                runs.name,
                runs.lines,
                capture.path.display()
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &str) -> Result<Job> {
        job(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_job_is_what_the_words_say() {
        let all = parsed("").unwrap();
        assert_eq!((all.names.len(), all.runs), (WORKLOADS.len() + 1, 5));
        let some = parsed("tiny --runs 3 growth memory --scale 0.5").unwrap();
        assert_eq!((some.names, some.runs), (["tiny", "growth", "memory"].map(str::to_owned).to_vec(), 3));
        for wrong in ["nothing", "--runs", "--runs x", "--runs 0", "--scale -1", "--scale NaN"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
