//! Nothing that a peer controls takes more than its share of work: for twice the input, at most 2.2 times the
//! instructions, counted by valgrind. Where valgrind is not installed, this says so and counts nothing.
//!
//! The test runs itself under valgrind, once for each kind of input and size, as the ignored test `work`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test asserts by panicking, says what it measured, and is told by its environment what to do"
)]

use std::fmt::Write as _;
use std::process::Command;

use egret_http::{
    Connection, Context, Decode, Direction, Ending, Endpoint, Exchange, Flow, GapReason, Limits, Missing,
    Moment, Opened, Path, Piece, Redactor, Timestamp,
};

const CLIENT: Direction = Direction::ClientToServer;
const SERVER: Direction = Direction::ServerToClient;

/// What the ignored test reads: a kind of input, a colon, a size.
const WHAT: &str = "EGRET_LINEAR";

/// A conversation of a size, as calls.
enum Call {
    Data(Direction, Vec<u8>),
    /// In pieces of this many bytes.
    Cut(Direction, usize, Vec<u8>),
    Gap(Direction, u64),
}

type Make = fn(usize) -> Vec<Call>;

/// Each kind of input, with the smaller of two sizes.
const KINDS: [(&str, usize, Make); 30] = [
    ("head-byte-by-byte", 8_000, |size| vec![Call::Cut(CLIENT, 1, request(&field(size)))]),
    ("head-in-segments", 60_000, |size| vec![Call::Cut(CLIENT, 64, request(&field(size)))]),
    ("head-beyond-the-limit", 300_000, |size| vec![Call::Cut(CLIENT, 500, request(&field(size)))]),
    ("head-that-never-ends", 100_000, |size| {
        vec![Call::Cut(CLIENT, 100, format!("GET / HTTP/1.1\r\n{}", field(size)).into())]
    }),
    ("target", 20_000, |size| {
        vec![Call::Cut(CLIENT, 20, format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(size)).into())]
    }),
    ("headers", 900, |size| vec![Call::Data(CLIENT, request(&"a: b\r\n".repeat(size)))]),
    ("headers-beyond-the-limit", 4_000, |size| vec![Call::Data(CLIENT, request(&"a: b\r\n".repeat(size)))]),
    ("odd-headers", 900, |size| {
        vec![Call::Data(CLIENT, request(&"a : b\r\n c\r\nno colon\r\n".repeat(size)))]
    }),
    ("lengths", 900, |size| vec![Call::Data(CLIENT, request(&"Content-Length: 0\r\n".repeat(size)))]),
    ("empty-lines", 20_000, |size| vec![Call::Cut(CLIENT, 2, "\r\n".repeat(size).into())]),
    ("chunks-of-a-byte", 5_000, |size| {
        answer("Transfer-Encoding: chunked\r\n", 50, "1\r\na\r\n".repeat(size).into())
    }),
    ("chunk-extension", 50_000, |size| {
        answer(
            "Transfer-Encoding: chunked\r\n",
            20,
            format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(size)).into(),
        )
    }),
    ("trailers", 900, |size| {
        answer("Transfer-Encoding: chunked\r\n", 20, format!("0\r\n{}\r\n", "a: b\r\n".repeat(size)).into())
    }),
    ("pipelined", 450, pipelined),
    ("pipelined-beyond-the-limit", 2_000, pipelined),
    ("interim-responses", 1_000, |size| {
        let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(size);
        vec![Call::Data(CLIENT, request("")), Call::Data(SERVER, interim.into())]
    }),
    ("unasked-responses", 1_000, |size| {
        vec![Call::Data(SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".repeat(size).into())]
    }),
    ("gaps", 1_000, |size| {
        let pair = || {
            [Call::Data(CLIENT, request("")), Call::Gap(CLIENT, 9), Call::Data(SERVER, b"HTTP/1.1 20".into())]
        };
        (0..size).flat_map(|_| pair().into_iter().chain([Call::Gap(SERVER, 9)])).collect()
    }),
    // Two requests at once, and behind a hole what may hold their answers, and does not.
    ("behind-holes", 20, |size| {
        (0..size).flat_map(|_| behind("X: HTTP/1.1 200 OK\r\n".repeat(60))).collect()
    }),
    ("pipelined-behind-a-hole", 200, |size| {
        let requests = Call::Cut(CLIENT, 1_000, request("").repeat(size));
        vec![requests, Call::Gap(SERVER, 9), Call::Cut(SERVER, 1, "}".repeat(20 * size).into())]
    }),
    ("behind-a-hole", 4_000, |size| behind(chunked_answer(size)).collect()),
    // What is looked at for secrets.
    ("redacted-sums", 4_000, |size| vec![Call::Data(CLIENT, request(&secret("a+", size)))]),
    ("redacted-slashes", 8_000, |size| vec![Call::Data(CLIENT, request(&secret("/", size)))]),
    ("redacted-paths", 3_000, |size| vec![Call::Data(CLIENT, request(&secret("//a", size)))]),
    ("redacted-ports", 1_000, |size| vec![Call::Data(CLIENT, request(&secret("http://a:b", size)))]),
    ("redacted-queries", 4_000, |size| vec![Call::Data(CLIENT, request(&secret("?a", size)))]),
    ("redacted-target", 8_000, |size| {
        vec![Call::Data(CLIENT, format!("GET /{} HTTP/1.1\r\n\r\n", "/a=~".repeat(size / 4)).into())]
    }),
    ("gzip", 20_000, |size| answer("Content-Encoding: gzip\r\n", 3, gzip(size))),
    ("br", 20_000, |size| answer("Content-Encoding: br\r\n", 3, brotli(size))),
    ("zstd", 40_000, |size| answer("Content-Encoding: zstd\r\n", 3, zstd(size))),
];

fn field(size: usize) -> String {
    format!("x: {}\r\n", "a".repeat(size))
}

fn secret(part: &str, size: usize) -> String {
    format!("x: {}\r\n", part.repeat(size))
}

fn request(fields: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\n{fields}\r\n").into()
}

/// A response with a body that comes in pieces.
fn answer(fields: &str, piece: usize, body: Vec<u8>) -> Vec<Call> {
    let head = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
    vec![Call::Data(CLIENT, request("")), Call::Data(SERVER, head.into()), Call::Cut(SERVER, piece, body)]
}

fn pipelined(size: usize) -> Vec<Call> {
    let responses = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n.".repeat(size);
    vec![Call::Cut(CLIENT, 1_000, request("").repeat(size)), Call::Cut(SERVER, 1_000, responses.into())]
}

/// Two requests at once, a hole, and what is behind it.
fn behind(text: String) -> impl Iterator<Item = Call> {
    let said = Call::Cut(SERVER, 1_000, ("x: y\r\n".to_owned() + &text).into());
    [Call::Data(CLIENT, request("").repeat(2)), Call::Gap(SERVER, 9), said].into_iter()
}

/// Status lines, each with a body of small chunks that lasts until the end of all.
fn chunked_answer(size: usize) -> String {
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned() + &"1\r\na\r\n".repeat(size)
}

/// Bytes that no coding makes shorter: those of a linear congruence.
fn noise(size: usize) -> Vec<u8> {
    let next = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some((*state >> 33) as u8)
    };
    let mut state = 1;
    std::iter::from_fn(|| next(&mut state)).take(size).collect()
}

fn gzip(size: usize) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut writer, &noise(size)).unwrap();
    writer.finish().unwrap()
}

/// Meta-blocks that are not compressed (RFC 7932 §9.2), with windows of 64 KiB.
fn brotli(size: usize) -> Vec<u8> {
    let mut coded = Vec::new();
    for (number, block) in noise(size).chunks(1_000).enumerate() {
        // Not the last, four nibbles of length, the length less one, uncompressed; behind the window's bit at first.
        let header = (block.len() as u32 - 1) << 3 | 1 << 19;
        let header = if number == 0 { header << 1 } else { header };
        coded.extend_from_slice(&header.to_le_bytes()[..3]);
        coded.extend_from_slice(block);
    }
    coded.push(3);
    coded
}

/// A frame of raw blocks (RFC 8878 §3.1.1) with a window of 64 KiB.
fn zstd(size: usize) -> Vec<u8> {
    let mut coded = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 6 << 3];
    let data = noise(size);
    let blocks = data.chunks(1_000).len();
    for (number, block) in data.chunks(1_000).enumerate() {
        let header = (block.len() as u32) << 3 | u32::from(number + 1 == blocks);
        coded.extend_from_slice(&header.to_le_bytes()[..3]);
        coded.extend_from_slice(block);
    }
    coded
}

/// Reads a conversation, keeping, decoding and redacting what there is; how many exchanges it was.
fn read(calls: Vec<Call>) -> usize {
    let mut count = 0;
    let redactor = Redactor::new(b"sixteen bytes at least");
    let limits = Limits { keep_body: 1 << 20, decode: Decode::Always, ..Limits::default() };
    let mut context = Context::new(
        |exchange: &Exchange| {
            let undecoded = exchange.response().and_then(|response| response.body().undecoded());
            assert_eq!(undecoded, None, "what is coded here can be decoded");
            std::hint::black_box(redactor.exchange(exchange));
            count += 1;
        },
        limits,
    );
    let end = |last, port| Endpoint { ip: [10, 0, 0, last].into(), port };
    let flow = Flow { source: end(1, 50_000), destination: end(2, 80), path: Path::EMPTY };
    let mut connection = Connection::new(1, flow, Opened::Handshake);
    let (mut offsets, mut at) = ([0_u64; 2], Moment::default());
    for call in calls {
        let (direction, size, bytes) = match call {
            Call::Data(direction, bytes) => (direction, bytes.len().max(1), bytes),
            Call::Cut(direction, size, bytes) => (direction, size, bytes),
            Call::Gap(direction, len) => {
                let offset = offsets[direction as usize];
                connection.gap(
                    Missing { direction, offset, len, reason: GapReason::Acknowledged, at },
                    &mut context,
                );
                offsets[direction as usize] += len;
                continue;
            }
        };
        for bytes in bytes.chunks(size) {
            at.packet += 1;
            let (offset, ack) = (offsets[direction as usize], Some(offsets[direction.reversed() as usize]));
            let (timestamp, packet) = (Timestamp::EPOCH, at.packet);
            connection.data(Piece { direction, offset, timestamp, packet, ack, bytes }, &mut context);
            offsets[direction as usize] += bytes.len() as u64;
        }
    }
    connection.end(SERVER, at, &mut context);
    connection.close(Ending::Finished, at, &mut context);
    drop(context);
    count
}

/// The work that is counted.
#[test]
#[ignore = "run by the other test, under valgrind"]
fn work() {
    let what = std::env::var(WHAT).unwrap_or_default();
    let (name, size) = what.split_once(':').expect("a kind and a size");
    let (_, _, make) = KINDS.iter().find(|(kind, ..)| *kind == name).expect("a kind that there is");
    let calls = make(size.parse().unwrap());
    // Without the reading, what is left is to be taken off.
    if std::env::var_os("EGRET_LINEAR_NOTHING").is_none() {
        println!("{} exchanges", read(calls));
    }
}

/// The instructions that it takes to read an input, or only to make it.
fn instructions(name: &str, size: usize, nothing: bool) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args(["work", "--exact", "--ignored", "--test-threads=1"])
        .env(WHAT, format!("{name}:{size}"));
    if nothing {
        valgrind.env("EGRET_LINEAR_NOTHING", "1");
    }
    let output = valgrind.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}{}", String::from_utf8_lossy(&output.stdout));
    let refs = said.lines().find_map(|line| line.split_once("refs:")).expect("cachegrind counts").1;
    refs.trim().replace(',', "").parse().unwrap()
}

#[test]
fn twice_the_input_takes_twice_the_work() {
    if !Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success()) {
        eprintln!("valgrind is not installed: that work is in proportion to the input was not measured");
        return;
    }
    let measure = |(name, size, _): &(&'static str, usize, Make)| {
        let [once, twice] = [*size, 2 * size].map(|size| {
            let [read, made] = [false, true].map(|nothing| instructions(name, size, nothing));
            read.saturating_sub(made)
        });
        (*name, *size, once, twice as f64 / once as f64)
    };
    let (one, other) = KINDS.split_at(KINDS.len() / 2);
    let measured = std::thread::scope(|scope| {
        let one = scope.spawn(|| one.iter().map(measure).collect::<Vec<_>>());
        let other: Vec<_> = other.iter().map(measure).collect();
        [one.join().unwrap(), other].concat()
    });
    let mut table = String::new();
    for (name, size, once, ratio) in &measured {
        writeln!(table, "{name:28} {size:8}: {once:12} instructions, for twice that {ratio:.2} times")
            .unwrap();
    }
    let worst = measured.iter().fold(0.0, |worst: f64, (.., ratio)| worst.max(*ratio));
    println!("{table}");
    assert!(worst <= 2.2, "more than 2.2 times the work for twice the input:\n{table}");
}
