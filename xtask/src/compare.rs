//! `cargo xtask compare FILE…`: what egret, tshark and tcpflow make of the same captures, per connection and direction;
//! with `--packets`, what egret and tshark make of each packet.
//!
//! A tool for people who change reassembly: differences are not failures, but each one has to be explained. Those
//! that come from known faults of the peers are set apart by name, as far as the bytes themselves prove it; the rest
//! is left for a human look, with the commands to begin with. Fails only when it could not compare.

mod account;
mod bytes;
mod explain;
mod judge;
mod ours;
mod packets;
mod pair;
mod peer;
mod reason;
mod report;
mod resets;
mod tcpflow;
mod tshark;
mod verdict;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::setup::{self, Package};
use crate::shell::Program;
use account::Scratch;
use ours::Egret;
use peer::Peer;
use report::Summary;
use verdict::Witness;

const TSHARK: Package = Package {
    what: "tshark, Wireshark without a window",
    usual: "tshark",
    exceptions: &[
        ("dnf", "wireshark-cli"),
        ("pacman", "wireshark-cli"),
        ("zypper", "wireshark"),
        ("brew", "wireshark"),
    ],
};
const TCPFLOW: Package = Package { what: "tcpflow", usual: "tcpflow", exceptions: &[] };

pub(crate) fn run(files: &[String]) -> Result<()> {
    let (files, by_packet) = match files.split_first() {
        Some((first, rest)) if first == "--packets" => (rest, true),
        _ => (files, false),
    };
    if files.is_empty() {
        bail!("name the captures to compare: cargo xtask compare [--packets] FILE…");
    }
    if by_packet {
        return packets::run(files);
    }
    let captures = files.iter().map(|file| found(file)).collect::<Result<Vec<_>>>()?;
    let peers = installed()?;
    let program = ours::build()?;
    let mut summary = Summary::new(&peers);
    for (file, capture) in files.iter().zip(&captures) {
        let scratch = Scratch::new()?;
        let egret = Egret { program: &program, capture, scratch: &scratch };
        println!("\n{file}");
        one(&egret, &peers, &mut summary).with_context(|| format!("cannot compare {file}"))?;
    }
    summary.print();
    Ok(())
}

/// The full path, because the programs are run elsewhere.
fn found(file: &str) -> Result<PathBuf> {
    let path = std::fs::canonicalize(file).with_context(|| format!("there is no {file}"))?;
    if !path.is_file() {
        bail!("{file} is not a file");
    }
    Ok(path)
}

fn installed() -> Result<Vec<Peer>> {
    let mut peers = Vec::new();
    let mut missing = Vec::new();
    for (peer, package) in [(Peer::Tshark, &TSHARK), (Peer::Tcpflow, &TCPFLOW)] {
        if setup::on_path(peer.name()) {
            peers.push(peer);
        } else {
            missing.push(format!("{} is not installed: {}", peer.name(), setup::how_to_install(package)));
        }
    }
    if peers.is_empty() {
        bail!("there is nothing to compare with.\n  {}", missing.join("\n  "));
    }
    for line in missing {
        println!("compare: {line}");
    }
    Ok(peers)
}

fn one(egret: &Egret<'_>, peers: &[Peer], summary: &mut Summary) -> Result<()> {
    let ours = egret.connections()?;
    if let Some(complaint) = &ours.complaint {
        println!("  egret says: {complaint}");
    }
    let (mut judged, mut witness) = (Vec::new(), Witness::default());
    for peer in peers {
        let heard = match peer {
            Peer::Tshark => tshark::accounts(egret.capture, egret.scratch)?,
            Peer::Tcpflow => tcpflow::accounts(egret.capture, egret.scratch)?,
        };
        if let Some(complaint) = &heard.complaint {
            println!("  {} says: {complaint}", peer.name());
        }
        judged.push(judge::all(*peer, &heard, &ours, egret, &witness)?);
        witness.hear(&heard, judged.last().map_or(&[], Vec::as_slice));
    }
    report::capture(&ours.connections, peers, &judged, egret.capture);
    for (peer, judged) in peers.iter().zip(&judged) {
        summary.add(*peer, judged);
    }
    Ok(())
}

/// What a program said on standard error, for a message: its first line, without the warning that every run as root
/// begins with.
fn first_complaint(text: &str) -> Option<String> {
    let line =
        text.lines().map(str::trim).find(|line| !line.is_empty() && !line.contains("Running as user"))?;
    Some(line.chars().take(200).collect())
}

/// A program that is run on a capture, its complaints kept for a message.
fn quietly(program: Program, scratch: &Scratch) -> Result<Program> {
    Ok(program.errors_to(scratch.create("complaints")?))
}
