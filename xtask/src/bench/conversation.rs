//! One connection: handshake, exchanges, end, as the packets that it is made of, in the order they are captured.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use super::bodies::Stock;
use super::frame::{ACK, FIN, PSH, RST, SYN, segment_size};
use super::random::Random;
use super::talk::{Exchange, Place, exchange};
use super::truth::{Row, State};
use super::workload::Workload;

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// The two ends, and the VLAN between them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
    pub(super) vlan: Option<u16>,
}

/// A packet of a connection; what it carries is a piece of what its side says in this turn.
#[derive(Debug, Clone)]
pub(super) struct Packet {
    pub(super) from: Side,
    pub(super) flags: u8,
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) payload: Range<usize>,
}

/// What one side has said, and how much of it the other has received.
#[derive(Debug, Default)]
struct Speaker {
    /// The sequence number of the first byte of this turn.
    base: u32,
    /// The bytes of this turn that the other side has received.
    heard: usize,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Opening,
    Talking,
    /// With the side that closes first; none if with a RST.
    Closing(Option<Side>),
    Over,
}

/// A connection under way.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) ends: Ends,
    said: [Vec<u8>; 2],
    speakers: [Speaker; 2],
    packets: VecDeque<Packet>,
    exchanges_left: u64,
    stage: Stage,
    /// Whether a head was lost among pipelined ones: which response answers which request is uncertain from there on.
    exposed: bool,
}

/// What the capture's maker gives to every connection.
pub(super) struct Script<'a> {
    pub(super) workload: &'a Workload,
    pub(super) stock: &'a Stock,
    /// The exchanges so far.
    pub(super) exchanges: u64,
    /// Takes what is known of an exchange.
    pub(super) record: &'a mut dyn FnMut(&Row, State),
    /// The bytes of all streams.
    pub(super) said: u64,
}

impl Conversation {
    /// The connection with that number: no two have the same ends.
    pub(super) fn new(number: u64, workload: &Workload, random: &mut Random) -> Self {
        const PORTS: u64 = 50_000;
        let port = 10_000 + (number % PORTS) as u16;
        let [.., high, low] = (number / PORTS).to_be_bytes();
        let (near, far) = (1 + random.below(200) as u8, 1 + random.below(16) as u8);
        let (client, server): (IpAddr, IpAddr) = if random.chance(workload.ipv6) {
            let address = |net: u16, host: [u8; 3]| {
                let [a, b, c] = host.map(u16::from);
                IpAddr::from([0x2001, 0xdb8, net, 0, 0, a, b, c])
            };
            (address(1, [high, low, near]), address(2, [0, 0, far]))
        } else {
            ([10, high, low, near].into(), [192, 0, 2, far].into())
        };
        let ends = Ends {
            client: (client, port).into(),
            server: (server, 80).into(),
            vlan: random.chance(workload.vlan).then_some(42),
        };
        // Twice the average at most, so that the average is right.
        let exchanges_left = 1 + random.below(2 * workload.exchanges - 1);
        let speaker = |random: &mut Random| Speaker { base: random.number() as u32, heard: 0 };
        Self {
            ends,
            said: Default::default(),
            speakers: [speaker(random), speaker(random)],
            packets: VecDeque::new(),
            exchanges_left,
            stage: Stage::Opening,
            exposed: false,
        }
    }

    /// No exchange is begun after the next, if one was not begun at all, or after this.
    pub(super) fn hurry(&mut self) {
        self.exchanges_left = self.exchanges_left.min(1);
    }

    /// The next packet; none if the connection is over.
    pub(super) fn next(&mut self, script: &mut Script<'_>, random: &mut Random) -> Option<Packet> {
        while self.packets.is_empty() {
            match self.stage {
                Stage::Opening => self.open(),
                Stage::Talking if self.exchanges_left > 0 => self.turn(script, random),
                Stage::Talking => {
                    let reset = random.chance(script.workload.reset);
                    self.stage = Stage::Closing((!reset).then_some(Side::Client));
                }
                Stage::Closing(first) => self.close(first),
                Stage::Over => return None,
            }
        }
        self.packets.pop_front()
    }

    /// What a packet carries.
    pub(super) fn payload(&self, packet: &Packet) -> &[u8] {
        let [client, server] = &self.said;
        let said = if packet.from == Side::Client { client } else { server };
        said.get(packet.payload.clone()).unwrap_or_default()
    }

    const fn speaker(&mut self, side: Side) -> &mut Speaker {
        let [client, server] = &mut self.speakers;
        match side {
            Side::Client => client,
            Side::Server => server,
        }
    }

    /// Adds a packet that carries this piece of what its side says; it acknowledges all that the side has received.
    fn send(&mut self, from: Side, flags: u8, payload: Range<usize>) {
        let peer = self.speaker(from.other());
        let ack = if flags & ACK == 0 { 0 } else { peer.base.wrapping_add(peer.heard as u32) };
        let seq = self.speaker(from).base.wrapping_add(payload.start as u32);
        self.packets.push_back(Packet { from, flags, seq, ack, payload });
    }

    fn open(&mut self) {
        self.send(Side::Client, SYN, 0..0);
        self.speaker(Side::Client).base = self.speaker(Side::Client).base.wrapping_add(1);
        self.send(Side::Server, SYN | ACK, 0..0);
        self.speaker(Side::Server).base = self.speaker(Side::Server).base.wrapping_add(1);
        self.send(Side::Client, ACK, 0..0);
        self.stage = Stage::Talking;
    }

    fn close(&mut self, first: Option<Side>) {
        self.stage = Stage::Over;
        self.begin_turn();
        let Some(first) = first else { return self.send(Side::Client, RST | ACK, 0..0) };
        for side in [first, first.other()] {
            self.send(side, FIN | ACK, 0..0);
            self.speaker(side).base = self.speaker(side).base.wrapping_add(1);
        }
        self.send(first, ACK, 0..0);
    }

    fn begin_turn(&mut self) {
        for (said, speaker) in self.said.iter_mut().zip(&mut self.speakers) {
            speaker.base = speaker.base.wrapping_add(said.len() as u32);
            speaker.heard = 0;
            said.clear();
        }
    }

    /// One exchange, or several at once.
    fn turn(&mut self, script: &mut Script<'_>, random: &mut Random) {
        self.begin_turn();
        let pipelined = self.exchanges_left > 1 && random.chance(script.workload.pipelined);
        let count = if pipelined { (2 + random.below(3)).min(self.exchanges_left) } else { 1 };
        let mut exchanges = Vec::new();
        for _ in 0..count {
            self.exchanges_left -= 1;
            script.exchanges += 1;
            let place = Place { id: script.exchanges, last: self.exchanges_left == 0, pipelined };
            exchanges.push(exchange(script.workload, script.stock, place, random, &mut self.said));
        }
        let [sent, received] = self.said.each_ref().map(Vec::len);
        script.said += (sent + received) as u64;
        let mut holes = [Vec::new(), Vec::new()];
        let waits = exchanges.first().and_then(|first| Some((first.request.head.end, first.interim?)));
        let (head, interim) = waits.unwrap_or_default();
        for (side, piece) in [
            (Side::Client, 0..head),
            (Side::Server, 0..interim),
            (Side::Client, head..sent),
            (Side::Server, interim..received),
        ] {
            let [client, server] = &mut holes;
            let lost = if side == Side::Client { client } else { server };
            lost.extend(self.flight(side, piece, script.workload, random));
        }
        if exchanges.iter().any(|exchange: &Exchange| exchange.until_close) {
            self.stage = Stage::Closing(Some(Side::Server));
        }
        let states: Vec<State> = exchanges.iter().map(|exchange| State::of(exchange, &holes)).collect();
        self.exposed |= exchanges.len() > 1 && states.contains(&State::Broken);
        for (exchange, state) in exchanges.iter().zip(states) {
            let state = if self.exposed && state == State::Intact { State::Exposed } else { state };
            (script.record)(&exchange.row, state);
        }
    }

    /// Sends a piece of what a side says in segments, some of them late, twice or not in the capture, with the other
    /// side's acknowledgments between them. Gives what of it is not in the capture.
    fn flight(
        &mut self,
        from: Side,
        piece: Range<usize>,
        workload: &Workload,
        random: &mut Random,
    ) -> Vec<Range<usize>> {
        let size = segment_size(&self.ends);
        let pieces: Vec<(Range<usize>, bool)> = piece
            .clone()
            .step_by(size)
            .map(|start| (start..(start + size).min(piece.end), random.chance(workload.lost)))
            .collect();
        // Each with its place in the order, of which there are four for each segment, and whether it is not captured.
        let mut segments: Vec<(usize, Range<usize>, bool)> = Vec::new();
        for (number, (segment, lost)) in pieces.iter().enumerate() {
            let late = if random.chance(workload.reordered) { 1 + random.below(3) as usize } else { 0 };
            segments.push((4 * (number + late) + 2 * usize::from(late > 0), segment.clone(), *lost));
            // What is not captured was received and acknowledged: nobody sends it again.
            if !lost && random.chance(workload.retransmitted) {
                // Some are cut anew when they are sent again.
                let recut = !pieces.get(number + 1).is_some_and(|(_, lost)| *lost) && random.chance(2_000);
                let shift = if recut { random.below(segment.len() as u64) as usize } else { 0 };
                let again = segment.start + shift..(segment.end + shift).min(piece.end);
                segments.push((4 * (number + 1 + random.below(6) as usize) + 1, again, false));
            }
        }
        segments.sort_by_key(|(place, ..)| *place);
        let mut early: Vec<Range<usize>> = Vec::new();
        let mut captured: Vec<Range<usize>> = Vec::new();
        let (mut unanswered, count) = (0, segments.len());
        for (number, (_, segment, lost)) in segments.into_iter().enumerate() {
            if !lost {
                let flags = if segment.end == piece.end { ACK | PSH } else { ACK };
                self.send(from, flags, segment.clone());
                captured.push(segment.clone());
            }
            let speaker = self.speaker(from);
            let in_order = segment.start <= speaker.heard && early.is_empty();
            early.push(segment);
            while let Some(next) = early.iter().position(|piece| piece.start <= speaker.heard) {
                speaker.heard = speaker.heard.max(early.swap_remove(next).end);
            }
            unanswered += 1;
            let last = number + 1 == count && from == Side::Server;
            if !in_order || unanswered == 2 || last {
                unanswered = 0;
                let end = self.said_by(from.other());
                self.send(from.other(), ACK, end..end);
            }
        }
        holes(piece, captured)
    }

    /// How much a side has said so far in this turn: all that the other has received, for there is one flight at a time.
    const fn said_by(&mut self, side: Side) -> usize {
        self.speaker(side).heard
    }
}

/// What of `piece` none of `captured` has.
fn holes(piece: Range<usize>, mut captured: Vec<Range<usize>>) -> Vec<Range<usize>> {
    captured.sort_by_key(|captured| captured.start);
    captured.push(piece.end..piece.end);
    let mut known = piece.start;
    let mut holes = Vec::new();
    for piece in captured {
        if piece.start > known {
            holes.push(known..piece.start);
        }
        known = known.max(piece.end);
    }
    holes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_captured_is_known() {
        assert_eq!(holes(0..10, vec![4..6, 0..2]), [2..4, 6..10]);
        assert_eq!(holes(0..10, vec![0..5, 3..10]), [0..0; 0]);
        assert_eq!(holes(5..10, vec![]).first(), Some(&(5..10)));
    }
}
