//! Under attack memory stays within what the limits promise, and honest connections come out whole.
//!
//! `cargo test --release -p egret-reassembly --test attacks -- --ignored --nocapture` does ten times as much of each, and
//! more: ten million SYNs. The peaks are those of the allocator and, on Linux, of the resident process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test asserts by panicking"
)]
#![allow(clippy::print_stdout, reason = "the peaks are for people")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use egret_reassembly::{
    Assembler, Close, Connection, Data, Gap, Limits, LinkType, Packet, Stats, Stream, StreamFactory,
    StreamPool, TcpFlags, Timestamp, decode,
};

/// The documented bound for the default limits and a stream as small as the one here.
const BOUND: usize = 256 << 20;

struct Measuring;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on unchanged to the system's allocator.
#[expect(unsafe_code, reason = "an allocator that measures can only be written with unsafe")]
unsafe impl GlobalAlloc for Measuring {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // A large block is moved by the kernel, page by page: it never exists twice.
        let live = LIVE.fetch_add(size, Ordering::Relaxed) + size - layout.size();
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Measuring = Measuring;

/// Counts what honest connections (to port 80) were given.
struct Counter {
    honest: bool,
}

#[derive(Default)]
struct Totals {
    honest_bytes: u64,
    honest_missing: u64,
}

struct Factory;

impl StreamFactory for Factory {
    type Stream = Counter;
    fn new_stream(&mut self, connection: &Connection) -> Counter {
        Counter { honest: connection.server().port == 80 }
    }
}

impl Stream for Counter {
    type Context = Totals;
    fn reassembled(&mut self, data: Data<'_>, totals: &mut Totals) {
        totals.honest_bytes += if self.honest { data.bytes.len() as u64 } else { 0 };
    }
    fn gap(&mut self, gap: Gap, totals: &mut Totals) {
        totals.honest_missing += if self.honest { gap.len } else { 0 };
    }
    fn complete(&mut self, _: Close, _: &mut Totals) {}
}

const URG: u8 = 0x20;

/// An assembler with packets that are written in place, a microsecond apart.
struct Bench {
    assembler: Assembler<Factory>,
    totals: Totals,
    packet: Vec<u8>,
    number: u64,
    honest: u32,
}

#[derive(Clone, Copy)]
struct Segment {
    client: u32,
    ports: (u16, u16),
    from_client: bool,
    seq: u32,
    ack: u32,
    flags: u8,
}

impl Bench {
    fn new() -> Self {
        let assembler = Assembler::new(StreamPool::new(Factory, Limits::default()));
        Self { assembler, totals: Totals::default(), packet: vec![0; 40], number: 0, honest: 0 }
    }

    fn send(&mut self, segment: Segment, payload: &[u8]) {
        let Segment { client, ports, from_client, seq, ack, flags } = segment;
        let server = [10, 0, 0, 1];
        let client = client.to_be_bytes();
        let packet = &mut self.packet;
        packet.truncate(40);
        packet.extend(payload);
        let len = packet.len() as u16;
        packet[0] = 0x45;
        packet[2..4].copy_from_slice(&len.to_be_bytes());
        (packet[8], packet[9]) = (64, 6);
        let (source, destination) = if from_client { (client, server) } else { (server, client) };
        let (source_port, destination_port) = if from_client { ports } else { (ports.1, ports.0) };
        packet[12..16].copy_from_slice(&source);
        packet[16..20].copy_from_slice(&destination);
        packet[20..22].copy_from_slice(&source_port.to_be_bytes());
        packet[22..24].copy_from_slice(&destination_port.to_be_bytes());
        packet[24..28].copy_from_slice(&seq.to_be_bytes());
        packet[28..32].copy_from_slice(&ack.to_be_bytes());
        packet[32..36].copy_from_slice(&[0x50, flags, 0xff, 0xff]);
        packet[36..38].copy_from_slice(&(seq as u16).to_be_bytes());
        packet[38..40].copy_from_slice(&if flags & URG == 0 { [0, 0] } else { [0xff, 0xff] });
        self.assemble();
    }

    /// The first of two fragments, from the address of that number.
    fn fragment(&mut self, source: u32) {
        let packet = &mut self.packet;
        packet.truncate(40);
        packet.extend([b'x'; 1_004]);
        let len = packet.len() as u16;
        packet[0] = 0x45;
        packet[2..4].copy_from_slice(&len.to_be_bytes());
        packet[4..6].copy_from_slice(&(source as u16).to_be_bytes());
        packet[6..8].copy_from_slice(&0x2000_u16.to_be_bytes());
        (packet[8], packet[9]) = (64, 6);
        packet[12..16].copy_from_slice(&source.to_be_bytes());
        self.assemble();
        self.packet[4..8].fill(0);
    }

    /// Takes the packet that was written.
    fn assemble(&mut self) {
        self.number += 1;
        let packet = Packet {
            number: self.number,
            timestamp: Timestamp::from_nanos(self.number as i64 * 1_000),
            link_type: LinkType::IPV4,
            interface: 0,
            data: &self.packet,
            wire_len: self.packet.len() as u32,
        };
        self.assembler.assemble(&decode(packet), &mut self.totals);
    }

    /// A whole honest connection, with two segments swapped and the attack going on between its packets.
    fn honest(&mut self, mut attack: impl FnMut(&mut Self)) {
        self.honest += 1;
        let base = Segment {
            client: 0xc0a8_0000 + (self.honest >> 14),
            ports: (1024 + (self.honest & 0x3fff) as u16, 80),
            from_client: true,
            seq: 0,
            ack: 0,
            flags: TcpFlags::ACK,
        };
        let server = Segment { from_client: false, ..base };
        let steps: [(Segment, &[u8]); 8] = [
            (Segment { flags: TcpFlags::SYN, ..base }, b""),
            (Segment { flags: TcpFlags::SYN | TcpFlags::ACK, seq: 500, ack: 1, ..server }, b""),
            (Segment { seq: 1, ack: 501, ..base }, b""),
            (Segment { seq: 5, ack: 501, ..base }, b"tion"),
            (Segment { seq: 1, ack: 501, ..base }, b"ques"),
            (Segment { seq: 501, ack: 9, ..server }, b"answer"),
            (Segment { seq: 9, ack: 507, flags: TcpFlags::FIN | TcpFlags::ACK, ..base }, b""),
            (Segment { seq: 507, ack: 10, flags: TcpFlags::FIN | TcpFlags::ACK, ..server }, b""),
        ];
        for (segment, payload) in steps {
            self.send(segment, payload);
            attack(self);
        }
    }

    /// Ends the run: every honest byte was delivered, the books balance, and memory stayed within the bound.
    fn finish(mut self, name: &str) -> Stats {
        let peak = PEAK.load(Ordering::Relaxed);
        self.assembler.finish(&mut self.totals);
        let stats = self.assembler.stats();
        let (mib, resident) = (peak as f64 / f64::from(1 << 20), resident_peak());
        println!("{name}: {} packets, peak {mib:.1} MiB, resident {resident}", self.number);
        assert_eq!(self.totals.honest_bytes, u64::from(self.honest) * 14);
        assert_eq!(self.totals.honest_missing, 0);
        assert!(stats.totals.conserved() && stats.totals.waiting == 0, "{:?}", stats.totals);
        assert!(peak < BOUND, "{name}: {peak} bytes");
        drop(self);
        assert!(LIVE.load(Ordering::Relaxed) < 1 << 20, "memory is given back");
        PEAK.store(LIVE.load(Ordering::Relaxed), Ordering::Relaxed);
        stats
    }
}

/// The most memory that this process had in RAM since it was asked last.
fn resident_peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim().to_owned();
    // It counts anew from here on (proc(5)).
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    peak
}

const ATTACKER: Segment =
    Segment { client: 0xac10_0000, ports: (1, 443), from_client: true, seq: 0, ack: 1, flags: TcpFlags::ACK };

/// SYNs from ever new addresses.
fn syn_flood(scale: u32) {
    let (mut bench, mut syns) = (Bench::new(), 0);
    for _ in 0..650 * scale {
        bench.honest(|bench| {
            for _ in 0..200 {
                syns += 1;
                bench.send(Segment { client: syns, flags: TcpFlags::SYN, ..ATTACKER }, b"");
            }
        });
    }
    let stats = bench.finish("SYN flood");
    assert!(stats.ended.evicted > 700_000);
    assert!(stats.peak_connections <= Limits::default().connections as u64);
}

/// The same, with data in each SYN that may count.
fn syns_with_data(scale: u32) {
    let (mut bench, mut syns) = (Bench::new(), 0);
    for _ in 0..100 * scale {
        bench.honest(|bench| {
            for _ in 0..200 {
                syns += 1;
                bench.send(Segment { client: syns, flags: TcpFlags::SYN, ..ATTACKER }, &[b'x'; 1_000]);
            }
        });
    }
    let stats = bench.finish("SYNs with data");
    assert!(stats.limits_hit > 10_000);
}

/// A hundred thousand connections, each with a hole and as much behind it as a segment holds.
fn stalled(scale: u32) {
    let (mut bench, mut stalled) = (Bench::new(), 0_u32);
    let payload = [b'x'; 1_400];
    for _ in 0..450 * scale {
        bench.honest(|bench| {
            for _ in 0..29 {
                stalled += 1;
                let of = Segment { client: 0xac10_0000 + stalled, ..ATTACKER };
                bench.send(Segment { flags: TcpFlags::SYN, ..of }, b"");
                bench.send(Segment { seq: 100, ..of }, &payload);
            }
        });
    }
    let stats = bench.finish("stalled connections");
    assert!(stalled > 100_000 && stats.limits_hit > 1_000);
}

/// Connections of which nothing waits, but something is remembered on both sides: where a byte will be urgent. It is paid
/// for, so it is given up like what waits: otherwise it would leave no memory for those who need it.
fn remembered(scale: u32) {
    let (mut bench, mut many) = (Bench::new(), 0_u32);
    for _ in 0..700 * scale {
        bench.honest(|bench| {
            for _ in 0..40 {
                many += 1;
                let of =
                    Segment { client: 0xac10_0000 + many, seq: 1, flags: TcpFlags::ACK | URG, ..ATTACKER };
                let server = Segment { from_client: false, ..of };
                bench.send(Segment { seq: 0, flags: TcpFlags::SYN, ..of }, b"");
                bench.send(Segment { seq: 0, flags: TcpFlags::SYN | TcpFlags::ACK, ..server }, b"");
                bench.send(of, b"");
                bench.send(server, b"");
            }
        });
    }
    let stats = bench.finish("connections with something remembered");
    assert!(many > 200_000 && stats.limits_hit > 10_000);
}

/// One connection that sends single bytes out of order for ever.
fn single_bytes(scale: u32) {
    let mut bench = Bench::new();
    bench.send(Segment { flags: TcpFlags::SYN, ..ATTACKER }, b"");
    let mut seq = 0_u32;
    for _ in 0..650 * scale {
        bench.honest(|bench| {
            for _ in 0..200 {
                seq = seq.wrapping_add(2);
                bench.send(Segment { seq, ..ATTACKER }, b"x");
            }
        });
    }
    let stats = bench.finish("single bytes out of order");
    assert!(stats.limits_hit > 100_000);
}

/// Sequence numbers as far ahead as they can be.
fn far_ahead(scale: u32) {
    let mut bench = Bench::new();
    bench.send(Segment { flags: TcpFlags::SYN, ..ATTACKER }, b"");
    let mut random = 1_u32;
    for _ in 0..650 * scale {
        bench.honest(|bench| {
            for _ in 0..250 {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                bench.send(Segment { seq: random, ..ATTACKER }, b"far away");
            }
        });
    }
    bench.finish("far ahead");
}

/// First fragments of ever new datagrams.
fn fragments(scale: u32) {
    let (mut bench, mut datagrams) = (Bench::new(), 0_u32);
    for _ in 0..150 * scale {
        bench.honest(|bench| {
            for _ in 0..200 {
                datagrams += 1;
                bench.fragment(datagrams);
            }
        });
    }
    let stats = bench.finish("fragments");
    assert!(stats.fragments.incomplete > 100_000);
}

fn all(scale: u32) {
    // One after the other, because the allocator measures the whole process.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    resident_peak();
    for attack in [syn_flood, syns_with_data, stalled, remembered, single_bytes, far_ahead, fragments] {
        attack(scale);
    }
}

#[test]
fn memory_is_bounded_and_honest_connections_come_out_whole() {
    all(1);
}

#[test]
#[ignore = "minutes of work"]
fn and_so_they_are_with_ten_times_as_much() {
    all(10);
}
