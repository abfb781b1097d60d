//! The same output from any number of threads; parts that together are the whole.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use crate::run::{egret, fixtures, run, words};

const FORMS: [&str; 5] = [
    "http --json --digest --body-bytes 1000",
    "http -vv",
    "streams --json --digest",
    "stats --json",
    "api --examples",
];

/// Standard output, standard error and exit code.
fn all(line: &str) -> (String, String, Option<i32>) {
    let done = run(line);
    (String::from_utf8_lossy(&done.out).into_owned(), done.err, done.code)
}

#[test]
fn every_fixture_gives_the_same_with_several_threads() {
    for fixture in fixtures() {
        for form in FORMS {
            let line = format!("{form} -r {fixture} --threads");
            assert_eq!(all(&format!("{line} 3")), all(&format!("{line} 1")), "{line} 3");
        }
    }
}

/// A classic pcap file's, of packets that begin with their network headers.
const HEADER: [u8; 24] =
    [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0];

/// How many connections there are in [`large`].
pub(crate) const CONNECTIONS: u16 = 600;

/// Many connections, thirty at a time and in turns, of three exchanges each. Packets are missing here and there, every
/// seventh connection never ends, every eleventh is reset, and one packet in eighty is in two fragments.
pub(crate) fn large(name: &str) -> std::path::PathBuf {
    let mut file = HEADER.to_vec();
    let mut count = 0_u32;
    for group in 0..CONNECTIONS / 30 {
        let ports = group * 30..(group + 1) * 30;
        let mut queues: Vec<_> = ports.map(|port| packets(port).into_iter()).collect();
        while queues.iter().any(|queue| queue.len() > 0) {
            for packet in queues.iter_mut().filter_map(Iterator::next) {
                count += 1;
                if count.is_multiple_of(97) {
                    continue;
                }
                let cut =
                    if count.is_multiple_of(80) && packet.len() > 60 { vec![] } else { vec![packet.clone()] };
                let pieces = if cut.is_empty() { fragments(&packet, count as u16) } else { cut };
                for piece in pieces {
                    // Together some 15 minutes, so that some are silent for too long.
                    for number in
                        [1_000 + count / 12, count % 12 * 1_000, piece.len() as u32, piece.len() as u32]
                    {
                        file.extend(number.to_le_bytes());
                    }
                    file.extend(piece);
                }
            }
        }
    }
    let path = std::env::temp_dir().join(format!("egret-{name}-{}.pcap", std::process::id()));
    fs::write(&path, file).expect("a temporary file");
    path
}

/// The packets of the connection from this port: IPv4 without a link header, without checksums.
fn packets(port: u16) -> Vec<Vec<u8>> {
    let (mut client, mut server) = (1_u32, 9_001_u32);
    let packet =
        |up: bool, seq: u32, ack: u32, flags: u8, text: &[u8]| packet(port, up, seq, ack, flags, text);
    let mut all =
        vec![packet(true, 0, 0, 2, b""), packet(false, 9_000, 1, 18, b""), packet(true, 1, 9_001, 16, b"")];
    for index in 0..3 {
        let request =
            format!("GET /{port}/{index} HTTP/1.1\r\nHost: example.test\r\nCookie: secret={port}\r\n\r\n");
        let body = format!("body {index} of {port} ").repeat(usize::from(port % 30));
        let response = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        all.push(packet(true, client, server, 24, request.as_bytes()));
        client += request.len() as u32;
        for piece in response.as_bytes().chunks(200) {
            all.push(packet(false, server, client, 24, piece));
            server += piece.len() as u32;
        }
    }
    match port {
        _ if port.is_multiple_of(7) => {}
        _ if port.is_multiple_of(11) => all.push(packet(false, server, client, 20, b"")),
        _ => all.extend([
            packet(true, client, server, 17, b""),
            packet(false, server, client + 1, 17, b""),
            packet(true, client + 1, server + 1, 16, b""),
        ]),
    }
    all
}

/// One packet of that connection, from the client or to it.
fn packet(port: u16, up: bool, seq: u32, ack: u32, flags: u8, text: &[u8]) -> Vec<u8> {
    let ([from, to], ends) = if up { ([1, 2], [10_000 + port, 80]) } else { ([2, 1], [80, 10_000 + port]) };
    let mut bytes = vec![0x45, 0];
    bytes.extend((40 + text.len() as u16).to_be_bytes());
    bytes.extend([0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, from, 10, 0, 0, to]);
    ends.iter().for_each(|port| bytes.extend(port.to_be_bytes()));
    bytes.extend(seq.to_be_bytes());
    bytes.extend(ack.to_be_bytes());
    bytes.extend([0x50, flags, 0xff, 0xff, seq as u8, ack as u8, 0, 0]);
    bytes.extend(text);
    bytes
}

/// A capture of packets that all came at the same time.
fn capture(packets: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut file = HEADER.to_vec();
    for packet in packets {
        [0, 0, packet.len() as u32, packet.len() as u32]
            .into_iter()
            .for_each(|number| file.extend(number.to_le_bytes()));
        file.extend(packet);
    }
    file
}

/// The packet in two fragments.
fn fragments(packet: &[u8], identification: u16) -> Vec<Vec<u8>> {
    let (header, body) = packet.split_at(20);
    let (first, second) = body.split_at(24);
    [(first, 0x2000_u16), (second, 3)]
        .map(|(piece, place)| {
            let mut fragment = [header, piece].concat();
            fragment[2..4].copy_from_slice(&(20 + piece.len() as u16).to_be_bytes());
            fragment[4..6].copy_from_slice(&identification.to_be_bytes());
            fragment[6..8].copy_from_slice(&place.to_be_bytes());
            fragment
        })
        .to_vec()
}

#[test]
fn much_traffic_gives_the_same_with_any_number_of_threads() {
    let path = large("threads");
    for form in FORMS.into_iter().chain(["http --har -", "http --redact --redact-key LICENSE-MIT -vv"]) {
        let line = format!("{form} -r {} --threads", path.display());
        let whole = all(&format!("{line} 1"));
        let connections = format!("{CONNECTIONS} connections");
        let counts = !form.starts_with("stats") && !form.starts_with("api");
        assert!(whole.1.contains(&connections) || !counts, "{}", whole.1);
        for threads in [2, 3, 8] {
            assert!(all(&format!("{line} {threads}")) == whole, "{line} {threads}");
        }
        for more in ["-c 1234", "-s 100", "'port 10007 or port 10010'"] {
            assert!(all(&format!("{line} 3 {more}")) == all(&format!("{line} 1 {more}")), "{line} 3 {more}");
        }
    }
    fs::remove_file(path).expect("it is there");
}

#[test]
fn parts_of_the_connections_are_the_whole_together() {
    let path = large("shards");
    for form in ["http --json", "streams --json"] {
        let line = format!("{form} -r {}", path.display());
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort_unstable();
            lines
        };
        for threads in [1, 2] {
            let parts = ["0/3", "1/3", "2/3"].map(|part| {
                let (lines, ..) = all(&format!("{line} --threads {threads} --shard {part}"));
                assert!(!lines.is_empty());
                lines
            });
            assert!(sorted(&parts.concat()) == sorted(&all(&line).0), "{line}");
        }
    }
    let count = |part: &str| {
        let stats = run(&format!("stats --json -r {} {part}", path.display())).records().remove(0);
        let number =
            |place: &str| stats.pointer(place).and_then(serde_json::Value::as_u64).expect("a number");
        ["/packets", "/bytes", "/connections/total", "/streams/delivered", "/fragments/fragments"].map(number)
    };
    let parts = ["--shard 0/2", "--shard 1/2"].map(count);
    let sum: Vec<u64> = parts[0].iter().zip(parts[1]).map(|(one, other)| one + other).collect();
    assert_eq!(sum, count(""));
    fs::remove_file(path).expect("it is there");
}

#[test]
fn models_of_parts_add_up_to_that_of_the_whole() {
    let path = large("models");
    let folder = path.with_extension("models");
    fs::create_dir_all(&folder).expect("a folder can be made");
    let at = |name: &str| folder.join(format!("{name}.egret-model")).display().to_string();
    let learn = |name: &str, more: &str| {
        assert_eq!(
            run(&format!("api -q -r {} -o {} {more}", path.display(), at(name))).code,
            Some(0),
            "{more}"
        );
        fs::read(at(name)).expect("it was written")
    };
    let whole = learn("whole", "--threads 1");
    assert!(learn("threads", "--threads 4") == whole);
    let parts: String = (0..3)
        .map(|part| {
            assert!(learn(&format!("{part}"), &format!("--shard {part}/3 --threads 2")) != whole);
            format!(" --model {}", at(&format!("{part}")))
        })
        .collect();
    assert_eq!(run(&format!("api -q{parts} -o {}", at("sum"))).code, Some(0));
    assert!(fs::read(at("sum")).expect("it was written") == whole);
    fs::remove_dir_all(folder).expect("it is there");
    fs::remove_file(path).expect("it is there");
}

/// What `stats` says of a capture: as text, and as the number at each of these places.
fn stats(path: &std::path::Path, more: &str, places: [&str; 4]) -> (String, [Option<u64>; 4]) {
    let line = format!("stats -r {} {more}", path.display());
    let record = run(&format!("{line} --json")).records().remove(0);
    let number = |place: &str| record.pointer(place).and_then(serde_json::Value::as_u64);
    (run(&line).text().to_owned(), places.map(number))
}

#[test]
fn max_memory_is_divided_by_the_threads_and_stats_says_so() {
    let path = std::env::temp_dir().join(format!("egret-divided-{}.pcap", std::process::id()));
    let divided =
        |text: &str, threads: u32| text.contains(&format!("each of {threads} threads has its part"));
    // One connection of which 30 kB wait behind a hole: in the half of 128 KiB that is for segments, but not in that of two.
    let open = [packet(0, true, 0, 0, 2, b""), packet(0, false, 9_000, 1, 18, b"")];
    let wait = (0..30).map(|piece| packet(0, false, 9_101 + piece * 1_000, 1, 24, &[b'x'; 1_000]));
    fs::write(&path, capture(open.into_iter().chain(wait))).expect("a temporary file");
    let places =
        ["/connections/limits_hit", "/exchanges/limits_hit", "/connections/threads", "/streams/missing"];
    for (threads, memory, reached) in
        [(1, "128K", false), (2, "128K", true), (2, "256K", false), (4, "256K", true), (1, "40K", true)]
    {
        let (text, [hit, messages, told, missing]) =
            stats(&path, &format!("--max-memory {memory} --threads {threads}"), places);
        assert_eq!((hit > Some(0), messages, missing), (reached, Some(0), Some(100)), "{threads} {memory}");
        let several = reached && threads > 1;
        assert_eq!(told, several.then_some(threads.into()), "{threads} {memory}");
        assert_eq!(text.contains("limits     were reached"), reached, "{threads} {memory}: {text}");
        assert_eq!(divided(&text, threads), several, "{threads} {memory}: {text}");
    }
    // A head of 10 kB whose end has not come, in the half for messages.
    let head = format!("GET / HTTP/1.1\r\nCookie: {}", "x".repeat(10_000));
    let open = [
        packet(0, true, 0, 0, 2, b""),
        packet(0, false, 9_000, 1, 18, b""),
        packet(0, true, 1, 9_001, 16, b""),
    ];
    let pieces = head.as_bytes().chunks(1_000).zip(0..);
    let pieces = pieces.map(|(text, piece)| packet(0, true, 1 + piece * 1_000, 9_001, 24, text));
    fs::write(&path, capture(open.into_iter().chain(pieces))).expect("a temporary file");
    for (threads, memory, reached) in [(1, "36K", false), (2, "36K", true), (2, "72K", false)] {
        let (text, [hit, messages, told, _]) =
            stats(&path, &format!("--max-memory {memory} --threads {threads}"), places);
        assert_eq!((hit, messages > Some(0)), (Some(0), reached), "{threads} {memory}: {text}");
        assert_eq!(told, reached.then_some(threads.into()), "{threads} {memory}");
        assert_eq!(divided(&text, threads), reached, "{threads} {memory}: {text}");
    }
    fs::remove_file(path).expect("it is there");
}

#[test]
fn connections_that_are_forgotten_soon_after_their_end_are_no_limit_that_took_something() {
    let path = std::env::temp_dir().join(format!("egret-forgotten-{}.pcap", std::process::id()));
    // Forty connections that end, one behind the other.
    let ports = (0..1_000).filter(|port| port % 7 != 0 && port % 11 != 0).take(40);
    fs::write(&path, capture(ports.flat_map(packets))).expect("a temporary file");
    let places =
        ["/connections/limits_hit", "/connections/forgotten", "/connections/threads", "/connections/total"];
    let few = "--max-connections 10 --threads 1";
    let (text, numbers) = stats(&path, few, places);
    assert_eq!(numbers, [Some(0), Some(30), None, Some(40)]);
    assert!(text.contains("\n  forgotten  30 connections within 30 s of their end: see --max-connections\n"));
    assert!(!text.contains("limits "), "{text}");
    let (text, [hit, forgotten, threads, _]) = stats(&path, "--max-connections 10 --threads 2", places);
    // Each half of the table holds five, and at least as many are forgotten as from one that holds all ten.
    assert!(hit == Some(0) && forgotten >= Some(30) && threads == Some(2), "{text}");
    assert!(text.contains("of which each of 2 threads has its part"), "{text}");
    let (text, numbers) = stats(&path, "--threads 1", places);
    assert_eq!(numbers, [Some(0), Some(0), None, Some(40)]);
    assert!(!text.contains("forgotten"), "{text}");
    fs::remove_file(path).expect("it is there");
}

#[test]
fn who_reads_no_further_ends_all_threads() {
    let path = large("closed");
    let line = format!("http --json --threads 4 -r {}", path.display());
    assert!(run(&line).out.len() > 1 << 19, "more than a pipe takes");
    let mut child = egret(&words(&line))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut first = [0; 100];
    child.stdout.take().expect("a pipe").read_exact(&mut first).expect("a beginning");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let mut said = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("text");
    assert_eq!(said, "", "there is no one to finish for");
    fs::remove_file(path).expect("it is there");
}

#[test]
fn damage_is_told_behind_what_came_before_it() {
    let path = large("damaged");
    let whole = fs::read(&path).expect("it was written");
    fs::write(&path, &whole[..whole.len() - 5]).expect("a temporary file");
    let line = format!("streams -r {} --threads", path.display());
    let alone = all(&format!("{line} 1"));
    assert_eq!(alone.2, Some(1));
    assert!(all(&format!("{line} 3")) == alone);
    fs::remove_file(path).expect("it is there");
}

#[test]
fn what_is_no_part_is_refused() {
    for wrong in ["--shard 2/2", "--shard 1", "--threads 0", "--threads 65536"] {
        assert_eq!(run(&format!("http -r fixtures/http/get.pcap {wrong}")).code, Some(2), "{wrong}");
    }
}

/// A number from a file about a process.
#[cfg(target_os = "linux")]
fn figure(child: &std::process::Child, file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/{file}", child.id())).expect("the child lives");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("the line is there");
    line.split_whitespace().next().expect("a number").parse().expect("a number")
}

#[cfg(target_os = "linux")]
#[test]
fn who_reads_slowly_makes_all_threads_wait() {
    use std::thread::sleep;
    use std::time::Duration;
    // Twenty times the same, one behind the other.
    let path = large("stalled");
    let once = fs::read(&path).expect("it was written");
    fs::write(&path, once.repeat(20)).expect("a temporary file");
    for threads in [1, 4] {
        let line = format!("http --json --quiet --threads {threads} -r {}", path.display());
        let mut child = egret(&words(&line)).stdout(Stdio::piped()).spawn().expect("the command starts");
        // Until it has read nothing for half a second: it waits for whoever should read, and is nowhere near the end.
        let mut before = 0;
        let read = loop {
            sleep(Duration::from_millis(500));
            let read = figure(&child, "io", "rchar:");
            if read > 1 << 16 && read == before {
                break read;
            }
            before = read;
        };
        // Two blocks more than threads, of 2 MiB, and what was printed of another one.
        let most = (threads + 2 + 1) << 21;
        assert!(
            read < most && most < 20 * once.len() as u64,
            "{read} bytes of 20 × {} were read",
            once.len()
        );
        let resident = figure(&child, "status", "VmRSS:");
        assert!(resident < 48 << 10, "{resident} KiB are in memory");
        let mut out = String::new();
        child.stdout.take().expect("a pipe").read_to_string(&mut out).expect("text");
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
        assert!(out.lines().count() > 1_000);
    }
    fs::remove_file(path).expect("it is there");
}
