//! What the tests of this crate share: packets written by hand, and a stream that writes down everything it is told
//! and checks on the way that the calls keep the promised order.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test asserts by panicking"
)]

pub mod traffic;

use std::fmt::Write as _;

use egret_reassembly::{
    Anomaly, Assembler, Close, Connection, Counts, Data, Direction, Gap, Limits, LinkType, Packet, Refusal,
    Stats, Stream, StreamFactory, StreamPool, TcpFlags, Timestamp, decode,
};

pub const FIN: u8 = TcpFlags::FIN;
pub const SYN: u8 = TcpFlags::SYN;
pub const RST: u8 = TcpFlags::RST;
pub const PSH: u8 = TcpFlags::PSH;
pub const ACK: u8 = TcpFlags::ACK;

/// One segment between 10.0.0.1:51234, the client, and 10.0.0.2:80.
#[derive(Debug, Clone)]
pub struct Sent {
    pub from_client: bool,
    pub seq: u32,
    pub ack: u32,
    pub flags: u8,
    pub payload: Vec<u8>,
    pub window: u16,
    /// How many more bytes of payload there were on the wire.
    pub cut: u16,
    /// TCP options, a multiple of four bytes.
    pub options: Vec<u8>,
    /// Microseconds since the epoch.
    pub at: i64,
    pub checksum: Sum,
}

/// What a segment's checksum is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    /// Some number, another one for each segment, so that no two look like one captured twice.
    Any,
    Right,
    Wrong,
}

pub fn sent(from_client: bool, seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Sent {
    let (payload, options, checksum) = (payload.to_vec(), Vec::new(), Sum::Any);
    Sent { from_client, seq, ack, flags, payload, window: 65_535, cut: 0, options, at: 0, checksum }
}

impl Sent {
    pub fn window(self, window: u16) -> Self {
        Self { window, ..self }
    }

    pub fn options(self, options: &[u8]) -> Self {
        Self { options: options.to_vec(), ..self }
    }

    pub fn at(self, at: i64) -> Self {
        Self { at, ..self }
    }

    /// The bytes of the packet: IPv4 without a link header, and without a checksum of its own.
    pub fn bytes(&self) -> Vec<u8> {
        let (client, server) = (([10, 0, 0, 1], 51234_u16), ([10, 0, 0, 2], 80_u16));
        let (source, destination) = if self.from_client { (client, server) } else { (server, client) };
        let mut bytes = vec![0x45, 0];
        let header = 20 + self.options.len();
        bytes.extend(((20 + header + self.payload.len()) as u16 + self.cut).to_be_bytes());
        bytes.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        bytes.extend(source.0);
        bytes.extend(destination.0);
        bytes.extend(source.1.to_be_bytes());
        bytes.extend(destination.1.to_be_bytes());
        bytes.extend(self.seq.to_be_bytes());
        bytes.extend(self.ack.to_be_bytes());
        bytes.extend([(header as u8 / 4) << 4, self.flags]);
        bytes.extend(self.window.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&self.options);
        bytes.extend(&self.payload);
        let checksum = match self.checksum {
            Sum::Any => self.seq as u16 ^ self.at as u16,
            Sum::Right => checksum(&bytes),
            Sum::Wrong => checksum(&bytes) ^ 1,
        };
        bytes[36..38].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }
}

/// The checksum of a segment in an IPv4 packet without options (RFC 9293 §3.1).
fn checksum(packet: &[u8]) -> u16 {
    let length = (packet.len() - 20) as u32;
    let words = packet[12..]
        .chunks(2)
        .map(|word| u32::from(word[0]) << 8 | word.get(1).map_or(0, |byte| u32::from(*byte)));
    let mut sum = words.sum::<u32>() + 6 + length;
    while sum >> 16 > 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// Client's first byte is sequence number 1, the server's 9,001. Neither side scales its windows.
pub fn opened(segments: impl IntoIterator<Item = Sent>) -> Log {
    let mut all = vec![
        sent(true, 0, 0, SYN, b""),
        sent(false, 9_000, 1, SYN | ACK, b""),
        sent(true, 1, 9_001, ACK, b""),
    ];
    all.extend(segments);
    timed(all)
}

/// Runs segments a microsecond apart, but for those that say when they are later.
pub fn timed(mut segments: Vec<Sent>) -> Log {
    for (at, segment) in (0..).zip(&mut segments) {
        segment.at = segment.at.max(at);
    }
    run(&segments)
}

pub fn refusals(log: &Log) -> Vec<(u64, Refusal)> {
    let refusal = |anomaly: &Anomaly| match anomaly {
        Anomaly::Refused { packet, reason, .. } => Some((*packet, *reason)),
        _ => None,
    };
    log.anomalies.iter().filter_map(refusal).collect()
}

/// Runs segments through an assembler, with the default limits.
pub fn run(segments: &[Sent]) -> Log {
    run_with(segments, Limits::default(), 0)
}

/// Runs segments through an assembler; with `ticks`, tells it the time that many times before each.
pub fn run_with(segments: &[Sent], limits: Limits, ticks: i64) -> Log {
    let packets: Vec<(i64, Vec<u8>)> = segments.iter().map(|segment| (segment.at, segment.bytes())).collect();
    run_timed(&packets, limits, ticks)
}

/// Runs packets through an assembler, a microsecond apart.
pub fn run_packets(packets: &[Vec<u8>], limits: Limits) -> Log {
    let packets: Vec<(i64, Vec<u8>)> = (0..).zip(packets.iter().cloned()).collect();
    run_timed(&packets, limits, 0)
}

fn run_timed(packets: &[(i64, Vec<u8>)], limits: Limits, ticks: i64) -> Log {
    let mut assembler = Assembler::new(StreamPool::new(Recorder, limits));
    let mut log = Log::default();
    let mut before = 0;
    for (number, (at, data)) in (1..).zip(packets) {
        for tick in 1..=ticks {
            let now = before + (at - before) * tick / (ticks + 1);
            assembler.advance(Timestamp::from_nanos(now * 1_000), &mut log);
        }
        before = before.max(*at);
        let packet = Packet {
            number,
            timestamp: Timestamp::from_nanos(at * 1_000),
            link_type: LinkType::IPV4,
            interface: 0,
            data,
            // The length in the IP header is the truth.
            wire_len: u32::from(u16::from_be_bytes([data[2], data[3]])),
        };
        assembler.assemble(&decode(packet), &mut log);
    }
    assembler.finish(&mut log);
    log.stats = assembler.stats();
    log.check(&log.stats);
    log
}

/// Everything that streams were told.
#[derive(Default)]
pub struct Log {
    /// One line a call.
    pub lines: Vec<String>,
    /// The delivered bytes, by connection and direction; a gap is shown as that many `_`, up to 1,000.
    pub bytes: Vec<[Vec<u8>; 2]>,
    pub anomalies: Vec<Anomaly>,
    pub gaps: Vec<Gap>,
    pub closes: Vec<Close>,
    pub stats: Stats,
    opened: usize,
}

impl Log {
    pub fn text(&self) -> String {
        self.lines.iter().fold(String::new(), |text, line| text + line + "\n")
    }

    pub fn client(&self) -> String {
        String::from_utf8_lossy(&self.bytes[0][0]).into_owned()
    }

    pub fn server(&self) -> String {
        String::from_utf8_lossy(&self.bytes[0][1]).into_owned()
    }

    /// What must hold after every run.
    pub fn check(&self, stats: &Stats) {
        assert_eq!(self.closes.len(), self.opened, "each connection is completed once");
        assert!(stats.totals.conserved(), "not conserved: {:?}", stats.totals);
        for close in &self.closes {
            for counts in [&close.client_to_server, &close.server_to_client] {
                assert!(counts.conserved(), "not conserved: {counts:?}");
                assert_eq!(counts.waiting, 0, "nothing waits once a connection is over");
            }
        }
    }
}

/// Makes streams that write everything down.
pub struct Recorder;

pub struct Recorded {
    /// The first line, written at the first call: only calls have the log.
    opening: Option<String>,
    index: usize,
    id: u64,
    next: [u64; 2],
    half_closed: [bool; 2],
    completed: bool,
}

impl StreamFactory for Recorder {
    type Stream = Recorded;

    fn new_stream(&mut self, connection: &Connection) -> Recorded {
        let mut opening =
            format!("{} opened {} {}", connection.id, connection.flow, connection.opened.name());
        if !connection.flow.path.is_empty() {
            write!(opening, " in {}", connection.flow.path).unwrap();
        }
        let (next, half_closed) = ([0; 2], [false; 2]);
        Recorded { opening: Some(opening), index: 0, id: connection.id, next, half_closed, completed: false }
    }
}

impl Recorded {
    fn enter(&mut self, log: &mut Log) {
        assert!(!self.completed, "nothing comes after the end");
        if let Some(opening) = self.opening.take() {
            self.index = log.bytes.len();
            log.bytes.push(Default::default());
            log.opened += 1;
            log.lines.push(opening);
        }
    }
}

fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::ClientToServer => "c>s",
        Direction::ServerToClient => "s>c",
    }
}

impl Stream for Recorded {
    type Context = Log;

    fn accept(&mut self, _: &egret_reassembly::Segment<'_>, log: &mut Log) -> egret_reassembly::Admit {
        self.enter(log);
        egret_reassembly::Admit::Yes
    }

    fn reassembled(&mut self, data: Data<'_>, log: &mut Log) {
        self.enter(log);
        let side = data.direction as usize;
        assert!(!data.bytes.is_empty());
        assert!(!self.half_closed[side], "nothing comes after a direction's end");
        assert_eq!(data.offset, self.next[side], "each byte is delivered once, in order, or reported");
        self.next[side] = data.offset + data.bytes.len() as u64;
        log.bytes[self.index][side].extend(data.bytes);
        let shown = data.bytes.get(..32).unwrap_or(data.bytes).escape_ascii();
        let more = if data.bytes.len() > 32 { "…" } else { "" };
        let ack = data.ack.map_or(String::from("-"), |ack| ack.to_string());
        log.lines.push(format!(
            "{} {} {}+{} packet {} ack {ack} \"{shown}{more}\"",
            self.id,
            arrow(data.direction),
            data.offset,
            data.bytes.len(),
            data.packet
        ));
    }

    fn gap(&mut self, gap: Gap, log: &mut Log) {
        self.enter(log);
        let side = gap.direction as usize;
        assert!(!self.half_closed[side], "nothing comes after a direction's end");
        assert_eq!(gap.offset, self.next[side], "a gap is where the last byte was");
        assert!(gap.len > 0);
        self.next[side] += gap.len;
        log.bytes[self.index][side].extend(std::iter::repeat_n(b'_', gap.len.min(1_000) as usize));
        let (arrow, Gap { offset, len, reason, packet, .. }) = (arrow(gap.direction), gap);
        log.lines.push(format!("{} {arrow} gap {offset}+{len} {reason} at packet {packet}", self.id));
        log.gaps.push(gap);
    }

    fn anomaly(&mut self, anomaly: Anomaly, log: &mut Log) {
        self.enter(log);
        let about = match anomaly {
            Anomaly::Conflict { offset, len, kept, dropped, .. } => {
                format!("{offset}+{len} kept packet {kept} dropped packet {dropped}")
            }
            Anomaly::Late { offset, len, packet, .. } => format!("{offset}+{len} packet {packet}"),
            Anomaly::Refused { packet, len, reason, .. } => format!("packet {packet} {len} bytes {reason}"),
            Anomaly::Urgent { direction, offset, packet } => {
                assert_eq!(
                    offset, self.next[direction as usize],
                    "an urgent byte is where the last byte was"
                );
                self.next[direction as usize] += 1;
                format!("at {offset} packet {packet}")
            }
            Anomaly::SimultaneousOpen { packet } | Anomaly::DuplicateCapture { packet } => {
                format!("packet {packet}")
            }
            other => format!("{other:?}"),
        };
        let side = anomaly.direction().map_or("", arrow);
        log.lines.push(format!("{} {side} {} {about}", self.id, anomaly.name()).replace("  ", " "));
        log.anomalies.push(anomaly);
    }

    fn half_closed(&mut self, direction: Direction, _: Timestamp, log: &mut Log) {
        self.enter(log);
        assert!(!std::mem::replace(&mut self.half_closed[direction as usize], true), "closed twice");
        log.lines.push(format!("{} {} end at {}", self.id, arrow(direction), self.next[direction as usize]));
    }

    fn complete(&mut self, close: Close, log: &mut Log) {
        self.enter(log);
        self.completed = true;
        let side = |counts: &Counts| {
            let mut text = format!("{} packets {} bytes", counts.packets, counts.delivered);
            let discarded = &counts.discarded;
            for (name, value) in [
                ("retransmitted", counts.retransmitted),
                ("conflict", discarded.conflict),
                ("late", discarded.late),
                ("refused", discarded.refused),
                ("urgent", discarded.urgent),
                ("ignored", discarded.ignored),
                ("missing", counts.missing),
                ("unacknowledged", counts.unacknowledged),
            ] {
                if value > 0 {
                    write!(text, " {value} {name}").unwrap();
                }
            }
            text
        };
        let connect =
            close.connect.map_or(String::new(), |connect| format!(" connect {}us", connect.as_micros()));
        let unchecked = match close.how {
            egret_reassembly::Ending::Reset { checked: false } => " unchecked",
            _ => "",
        };
        log.lines.push(format!(
            "{} {}{unchecked} at packet {} {}{connect}; c>s {}; s>c {}",
            self.id,
            close.how,
            close.packet,
            close.timestamp,
            side(&close.client_to_server),
            side(&close.server_to_client)
        ));
        log.closes.push(close);
    }
}
