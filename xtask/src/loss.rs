//! `cargo xtask loss FILE`: how much egret takes from an interface without losing a packet, beside tcpdump and dumpcap
//! on the same link.
//!
//! The packets of a capture are sent over a pair of virtual interfaces, the other end of which is in a network namespace
//! of its own, so that nothing else is on the link. At each rate every program captures once in each round, one after
//! the other; what was sent is known, and what a program got is what it says at its end. Linux, and root, only.

mod link;
mod send;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::setup;
use crate::shell::Program;
use crate::workspace;
use link::Link;
use send::{Frames, Sent};

const HELP: &str = "\
cargo xtask loss FILE [OPTION…]

FILE is a classic capture of Ethernet, for example one that `cargo xtask bench` made.

  --rate PPS       packets a second, repeatable; 0 is as fast as can be [default: 50000 100000 200000 400000 0]
  --seconds N      how long is sent at each rate [default: 3]
  --packets N      how many packets of the file are taken, to be sent over and over [default: 200000]
  --rounds N       how often everything is done [default: 1]
";

/// How long a program may take to be ready, or to end.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, PartialEq, Eq)]
struct Job {
    file: PathBuf,
    rates: Vec<u64>,
    seconds: u64,
    packets: usize,
    rounds: usize,
}

/// Who captures: a name, its words before the interface and behind it, and whether it writes a file.
struct Contestant {
    name: &'static str,
    program: PathBuf,
    words: &'static str,
    writes: bool,
}

pub(crate) fn run(words: &[String]) -> Result<()> {
    let job = job(words)?;
    let contestants = contestants()?;
    let frames = Frames::read(&job.file, job.packets)?;
    let link = Link::make()?;
    println!("{} packets of {} bytes on average; {}", frames.len(), frames.average(), load());
    println!(
        "{:<20} {:>10} {:>10} {:>10} {:>10} {:>8}",
        "program", "packets/s", "MB/s", "sent", "lost", "dropped"
    );
    for _ in 0..job.rounds {
        for &rate in &job.rates {
            for contestant in &contestants {
                let (sent, counted) = contestant.capture(&link, &frames, rate, job.seconds)?;
                let seconds = sent.time.as_secs_f64();
                println!(
                    "{:<16} {:>10.0} {:>10.1} {:>10} {:>10} {:>8}",
                    contestant.name,
                    sent.packets as f64 / seconds,
                    sent.bytes as f64 / seconds / 1e6,
                    sent.packets,
                    sent.packets as i64 - counted.captured as i64,
                    counted.dropped
                );
            }
        }
    }
    println!("{}", load());
    Ok(())
}

fn job(words: &[String]) -> Result<Job> {
    let mut job = Job { file: PathBuf::new(), rates: Vec::new(), seconds: 3, packets: 200_000, rounds: 1 };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut number = || {
            let number = words.next().and_then(|number| number.parse::<u64>().ok());
            number.with_context(|| format!("`{word}` wants a number\n\n{HELP}"))
        };
        match word.as_str() {
            "--rate" => job.rates.push(number()?),
            "--seconds" => job.seconds = number()?.clamp(1, 60),
            "--packets" => job.packets = usize::try_from(number()?.max(1))?,
            "--rounds" => job.rounds = usize::try_from(number()?.max(1))?,
            option if option.starts_with('-') => bail!("there is no option `{option}`\n\n{HELP}"),
            _ if !job.file.as_os_str().is_empty() => bail!("one capture is sent, not two\n\n{HELP}"),
            file => job.file = file.into(),
        }
    }
    if job.file.as_os_str().is_empty() {
        bail!("name the capture whose packets are to be sent\n\n{HELP}");
    }
    if job.rates.is_empty() {
        job.rates = vec![50_000, 100_000, 200_000, 400_000, 0];
    }
    Ok(job)
}

fn contestants() -> Result<Vec<Contestant>> {
    Program::cargo("build --quiet --release --package egret").run()?;
    let built = workspace::built("egret")?;
    let egret = built.parent().and_then(Path::parent).context("cannot tell where egret was built")?;
    let egret = egret.join("release").join(built.file_name().unwrap_or_default());
    let mut contestants = vec![
        Contestant { name: "egret packets -w", program: egret.clone(), words: "packets -i", writes: true },
        Contestant { name: "egret http", program: egret, words: "http --json -i", writes: false },
    ];
    let peers = [
        ("tcpdump -w", "tcpdump", "-n -p -i"),
        // With a buffer like egret's, which is what makes most of the difference.
        ("tcpdump -B 65536 -w", "tcpdump", "-n -p -B 65536 -i"),
        ("dumpcap -w", "dumpcap", "-p -i"),
        ("dumpcap -B 64 -w", "dumpcap", "-p -B 64 -i"),
    ];
    for (name, program, words) in peers {
        if setup::on_path(program) {
            contestants.push(Contestant { name, program: program.into(), words, writes: true });
        }
    }
    Ok(contestants)
}

/// What a program says it got, and what the kernel dropped because it was too slow.
#[derive(Debug, PartialEq, Eq)]
struct Counted {
    captured: u64,
    dropped: u64,
}

impl Contestant {
    /// Captures while the packets are sent.
    fn capture(&self, link: &Link, frames: &Frames, rate: u64, seconds: u64) -> Result<(Sent, Counted)> {
        let (said, written) = (link.scratch("said"), link.scratch("written.pcapng"));
        let mut command = Command::new("ip");
        command.args(["netns", "exec", link.namespace()]).arg(&self.program);
        command.args(self.words.split(' ')).arg(link.far_end());
        if self.writes {
            command.arg("-w").arg(&written);
        }
        let errors = File::create(&said)?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors).spawn();
        let mut child = child.with_context(|| format!("cannot run {}", self.name))?;
        let sent = ready(&said).and_then(|()| send::send(link.near_end(), frames, rate, seconds));
        // What is in the kernel's buffer is to be read, as on a link that has become quiet.
        thread::sleep(Duration::from_secs(1));
        let ended = interrupt(&mut child);
        let text = fs::read_to_string(&said)?;
        fs::remove_file(&written).ok();
        let sent = sent.with_context(|| format!("{}: {text}", self.name))?;
        ended.with_context(|| format!("{} does not end", self.name))?;
        Ok((
            sent,
            counted(&text).with_context(|| format!("{} did not say what it captured: {text}", self.name))?,
        ))
    }
}

/// Waits until a program says that it captures.
fn ready(said: &Path) -> Result<()> {
    let began = now();
    while began.elapsed() < PATIENCE {
        let text = fs::read_to_string(said)?;
        if ["capturing on", "listening on", "File: "].iter().any(|word| text.contains(word)) {
            // Said just before the first read.
            thread::sleep(Duration::from_millis(300));
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
    bail!("it is not ready after {PATIENCE:?}")
}

fn interrupt(child: &mut Child) -> Result<()> {
    Program::new("kill", "-INT").arg(child.id().to_string()).run()?;
    let began = now();
    while began.elapsed() < PATIENCE {
        if child.try_wait()?.is_some() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait()?;
    bail!("it was killed")
}

/// Reads what a program says at its end: egret's, tcpdump's, or dumpcap's words.
fn counted(text: &str) -> Option<Counted> {
    let in_front = |words: &str| {
        let (before, _) = text.split_once(words)?;
        before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let behind = |words: &str| {
        let (_, rest) = text.split_once(words)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    if let Some((_, summary)) = text.split_once("egret: ").filter(|_| text.contains(" dropped")) {
        let (_, summary) = summary.rsplit_once("egret: ").unwrap_or(("", summary));
        let captured = summary.split(' ').next()?.parse().ok()?;
        let (before, _) = summary.split_once(" dropped")?;
        return Some(Counted { captured, dropped: before.rsplit(' ').next()?.parse().ok()? });
    }
    match in_front(" packets captured") {
        Some(captured) => Some(Counted { captured, dropped: in_front(" packets dropped by kernel")? }),
        // Packets received/dropped on interface 'x': 5000/0 (…)
        None => {
            let (_, rest) = text.split_once("received/dropped on interface")?;
            let (_, rest) = rest.split_once("': ")?;
            let (_, dropped) = rest.split_once('/')?;
            let dropped = dropped.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
            Some(Counted { captured: behind("Packets captured: ")?, dropped })
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a rate is packets in wall time")]
fn now() -> Instant {
    Instant::now()
}

/// How busy the machine is: what is measured is worth no more than that.
fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    format!("load {} on {cores} cores", load.split(' ').next().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_say_at_their_end_is_read() {
        let egret = "egret: capturing on x; Ctrl-C ends it\negret: 3 packets dropped: x 3 by the kernel\n\
            egret: 1997 packets, 2 connections, 9 exchanges, 3 dropped (x 3 by the kernel)\n";
        assert_eq!(counted(egret), Some(Counted { captured: 1997, dropped: 3 }));
        let tcpdump = "tcpdump: listening on x, link-type EN10MB (Ethernet), snapshot length 262144 bytes\n\
            5000 packets captured\n5007 packets received by filter\n7 packets dropped by kernel\n";
        assert_eq!(counted(tcpdump), Some(Counted { captured: 5000, dropped: 7 }));
        let dumpcap = "Capturing on 'x'\nFile: /tmp/x\nPackets captured: 12\n\
            Packets received/dropped on interface 'x': 12/4 (pcap:4/dumpcap:0/flushed:0/ps_ifdrop:0) (75.0%)\n";
        assert_eq!(counted(dumpcap), Some(Counted { captured: 12, dropped: 4 }));
        assert_eq!(counted("tcpdump: x: No such device exists\n"), None);
    }

    #[test]
    fn a_capture_is_named_and_the_rest_are_numbers() {
        let words = |text: &str| job(&text.split_whitespace().map(str::to_string).collect::<Vec<_>>());
        let wanted = words("a.pcap --rate 7 --rate 0 --seconds 900").expect("good");
        assert_eq!((wanted.rates, wanted.seconds, wanted.file), (vec![7, 0], 60, PathBuf::from("a.pcap")));
        for wrong in ["", "a.pcap b.pcap", "--rate", "a.pcap --rate x", "a.pcap --speed 1"] {
            assert!(words(wrong).is_err(), "{wrong}");
        }
    }
}
