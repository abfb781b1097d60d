//! What a connection is told, call by call, and what it makes of that in any cut.

use super::checker::Checker;
use super::outcome::Outcome;
use egret_http::{
    Connection, Context, Decode, Direction, Ending, Endpoint, Exchange, Flow, Framing, GapReason, Handler,
    Limits, Missing, Moment, NotHttp, Opened, Path, Piece, Timestamp,
};

/// One call of a connection's methods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Bytes, and how far their sender had received the other direction.
    Data(Direction, Option<u64>, Vec<u8>),
    /// So many bytes are missing.
    Gap(Direction, u64, GapReason),
    /// So many bytes were sent again.
    Again(Direction, u64),
    /// A direction has ended.
    End(Direction),
}

/// All that a connection is told. The number of a call is that of its packet, whatever pieces its bytes are cut into.
#[derive(Debug, Clone)]
pub struct Script {
    /// How it began.
    pub opened: Opened,
    /// Within what it is read.
    pub limits: Limits,
    /// What is said.
    pub calls: Vec<Call>,
    /// How it ended.
    pub ending: Ending,
}

/// How the bytes of calls are cut into pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Not at all.
    Whole,
    /// Into pieces of that many bytes.
    Every(usize),
    /// Those of one call, at two places.
    At(usize, usize, usize),
}

impl Script {
    /// A conversation that was seen from its beginning, of which all bodies are kept and decoded.
    pub fn new(calls: Vec<Call>) -> Self {
        let limits = Limits { keep_body: 1 << 20, decode: Decode::Always, ..Limits::default() };
        Self { opened: Opened::Handshake, limits, calls, ending: Ending::Finished }
    }

    /// Runs it in a cut. Panics where a handler's calls are not in order, or the budget is overdrawn.
    pub fn run(&self, cut: Cut) -> Outcome {
        self.run_watched(cut, |_| ())
    }

    /// The same; `watch` sees the connection behind each call.
    pub fn run_watched(&self, cut: Cut, watch: impl FnMut(&Connection)) -> Outcome {
        let mut context = Context::new(Checker::default(), self.limits);
        let mut connection = Connection::new(1, self.flow(), self.opened);
        self.tell(cut, &mut connection, &mut context, watch);
        let counted = context.stats().complete + context.stats().incomplete.values().sum::<u64>();
        let not_http = connection.not_http();
        let Checker { over: exchanges, bodies, .. } = context.into_handler();
        assert_eq!(counted, exchanges.len() as u64, "every exchange is counted once");
        let began = exchanges.iter().map(Exchange::index).max().map_or(0, |index| index + 1);
        assert_eq!(began, exchanges.len() as u64, "every exchange that began is told");
        Outcome { exchanges, bodies, not_http }
    }

    /// Makes the calls, to the close. The number of a call is that of its packet, whatever its bytes are cut into.
    pub fn tell<H: Handler>(
        &self,
        cut: Cut,
        connection: &mut Connection,
        context: &mut Context<H>,
        mut watch: impl FnMut(&Connection),
    ) {
        let mut offsets = [0_u64; 2];
        let mut at = Moment::default();
        for (number, call) in self.calls.iter().enumerate() {
            let timestamp = Timestamp::from_nanos(number as i64 * 1_000_000);
            at = Moment { packet: number as u64 + 1, timestamp };
            match call {
                Call::Data(direction, ack, bytes) => {
                    for bytes in cut.pieces(number, bytes) {
                        let offset = offsets[*direction as usize];
                        let Moment { packet, timestamp } = at;
                        let piece =
                            Piece { direction: *direction, offset, timestamp, packet, ack: *ack, bytes };
                        connection.data(piece, context);
                        offsets[*direction as usize] += bytes.len() as u64;
                    }
                }
                Call::Gap(direction, len, reason) => {
                    let offset = offsets[*direction as usize];
                    let missing = Missing { direction: *direction, offset, len: *len, reason: *reason, at };
                    connection.gap(missing, context);
                    offsets[*direction as usize] = offset.saturating_add(*len);
                }
                Call::Again(direction, bytes) => connection.retransmitted(*direction, *bytes),
                Call::End(direction) => connection.end(*direction, at, context),
            }
            // A buffer grows in steps, the last of which may be beyond what is left.
            let held = context.memory_used();
            assert!(held <= self.limits.memory + 256, "{held} bytes are held");
            watch(connection);
        }
        connection.close(self.ending, at, context);
    }

    /// From its client to its server; the same for all.
    pub fn flow(&self) -> Flow {
        let end = |last, port| Endpoint { ip: [10, 0, 0, last].into(), port };
        Flow { source: end(1, 50_000), destination: end(2, 80), path: Path::EMPTY }
    }

    /// Whether a direction was lost at any time: from then on it is found again only where a piece begins, so that
    /// what is found depends on the cut, and may. Or a client waited for leave to send a body, or a response came
    /// unasked.
    pub fn loses_its_way(&self, cut: Cut) -> bool {
        let mut lost = false;
        let outcome =
            self.run_watched(cut, |connection| lost |= format!("{connection:?}").contains("Lost(Lost"));
        // What a client says when its body was refused, the next request or the body all the same, is told by its
        // first piece; and so is whether a response that nobody was seen to ask for has the body it speaks of.
        let by_piece = |exchange: &Exchange| match exchange.request() {
            Some(request) => request.headers().get("expect").is_some(),
            None => exchange.response().is_some_and(|response| response.body().framing() != Framing::None),
        };
        lost || outcome.exchanges.iter().any(by_piece) || outcome.not_http == Some(NotHttp::Other)
    }
}

impl Cut {
    /// The pieces of a call's bytes; none is empty.
    fn pieces(self, call: usize, bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
        let (size, bounds) = match self {
            Self::Every(size) => (size.max(1), [0, 0]),
            Self::At(number, first, second) if number == call => (usize::MAX, [first, second]),
            _ => (usize::MAX, [0, 0]),
        };
        let [first, second] = bounds.map(|bound| bound.min(bytes.len()));
        let (start, rest) = bytes.split_at(first);
        let (middle, end) = rest.split_at(second.saturating_sub(first));
        [start, middle, end].into_iter().flat_map(move |part| part.chunks(size))
    }
}

/// Of the first byte of an input: the capture began in the middle.
const MIDSTREAM: u8 = 1;
/// Small limits, but not of memory.
const SMALL: u8 = 2;
/// Next to no memory.
const POOR: u8 = 4;
/// It ended because nothing more was said.
const IDLE: u8 = 8;

/// Of the first byte of a call: said by the server.
const SERVER: u8 = 1;
/// What the call is.
const KIND: u8 = 6;
const GAP: u8 = 2;
const END: u8 = 4;
const AGAIN: u8 = 6;
/// Of a call with bytes: with no acknowledgment; with one that is late. Of a gap: a huge one.
const UNKNOWN: u8 = 8;
const LATE: u8 = 16;
const HUGE: u8 = 8;

impl Script {
    /// Any bytes as a script. The inverse of [`write`](Self::write), as far as that tells everything.
    pub fn read(input: &[u8]) -> Self {
        let mut input = input.iter().copied();
        let options = input.next().unwrap_or(0);
        let mut script = Self::new(Vec::new());
        if options & MIDSTREAM != 0 {
            script.opened = Opened::Midstream;
        }
        if options & IDLE != 0 {
            script.ending = Ending::Idle;
        }
        let normal = script.limits;
        if options & SMALL != 0 {
            script.limits = Limits { head: 60, headers: 2, queue: 2, keep_body: 30, decoded: 100, ..normal };
        }
        if options & POOR != 0 {
            script.limits.memory = 6_000;
        }
        let mut offsets = [0_u64; 2];
        while let Some(first) = input.next() {
            let direction =
                if first & SERVER == 0 { Direction::ClientToServer } else { Direction::ServerToClient };
            let mut number = || u16::from_le_bytes([0, 0].map(|zero: u8| input.next().unwrap_or(zero)));
            let call = match first & KIND {
                GAP if first & HUGE != 0 => {
                    let len = u64::MAX >> (number() % 60);
                    Call::Gap(direction, len, GapReason::Limit)
                }
                GAP => Call::Gap(direction, u64::from(number()).max(1), GapReason::Acknowledged),
                END => Call::End(direction),
                AGAIN => Call::Again(direction, u64::from(number())),
                _ => {
                    let received = offsets[direction.reversed() as usize];
                    let late = if first & LATE == 0 { 0 } else { u64::from(number()) };
                    let ack = (first & UNKNOWN == 0).then(|| received.saturating_sub(late));
                    let len = usize::from(number());
                    Call::Data(direction, ack, input.by_ref().take(len).collect())
                }
            };
            let sent = match &call {
                Call::Data(_, _, bytes) => bytes.len() as u64,
                Call::Gap(_, len, _) => *len,
                _ => 0,
            };
            // Positions beyond 64 bits cannot be: TCP delivers none.
            let Some(after) = offsets[direction as usize].checked_add(sent) else { continue };
            offsets[direction as usize] = after.min(u64::MAX >> 1);
            if after <= u64::MAX >> 1 {
                script.calls.push(call);
            }
        }
        script
    }

    /// The script as an input. What an input cannot tell is left out: limits, late acknowledgments, reasons.
    pub fn write(&self) -> Vec<u8> {
        let mut options = if self.opened == Opened::Midstream { MIDSTREAM } else { 0 };
        if self.ending == Ending::Idle {
            options |= IDLE;
        }
        let mut input = vec![options];
        let short = |number: u64| u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes();
        for call in &self.calls {
            match call {
                Call::Data(direction, ack, bytes) => {
                    let unknown = if ack.is_none() { UNKNOWN } else { 0 };
                    for bytes in bytes.chunks(usize::from(u16::MAX)) {
                        input.push(*direction as u8 | unknown);
                        input.extend(short(bytes.len() as u64));
                        input.extend(bytes);
                    }
                }
                Call::Gap(direction, len, _) => {
                    input.push(*direction as u8 | GAP);
                    input.extend(short(*len));
                }
                Call::Again(direction, bytes) => {
                    input.push(*direction as u8 | AGAIN);
                    input.extend(short(*bytes));
                }
                Call::End(direction) => input.push(*direction as u8 | END),
            }
        }
        input
    }
}
