//! Every fixture, damaged in every way, through capture, decoding, reassembly and HTTP: whatever comes of it, nothing
//! panics and everything that is promised holds.
//!
//! A case is a fixture, what is done to it, and the limits it is read within; all that follows from its number and a
//! seed. A few run with the tests, and `cargo xtask soak` runs them for as long as it is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a test asserts by panicking, and a long one says how far it is"
)]

mod mutate;
mod watch;

use std::io::{Cursor, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use egret_http::{
    Assembler, Capture, Decode, Limits, StreamLimits, StreamPool, StreamStats, Timestamp, decode,
};
use mutate::{Frame, Random};
use watch::{Books, Line, Watchers};

/// A fixture, as a file and as packets.
struct Fixture {
    name: String,
    file: Vec<u8>,
    frames: Vec<Frame>,
}

fn fixtures() -> Vec<Fixture> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let groups = std::fs::read_dir(top).unwrap().map(|group| group.unwrap().path());
    let files = groups.filter(|path| path.is_dir()).flat_map(|group| std::fs::read_dir(group).unwrap());
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "pcap" || end == "pcapng"));
    paths.sort();
    let fixture = |path: &PathBuf| {
        let file = std::fs::read(path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        Fixture { frames: read(file.clone()).expect("a fixture is a capture"), name, file }
    };
    paths.iter().map(fixture).collect()
}

/// The packets of a file up to where it is damaged; none if it is no capture.
fn read(file: Vec<u8>) -> Option<Vec<Frame>> {
    let mut capture = Capture::from_reader(Cursor::new(file), "case").ok()?;
    let mut frames = Vec::new();
    loop {
        match capture.next_packet() {
            Ok(Some(packet)) => {
                frames.push(Frame::new(&packet));
                assert_eq!(packet.number, frames.len() as u64, "packets are numbered from 1");
                assert!(packet.wire_len as usize >= packet.data.len(), "more was captured than there was");
            }
            Ok(None) => break,
            Err(_) => {
                assert_eq!(capture.next_packet().ok(), Some(None), "an error comes once, and at the end");
                break;
            }
        }
    }
    Some(frames)
}

/// What was run, and what that came to.
#[derive(Default)]
struct Summary {
    cases: u64,
    captures: u64,
    packets: u64,
    connections: u64,
    exchanges: u64,
    compared: u64,
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cases, captures, packets, connections, exchanges, compared } = self;
        write!(f, "{cases} files, {captures} of them captures still, {packets} packets, ")?;
        write!(f, "{connections} connections, {exchanges} exchanges; {compared} compared with ticks")
    }
}

/// What a connection keeps at most, beside payload.
const KEEPING: usize = 2_048;

/// An hour, in nanoseconds: no deadline is further away.
const FAR: i64 = 3_600_000_000_000;

/// Within what a case is read.
struct Settings {
    streams: StreamLimits,
    http: Limits,
    with_http: bool,
}

impl Settings {
    fn new(random: &mut Random) -> Self {
        let mut streams = StreamLimits::default();
        if random.once_in(4) {
            streams.memory = *random.pick(&[0, 3_000, 20_000, 100_000]);
            streams.connections = *random.pick(&[1, 2, 7]);
            streams.patience = Duration::from_millis(*random.pick(&[1, 200]));
            streams.idle = Duration::from_millis(*random.pick(&[5, 100, 10_000]));
        }
        let mut http =
            Limits { keep_body: 1 << 20, decode: Decode::Always, digest: true, ..Limits::default() };
        if random.once_in(4) {
            let memory = *random.pick(&[0, 6_000, 60_000, 1 << 20]);
            http = Limits { memory, head: 300, headers: 4, queue: 2, keep_body: 30, decoded: 1_000, ..http };
        }
        Self { streams, http, with_http: !random.once_in(4) }
    }

    /// Runs packets; with `ticks`, tells the time as often before each.
    fn run(&self, frames: &[Frame], ticks: i64) -> (Books, StreamStats) {
        let watchers = Watchers { http: self.with_http };
        let mut assembler = Assembler::new(StreamPool::new(watchers, self.streams));
        let mut books = Books::new(self.http);
        let mut before = None;
        for (number, frame) in (1..).zip(frames) {
            let now = frame.timestamp.nanos();
            let before = before.replace(now).unwrap_or(now);
            for tick in 1..=ticks {
                let time = before + (now - before) / (ticks + 1) * tick;
                assembler.advance(Timestamp::from_nanos(time), &mut books);
            }
            assembler.assemble(&decode(frame.packet(number)), &mut books);
            books.check();
        }
        assembler.finish(&mut books);
        let stats = assembler.stats();
        books.close(&stats);
        // The last segment is held before the limit takes something away, and what a connection keeps about itself
        // is counted with what waits.
        let most = self.streams.memory + books.largest + KEEPING * stats.peak_connections as usize;
        assert!(stats.peak_waiting <= most, "{} bytes waited, of {most}", stats.peak_waiting);
        assert!(
            stats.peak_connections <= self.streams.connections as u64,
            "{} connections at a time",
            stats.peak_connections
        );
        (books, stats)
    }

    /// Whether times are such that a tick can be true: none goes back, and none is so far ahead that it is doubted,
    /// and time does not end before the deadlines.
    fn may_tick(&self, frames: &[Frame]) -> bool {
        let idle = self.streams.idle.as_nanos() as i64;
        let steps =
            frames.windows(2).map(|pair| pair[1].timestamp.nanos().saturating_sub(pair[0].timestamp.nanos()));
        let last = frames.last().map_or(0, |frame| frame.timestamp.nanos());
        steps.into_iter().all(|step| (0..=idle).contains(&step)) && last.checked_add(FAR).is_some()
    }
}

/// Runs one case.
fn run(fixtures: &[Fixture], seed: u64, case: u64, summary: &mut Summary) {
    let random = &mut Random::new(seed, case);
    let fixture = &fixtures[(case % fixtures.len() as u64) as usize];
    let other = random.pick(fixtures);
    summary.cases += 1;
    let frames = if random.once_in(3) {
        let mut file = fixture.file.clone();
        if random.once_in(6) {
            file = gzipped(&file);
        }
        mutate::bytes(&mut file, &other.file, random);
        read(file)
    } else {
        let mut frames = fixture.frames.clone();
        mutate::packets(&mut frames, &other.frames, random);
        Some(frames)
    };
    let settings = Settings::new(random);
    let Some(frames) = frames else { return };
    let (books, stats) = settings.run(&frames, 0);
    summary.captures += 1;
    summary.packets += frames.len() as u64;
    summary.connections += stats.opened_handshake + stats.opened_midstream;
    summary.exchanges += books.http.handler().lines.len() as u64;
    if settings.may_tick(&frames) {
        let (ticked, mut ticked_stats) = settings.run(&frames, 1 + (case % 3) as i64);
        summary.compared += 1;
        same(&books.lines, &ticked.lines, "the calls of streams");
        same(&books.http.handler().lines, &ticked.http.handler().lines, "the exchanges");
        // What several deadlines free at once without ticks, they free one after the other with them.
        ticked_stats.peak_waiting = stats.peak_waiting;
        assert_eq!(stats, ticked_stats, "ticks change what is counted");
        assert_eq!(books.http.stats(), ticked.http.stats(), "ticks change what is counted of HTTP");
    }
}

/// What is due at once is told connection by connection, so that only the order within each stays when ticks come between.
fn same(plain: &[Line], ticked: &[Line], what: &str) {
    let sorted = |lines: &[Line]| {
        let mut lines = lines.to_vec();
        lines.sort_by_key(|(connection, _)| *connection);
        lines
    };
    let (plain, ticked) = (sorted(plain), sorted(ticked));
    if let Some((plain, ticked)) = plain.iter().zip(&ticked).find(|(plain, ticked)| plain != ticked) {
        panic!("ticks change {what}:\n  without {plain:?}\n  with    {ticked:?}");
    }
    assert_eq!(plain.len(), ticked.len(), "ticks change how many there are of {what}");
}

fn gzipped(file: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(file).unwrap();
    encoder.finish().unwrap()
}

/// Runs one case, and says which it was if it fails.
fn run_named(fixtures: &[Fixture], seed: u64, case: u64, summary: &mut Summary) {
    if catch_unwind(AssertUnwindSafe(|| run(fixtures, seed, case, summary))).is_err() {
        let name = &fixtures[(case % fixtures.len() as u64) as usize].name;
        panic!("case {case}, of {name}: do it again with `cargo xtask soak --seed {seed} --case {case}`");
    }
}

#[test]
fn a_few_cases_of_every_fixture() {
    let fixtures = fixtures();
    let mut summary = Summary::default();
    for case in 0..20 * fixtures.len() as u64 {
        run_named(&fixtures, 1, case, &mut summary);
    }
    // Damage leaves enough that the promises are about something.
    assert!(summary.captures > summary.cases / 2 && summary.compared > summary.cases / 4, "{summary}");
    assert!(summary.connections > summary.captures && summary.exchanges > summary.captures / 2, "{summary}");
}

#[test]
fn a_case_is_the_same_each_time() {
    let fixtures = fixtures();
    let totals = || {
        let mut summary = Summary::default();
        (0..40).for_each(|case| run(&fixtures, 7, case, &mut summary));
        summary.to_string()
    };
    assert_eq!(totals(), totals());
}

#[test]
#[ignore = "runs for as long as `cargo xtask soak` says"]
fn soak() {
    let told = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let (seed, minutes) = (told("EGRET_SOAK_SEED").unwrap_or(1), told("EGRET_SOAK_MINUTES").unwrap_or(1));
    let fixtures = fixtures();
    let mut summary = Summary::default();
    if let Some(case) = told("EGRET_SOAK_CASE") {
        run_named(&fixtures, seed, case, &mut summary);
        println!("soak: case {case} of seed {seed} holds: {summary}");
        return;
    }
    println!("soak: {} fixtures, seed {seed}, {minutes} min", fixtures.len());
    let (start, mut said) = (Instant::now(), 0);
    for case in 0.. {
        let seconds = start.elapsed().as_secs();
        if seconds >= minutes * 60 {
            break;
        }
        if seconds / 20 > said {
            said = seconds / 20;
            println!("soak: {seconds} s: {summary}");
        }
        run_named(&fixtures, seed, case, &mut summary);
    }
    println!("soak: seed {seed}, {minutes} min: {summary}; nothing found");
}
