//! `cargo xtask compare --packets FILE…`: every packet as egret and tshark see it: its time and lengths, the innermost
//! addresses, the ports, and of TCP the sequence number, the flags and the length.
//!
//! Differences that one of the two explains by itself are counted by their reason; the rest is printed.

mod theirs;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::account::Scratch;
use super::{first_complaint, found, ours, quietly};
use crate::shell::Program;
use theirs::Theirs;

/// So many unexplained differences of a file are printed.
const SHOWN: usize = 5;

/// What both say of a packet, in the same terms.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Seen {
    /// Nanoseconds since 1970; `None` if it has no time.
    time: Option<i128>,
    length: u64,
    captured: u64,
    addresses: Option<(IpAddr, IpAddr)>,
    transport: Option<Transport>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Tcp { ports: (u16, u16), seq: u32, flags: u8, payload: u64 },
    Udp { ports: (u16, u16) },
}

/// A line of `egret packets --json`.
#[derive(Debug, Deserialize)]
struct Record {
    number: u64,
    time: String,
    length: u64,
    captured: u64,
    layers: Vec<String>,
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
    source_port: Option<u16>,
    destination_port: Option<u16>,
    tcp: Option<Tcp>,
    udp: Option<serde_json::Value>,
    fragment: Option<serde_json::Value>,
    stopped: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Tcp {
    seq: u32,
    flags: String,
    payload: u64,
}

/// Why the two need not agree on a packet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// A block of pcapng that is no packet, which tshark counts as a frame.
    Block,
    /// A packet block without a time: egret gives the time of the packet before.
    NoTime,
    /// More was captured than the packet had: egret believes the bytes.
    Captured,
    /// The first piece of a datagram: tshark takes its beginning for the beginning of the whole.
    Fragment,
    /// ARP inside a tunnel: tshark's addresses are those of the tunnel.
    Arp,
    /// egret followed a tunnel that tshark takes for data.
    Tunnel,
    /// egret stopped, and says why.
    Stopped(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block => f.write_str("a block that is no packet (tshark counts it)"),
            Self::NoTime => f.write_str("a packet block without a time"),
            Self::Captured => f.write_str("more captured than there was"),
            Self::Fragment => f.write_str("a first fragment (tshark decodes it as the whole)"),
            Self::Arp => f.write_str("ARP in a tunnel (tshark's addresses are the tunnel's)"),
            Self::Tunnel => f.write_str("a tunnel that tshark does not follow"),
            Self::Stopped(reason) => write!(f, "egret stopped: {reason}"),
        }
    }
}

#[derive(Default)]
struct Figures {
    compared: u64,
    tcp: u64,
    equal: u64,
    explained: BTreeMap<Reason, u64>,
    unexplained: u64,
}

pub(super) fn run(files: &[String]) -> Result<()> {
    let captures = files.iter().map(|file| found(file)).collect::<Result<Vec<_>>>()?;
    let program = ours::build()?;
    let mut figures = Figures::default();
    for (file, capture) in files.iter().zip(&captures) {
        let scratch = Scratch::new()?;
        one(&program, capture, file, &scratch, &mut figures)
            .with_context(|| format!("cannot compare {file}"))?;
    }
    let Figures { compared, tcp, equal, explained, unexplained } = figures;
    println!(
        "{} files, {compared} packets compared, {tcp} of them TCP: {equal} equal, {unexplained} unexplained",
        files.len()
    );
    for (reason, count) in explained {
        println!("{count:>8}  {reason}");
    }
    Ok(())
}

fn one(program: &Path, capture: &Path, file: &str, scratch: &Scratch, figures: &mut Figures) -> Result<()> {
    let (mut theirs, complaint) = theirs::frames(capture, scratch)?;
    let blocks = theirs.len();
    theirs.retain(|frame| !frame.is_block());
    if theirs.len() < blocks {
        *figures.explained.entry(Reason::Block).or_default() += (blocks - theirs.len()) as u64;
    }
    let mut theirs = theirs.into_iter();
    let (mut ours, mut pairs, mut shown) = (0, 0, 0);
    let egret = Program::new(program, "packets --json --quiet -r").arg(capture);
    quietly(egret, scratch)?.lines(&mut |line| {
        ours += 1;
        let record: Record = serde_json::from_slice(line).context("cannot read egret")?;
        let Some(frame) = theirs.next() else { return Ok(()) };
        pairs += 1;
        let seen = record.seen()?;
        figures.compared += 1;
        figures.tcp += u64::from(matches!(frame.seen.transport, Some(Transport::Tcp { .. })));
        if seen == frame.seen {
            figures.equal += 1;
        } else if let Some(reason) = reason(&record, &seen, &frame) {
            *figures.explained.entry(reason).or_default() += 1;
        } else {
            figures.unexplained += 1;
            shown += 1;
            if shown <= SHOWN {
                println!("{file}: packet {}\n  egret  {seen:?}, {}", record.number, record.layers.join(":"));
                println!("  tshark {:?}, {}", frame.seen, frame.protocols);
            }
        }
        Ok(())
    })?;
    let left = theirs.count();
    if ours != pairs || left > 0 {
        let said = first_complaint(&std::fs::read_to_string(scratch.path("complaints")).unwrap_or_default());
        println!("{file}: egret reads {ours} packets, tshark {}", pairs + left);
        for (who, said) in [("egret", said), ("tshark", complaint)] {
            said.iter().for_each(|said| println!("  {who} says: {said}"));
        }
    }
    Ok(())
}

/// Why the two differ, if that can be told from what they say.
fn reason(record: &Record, ours: &Seen, frame: &Theirs) -> Option<Reason> {
    let theirs = &frame.seen;
    let same_bytes = (ours.length, ours.captured) == (theirs.length, theirs.captured);
    if theirs.time.is_none() && *ours == (Seen { time: ours.time, ..theirs.clone() }) {
        return Some(Reason::NoTime);
    }
    if theirs.captured > theirs.length && ours.captured == theirs.captured {
        return Some(Reason::Captured);
    }
    if !same_bytes || ours.time != theirs.time {
        return None;
    }
    if let Some(stopped) = &record.stopped {
        // Numbers are of no interest here.
        let words = stopped.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default();
        return Some(Reason::Stopped(words.trim_end_matches([' ', ':']).to_owned()));
    }
    if record.fragment.is_some() && frame.has_transport() {
        return Some(Reason::Fragment);
    }
    let arp = |list: &str| list.ends_with(":arp");
    if arp(&record.layers.join(":")) && arp(&frame.protocols) {
        return Some(Reason::Arp);
    }
    let udp = record.layers.iter().position(|layer| layer == "udp");
    let inside = udp.is_some_and(|at| at + 1 < record.layers.len());
    (inside && matches!(theirs.transport, Some(Transport::Udp { .. }))).then_some(Reason::Tunnel)
}

impl Record {
    fn seen(&self) -> Result<Seen> {
        let ports = self.source_port.zip(self.destination_port);
        let transport = match (&self.tcp, &self.udp, ports) {
            (Some(Tcp { seq, flags, payload }), _, Some(ports)) => {
                let bit = |letter| Some(1 << "FSRP.UEW".find(letter)?);
                let flags = flags.chars().filter_map(bit).fold(0, |flags, bit: u8| flags | bit);
                Some(Transport::Tcp { ports, seq: *seq, flags, payload: *payload })
            }
            (None, Some(_), Some(ports)) => Some(Transport::Udp { ports }),
            _ => None,
        };
        Ok(Seen {
            time: Some(nanos(&self.time).with_context(|| format!("{} is no time", self.time))?),
            length: self.length,
            captured: self.captured,
            addresses: self.source.zip(self.destination),
            transport,
        })
    }
}

/// Nanoseconds since 1970 of a time as RFC 3339 has it, in UTC.
fn nanos(time: &str) -> Option<i128> {
    let (date, clock) = time.strip_suffix('Z')?.split_once('T')?;
    let (clock, fraction) = clock.split_once('.')?;
    let mut date = date.split('-').map(|number| number.parse::<i128>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut clock = clock.split(':').map(|number| number.parse::<i128>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    // Years that begin in March end with the leap day.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 719_469;
    Some(
        ((days * 24 + hour) * 60 + minute) * 60_000_000_000
            + second * 1_000_000_000
            + fraction.parse::<i128>().ok()?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers() {
        assert_eq!(nanos("1970-01-01T00:00:00.000000001Z"), Some(1));
        assert_eq!(nanos("2000-02-29T00:00:00.000000005Z"), Some(951_782_400_000_000_005));
        assert_eq!(nanos("1969-12-31T23:59:59.000000000Z"), Some(-1_000_000_000));
        assert_eq!(nanos("yesterday"), None);
    }

    #[test]
    fn a_record_of_ours_has_what_is_compared() {
        let line = r#"{"number":1,"time":"1970-01-01T00:00:01.000000000Z","length":74,"captured":60,"interface":0,
            "layers":["ethernet","ipv4","tcp"],"source":"10.0.0.1","destination":"10.0.0.2","protocol":"tcp",
            "source_port":1,"destination_port":80,"tcp":{"seq":7,"ack":0,"flags":"S.W","window":1,"payload":20}}"#;
        let seen = serde_json::from_str::<Record>(line).unwrap().seen().unwrap();
        let tcp = Transport::Tcp { ports: (1, 80), seq: 7, flags: 0x92, payload: 20 };
        assert_eq!((seen.time, seen.transport), (Some(1_000_000_000), Some(tcp)));
        assert_eq!((seen.length, seen.captured), (74, 60));
    }
}
