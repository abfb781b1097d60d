//! What the tests share: a conversation written down as who says what and what is lost of it, and an exchange as one
//! line of text.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use egret_http::{
    Connection, Context, Direction, Ending, Endpoint, Exchange, Flow, GapReason, Handler, Limits, Message,
    Missing, Moment, NotHttp, Opened, Path, Piece, Stats, Timestamp, text,
};

pub(crate) const CLIENT: Direction = Direction::ClientToServer;
pub(crate) const SERVER: Direction = Direction::ServerToClient;

pub(crate) fn flow() -> Flow {
    let end = |last, port| Endpoint { ip: Ipv4Addr::new(10, 0, 0, last).into(), port };
    Flow { source: end(1, 50_000), destination: end(2, 80), path: Path::EMPTY }
}

/// A response with a body of two bytes.
pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The lines of a conversation, which are the same however it is cut.
#[track_caller]
pub(crate) fn check(talk: &Talk, expected: &[&str]) {
    assert_eq!(talk.lines(), expected);
    for size in [1, 2, 3, 7, 16] {
        assert_eq!(talk.cut_into(size).lines(), expected, "in pieces of {size}");
    }
}

/// One step of a conversation.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Said, in one packet.
    Say(Direction, Vec<u8>),
    /// Said, received, but not captured.
    Lose(Direction, Vec<u8>),
    /// A FIN.
    End(Direction),
}

/// A conversation; acknowledgments are those of peers that receive everything at once, as long as nothing is
/// `delayed`.
#[derive(Debug, Clone)]
pub(crate) struct Talk {
    pub(crate) opened: Opened,
    pub(crate) limits: Limits,
    pub(crate) closed: Ending,
    pub(crate) steps: Vec<Step>,
    /// Whether acknowledgment numbers are known.
    pub(crate) acks: bool,
    /// Whether what the client says does not acknowledge anything: it was sent before that had come.
    pub(crate) crossing: bool,
    /// Whether a loss is known only when the other side has spoken again.
    pub(crate) late_gaps: bool,
    /// Whether what the server says is looked at only when the client has spoken again.
    pub(crate) responses_late: bool,
}

impl Default for Talk {
    fn default() -> Self {
        Self {
            opened: Opened::Handshake,
            limits: Limits::default(),
            closed: Ending::Finished,
            steps: Vec::new(),
            acks: true,
            crossing: false,
            late_gaps: false,
            responses_late: false,
        }
    }
}

impl Talk {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn keeping(bytes: usize) -> Self {
        Self { limits: Limits { keep_body: bytes, ..Limits::default() }, ..Self::default() }
    }

    pub(crate) fn client(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.steps.push(Step::Say(CLIENT, bytes.as_ref().to_vec()));
        self
    }

    pub(crate) fn server(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.steps.push(Step::Say(SERVER, bytes.as_ref().to_vec()));
        self
    }

    pub(crate) fn lose_client(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.steps.push(Step::Lose(CLIENT, bytes.as_ref().to_vec()));
        self
    }

    pub(crate) fn lose_server(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.steps.push(Step::Lose(SERVER, bytes.as_ref().to_vec()));
        self
    }

    pub(crate) fn end(mut self, direction: Direction) -> Self {
        self.steps.push(Step::End(direction));
        self
    }

    pub(crate) fn closed(mut self, how: Ending) -> Self {
        self.closed = how;
        self
    }

    pub(crate) fn midstream(mut self) -> Self {
        self.opened = Opened::Midstream;
        self
    }

    /// Every byte of the conversation in a piece of its own.
    pub(crate) fn byte_by_byte(&self) -> Self {
        self.cut_into(1)
    }

    /// The same in pieces of at most that many bytes.
    pub(crate) fn cut_into(&self, size: usize) -> Self {
        let steps = self.steps.iter().flat_map(|step| match step {
            Step::Say(direction, bytes) => {
                bytes.chunks(size).map(|piece| Step::Say(*direction, piece.to_vec())).collect()
            }
            step => vec![step.clone()],
        });
        Self { steps: steps.collect(), ..self.clone() }
    }

    /// Each exchange as it is shown by `show`, and the counts.
    pub(crate) fn run<T>(&self, mut show: impl FnMut(&Exchange) -> T) -> (Vec<T>, Stats) {
        let mut found = Vec::new();
        let mut context = Context::new(|exchange: &Exchange| found.push(show(exchange)), self.limits);
        let mut connection = Connection::new(1, flow(), self.opened);
        let mut offsets = [0_u64; 2];
        let mut packet = 0;
        // What is called later than it was sent.
        let mut held: Vec<Call<'_>> = Vec::new();
        for step in &self.steps {
            packet += 1;
            let timestamp = Timestamp::from_nanos(packet as i64 * 1_000_000);
            let at = Moment { packet, timestamp };
            let call = match step {
                Step::Say(direction, bytes) => {
                    let seen = if self.crossing { 0 } else { offsets[direction.reversed() as usize] };
                    let ack = self.acks.then_some(seen);
                    let offset = offsets[*direction as usize];
                    offsets[*direction as usize] += bytes.len() as u64;
                    Call::Data(Piece { direction: *direction, offset, timestamp, packet, ack, bytes })
                }
                Step::Lose(direction, bytes) => {
                    let (offset, len) = (offsets[*direction as usize], bytes.len() as u64);
                    offsets[*direction as usize] += len;
                    let reason = GapReason::Acknowledged;
                    Call::Gap(Missing { direction: *direction, offset, len, reason, at })
                }
                Step::End(direction) => Call::End(*direction, at),
            };
            let late = match call {
                Call::Gap(_) => self.late_gaps,
                Call::Data(piece) if piece.direction == SERVER => self.responses_late,
                _ => false,
            };
            // What is behind something that is held is held too, in its direction.
            let (wait, direction) = (late, call.direction());
            if wait {
                held.push(call);
                continue;
            }
            if held.iter().any(|held| held.direction() == direction) {
                held.drain(..).for_each(|held| held.make(&mut connection, &mut context));
            }
            call.make(&mut connection, &mut context);
            if direction == CLIENT {
                held.drain(..).for_each(|held| held.make(&mut connection, &mut context));
            }
        }
        held.drain(..).for_each(|held| held.make(&mut connection, &mut context));
        let at = Moment { packet, timestamp: Timestamp::from_nanos(packet as i64 * 1_000_000) };
        connection.close(self.closed, at, &mut context);
        let stats = context.stats().clone();
        drop(context);
        (found, stats)
    }

    /// One line for each exchange.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.run(line).0
    }

    /// What it is if it is not HTTP.
    pub(crate) fn not_http(&self) -> Option<NotHttp> {
        let (found, stats) = self.run(line);
        assert!(found.is_empty(), "exchanges from what is not HTTP: {found:?}");
        stats.not_http.into_keys().next()
    }
}

/// One call of a connection's methods.
#[derive(Clone, Copy)]
enum Call<'a> {
    Data(Piece<'a>),
    Gap(Missing),
    End(Direction, Moment),
}

impl Call<'_> {
    fn direction(&self) -> Direction {
        match self {
            Self::Data(piece) => piece.direction,
            Self::Gap(missing) => missing.direction,
            Self::End(direction, _) => *direction,
        }
    }

    fn make<H: Handler>(self, connection: &mut Connection, context: &mut Context<H>) {
        match self {
            Self::Data(piece) => connection.data(piece, context),
            Self::Gap(missing) => connection.gap(missing, context),
            Self::End(direction, at) => connection.end(direction, at, context),
        }
    }
}

/// An exchange in one line: `GET /a 0 > 200 5 complete`, with what was kept of bodies in quotes, decoded sizes behind
/// `=`, anomalies in braces.
pub(crate) fn line(exchange: &Exchange) -> String {
    let mut line = String::new();
    match exchange.request() {
        Some(request) => {
            write!(line, "{} {}", text(request.method()), text(request.target())).unwrap();
            message(&mut line, request);
        }
        None => line.push('-'),
    }
    for interim in exchange.informational() {
        write!(line, " > {}", interim.status().unwrap_or(0)).unwrap();
    }
    match exchange.response() {
        Some(response) => {
            write!(line, " > {}", response.status().unwrap_or(0)).unwrap();
            message(&mut line, response);
        }
        None => line.push_str(" > -"),
    }
    if let Some(tunnel) = exchange.tunnel() {
        write!(line, " tunnel {}/{}", tunnel.client_bytes, tunnel.server_bytes).unwrap();
        if tunnel.missing > 0 {
            write!(line, " missing {}", tunnel.missing).unwrap();
        }
    }
    write!(line, " {}", exchange.verdict()).unwrap();
    line
}

fn message(line: &mut String, message: &Message) {
    let body = message.body();
    write!(line, " {}", body.size()).unwrap();
    if let Some(decoded) = body.decoded_size() {
        write!(line, "={decoded}").unwrap();
    }
    if let Some(reason) = body.undecoded() {
        write!(line, "!{reason}").unwrap();
    }
    if body.missing() > 0 {
        write!(line, "-{}", body.missing()).unwrap();
    }
    if !body.bytes().is_empty() {
        write!(line, " \"{}\"", body.bytes().escape_ascii()).unwrap();
    }
    for (name, value) in message.trailers().iter() {
        write!(line, " +{}={}", text(name), text(value)).unwrap();
    }
    if !message.anomalies().is_empty() {
        let names: Vec<_> = message.anomalies().iter().map(|anomaly| anomaly.name()).collect();
        write!(line, " {{{}}}", names.join(" ")).unwrap();
    }
}
