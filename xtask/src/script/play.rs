//! Acts a script out: keeps the books of both sides of each connection, moves the clock, and decides what a
//! capture would see.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::Mistake;
use super::frame::{self, ACK, FIN, Link, PSH, RST, SYN, Segment, Tcp, URG};
use super::parse::{Connection, Place, Send, Step};
use super::pcap::Captured;

/// What was captured.
pub(super) struct Recording {
    pub(super) link: Link,
    pub(super) packets: Vec<Captured>,
}

/// When every script begins: midnight before 2026, UTC, in nanoseconds since 1970.
const START: u64 = 1_767_225_600_000_000_000;
/// How far apart the two copies of a packet are that is captured twice.
const DUPLICATE_AFTER: u64 = 1_000;

pub(super) fn play(steps: &[(usize, Step)]) -> Result<Recording, Mistake> {
    let mut player = Player::new();
    for (line, step) in steps {
        player.act(step).map_err(|message| Mistake::new(*line, message))?;
    }
    if !player.held.is_empty() {
        let line = steps.last().map_or(1, |(line, _)| *line);
        return Err(Mistake::new(
            line,
            "`swap` puts a packet behind the next one captured, and there is none",
        ));
    }
    Ok(Recording { link: player.link, packets: player.packets })
}

struct Player {
    link: Link,
    snap: usize,
    mss: usize,
    pad: usize,
    pace: u64,
    acks: bool,
    clock: u64,
    connections: BTreeMap<String, Pair>,
    /// The IP identification of the last packet; each has its own.
    id: u32,
    packets: Vec<Captured>,
    /// Frames that wait for the next to be captured.
    held: Vec<Vec<u8>>,
}

/// A connection: the client's half, then the server's.
struct Pair {
    client: Half,
    server: Half,
    vlans: Vec<u16>,
    tunnel: Vec<u8>,
}

/// One side's book. Offsets count from the first byte after the SYN; a FIN takes one.
struct Half {
    address: SocketAddr,
    first: u32,
    sent_syn: bool,
    /// The offset behind all that was sent.
    next: i64,
    /// What the other side has received, as ranges of offsets.
    received: Vec<(i64, i64)>,
}

impl Half {
    fn new(address: SocketAddr, first: u32) -> Self {
        Self { address, first, sent_syn: false, next: 0, received: Vec::new() }
    }

    /// Up to where the other side has received everything.
    fn acknowledged(&self) -> i64 {
        let mut end = 0;
        while let Some((_, further)) = self.received.iter().find(|(start, to)| *start <= end && *to > end) {
            end = *further;
        }
        end
    }

    /// The sequence number of an offset: the SYN has `first`, and the offsets count from behind it.
    fn sequence(&self, offset: i64) -> u32 {
        self.first.wrapping_add(1).wrapping_add(offset as u32)
    }
}

impl Pair {
    fn new(connection: &Connection) -> Self {
        let [client, server] = connection.ends;
        let v6 = client.or(server).is_some_and(|end| end.is_ipv6());
        let (ours, theirs) = if v6 {
            (
                SocketAddr::from(([0xfd00, 0, 0, 0, 0, 0, 0, 1], 51234)),
                SocketAddr::from(([0xfd00, 0, 0, 0, 0, 0, 0, 2], 80)),
            )
        } else {
            (SocketAddr::from(([10, 0, 0, 1], 51234)), SocketAddr::from(([10, 0, 0, 2], 80)))
        };
        let [client_first, server_first] = connection.first.unwrap_or([1000, 5000]);
        Self {
            client: Half::new(client.unwrap_or(ours), client_first),
            server: Half::new(server.unwrap_or(theirs), server_first),
            vlans: connection.vlans.clone(),
            tunnel: connection.tunnel.clone(),
        }
    }

    /// The half that sends and the one it sends to.
    fn halves(&mut self, server: bool) -> (&mut Half, &mut Half) {
        if server { (&mut self.server, &mut self.client) } else { (&mut self.client, &mut self.server) }
    }
}

impl Player {
    fn new() -> Self {
        let unnamed = Connection {
            name: String::new(),
            ends: [None, None],
            first: None,
            vlans: Vec::new(),
            tunnel: Vec::new(),
        };
        Self {
            link: Link::Ethernet,
            snap: 262_144,
            mss: 1460,
            pad: 0,
            pace: 1_000_000,
            acks: false,
            clock: START,
            connections: BTreeMap::from([(String::new(), Pair::new(&unnamed))]),
            id: 0,
            packets: Vec::new(),
            held: Vec::new(),
        }
    }

    fn act(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Link(link) if self.packets.is_empty() => self.link = *link,
            Step::Link(_) => return Err("a capture has one link type: say it before the first packet".into()),
            Step::Snap(snap) => self.snap = *snap,
            Step::Mss(mss) => self.mss = *mss,
            Step::Pad(pad) => self.pad = *pad,
            Step::Pace(pace) => self.pace = *pace,
            Step::Acks(acks) => self.acks = *acks,
            Step::At(time) => {
                let clock = START.saturating_add(*time);
                if clock < self.clock {
                    let now = (self.clock - START) as f64 / 1e9;
                    return Err(format!("it is {now} s already: a script's time does not go back"));
                }
                self.clock = clock;
            }
            Step::Wait(time) => self.clock = self.clock.saturating_add(*time),
            Step::Connection(connection) => {
                self.connections.insert(connection.name.clone(), Pair::new(connection));
            }
            Step::Open(name) => {
                let mss = [&[2, 4], &(self.mss as u16).to_be_bytes()[..]].concat();
                let one = |server| Send { connection: name.clone(), server, ..Send::default() };
                self.send(&Send { syn: true, options: mss.clone(), ..one(false) })?;
                self.send(&Send { syn: true, options: mss, ..one(true) })?;
                self.send(&Send { ack: true, ..one(false) })?;
            }
            Step::Close(name) => {
                let one = |server| Send { connection: name.clone(), server, ..Send::default() };
                self.send(&Send { fin: true, ..one(false) })?;
                self.send(&Send { fin: true, ..one(true) })?;
                self.send(&Send { ack: true, ..one(false) })?;
            }
            Step::Send(send) => {
                self.send(send)?;
                if self.acks && !send.drop && !send.udp && (send.fin || !send.payload.is_empty()) {
                    let (connection, server) = (send.connection.clone(), !send.server);
                    self.send(&Send { connection, server, ack: true, ..Send::default() })?;
                }
            }
            Step::Frame(frame) => self.capture(vec![frame.clone()], &Send::default()),
        }
        Ok(())
    }

    fn send(&mut self, send: &Send) -> Result<(), String> {
        let pair = self.connections.get_mut(&send.connection).ok_or_else(|| {
            format!("there is no connection `{0}`: begin with `connection {0} …`", send.connection)
        })?;
        let (vlans, tunnel) = (pair.vlans.clone(), pair.tunnel.clone());
        if !vlans.is_empty() && self.link != Link::Ethernet {
            return Err("VLAN tags need `link ethernet`".into());
        }
        let segments = if send.udp {
            let (from, to) = pair.halves(send.server);
            vec![Segment::udp(from.address, to.address, &send.payload)]
        } else {
            segments(pair, send, send.split.unwrap_or(self.mss))
        };
        let mut frames = Vec::new();
        for segment in segments {
            let segment = if send.bad_checksum { segment.with_bad_checksum() } else { segment };
            self.id += 1;
            let mut packets = segment.packets(self.id, send.fragment);
            if !send.order.is_empty() {
                let picked = send.order.iter().map(|number| packets.get(number - 1).cloned());
                packets = picked
                    .collect::<Option<_>>()
                    .ok_or_else(|| format!("`order`: there are only {} fragments", packets.len()))?;
            }
            for packet in packets {
                if packet.len() > usize::from(u16::MAX) {
                    return Err("a packet holds at most 65,535 bytes: make `mss` or `split` smaller".into());
                }
                let mut frame = match tunnel.is_empty() {
                    true => frame::framed(self.link, &vlans, !send.server, &packet),
                    false => [&tunnel[..], &packet].concat(),
                };
                frame.resize(frame.len().max(self.pad), 0);
                frames.push(frame);
            }
        }
        self.capture(frames, send);
        Ok(())
    }

    /// What the capture sees of these frames. Time goes by for those it does not see, too.
    fn capture(&mut self, frames: Vec<Vec<u8>>, fate: &Send) {
        if fate.lose || fate.drop {
            self.clock += self.pace * frames.len() as u64;
        } else if fate.swap {
            self.held.extend(frames);
        } else {
            let held = std::mem::take(&mut self.held);
            let copies = if fate.duplicate { 2 } else { 1 };
            for (frame, copies) in
                frames.into_iter().map(|f| (f, copies)).chain(held.into_iter().map(|f| (f, 1)))
            {
                for copy in 0..copies {
                    let time = self.clock + copy * DUPLICATE_AFTER;
                    self.packets.push(Captured { time, frame: frame.clone(), snap: self.snap });
                }
                self.clock += self.pace;
            }
        }
    }
}

/// The segments of one statement, entered in the books.
fn segments(pair: &mut Pair, send: &Send, size: usize) -> Vec<Segment> {
    let (from, to) = pair.halves(send.server);
    let start = match send.place {
        Place::Next if send.syn => 0,
        Place::Next => from.next,
        Place::Back(bytes) => from.next - bytes,
        Place::At(offset) => offset,
    };
    // The SYN is a segment of its own kind, with its payload in one piece; without payload there is still one.
    let pieces: Vec<&[u8]> = if send.payload.is_empty() || send.syn {
        vec![&send.payload]
    } else {
        send.payload.chunks(size).collect()
    };
    // What a reset carries is not data (RFC 9293 §3.5.3).
    let counts = !send.ignored && !send.rst;
    // A SYN that answers none has nothing to acknowledge.
    let nothing_to_acknowledge = send.syn && !to.sent_syn;
    let ack = to.sequence(send.acks.unwrap_or_else(|| to.acknowledged()));
    let mut offset = start;
    let mut segments = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let last = index + 1 == pieces.len();
        let ends = send.fin && last;
        let mut flags = 0;
        for (is_set, flag) in [
            (!nothing_to_acknowledge, ACK),
            (last && !piece.is_empty() && !send.syn, PSH),
            (send.syn, SYN),
            (ends, FIN),
            (send.rst, RST),
            (send.urgent.is_some(), URG),
        ] {
            flags |= if is_set { flag } else { 0 };
        }
        let flags = match send.flags {
            Some(flags) if send.urgent.is_some() => flags | URG,
            Some(flags) => flags,
            None => flags,
        };
        // A SYN lies one before the first byte. A reset that answers a SYN has no number of its own yet: zero
        // (RFC 9293 §3.5.2).
        let refuses = send.rst && !from.sent_syn && to.sent_syn;
        let seq = if send.syn {
            from.sequence(start - 1)
        } else if refuses {
            0
        } else {
            from.sequence(offset)
        };
        let tcp = Tcp {
            seq,
            ack: if flags & ACK != 0 { ack } else { 0 },
            flags,
            window: send.window.unwrap_or(65_535),
            urgent: send.urgent.unwrap_or(0),
            options: &send.options,
        };
        segments.push(Segment::tcp(from.address, to.address, tcp, piece));
        let end = offset + piece.len() as i64 + i64::from(ends);
        if counts && !send.drop && end > offset {
            from.received.push((offset, end));
        }
        offset = end;
    }
    if counts {
        from.sent_syn |= send.syn;
        from.next = from.next.max(offset);
    }
    segments
}
