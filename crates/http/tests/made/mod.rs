//! Conversations that proptest makes up: well-formed messages of every kind, and what may be done to their bytes.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::Write;

use proptest::prelude::*;

/// A request and what answers it, as bytes, with the bodies that they hold.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) request: Vec<u8>,
    pub(crate) request_body: Vec<u8>,
    pub(crate) interim: Vec<u8>,
    pub(crate) response: Vec<u8>,
    /// What the response's body is when its codings are undone.
    pub(crate) response_body: Vec<u8>,
    /// Whether it is sent before the one in front of it is answered.
    pub(crate) pipelined: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Conversation {
    pub(crate) exchanges: Vec<Made>,
}

impl Conversation {
    /// All that each side says.
    pub(crate) fn streams(&self) -> (Vec<u8>, Vec<u8>) {
        let client = self.exchanges.iter().flat_map(|made| made.request.clone()).collect();
        let server =
            self.exchanges.iter().flat_map(|made| [made.interim.clone(), made.response.clone()].concat());
        (client, server.collect())
    }

    /// The same, as the sides take turns.
    pub(crate) fn turns(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut turns: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for made in &self.exchanges {
            let answer = [made.interim.as_slice(), made.response.as_slice()].concat();
            match turns.last_mut().filter(|_| made.pipelined) {
                Some((requests, answers)) => {
                    requests.extend_from_slice(&made.request);
                    answers.extend_from_slice(&answer);
                }
                None => turns.push((made.request.clone(), answer)),
            }
        }
        turns
    }
}

/// How a made-up body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    None,
    Length,
    RepeatedLength,
    Chunked {
        extension: bool,
        trailers: bool,
    },
    /// `Transfer-Encoding` and a `Content-Length` that is wrong.
    Both,
    UntilClose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Identity,
    Gzip,
    Zlib,
    Deflate,
}

fn framing() -> impl Strategy<Value = Framing> {
    prop_oneof![
        3 => Just(Framing::None),
        4 => Just(Framing::Length),
        1 => Just(Framing::RepeatedLength),
        4 => (any::<bool>(), any::<bool>()).prop_map(|(extension, trailers)| Framing::Chunked { extension, trailers }),
        1 => Just(Framing::Both),
    ]
}

fn coding() -> impl Strategy<Value = Coding> {
    prop_oneof![3 => Just(Coding::Identity), 1 => Just(Coding::Gzip), 1 => Just(Coding::Zlib), 1 => Just(Coding::Deflate)]
}

/// A body; some look like messages, unless only `plain` ones are wanted.
fn body(plain: bool) -> impl Strategy<Value = Vec<u8>> {
    let odd = if plain { 0 } else { 1 };
    prop_oneof![
        2 => "[ -~]{0,80}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..300),
        odd => Just(b"GET /in-a-body HTTP/1.1\r\nHost: b\r\n\r\n".to_vec()),
        odd => Just(b"\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n".to_vec()),
    ]
}

fn fields() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        3 => "[!-~][ -~]{0,20}[!-~]",
        1 => Just(String::new()),
        1 => Just("caf\u{e9}".to_string()),
        1 => Just("a,b;c=\"d\"".to_string()),
    ];
    let field = ("X-[A-Za-z]{1,6}", prop_oneof![Just(": "), Just(":"), Just(":\t ")], value, "[ \t]{0,2}");
    let field = field.prop_map(|(name, colon, value, space)| format!("{name}{colon}{value}{space}\r\n"));
    proptest::collection::vec(field, 0..4).prop_map(|fields| fields.concat())
}

/// Fields and body as they are sent, of a content in a coding.
fn sent(framing: Framing, coding: Coding, content: &[u8], chunk: usize) -> (String, Vec<u8>) {
    let (mut fields, body) = match coding {
        Coding::Identity => (String::new(), content.to_vec()),
        _ if framing == Framing::None => (String::new(), content.to_vec()),
        Coding::Gzip => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            writer.write_all(content).unwrap();
            ("Content-Encoding: gzip\r\n".to_string(), writer.finish().unwrap())
        }
        Coding::Zlib => {
            let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
            writer.write_all(content).unwrap();
            ("content-encoding: deflate\r\n".to_string(), writer.finish().unwrap())
        }
        Coding::Deflate => {
            let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            writer.write_all(content).unwrap();
            ("Content-Encoding: Deflate\r\n".to_string(), writer.finish().unwrap())
        }
    };
    let length = body.len();
    let sent = match framing {
        Framing::None => Vec::new(),
        Framing::UntilClose => body,
        Framing::Length => {
            fields += &format!("Content-Length: {length}\r\n");
            body
        }
        Framing::RepeatedLength => {
            fields += &format!("Content-Length: {length}\r\nX: y\r\ncontent-length: {length}\r\n");
            body
        }
        Framing::Chunked { .. } | Framing::Both => {
            let (extension, trailers) = match framing {
                Framing::Chunked { extension, trailers } => (extension, trailers),
                _ => (false, false),
            };
            fields += "Transfer-Encoding: chunked\r\n";
            if framing == Framing::Both {
                fields += "Content-Length: 1\r\n";
            }
            let mut sent = Vec::new();
            for chunk in body.chunks(chunk) {
                let extension = if extension { " ;name=\"value\";x" } else { "" };
                sent.extend_from_slice(format!("{:X}{extension}\r\n", chunk.len()).as_bytes());
                sent.extend_from_slice(chunk);
                sent.extend_from_slice(b"\r\n");
            }
            sent.extend_from_slice(b"00\r\n");
            if trailers {
                sent.extend_from_slice(b"X-Sum: 1\r\nX-Sum:2 \r\n");
            }
            sent.extend_from_slice(b"\r\n");
            sent
        }
    };
    (fields, sent)
}

/// What the last exchange of a conversation may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Usual,
    UntilClose,
    Connect,
    Upgrade,
    Unanswered,
}

fn exchange(last: Last, plain: bool) -> impl Strategy<Value = Made> {
    let method = prop_oneof![
        4 => Just("GET"), 3 => Just("POST"), 3 => Just("HEAD"), 1 => Just("PUT"), 1 => Just("DELETE"),
        1 => Just("OPTIONS"), 1 => Just("PATCH"), 1 => Just("PROPFIND"),
    ];
    let target = prop_oneof![4 => "/[a-z0-9/?&=%._-]{0,30}", 1 => Just("*".to_string()), 1 => Just("http://a.test/b".to_string())];
    let status = prop_oneof![
        6 => Just("200 OK"), 1 => Just("204 No Content"), 1 => Just("304 Not Modified"), 1 => Just("404 Not Found"),
        1 => Just("206 Partial Content"), 1 => Just("500 "), 1 => Just("201 Cr\u{e9}ated"),
    ];
    let interim = prop_oneof![
        5 => Just(""),
        1 => Just("HTTP/1.1 100 Continue\r\n\r\n"),
        1 => Just("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"),
    ];
    let request = (
        method,
        target,
        fields(),
        framing(),
        coding(),
        body(plain),
        prop_oneof![6 => Just(""), 1 => Just("\r\n")],
    );
    let response = (status, fields(), framing(), coding(), body(plain), interim);
    (request, response, 1..50_usize, any::<bool>()).prop_map(move |(request, response, chunk, pipelined)| {
        let (method, target, more, framing, coding, content, blank) = request;
        let (method, target) = match last {
            Last::Connect => ("CONNECT", "a.test:443".to_string()),
            _ => (method, target),
        };
        let framing = if last == Last::Connect { Framing::None } else { framing };
        let upgrade = if last == Last::Upgrade { "Upgrade: websocket\r\n" } else { "" };
        let (fields, body) = sent(framing, coding, &content, chunk);
        let head = format!("{blank}{method} {target} HTTP/1.1\r\n{upgrade}{more}{fields}\r\n");
        let request_body = if framing == Framing::None { vec![] } else { content };
        let request = [head.as_bytes(), &body].concat();

        let (status, more, framing, coding, content, interim) = response;
        let framing = match (last, framing) {
            (Last::UntilClose, _) => Framing::UntilClose,
            (_, Framing::None) => Framing::Length,
            (_, framing) => framing,
        };
        let status = match last {
            Last::Connect => "200 Connection established",
            Last::Upgrade => "101 Switching Protocols",
            _ => status,
        };
        let (fields, body) = sent(framing, coding, &content, chunk);
        let head = format!("HTTP/1.1 {status}\r\n{more}{fields}\r\n");
        let bodiless = method == "HEAD" || ["204", "304"].iter().any(|none| status.starts_with(none));
        let (body, response_body) = match last {
            Last::Connect | Last::Upgrade => (b"\x16\x03\x01 what is not HTTP".to_vec(), vec![]),
            _ if bodiless => (vec![], vec![]),
            _ => (body, content),
        };
        let answered = last != Last::Unanswered;
        let latin = |text: &str| text.chars().map(|letter| letter as u8).collect::<Vec<u8>>();
        let response = if answered { [latin(&head), body].concat() } else { vec![] };
        let interim = if answered { interim.as_bytes().to_vec() } else { vec![] };
        Made { request, request_body, interim, response, response_body, pipelined }
    })
}

/// Up to six exchanges, the last of which may end the connection.
pub(crate) fn conversation() -> impl Strategy<Value = Conversation> {
    let last = prop_oneof![
        5 => Just(Last::Usual), 2 => Just(Last::UntilClose), 1 => Just(Last::Connect), 1 => Just(Last::Upgrade),
        1 => Just(Last::Unanswered),
    ];
    (
        proptest::collection::vec(exchange(Last::Usual, false), 0..5),
        last.prop_flat_map(|last| exchange(last, false)),
    )
        .prop_map(|(mut exchanges, last)| {
            exchanges.push(last);
            Conversation { exchanges }
        })
}

/// Exchanges that all are answered and leave the connection open, and in whose bodies nothing looks like a message.
pub(crate) fn usual(count: std::ops::Range<usize>) -> impl Strategy<Value = Conversation> {
    proptest::collection::vec(exchange(Last::Usual, true), count)
        .prop_map(|exchanges| Conversation { exchanges })
}

/// What is done to the bytes of a side.
#[derive(Debug, Clone)]
pub(crate) struct Damage {
    pub(crate) server: bool,
    pub(crate) place: prop::sample::Index,
    pub(crate) what: Change,
}

#[derive(Debug, Clone)]
pub(crate) enum Change {
    Byte(u8),
    Out(usize),
    In(&'static str),
    End,
}

impl Change {
    pub(crate) fn apply(self, bytes: &mut Vec<u8>, place: prop::sample::Index) {
        if bytes.is_empty() {
            return;
        }
        let place = place.index(bytes.len());
        match self {
            Self::Byte(byte) => bytes[place] = byte,
            Self::Out(count) => drop(bytes.drain(place..(place + count).min(bytes.len()))),
            Self::In(text) => drop(bytes.splice(place..place, text.bytes())),
            Self::End => bytes.truncate(place),
        }
    }
}

pub(crate) fn damage() -> impl Strategy<Value = Damage> {
    let text = prop_oneof![
        Just("\r\n"),
        Just("\n"),
        Just("\r"),
        Just(" "),
        Just("0"),
        Just(":"),
        Just("\r\n\r\n"),
        Just("\0"),
        Just("1"),
        Just("Content-Length: 3\r\n"),
        Just("5\r\nhello\r\n"),
        Just("X: y\r\n"),
    ];
    let what = prop_oneof![
        any::<u8>().prop_map(Change::Byte),
        (b'0'..=b'9').prop_map(Change::Byte),
        (1..4_usize).prop_map(Change::Out),
        text.prop_map(Change::In),
        Just(Change::End),
    ];
    (any::<bool>(), any::<prop::sample::Index>(), what).prop_map(|(server, place, what)| Damage {
        server,
        place,
        what,
    })
}

/// The field that [`Conversation::numbered`] adds.
pub(crate) const NUMBER: &str = "X-Number-Of-It";

impl Conversation {
    /// Each final message with the number of its exchange in a field.
    pub(crate) fn numbered(mut self) -> Self {
        for (number, made) in self.exchanges.iter_mut().enumerate() {
            for message in [&mut made.request, &mut made.response] {
                let blank = message.iter().take_while(|byte| b"\r\n".contains(byte)).count();
                let line = message[blank..].iter().position(|byte| *byte == b'\n').unwrap() + blank + 1;
                message.splice(line..line, format!("{NUMBER}: {number}\r\n").into_bytes());
            }
        }
        self
    }
}
