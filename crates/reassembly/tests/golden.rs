//! Every capture among the fixtures gives exactly the stream events that were reviewed and written down beside it.
//!
//! `cargo xtask bless` rewrites them and shows the difference.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test asserts by panicking")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use egret_reassembly::{Assembler, Capture, Limits, StreamPool, decode};

mod support;
use support::{Log, Recorder};

fn captures() -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let groups =
        std::fs::read_dir(fixtures).unwrap().map(|group| group.unwrap().path()).filter(|path| path.is_dir());
    let files = groups.flat_map(|group| std::fs::read_dir(group).unwrap()).map(|file| file.unwrap().path());
    let is_capture = |path: &PathBuf| path.extension().is_some_and(|end| end == "pcap" || end == "pcapng");
    let mut captures: Vec<PathBuf> = files.filter(is_capture).collect();
    captures.sort();
    captures
}

fn events(path: &Path) -> String {
    let mut capture = Capture::open(path).unwrap();
    let mut assembler = Assembler::new(StreamPool::new(Recorder, Limits::default()));
    let mut log = Log::default();
    while let Some(packet) = capture.next_packet().unwrap() {
        assembler.assemble(&decode(packet), &mut log);
    }
    assembler.finish(&mut log);
    let stats = assembler.stats();
    log.check(&stats);
    let mut text = log.text();
    if stats.leftovers + stats.strays > 0 {
        writeln!(text, "{} leftovers, {} strays", stats.leftovers, stats.strays).unwrap();
    }
    if stats.fragments.fragments > 0 {
        let fragments = stats.fragments;
        let (seen, whole) = (fragments.fragments, fragments.completed);
        let (incomplete, overlapping) = (fragments.incomplete, fragments.overlapping);
        writeln!(
            text,
            "{seen} fragments: {whole} datagrams, {incomplete} incomplete, {overlapping} overlapping"
        )
        .unwrap();
    }
    if text.is_empty() { String::from("no connection\n") } else { text }
}

#[test]
fn every_fixture_gives_the_events_beside_it() {
    let captures = captures();
    assert!(captures.len() >= 25, "the fixtures are missing: only {} captures found", captures.len());
    for capture in captures {
        expect_test::expect_file![capture.with_extension("events")].assert_eq(&events(&capture));
    }
}
