//! Writes the first inputs of each target, made from the captures below a folder: `seeds CAPTURES CORPUS`.

use std::fs;
use std::path::{Path, PathBuf};

use egret_decode::{Capture, decode};

fn main() {
    let mut words = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(captures), Some(corpus), None) = (words.next(), words.next(), words.next()) else {
        panic!("usage: seeds CAPTURES CORPUS");
    };
    let mut written = 0;
    let mut write = |target: &str, input: &[u8]| {
        written += 1;
        let folder = corpus.join(target);
        let done = fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join(format!("fixture-{written:04}")), input));
        done.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    };
    walk(&captures, &mut |path| {
        let mut capture = Capture::open(path).unwrap_or_else(|error| panic!("{error}"));
        // Captures of programs end in the middle of one thing or another; what they begin with is enough.
        while let Ok(Some(packet)) = capture.next_packet() {
            // Headers are what matters, and libFuzzer learns faster from short inputs.
            if packet.number <= 20 && packet.data.len() <= 400 {
                write("packet", &egret_decode_fuzz::input(packet));
                if decode(packet).flow.is_some_and(|flow| flow.destination.port == 53) {
                    write("dns", decode(packet).payload);
                }
            }
        }
    });
    write("dns", b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x01a\0\0\x01\0\x01\xc0\x0c\0\x21\0\x01\0\0\0\x3c\0\x08\0\x01\0\x02\x01\xbb\xc0\x0c");
    println!("{written} inputs");
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, visit);
        } else if path.extension().is_some_and(|end| end == "pcap" || end == "pcapng") {
            visit(&path);
        }
    }
}
