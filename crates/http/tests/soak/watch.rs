//! Streams and a handler that check all they are told against what was promised, and write it down for comparison.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use egret_http::{
    BodyPiece, Context, Direction, Exchange, Handler, HttpFactory, HttpStream, Limits, StreamStats, Timestamp,
};
use egret_reassembly::{Admit, Anomaly, Close, Connection, Data, Gap, Segment, Stream, StreamFactory};

/// What was told of a connection.
pub type Line = (u64, String);

/// All that was told.
pub struct Books {
    pub http: Context<Checker>,
    /// One line a call. Not the packet at which something was decided: that depends on when the time was told.
    pub lines: Vec<Line>,
    /// The longest payload of a segment.
    pub largest: usize,
    completed: HashSet<u64>,
}

impl Books {
    pub fn new(limits: Limits) -> Self {
        Self {
            http: Context::new(Checker::default(), limits),
            lines: Vec::new(),
            largest: 0,
            completed: HashSet::new(),
        }
    }

    /// What must hold behind each packet.
    pub fn check(&self) {
        // A buffer grows in steps, the last of which may be beyond what is left.
        let (used, memory) = (self.http.memory_used(), self.http.limits().memory);
        assert!(used <= memory + 256, "HTTP holds {used} bytes of {memory}");
    }

    /// What must hold at the end.
    pub fn close(&self, stats: &StreamStats) {
        let ended = &stats.ended;
        let ended = ended.finished + ended.reset + ended.idle + ended.evicted + ended.end_of_capture;
        assert_eq!(stats.opened_handshake + stats.opened_midstream, ended, "each connection ends");
        assert_eq!(self.completed.len() as u64, ended, "each connection is completed");
        assert!(stats.totals.conserved(), "not conserved: {:?}", stats.totals);
        assert_eq!(stats.totals.waiting, 0, "nothing waits at the end");
        let known = stats.totals.packets + stats.leftovers + stats.strays;
        // A SYN that may open the connection anew is counted with the old one too.
        assert!(stats.segments <= known, "{} segments, {known} known of", stats.segments);

        let counted = self.http.stats();
        let counted = counted.complete + counted.incomplete.values().sum::<u64>();
        let over = &self.http.handler().over;
        assert_eq!(over.len() as u64, counted, "each exchange is counted");
        let mut began = BTreeMap::<u64, u64>::new();
        for (connection, index) in over {
            let count = began.entry(*connection).or_default();
            *count = (*count).max(index + 1);
        }
        assert_eq!(began.values().sum::<u64>(), counted, "each exchange that began is told");
    }
}

/// Makes the streams; with or without HTTP on them.
pub struct Watchers {
    pub http: bool,
}

impl StreamFactory for Watchers {
    type Stream = Watcher;

    fn new_stream(&mut self, connection: &Connection) -> Watcher {
        Watcher {
            http: self.http.then(|| HttpFactory::new().new_stream(connection)),
            connection: *connection,
            next: [0; 2],
            delivered: [0; 2],
            missing: [0; 2],
            ended: [false; 2],
            ignored: false,
            completed: false,
        }
    }
}

/// Checks what one connection is told.
pub struct Watcher {
    http: Option<HttpStream<Checker>>,
    connection: Connection,
    /// The offset that comes next, by direction.
    next: [u64; 2],
    delivered: [u64; 2],
    missing: [u64; 2],
    ended: [bool; 2],
    ignored: bool,
    completed: bool,
}

impl Watcher {
    fn says(&self, what: String, books: &mut Books) {
        assert!(!self.completed, "nothing comes after the end");
        books.lines.push((self.connection.id, what));
    }

    fn at(&mut self, direction: Direction, offset: u64, len: u64) {
        let side = direction as usize;
        assert!(!self.ended[side], "nothing comes after a direction's end");
        assert_eq!(offset, self.next[side], "each byte is delivered once, in order, or reported");
        assert!(len > 0, "nothing is no byte");
        self.next[side] = offset + len;
    }
}

impl Stream for Watcher {
    type Context = Books;

    fn accept(&mut self, segment: &Segment<'_>, books: &mut Books) -> Admit {
        assert!(!self.completed, "nothing comes after the end");
        books.largest = books.largest.max(segment.payload.len());
        let admit = self.http.as_mut().map_or(Admit::Yes, |http| http.accept(segment, &mut books.http));
        self.ignored |= admit == Admit::Ignore;
        admit
    }

    fn reassembled(&mut self, data: Data<'_>, books: &mut Books) {
        self.at(data.direction, data.offset, data.bytes.len() as u64);
        self.delivered[data.direction as usize] += data.bytes.len() as u64;
        let Data { timestamp, ack, bytes, .. } = data;
        self.says(format!("{data:?} {timestamp} {ack:?} {:x}", digest(bytes)), books);
        if let Some(http) = &mut self.http {
            http.reassembled(data, &mut books.http);
        }
    }

    fn gap(&mut self, gap: Gap, books: &mut Books) {
        let Gap { direction, offset, len, reason, timestamp, .. } = gap;
        self.at(direction, offset, len);
        self.missing[direction as usize] += len;
        self.says(format!("gap {direction} {offset}+{len} {reason} {timestamp}"), books);
        if let Some(http) = &mut self.http {
            http.gap(gap, &mut books.http);
        }
    }

    fn anomaly(&mut self, anomaly: Anomaly, books: &mut Books) {
        if let Anomaly::Urgent { direction, offset, .. } = anomaly {
            self.at(direction, offset, 1);
        }
        self.says(format!("{anomaly:?}"), books);
        if let Some(http) = &mut self.http {
            http.anomaly(anomaly, &mut books.http);
        }
    }

    fn half_closed(&mut self, direction: Direction, timestamp: Timestamp, books: &mut Books) {
        self.says(format!("{direction} ends {timestamp}"), books);
        assert!(!std::mem::replace(&mut self.ended[direction as usize], true), "an end comes once");
        if let Some(http) = &mut self.http {
            http.half_closed(direction, timestamp, &mut books.http);
        }
    }

    fn complete(&mut self, close: Close, books: &mut Books) {
        let Close { how, timestamp, connect, client_to_server, server_to_client, .. } = close;
        let what = format!("{how:?} {timestamp} {connect:?} {client_to_server:?} {server_to_client:?}");
        self.says(what, books);
        self.completed = true;
        assert!(books.completed.insert(self.connection.id), "a connection is completed once");
        for (side, counts) in [client_to_server, server_to_client].iter().enumerate() {
            assert!(counts.conserved(), "not conserved: {counts:?}");
            assert_eq!(counts.waiting, 0, "nothing waits once a connection is over");
            assert_eq!(counts.delivered, self.delivered[side], "what was delivered is counted");
            // Nobody who ignores a connection is told any more what it lacks.
            let told =
                counts.missing == self.missing[side] || self.ignored && counts.missing > self.missing[side];
            assert!(told, "{} bytes missing, {} told: {counts:?}", counts.missing, self.missing[side]);
        }
        if let Some(http) = &mut self.http {
            http.complete(close, &mut books.http);
        }
    }
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Checks what is told of exchanges.
#[derive(Default)]
pub struct Checker {
    /// Exchanges that are over, by connection and index, and what they came to.
    pub over: HashSet<(u64, u64)>,
    pub lines: Vec<Line>,
    heads: HashSet<(u64, u64, bool)>,
    /// By exchange, whether the response's, and whether decoded: where the last piece ended, and bytes in all pieces.
    pieces: BTreeMap<(u64, u64, bool, bool), (u64, u64)>,
}

impl Checker {
    fn head(&mut self, exchange: &Exchange, server: bool) {
        let key = (exchange.connection(), exchange.index());
        assert!(!self.over.contains(&key), "a head of an exchange that is over");
        assert!(self.heads.insert((key.0, key.1, server)), "a head told twice");
    }
}

impl Handler for Checker {
    fn request(&mut self, exchange: &Exchange) {
        assert!(exchange.request().is_some(), "a request head, but no request");
        self.head(exchange, false);
    }

    fn response(&mut self, exchange: &Exchange) {
        if exchange.response().is_some() {
            self.head(exchange, true);
        } else {
            assert!(!exchange.informational().is_empty(), "a response head, but no response");
        }
    }

    fn body(&mut self, piece: BodyPiece<'_>) {
        let (connection, index) = (piece.exchange.connection(), piece.exchange.index());
        assert!(!self.over.contains(&(connection, index)), "a piece of an exchange that is over");
        assert!(!piece.bytes.is_empty(), "a piece of nothing");
        let key = (connection, index, piece.direction == Direction::ServerToClient, piece.decoded);
        let (end, given) = self.pieces.entry(key).or_default();
        assert!(piece.offset >= *end, "pieces go forward");
        assert!(!piece.decoded || piece.offset == *end, "decoded pieces have no holes");
        *end = piece.offset + piece.bytes.len() as u64;
        *given += piece.bytes.len() as u64;
    }

    fn exchange(&mut self, exchange: &Exchange) {
        let (connection, index) = (exchange.connection(), exchange.index());
        assert!(self.over.insert((connection, index)), "an exchange told twice");
        let mut line = format!("{index} {exchange} {}", exchange.ended().timestamp);
        assert!(!line.contains(char::is_control), "a control character in the text");
        let sides =
            [exchange.request().map(|message| &**message), exchange.response().map(|message| &**message)];
        for (server, message) in [false, true].into_iter().zip(sides) {
            let Some(message) = message else { continue };
            let body = message.body();
            let given = |decoded| {
                self.pieces.get(&(connection, index, server, decoded)).map_or(0, |(_, given)| *given)
            };
            let whole = given(false).saturating_add(body.missing());
            assert_eq!(whole, body.size(), "a body is its pieces and its holes");
            if let Some(size) = body.decoded_size() {
                assert_eq!(given(true), size, "the decoded size is that of the pieces");
            }
            line += &format!(" {:?} {:x} {:?}", message.anomalies(), digest(body.raw()), body.decoded_size());
        }
        self.lines.push((connection, line));
    }
}
