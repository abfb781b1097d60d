//! Gives statements their meaning: each becomes one `Step`, with defaults left open for `play` to fill in.

use std::net::SocketAddr;
use std::str::FromStr;

use super::Mistake;
use super::frame::{FLAG_LETTERS, Link};
use super::words::{Statement, Token};

/// One statement, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Link(Link),
    /// How much of each packet is captured from here on.
    Snap(usize),
    /// How much payload a segment carries at most.
    Mss(usize),
    /// How long a frame is at least, as a network card fills it up.
    Pad(usize),
    /// Nanoseconds between packets.
    Pace(u64),
    /// Whether each piece of data is acknowledged by a segment of its own.
    Acks(bool),
    /// The next packet's time, in nanoseconds from the start.
    At(u64),
    /// So much later.
    Wait(u64),
    Connection(Connection),
    /// The three-way handshake of a connection.
    Open(String),
    /// A FIN from both sides and the last ACK.
    Close(String),
    Send(Box<Send>),
    /// A frame given byte for byte.
    Frame(Vec<u8>),
}

/// Who the two ends of a connection are. The unnamed one has an empty name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Connection {
    pub(super) name: String,
    pub(super) ends: [Option<SocketAddr>; 2],
    pub(super) first: Option<[u32; 2]>,
    pub(super) vlans: Vec<u16>,
    /// What is in front of each IP packet instead of a link header, if it goes through a tunnel.
    pub(super) tunnel: Vec<u8>,
}

/// What one side sends, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Send {
    pub(super) connection: String,
    pub(super) server: bool,
    /// Received, but not captured.
    pub(super) lose: bool,
    /// Neither received nor captured.
    pub(super) drop: bool,
    /// Captured, but the receiver does not take it: nobody's books change.
    pub(super) ignored: bool,
    /// Captured twice.
    pub(super) duplicate: bool,
    /// Captured after what follows.
    pub(super) swap: bool,
    pub(super) payload: Vec<u8>,
    pub(super) ack: bool,
    pub(super) syn: bool,
    pub(super) fin: bool,
    pub(super) rst: bool,
    pub(super) udp: bool,
    pub(super) place: Place,
    /// How many of the peer's bytes it acknowledges, if not those it has received.
    pub(super) acks: Option<i64>,
    pub(super) flags: Option<u8>,
    pub(super) window: Option<u16>,
    pub(super) urgent: Option<u16>,
    pub(super) options: Vec<u8>,
    pub(super) split: Option<usize>,
    pub(super) fragment: Option<usize>,
    /// Which fragments are captured, in this order, counted from 1; all, if empty.
    pub(super) order: Vec<usize>,
    pub(super) bad_checksum: bool,
}

/// Where in its side's stream a piece of data lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Place {
    /// Behind all that was sent so far.
    #[default]
    Next,
    /// So many bytes before that.
    Back(i64),
    /// At this offset; 0 is the first byte of the stream.
    At(i64),
}

pub(super) fn steps(statements: &[Statement]) -> Result<Vec<(usize, Step)>, Mistake> {
    statements
        .iter()
        .map(|statement| {
            let mut words = Words { line: statement.line, rest: statement.tokens.iter() };
            let step = step(&mut words)?;
            match words.rest.next() {
                None => Ok((statement.line, step)),
                Some(_) => Err(words.mistake("something is left over at the end of this statement")),
            }
        })
        .collect()
}

fn step(words: &mut Words<'_>) -> Result<Step, Mistake> {
    let first = words.word("a statement begins with a word")?;
    Ok(match first {
        "link" => {
            let name = words.word("after `link` comes its type")?;
            Step::Link(
                Link::named(name).ok_or_else(|| words.mistake(format!("link types are {}", Link::NAMES)))?,
            )
        }
        "snap" => Step::Snap(words.positive("bytes to capture of each packet")?),
        "mss" => Step::Mss(words.positive("bytes of payload a segment may carry")?),
        "pad" => Step::Pad(words.positive("bytes a frame has at least")?),
        "pace" => Step::Pace(words.time()?),
        "at" => Step::At(words.time()?),
        "wait" => Step::Wait(words.time()?),
        "acks" => match words.word("`acks on` or `acks off`")? {
            "on" => Step::Acks(true),
            "off" => Step::Acks(false),
            _ => return Err(words.mistake("it is `acks on` or `acks off`")),
        },
        "connection" => connection(words)?,
        "open" => Step::Open(words.name()),
        "close" => Step::Close(words.name()),
        "frame" => {
            let frame = words.hex()?;
            if frame.is_empty() {
                return Err(words.mistake("after `frame` come its bytes in hex"));
            }
            Step::Frame(frame)
        }
        _ => send(first, words)?,
    })
}

fn connection(words: &mut Words<'_>) -> Result<Step, Mistake> {
    let mut connection = Connection {
        name: String::new(),
        ends: [None, None],
        first: None,
        vlans: Vec::new(),
        tunnel: Vec::new(),
    };
    let [client, server] = &mut connection.ends;
    let mut named = false;
    while let Some(word) = words.next_word() {
        match word {
            "client" => *client = Some(words.address()?),
            "server" => *server = Some(words.address()?),
            "isn" => connection.first = Some([words.number("isn")?, words.number("isn")?]),
            "vlan" => connection.vlans.push(words.number("vlan")?),
            "tunnel" => {
                connection.tunnel = words.hex()?;
                if connection.tunnel.is_empty() {
                    return Err(
                        words.mistake("after `tunnel` come the bytes in front of each packet, in hex")
                    );
                }
            }
            name if !named && connection.name.is_empty() => connection.name = name.to_string(),
            other => {
                return Err(words.mistake(format!(
                    "`{other}`: a connection has `client ADDRESS:PORT`, `server ADDRESS:PORT`, `isn N N`, `vlan N`, `tunnel HEX`"
                )));
            }
        }
        named = true;
    }
    if client.zip(*server).is_some_and(|(client, server)| client.is_ipv4() != server.is_ipv4()) {
        return Err(words.mistake("both ends are IPv4, or both are IPv6"));
    }
    Ok(Step::Connection(connection))
}

fn send(first: &str, words: &mut Words<'_>) -> Result<Step, Mistake> {
    let mut send = Send::default();
    let mut word = first;
    loop {
        match word {
            "lose" => send.lose = true,
            "drop" => send.drop = true,
            "ignored" => send.ignored = true,
            "duplicate" => send.duplicate = true,
            "swap" => send.swap = true,
            _ => break,
        }
        word = words.word("behind this comes who sends: `client` or `server`")?;
    }
    let (name, side) = word.rsplit_once('.').unwrap_or(("", word));
    send.connection = name.to_string();
    send.server = match side {
        "client" => false,
        "server" => true,
        _ => {
            return Err(
                words.mistake(format!("`{word}` begins no statement (fixtures/README.md lists them)"))
            );
        }
    };
    details(&mut send, words)?;
    let says = !send.payload.is_empty() || send.ack || send.syn || send.fin || send.rst || send.udp;
    if !says && send.flags.is_none() {
        return Err(words.mistake("nothing is sent: give bytes, or `ack`, `syn`, `fin`, `rst`, `flags`"));
    }
    if send.lose && send.drop {
        return Err(words.mistake("`lose` (received, not captured) and `drop` (neither) exclude each other"));
    }
    Ok(Step::Send(Box::new(send)))
}

fn details(send: &mut Send, words: &mut Words<'_>) -> Result<(), Mistake> {
    while let Some(token) = words.rest.next() {
        let word = match token {
            Token::Bytes(bytes) => {
                send.payload.extend(bytes);
                continue;
            }
            Token::Word(word) => word.as_str(),
        };
        match word {
            "hex" => send.payload.extend(words.hex()?),
            "repeat" => {
                let times = words.positive("times")?;
                let bytes = words.bytes("after `repeat N` comes a text")?;
                send.payload.extend(bytes.repeat(times));
            }
            "ack" => send.ack = true,
            "syn" => send.syn = true,
            "fin" => send.fin = true,
            "rst" => send.rst = true,
            "udp" => send.udp = true,
            "offset" => send.place = Place::At(words.number("offset")?),
            "overlap" => send.place = Place::Back(words.number("overlap")?),
            "acks" => send.acks = Some(words.number("acks")?),
            "flags" => send.flags = Some(words.flags()?),
            "window" => send.window = Some(words.number("window")?),
            "urgent" => send.urgent = Some(words.number("urgent")?),
            "option" => send.options.extend(words.option()?),
            "split" => send.split = Some(words.positive("bytes in each segment")?),
            "fragment" => {
                let size = words.positive("bytes in each fragment")?;
                if size % 8 != 0 {
                    return Err(words.mistake("the size of fragments is a multiple of 8"));
                }
                send.fragment = Some(size);
            }
            "order" => send.order = words.numbers()?,
            "bad-checksum" => send.bad_checksum = true,
            other => {
                return Err(words.mistake(format!("`{other}` says nothing here (see fixtures/README.md)")));
            }
        }
    }
    if !send.order.is_empty() && send.fragment.is_none() {
        return Err(words.mistake("`order` is about the pieces of `fragment N`"));
    }
    if send.options.len() > 40 {
        return Err(words.mistake("a TCP header has room for 40 bytes of options"));
    }
    Ok(())
}

/// What is left of a statement.
struct Words<'a> {
    line: usize,
    rest: std::slice::Iter<'a, Token>,
}

impl<'a> Words<'a> {
    fn mistake(&self, message: impl Into<String>) -> Mistake {
        Mistake::new(self.line, message)
    }

    /// The next token if it is a word.
    fn next_word(&mut self) -> Option<&'a str> {
        let Token::Word(word) = self.rest.as_slice().first()? else { return None };
        self.rest.next();
        Some(word)
    }

    fn word(&mut self, otherwise: &str) -> Result<&'a str, Mistake> {
        self.next_word().ok_or_else(|| self.mistake(otherwise))
    }

    fn name(&mut self) -> String {
        self.next_word().unwrap_or_default().to_string()
    }

    fn bytes(&mut self, otherwise: &str) -> Result<&'a [u8], Mistake> {
        match self.rest.next() {
            Some(Token::Bytes(bytes)) => Ok(bytes),
            _ => Err(self.mistake(otherwise)),
        }
    }

    /// All words that follow and are pairs of hex digits.
    fn hex(&mut self) -> Result<Vec<u8>, Mistake> {
        let mut bytes = Vec::new();
        while let Some(Token::Word(word)) = self.rest.as_slice().first() {
            if !word.chars().all(|digit| digit.is_ascii_hexdigit()) {
                break;
            }
            for pair in word.as_bytes().chunks(2) {
                let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2);
                let byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
                bytes.push(
                    byte.ok_or_else(|| self.mistake(format!("`{word}` has an odd number of hex digits")))?,
                );
            }
            self.rest.next();
        }
        Ok(bytes)
    }

    /// A number in decimal or `0x…`.
    fn number<T: TryFrom<i64>>(&mut self, what: &str) -> Result<T, Mistake> {
        let word = self.word(&format!("a number is missing after `{what}`"))?;
        integer(word)
            .and_then(|value| T::try_from(value).ok())
            .ok_or_else(|| self.mistake(format!("`{word}` is no number that fits `{what}`")))
    }

    fn numbers(&mut self) -> Result<Vec<usize>, Mistake> {
        let mut numbers = Vec::new();
        while let Some(Token::Word(word)) = self.rest.as_slice().first() {
            let Some(number) = integer(word) else { break };
            let number = usize::try_from(number).ok().filter(|number| *number > 0);
            numbers.push(number.ok_or_else(|| self.mistake("fragments are counted from 1"))?);
            self.rest.next();
        }
        if numbers.is_empty() {
            Err(self.mistake("after `order` come numbers of fragments"))
        } else {
            Ok(numbers)
        }
    }

    fn positive(&mut self, what: &str) -> Result<usize, Mistake> {
        match self.number::<u32>(what)? {
            0 => Err(self.mistake(format!("0 {what} is too few"))),
            number => Ok(number as usize),
        }
    }

    /// Seconds, or with `ms`, `us`, `ns` behind the number; in nanoseconds.
    fn time(&mut self) -> Result<u64, Mistake> {
        let word = self.word("a time is missing: seconds, or a number with `ms`, `us` or `ns`")?;
        let units = [("ms", 6u32), ("us", 3), ("ns", 0), ("s", 9), ("", 9)];
        let unit = units.iter().find_map(|(unit, power)| Some((word.strip_suffix(unit)?, *power)));
        unit.and_then(|(number, power)| decimal(number, power)).ok_or_else(|| {
            self.mistake(format!("`{word}` is no time: seconds, or a number with `ms`, `us` or `ns`"))
        })
    }

    fn address(&mut self) -> Result<SocketAddr, Mistake> {
        let word = self.word("an ADDRESS:PORT is missing")?;
        SocketAddr::from_str(word)
            .map_err(|_| self.mistake(format!("`{word}` is no ADDRESS:PORT, as 10.0.0.1:80 or [::1]:80")))
    }

    fn flags(&mut self) -> Result<u8, Mistake> {
        let word = self.word("after `flags` come tcpdump's letters, or `none`")?;
        if word == "none" {
            return Ok(0);
        }
        word.chars().try_fold(0, |flags, letter| {
            let known = FLAG_LETTERS.iter().find(|(known, _)| *known == letter);
            let (_, flag) = known
                .ok_or_else(|| self.mistake(format!("`{letter}` is no flag: F S R P . U E W, or `none`")))?;
            Ok(flags | flag)
        })
    }

    /// One TCP option in its bytes.
    fn option(&mut self) -> Result<Vec<u8>, Mistake> {
        let kinds = "after `option` comes mss N, wscale N, sackok, ts N N, or hex";
        Ok(match self.word(kinds)? {
            "mss" => [&[2, 4], &self.number::<u16>("mss")?.to_be_bytes()[..]].concat(),
            "wscale" => vec![3, 3, self.number("wscale")?],
            "sackok" => vec![4, 2],
            "ts" => {
                let (value, echo): (u32, u32) = (self.number("ts")?, self.number("ts")?);
                [&[8, 10], &value.to_be_bytes()[..], &echo.to_be_bytes()[..]].concat()
            }
            "hex" => self.hex()?,
            _ => return Err(self.mistake(kinds)),
        })
    }
}

fn integer(word: &str) -> Option<i64> {
    match word.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

/// A decimal number times ten to the power of `power`, exactly.
fn decimal(number: &str, power: u32) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = u32::try_from(fraction.len()).ok()?;
    let scaled: u64 = format!("{whole}{fraction}").parse().ok()?;
    scaled.checked_mul(10u64.checked_pow(power.checked_sub(digits)?)?)
}
