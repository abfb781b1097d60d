//! What is printed: a line for each direction, and the figures at the end.

use std::collections::BTreeMap;
use std::path::Path;

use super::ours::{Connection, Direction};
use super::peer::Peer;
use super::reason::Reason;
use super::verdict::{Judged, Verdict};

/// Prints what became of each direction of a capture; `judged` has a list for each of the peers.
pub(super) fn capture(ours: &[Connection], peers: &[Peer], judged: &[Vec<Judged>], capture: &Path) {
    let mut lines: BTreeMap<(usize, Direction), Vec<(Peer, &Judged)>> = BTreeMap::new();
    let all = || peers.iter().zip(judged).flat_map(|(peer, list)| list.iter().map(|judged| (*peer, judged)));
    for (peer, judged) in all() {
        if let Some(place) = judged.ours {
            lines.entry(place).or_default().push((peer, judged));
        }
    }
    for ((index, direction), verdicts) in lines {
        let Some(connection) = ours.get(index) else { continue };
        let (from, to) = connection.ends(direction);
        let side = connection.side(direction);
        let told: Vec<_> = verdicts
            .iter()
            .map(|(peer, judged)| format!("{}: {}", peer.name(), short(&judged.verdict)))
            .collect();
        println!("  {:>6}  {from} > {to}  {} bytes  {}", connection.id, side.bytes, told.join("  "));
        for (peer, judged) in verdicts {
            if let Verdict::Unexplained(text) = &judged.verdict {
                println!("          {text} ({} {})", peer.name(), judged.label);
                println!(
                    "          look: egret follow {} {} --hex -r '{}'",
                    connection.id,
                    direction.option(),
                    capture.display()
                );
            }
        }
    }
    for (peer, judged) in all().filter(|(_, judged)| judged.ours.is_none()) {
        let (from, to) = judged.ends;
        println!("       -  {from} > {to}  {}: {} ({})", peer.name(), long(&judged.verdict), judged.label);
    }
}

fn names(reasons: &[Reason]) -> String {
    reasons.iter().map(|reason| reason.name()).collect::<Vec<_>>().join(" + ")
}

fn short(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Equal => "equal".to_owned(),
        Verdict::Explained(reasons) => names(reasons),
        Verdict::Unexplained(_) => "UNEXPLAINED".to_owned(),
    }
}

fn long(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Unexplained(text) => format!("UNEXPLAINED: {text}"),
        other => short(other),
    }
}

/// The figures over all captures.
pub(super) struct Summary {
    counts: Vec<(Peer, Counts)>,
    reasons: Vec<Reason>,
}

#[derive(Debug, Default)]
struct Counts {
    compared: u64,
    equal: u64,
    /// By the names of the reasons; whether any of them is egret's own.
    explained: BTreeMap<(bool, String), u64>,
    unexplained: u64,
}

impl Summary {
    pub(super) fn new(peers: &[Peer]) -> Self {
        Self { counts: peers.iter().map(|peer| (*peer, Counts::default())).collect(), reasons: Vec::new() }
    }

    pub(super) fn add(&mut self, peer: Peer, judged: &[Judged]) {
        let Some((_, counts)) = self.counts.iter_mut().find(|(candidate, _)| *candidate == peer) else {
            return;
        };
        for judged in judged {
            counts.compared += 1;
            match &judged.verdict {
                Verdict::Equal => counts.equal += 1,
                Verdict::Explained(reasons) => {
                    let ours = reasons.iter().any(|reason| reason.is_ours());
                    *counts.explained.entry((ours, names(reasons))).or_default() += 1;
                    self.reasons.extend(reasons);
                }
                Verdict::Unexplained(_) => counts.unexplained += 1,
            }
        }
    }

    /// The figures as a table.
    fn rows(&self) -> Vec<(String, Vec<u64>)> {
        let mut rows: Vec<(String, Vec<u64>)> = Vec::new();
        let mut row = |name: &str, figure: &dyn Fn(&Counts) -> u64| {
            rows.push((name.to_owned(), self.counts.iter().map(|(_, counts)| figure(counts)).collect()));
        };
        row("directions compared", &|counts| counts.compared);
        row("equal", &|counts| counts.equal);
        let mut names: Vec<_> = self.counts.iter().flat_map(|(_, counts)| counts.explained.keys()).collect();
        names.sort();
        names.dedup();
        for key in names {
            let whose = if key.0 { "egret's own" } else { "known fault" };
            row(&format!("{whose}: {}", key.1), &|counts| counts.explained.get(key).copied().unwrap_or(0));
        }
        row("unexplained", &|counts| counts.unexplained);
        rows
    }

    pub(super) fn print(mut self) {
        print!("\n{:<46}", "");
        for (peer, _) in &self.counts {
            print!("{:>9}", peer.name());
        }
        println!();
        for (name, figures) in self.rows() {
            print!("{name:<46}");
            for figure in figures {
                print!("{figure:>9}");
            }
            println!();
        }
        self.reasons.sort();
        self.reasons.dedup();
        for reason in self.reasons {
            println!("  {}: {}", reason.name(), reason.meaning());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_direction_is_counted_once() {
        let ends = ("10.0.0.1:1".parse().unwrap(), "10.0.0.2:2".parse().unwrap());
        let judged = |verdict| Judged { ours: None, ends, label: String::new(), verdict };
        let mut summary = Summary::new(&[Peer::Tshark, Peer::Tcpflow]);
        let explained = |reasons: &[Reason]| judged(Verdict::Explained(reasons.to_vec()));
        summary.add(Peer::Tshark, &[judged(Verdict::Equal), explained(&[Reason::Late])]);
        summary.add(
            Peer::Tcpflow,
            &[
                judged(Verdict::Equal),
                judged(Verdict::Unexplained(String::new())),
                explained(&[Reason::LastWins, Reason::ZeroFilled]),
            ],
        );
        let rows = summary.rows();
        let rows: Vec<_> = rows.iter().map(|(name, figures)| (name.as_str(), figures.as_slice())).collect();
        assert_eq!(
            rows,
            [
                ("directions compared", &[2, 3][..]),
                ("equal", &[1, 1]),
                ("known fault: last-wins + zero-filled", &[0, 1]),
                ("egret's own: late", &[1, 0]),
                ("unexplained", &[0, 1]),
            ]
        );
    }
}
