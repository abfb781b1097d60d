//! Writes the first inputs of the target, made from the captures below a folder and from files made by hand:
//! `seeds CAPTURES CORPUS`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use egret_capture::{Capture, Writer};
use egret_capture_fuzz::input;
use flate2::{Compression, write::GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

#[path = "../../tests/all/by_hand.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod by_hand;
#[path = "../../tests/all/specimens.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod specimens;

/// libFuzzer takes nothing of an input beyond some 4,000 bytes, and learns faster from short ones.
const LONGEST: usize = 1_000;

fn main() {
    let mut words = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(captures), Some(corpus), None) = (words.next(), words.next(), words.next()) else {
        panic!("usage: seeds CAPTURES CORPUS");
    };
    let mut files = specimens::specimens();
    files.extend([by_hand::Order::Little, by_hand::Order::Big].map(specimens::noted));
    // Sections, and files, one behind the other.
    files.push(files.concat());
    walk(&captures, &mut |path| files.push(beginning(path)));
    let folder = corpus.join("file");
    let mut written = 0;
    for (number, file) in files.iter().enumerate() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(file).expect("memory takes everything");
        let gzip = gzip.finish().expect("memory takes everything");
        for file in [file.clone(), gzip, compress_to_vec(file.as_slice(), CompressionLevel::Fastest)] {
            let done = fs::create_dir_all(&folder).and_then(|()| {
                fs::write(folder.join(format!("fixture-{written:04}")), input(number as u8, &file))
            });
            done.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
            written += 1;
        }
    }
    println!("{written} inputs");
}

/// A file with the first short packets of a capture.
fn beginning(path: &Path) -> Vec<u8> {
    let (mut capture, copy) =
        (open(path), std::env::temp_dir().join(format!("egret-seed-{}", std::process::id())));
    let mut writer =
        Writer::create(&copy, capture.interface_table()).unwrap_or_else(|error| panic!("{error}"));
    let mut length = 0;
    // Captures of programs end in the middle of one thing or another; what they begin with is enough.
    while let Ok(Some(packet)) = capture.next_packet() {
        length += packet.data.len();
        if length > LONGEST {
            break;
        }
        writer.write(&packet).unwrap_or_else(|error| panic!("{error}"));
    }
    writer.finish().unwrap_or_else(|error| panic!("{error}"));
    let file = fs::read(&copy).and_then(|file| fs::remove_file(&copy).map(|()| file));
    file.unwrap_or_else(|error| panic!("{}: {error}", copy.display()))
}

fn open(path: &Path) -> Capture {
    Capture::open(path).unwrap_or_else(|error| panic!("{error}"))
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
