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
            name if name == GROWTH || Workload::named(name).is_some() => job.names.push(name.to_owned()),
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
    let floor = job.floor.as_deref().map(contest::floor).unwrap_or_default();
    let contestants = [contest::ours(&egret), floor, peers, gopacket].concat();
    let captures = captures(job)?;
    // First whether it is true: a program that is wrong may well be quick.
    let mut records = Vec::new();
    let mut wrong = 0;
    for (label, capture, _) in &captures {
        let found = check::run(&egret, capture)?;
        let Truth { intact, exchanges, .. } = capture.truth;
        println!("{label}: {exchanges} exchanges, {intact} of them intact, {} told wrongly", found.wrong);
        records.push(found.records);
        wrong += found.wrong;
    }
    let known = |name: &&str| contestants.iter().any(|contestant| contestant.name == **name);
    let yardsticks = ["tcpdump", "floor json-read", "floor gunz-read", "GoPacket net/http"];
    let yardsticks: Vec<&str> = yardsticks.into_iter().filter(known).collect();
    println!();
    table::heading(&yardsticks);
    let mut remarks = Vec::new();
    for ((label, capture, growth), records) in captures.iter().zip(records) {
        let few: Vec<Contestant> =
            contestants.iter().filter(|one| one.name == "egret http").cloned().collect();
        let chosen = if *growth { &few } else { &contestants };
        let runs = contest::run(chosen, capture, job.runs, &job.folder)?;
        counted(capture, records, &runs)?;
        table::lines(label, capture, &runs, &yardsticks);
        remarks.extend(scale::threads(label, &runs));
        if label == "api" {
            remarks.push(scale::split(label, &egret, capture, job.runs, &job.folder)?);
        }
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

/// The captures of a job, with their labels, and whether they are there to show growth.
fn captures(job: &Job) -> Result<Vec<(String, Capture, bool)>> {
    let mut captures = Vec::new();
    let mut add = |workload: Workload, label: String, growth: bool| -> Result<()> {
        let workload = workload.scaled(job.scale);
        let file = format!("{}-x{}", label.replace([' ', ','], ""), job.scale);
        captures.push((label, make::capture(&workload, &file, &job.folder)?, growth));
        Ok(())
    };
    for name in &job.names {
        if let Some(workload) = Workload::named(name) {
            add(workload, name.clone(), false)?;
            continue;
        }
        for times in [1, 2, 4] {
            add(Workload::longer(times), format!("api {times}×"), true)?;
        }
        for open in [1_000, 10_000, 100_000] {
            add(Workload::wider(open), format!("{open} open"), true)?;
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
        let some = parsed("tiny --runs 3 growth --scale 0.5").unwrap();
        assert_eq!((some.names.as_slice(), some.runs), (&["tiny".to_owned(), "growth".to_owned()][..], 3));
        for wrong in ["nothing", "--runs", "--runs x", "--runs 0", "--scale -1", "--scale NaN"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
