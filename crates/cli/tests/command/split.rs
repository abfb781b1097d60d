//! Parts in files of their own, each read alone, give what the whole gives.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::run::{Done, egret, file, fixtures, root, run, words};
use crate::threads::{CONNECTIONS, large};

const FORMS: [&str; 2] = ["http --json --digest --body-bytes 1000", "streams --json --digest"];

/// A folder of this test run that is not there.
fn folder(name: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("split-{name}"));
    let _ = fs::remove_dir_all(&path);
    path.into_os_string().into_string().expect("a plain path")
}

fn sorted<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

/// The outputs of `form`, one for each part.
fn read(form: &str, folder: &str, of: usize) -> Vec<String> {
    let read = |part| {
        let done = run(&format!("{form} -r {folder}/{part}-of-{of}.pcapng"));
        assert_eq!(done.code, Some(0), "{}", done.err);
        done.text().to_owned()
    };
    (0..of).map(read).collect()
}

fn split(of: usize, folder: &str, files: &str) -> Done {
    let _ = fs::remove_dir_all(folder);
    let done = run(&format!("split {of} -o {folder} {files}"));
    assert!(done.out.is_empty());
    done
}

#[test]
fn every_fixture_is_its_parts() {
    let folder = folder("fixtures");
    for fixture in fixtures() {
        // What is damaged is divided up to the damage, which is told once.
        assert_eq!(split(3, &folder, &fixture).code, run(&format!("packets -r {fixture}")).code);
        for form in FORMS {
            let whole = run(&format!("{form} -r {fixture}"));
            let parts = read(form, &folder, 3);
            assert_eq!(
                sorted(parts.iter().flat_map(|part| part.lines())),
                sorted(whole.text().lines()),
                "{fixture}"
            );
        }
    }
}

/// Every second record of a capture, beginning with the first or the second.
fn half(path: &Path, name: &str, odd: bool) -> String {
    let bytes = fs::read(path).expect("it was written");
    let (header, mut rest) = bytes.split_at(24);
    let mut half = header.to_vec();
    let mut wanted = !odd;
    while let Some(length) = rest.get(8..12) {
        let length = 16 + u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
        let (record, more) = rest.split_at(length);
        if wanted {
            half.extend(record);
        }
        (rest, wanted) = (more, !wanted);
    }
    file(name, &half)
}

#[test]
fn much_traffic_in_fragments_is_its_parts_from_one_file_or_several() {
    let path = large("split");
    let halves = [half(&path, "half-0.pcap", false), half(&path, "half-1.pcap", true)];
    let [one, other] = &halves;
    let inputs = [path.display().to_string(), format!("{one} {other}")];
    for files in inputs {
        let input = files.split(' ').map(|file| format!("-r {file} ")).collect::<String>();
        for of in [1, 2, 5] {
            let folder = folder("large");
            let done = split(of, &folder, &files);
            assert!(done.err.contains(&format!(", {of} part")), "{}", done.err);
            for form in FORMS {
                let whole = run(&format!("{form} {input}"));
                let parts = read(form, &folder, of);
                for (index, part) in parts.iter().enumerate() {
                    assert!(part.lines().count() > 100);
                    let shard = run(&format!("{form} {input} --shard {index}/{of}"));
                    assert!(sorted(part.lines()) == sorted(shard.text().lines()), "{form} {index}/{of}");
                    let threads = run(&format!("{form} --threads 2 -r {folder}/{index}-of-{of}.pcapng"));
                    assert!(threads.text() == part, "{form} {index}/{of} with two threads");
                }
                let together = sorted(parts.iter().flat_map(|part| part.lines()));
                assert!(together == sorted(whole.text().lines()), "{form} {files} {of}");
            }
            let count = |input: &str| {
                let stats = run(&format!("stats --json {input}")).records().remove(0);
                let number =
                    |place: &str| stats.pointer(place).and_then(serde_json::Value::as_u64).expect("a number");
                ["/packets", "/bytes", "/connections/total", "/streams/delivered", "/fragments/fragments"]
                    .map(number)
            };
            let parts: Vec<[u64; 5]> =
                (0..of).map(|part| count(&format!("-r {folder}/{part}-of-{of}.pcapng"))).collect();
            let sum: Vec<u64> = (0..5).map(|index| parts.iter().map(|part| part[index]).sum()).collect();
            assert_eq!(sum, count(&input));
            assert_eq!(sum[2], u64::from(CONNECTIONS));
        }
    }
    fs::remove_file(path).expect("it is there");
}

#[test]
fn packets_keep_their_numbers() {
    let path = large("numbers");
    let folder = folder("numbers");
    assert_eq!(split(2, &folder, &path.display().to_string()).code, Some(0));
    let numbers = |line: &str| -> Vec<u64> {
        let done = run(&format!("packets --json {line}"));
        done.records().iter().map(|packet| packet["number"].as_u64().expect("a number")).collect()
    };
    let parts = [0, 1].map(|part| format!("-r {folder}/{part}-of-2.pcapng"));
    let mut all = parts.clone().map(|part| numbers(&part)).concat();
    assert!(!all.is_sorted());
    all.sort_unstable();
    assert!(all.into_iter().eq(1..=numbers(&format!("-r {}", path.display())).len() as u64));
    // Files that are read together are numbered together.
    let together = numbers(&parts.join(" "));
    assert!(together.iter().copied().eq(1..=together.len() as u64));
    fs::remove_file(path).expect("it is there");
}

#[test]
fn what_cannot_be_done_is_told() {
    for wrong in ["0", "257", "-1", "two", "1000000000000"] {
        assert_eq!(
            run(&format!("split {wrong} -o {} fixtures/http/get.pcap", folder("n"))).code,
            Some(2),
            "{wrong}"
        );
    }
    assert_eq!(run("split 2 fixtures/http/get.pcap").code, Some(2), "no folder");
    assert_eq!(run(&format!("split 2 -o {}", folder("none"))).code, Some(2), "no file");
    let said = |line: &str, what: &str| {
        let done = run(line);
        assert!(done.code == Some(1) && done.err.contains(what), "{line}: {:?} {}", done.code, done.err);
    };
    let below = file("not-a-folder", b"") + "/parts";
    said(&format!("split 2 -o {below} fixtures/http/get.pcap"), "cannot make the folder");
    said("split 2 -o fixtures fixtures/http/get.pcap", "fixtures is not empty: name a new folder for -o");
    said(&format!("split 2 -o {} no-such-file", folder("missing")), "no-such-file: No such file");
    said("split 2 -o /proc/parts fixtures/http/get.pcap", "cannot make the folder /proc/parts");
    let redacted = run(&format!("--redact split 2 -o {} fixtures/http/get.pcap", folder("redact")));
    assert!(redacted.code == Some(2) && redacted.err.contains("--redact"), "{}", redacted.err);
}

#[test]
fn a_full_disk_is_told_and_what_was_written_can_be_read() {
    let path = large("full");
    let folder = folder("full");
    // Files end after 64 KiB or 64 blocks of 512 bytes, as the shell counts.
    let script = "ulimit -f 64; trap '' XFSZ; exec \"$@\"";
    let done: Done = Command::new("sh")
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_egret"), "split", "2", "-o", &folder])
        .arg(&path)
        .current_dir(root())
        .output()
        .expect("sh is there")
        .into();
    assert!(done.code == Some(1) && done.err.contains("writing failed: File too large"), "{}", done.err);
    for part in ["0", "1"] {
        let done = run(&format!("http --json -r {folder}/{part}-of-2.pcapng"));
        assert!(done.text().lines().count() > 10);
        assert!(
            done.code == Some(0) || done.err.contains("ends in the middle of this record"),
            "{}",
            done.err
        );
    }
    fs::remove_file(path).expect("it is there");
}

#[test]
fn parts_can_be_read_whatever_ends_the_one_who_writes_them() {
    let path = large("killed");
    let capture = fs::read(&path).expect("it was written");
    let folder = folder("killed");
    let mut child = egret(&words(&format!("split 2 -o {folder} -")))
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let mut input = child.stdin.take().expect("a pipe");
    let parts = ["0", "1"].map(|part| PathBuf::from(format!("{folder}/{part}-of-2.pcapng")));
    let long = |size: u64| parts.iter().all(|part| fs::metadata(part).is_ok_and(|part| part.len() >= size));
    let wait = |size: u64| {
        (0..1000).any(|_| {
            long(size) || {
                sleep(Duration::from_millis(10));
                false
            }
        })
    };
    // Before a packet has come, too.
    assert!(wait(28));
    for part in &parts {
        assert_eq!(run(&format!("http -r {}", part.display())).code, Some(0));
    }
    input.write_all(&capture).expect("the command reads");
    assert!(wait(100_000));
    child.kill().expect("it runs");
    child.wait().expect("it ended");
    let whole = run(&format!("streams --json -r {}", path.display()));
    let ended: Vec<&str> = whole.text().lines().collect();
    for part in &parts {
        let done = run(&format!("streams --json -r {}", part.display()));
        assert_eq!(done.code, Some(0), "{}", done.err);
        let known = done.text().lines().filter(|line| ended.contains(line)).count();
        assert!(known > 50, "only {known} connections in {}", part.display());
    }
    fs::remove_file(path).expect("it is there");
}
