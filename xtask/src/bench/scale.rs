//! What a table of single runs does not show: two threads beside one, parts beside the whole, and what starting takes.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::contest::{DIGESTED, KEPT, Runs, TWO_THREADS};
use super::make::{self, Capture};
use super::measure;
use super::table::{median, seconds};
use super::workload::Workload;
use crate::setup;

/// Into how many parts a capture is divided.
const PARTS: usize = 4;

/// How often a program is started.
const STARTS: usize = 41;

/// The wall time of each program that ran on two threads, beside its own on one.
pub(super) fn threads(label: &str, table: &[Runs]) -> Vec<String> {
    let ratios = table.iter().filter_map(|two| {
        let name = two.name.strip_suffix(TWO_THREADS)?;
        let one = table.iter().find(|one| one.name == name)?;
        let ratio = median(two.costs.iter().zip(&one.costs).map(|(two, one)| two.wall / one.wall).collect())?;
        Some(format!("{label}: `{name}` on two threads takes {ratio:.2} of the wall time of one"))
    });
    ratios.collect()
}

/// What digests add to bodies that are kept.
pub(super) fn digest(label: &str, table: &[Runs]) -> Option<String> {
    let of = |name: &str| table.iter().find(|runs| runs.name == name);
    let rounds = || of(KEPT).zip(of(DIGESTED)).map(|(kept, all)| kept.costs.iter().zip(&all.costs));
    let more = median(rounds()?.map(|(kept, all)| all.cpu - kept.cpu).collect())?;
    let part = median(rounds()?.map(|(kept, all)| (all.cpu - kept.cpu) / kept.cpu).collect())? * 100.0;
    Some(format!("{label}: `--digest` adds {} s of CPU to `{KEPT}`, {part:.0} %", seconds(more)))
}

/// The most memory that the first of them took.
pub(super) fn peak(label: &str, table: &[Runs]) -> Option<String> {
    let peaks = table.first()?.costs.iter().map(|cost| cost.peak as f64);
    let most = peaks.fold(0.0, f64::max) / f64::from(1 << 20);
    Some(format!("{most:.0} MiB at most on {label}"))
}

/// What it costs to divide a capture and to read all parts, beside reading the whole.
pub(super) fn split(
    label: &str,
    egret: &Path,
    capture: &Capture,
    runs: usize,
    folder: &Path,
) -> Result<String> {
    let (output, parts) = (folder.join("output"), folder.join("parts"));
    let run = |words: &[&str], path: &Path| -> Result<f64> {
        let words = words.iter().map(OsString::from).chain([path.into()]);
        Ok(measure::cost(egret, &words.collect::<Vec<_>>(), &output)?.cpu)
    };
    let read = ["http", "--json", "--threads", "1", "--quiet", "-r"];
    let of = PARTS.to_string();
    let folder_of_parts = parts.to_string_lossy().into_owned();
    let (mut dividing, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let whole = run(&read, &capture.path)?;
        let whole_lines = lines(&output)?;
        let divided = run(&["split", &of, "--quiet", "-o", &folder_of_parts], &capture.path)?;
        let mut all = divided;
        let mut of_parts = 0;
        for part in 0..PARTS {
            all += run(&read, &parts.join(format!("{part}-of-{PARTS}.pcapng")))?;
            of_parts += lines(&output)?;
        }
        anyhow::ensure!(
            of_parts == whole_lines,
            "the parts have {of_parts} exchanges, the whole {whole_lines}"
        );
        fs::remove_dir_all(&parts).with_context(|| format!("cannot remove {}", parts.display()))?;
        dividing.push(divided);
        ratios.push(all / whole);
    }
    let (dividing, ratio) = (median(dividing).unwrap_or(0.0), median(ratios).unwrap_or(0.0));
    Ok(format!(
        "{label}: `egret split {PARTS}` takes {} s of CPU; with `egret http --json` on each part it is {ratio:.2} of one on the whole",
        seconds(dividing)
    ))
}

fn lines(path: &Path) -> Result<u64> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(bytes.iter().filter(|byte| **byte == b'\n').count() as u64)
}

/// How long programs take on a capture of a hundred packets, from start to end.
pub(super) fn start(egret: &Path, folder: &Path) -> Result<Option<String>> {
    let capture = make::capture(&Workload::small(), "start", folder)?;
    let output = folder.join("output");
    let run = |program: &Path, words: &[&str]| -> Result<f64> {
        let words = words.iter().map(OsString::from).chain([capture.path.clone().into()]);
        Ok(measure::cost(program, &words.collect::<Vec<_>>(), &output)?.wall * 1e3)
    };
    let (mut ours, mut version, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    let tcpdump = setup::on_path("tcpdump");
    for _ in 0..STARTS {
        ours.push(run(egret, &["http", "--quiet", "-r"])?);
        version.push(measure::cost(egret, &["--version".into()], &output)?.wall * 1e3);
        if tcpdump {
            theirs.push(run(Path::new("tcpdump"), &["-n", "-r"])?);
        }
    }
    let Some((ours, version)) = median(ours).zip(median(version)) else { return Ok(None) };
    let beside = median(theirs).map_or(String::new(), |theirs| format!(", `tcpdump -n -r` {theirs:.1} ms"));
    Ok(Some(format!(
        "{} packets: `egret http` takes {ours:.1} ms from start to end, `egret --version` {version:.1} ms{beside}",
        capture.truth.packets
    )))
}
