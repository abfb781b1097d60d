//! What comes out of many threads is what comes out of one, in the same order, and nothing piles up between.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test asserts by panicking"
)]

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use egret_reassembly::{
    Assembler, Batch, Capture, Close, Connection, Data, Decoded, Decoder, Gap, Limits, Outcome, PacketSource,
    RecordSink, Recording, Records, Shard, Stats, Stream, StreamFactory, StreamPool, Timestamp, decode,
    parallel,
};
use proptest::prelude::*;

mod support;
use support::traffic::{Event, captures, traffic};

/// Where lines go: to the thread that orders them, or, alone, to their place.
#[derive(Default)]
struct Lines {
    records: Records<u8>,
    alone: Option<String>,
    packets: u64,
}

impl Lines {
    fn line(&mut self, id: u64, text: String) {
        match &mut self.alone {
            Some(alone) => *alone += &format!("{id} {text}\n"),
            None => self.records.push(id, |bytes| bytes.extend(format!("{id} {text}\n").bytes())),
        }
    }
}

impl Recording for Lines {
    type Item = u8;

    fn records(&mut self) -> &mut Records<u8> {
        &mut self.records
    }

    fn packet(&mut self, _: &Decoded<'_>) {
        self.packets += 1;
    }
}

#[derive(Clone, Copy)]
struct Factory;
struct Line(u64);

impl StreamFactory for Factory {
    type Stream = Line;

    fn new_stream(&mut self, connection: &Connection) -> Line {
        Line(connection.id)
    }
}

impl Stream for Line {
    type Context = Lines;

    fn reassembled(&mut self, data: Data<'_>, lines: &mut Lines) {
        assert_ne!(data.bytes, b"panic", "as it was told to");
        lines.line(self.0, format!("{data:?} {}", data.bytes.escape_ascii()));
    }

    fn gap(&mut self, gap: Gap, lines: &mut Lines) {
        lines.line(self.0, format!("{gap:?}"));
    }

    fn complete(&mut self, close: Close, lines: &mut Lines) {
        lines.line(self.0, format!("{close:?}"));
    }
}

fn pool() -> StreamPool<Factory> {
    StreamPool::new(Factory, Limits::default())
}

/// Packets out of a capture, in batches of so many.
struct Reader {
    capture: Capture,
    most: usize,
}

impl PacketSource for Reader {
    type Error = String;

    fn fill(&mut self, batch: &mut Batch) -> Result<bool, String> {
        self.capture.next_batch(batch, self.most).map_err(|error| error.to_string())
    }
}

#[derive(Default)]
struct Desk {
    lines: String,
}

impl RecordSink<u8> for Desk {
    type Error = String;

    fn record(&mut self, record: &[u8]) -> Result<(), String> {
        self.lines += std::str::from_utf8(record).unwrap();
        Ok(())
    }
}

fn threads(
    count: usize,
    shard: Shard,
    source: &mut impl PacketSource<Error = String>,
    sink: &mut impl RecordSink<u8, Error = String>,
) -> Outcome<Lines, String> {
    let workers = (0..count).map(|_| (pool(), Lines::default())).collect();
    parallel(shard, workers, &Decoder::default(), source, sink)
}

/// Lines, counts and the number of packets, of one assembler.
fn alone(mut capture: Capture, shard: Shard) -> (String, Stats, u64) {
    let mut assembler = Assembler::sharded(pool(), shard);
    let mut lines = Lines { alone: Some(String::new()), ..Lines::default() };
    while let Ok(Some(packet)) = capture.next_packet() {
        let decoded = decode(packet);
        lines.packets += u64::from(shard.has(decoded.flow.as_ref()));
        assembler.assemble(&decoded, &mut lines);
    }
    assembler.finish(&mut lines);
    (lines.alone.unwrap(), assembler.stats(), lines.packets)
}

fn check(open: impl Fn() -> Capture, most: usize) {
    for shard in ["0/1", "1/2"].map(|shard| shard.parse().unwrap()) {
        let (lines, stats, packets) = alone(open(), shard);
        for count in [1, 2, 3, 8] {
            let (mut reader, mut desk) = (Reader { capture: open(), most }, Desk::default());
            let Outcome { stats: mut sum, contexts, .. } = threads(count, shard, &mut reader, &mut desk);
            assert_eq!(desk.lines, lines, "with {count} threads");
            (sum.peak_connections, sum.peak_waiting) = (stats.peak_connections, stats.peak_waiting);
            assert_eq!(sum, stats);
            assert_eq!(contexts.iter().map(|context| context.packets).sum::<u64>(), packets);
        }
    }
}

#[test]
fn every_fixture_gives_the_same_with_any_number_of_threads() {
    for path in captures() {
        for most in [1, 3, usize::MAX] {
            check(|| Capture::open(&path).unwrap(), most);
        }
    }
}

/// A classic capture of raw IP packets.
fn file(events: &[Event]) -> Vec<u8> {
    let mut file = vec![0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0];
    for (time, packet) in events {
        let Some((_, data, _)) = packet else { continue };
        let (seconds, nanos) = (time.nanos() / 1_000_000_000, time.nanos() % 1_000_000_000);
        for number in [seconds as u32, nanos as u32, data.len() as u32, data.len() as u32] {
            file.extend(number.to_le_bytes());
        }
        file.extend(data);
    }
    file
}

fn capture(file: &[u8]) -> Capture {
    Capture::from_reader(Cursor::new(file.to_vec()), "made").unwrap()
}

proptest! {
    #[test]
    fn any_traffic_gives_the_same_with_any_number_of_threads(events in traffic(400), most in 1_usize..200) {
        let file = file(&events);
        check(|| capture(&file), most);
    }
}

/// As many connections as there are ports, each with a request and its end, one after the other.
fn many(connections: u16) -> Vec<u8> {
    let mut events = Vec::new();
    for port in 0..connections {
        for (seq, flags) in [(0, support::SYN), (1, support::ACK), (4, support::RST)] {
            let text = if flags == support::ACK { &b"say"[..] } else { b"" };
            let mut data = support::sent(true, seq, 0, flags, text).bytes();
            data[20..22].copy_from_slice(&port.to_be_bytes());
            let length = data.len() as u32;
            let time = Timestamp::from_nanos(i64::from(port) * 1_000_000);
            events.push((time, Some((egret_reassembly::LinkType::IPV4, data, length))));
        }
    }
    file(&events)
}

/// The number of the last packet that was read, while others read on.
struct Counting {
    capture: Capture,
    read: Arc<AtomicU64>,
}

impl PacketSource for Counting {
    type Error = String;

    fn fill(&mut self, batch: &mut Batch) -> Result<bool, String> {
        let more = self.capture.next_batch(batch, 10).unwrap();
        if let Some(packet) = batch.packets().last() {
            self.read.store(packet.number, Ordering::SeqCst);
        }
        Ok(more)
    }
}

/// An output that is far behind: what was read and is not printed is counted.
struct Slow {
    read: Arc<AtomicU64>,
    furthest: u64,
}

impl RecordSink<u8> for Slow {
    type Error = String;

    fn record(&mut self, record: &[u8]) -> Result<(), String> {
        let id = std::str::from_utf8(record).unwrap().split(' ').next().unwrap().parse::<u64>().unwrap();
        std::thread::sleep(Duration::from_micros(50));
        self.furthest = self.furthest.max(self.read.load(Ordering::SeqCst) - id);
        Ok(())
    }
}

#[test]
fn nothing_is_read_far_ahead_of_what_is_printed() {
    let file = many(2_000);
    for count in [1, 2, 8] {
        let mut counting = Counting { capture: capture(&file), read: Arc::default() };
        let mut slow = Slow { read: Arc::clone(&counting.read), furthest: 0 };
        threads(count, Shard::WHOLE, &mut counting, &mut slow).result.unwrap();
        // Blocks of eight batches, two more than threads; and the id is the number of the first of three packets.
        assert!(slow.furthest < 8 * 10 * (count as u64 + 2) + 3, "{} with {count} threads", slow.furthest);
    }
}

/// A capture that never ends.
struct Endless(Capture, Vec<u8>);

impl PacketSource for Endless {
    type Error = String;

    fn fill(&mut self, batch: &mut Batch) -> Result<bool, String> {
        while !self.0.next_batch(batch, 100).unwrap() {
            self.0 = capture(&self.1);
        }
        Ok(true)
    }
}

/// Nobody wants more than one line.
struct Sated(u64);

impl RecordSink<u8> for Sated {
    type Error = String;

    fn record(&mut self, _: &[u8]) -> Result<(), String> {
        self.0 += 1;
        Err("enough".to_owned())
    }
}

#[test]
fn who_wants_no_more_ends_everything() {
    let file = many(500);
    let mut sated = Sated(0);
    let outcome = threads(3, Shard::WHOLE, &mut Endless(capture(&file), file), &mut sated);
    assert_eq!((outcome.result, outcome.contexts.len(), sated.0), (Err("enough".to_owned()), 3, 1));
}

#[test]
fn what_was_before_an_error_is_recorded_first() {
    let mut file = many(100);
    file.truncate(file.len() - 3);
    let (lines, ..) = alone(capture(&file), Shard::WHOLE);
    let (mut reader, mut desk) = (Reader { capture: capture(&file), most: 7 }, Desk::default());
    let outcome = threads(2, Shard::WHOLE, &mut reader, &mut desk);
    assert_eq!(desk.lines, lines);
    assert!(outcome.result.unwrap_err().contains("made"), "it names the capture");
}

#[test]
fn the_panic_of_a_thread_is_the_callers() {
    let mut events = Vec::new();
    for (seq, text) in [(0, &b""[..]), (1, b"panic"), (6, b"more")] {
        let flags = if seq == 0 { support::SYN } else { support::ACK };
        let data = support::sent(true, seq, 0, flags, text).bytes();
        let length = data.len() as u32;
        let time = Timestamp::from_nanos(seq.into());
        events.push((time, Some((egret_reassembly::LinkType::IPV4, data, length))));
    }
    let file = file(&events);
    let panic = std::panic::catch_unwind(|| {
        let mut reader = Reader { capture: capture(&file), most: 1 };
        threads(2, Shard::WHOLE, &mut reader, &mut Desk::default())
    });
    let Err(panic) = panic else { panic!("it did not") };
    assert!(panic.downcast_ref::<String>().unwrap().contains("as it was told to"));
}

/// What breaks while it reads, or while it is told of the first record.
struct Broken;

impl PacketSource for Broken {
    type Error = String;

    fn fill(&mut self, _: &mut Batch) -> Result<bool, String> {
        panic!("no more packets")
    }
}

impl RecordSink<u8> for Broken {
    type Error = String;

    fn record(&mut self, _: &[u8]) -> Result<(), String> {
        panic!("no more lines")
    }
}

#[test]
fn nobody_waits_for_what_has_panicked() {
    let panic = std::panic::catch_unwind(|| {
        threads(3, Shard::WHOLE, &mut Broken, &mut Desk::default());
    });
    assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"no more packets"));
    let file = many(500);
    let panic = std::panic::catch_unwind(|| {
        threads(3, Shard::WHOLE, &mut Endless(capture(&file), file.clone()), &mut Broken);
    });
    assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"no more lines"));
}

/// What comes through a pipe is known before the next is waited for.
#[cfg(target_os = "linux")]
mod waiting {
    use std::fs::File;
    use std::io::Write;
    use std::os::fd::AsRawFd;

    use super::*;

    struct Typing {
        writer: Option<File>,
        to_write: Vec<Vec<u8>>,
        lines: usize,
        idle: usize,
    }

    impl RecordSink<u8> for Typing {
        type Error = String;

        fn record(&mut self, _: &[u8]) -> Result<(), String> {
            self.lines += 1;
            Ok(())
        }

        fn idle(&mut self, _: Timestamp) -> Result<(), String> {
            self.idle += 1;
            // Two lines for each connection, and one is written each time.
            assert_eq!(self.lines, 2 * self.idle);
            match self.to_write.pop() {
                Some(next) => self.writer.as_mut().unwrap().write_all(&next).unwrap(),
                None => self.writer = None,
            }
            Ok(())
        }
    }

    #[test]
    fn nothing_that_is_known_waits_with_the_reader() {
        let (reader, writer) = std::io::pipe().unwrap();
        let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
        let capture = Capture::open(path).unwrap();
        drop(reader);
        let mut writer = File::from(std::os::fd::OwnedFd::from(writer));
        let file = many(20);
        let (first, rest) = file.split_at(24 + 3 * 56 + 3);
        writer.write_all(first).unwrap();
        let to_write = rest.chunks(3 * 56 + 3).rev().map(<[u8]>::to_vec).collect();
        let mut reader = Reader { capture, most: usize::MAX };
        let mut typing = Typing { writer: Some(writer), to_write, lines: 0, idle: 0 };
        threads(3, Shard::WHOLE, &mut reader, &mut typing).result.unwrap();
        assert_eq!((typing.idle, typing.lines), (20, 40));
    }
}
