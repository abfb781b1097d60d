//! DNS messages (RFC 1035), multicast ones (RFC 6762) among them: header, questions and answers, read where they lie.
//!
//! Promises: total on any bytes. A compression pointer must point in front of the name it stands in and a name ends at
//! 255 bytes, so every name ends; a message of which something is missing gives what is there.
//!
//! Refuses: the authority and additional sections, and the insides of rare record types.
//!
//! ```
//! use egret_decode::dns::{Message, RecordData};
//!
//! let bytes = b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x07example\x03com\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x01";
//! let message = Message::new(bytes).unwrap();
//! assert_eq!(message.questions().next().unwrap().name.to_string(), "example.com.");
//! assert_eq!(message.answers().next().unwrap().data(), RecordData::Ipv4([10, 0, 0, 1].into()));
//! assert_eq!(message.to_string(), "4660 1/0/0 A 10.0.0.1");
//! ```

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

mod display;
mod name;

pub use display::Kind;
pub use name::Name;

const HEADER: usize = 12;

/// A DNS message. [`Display`](fmt::Display) gives it on one line, in tcpdump's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    bytes: &'a [u8],
    /// Which question an answer answers.
    pub id: u16,
    /// All bits of the header's second field, as sent.
    pub flags: u16,
    /// How many questions, answers, authority and additional records the header promises.
    pub counts: [u16; 4],
    multicast: bool,
}

impl<'a> Message<'a> {
    /// Reads the header; `None` where there are less than its 12 bytes.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let [i0, i1, f0, f1, q0, q1, a0, a1, n0, n1, r0, r1] = *bytes.first_chunk::<HEADER>()?;
        let counts = [[q0, q1], [a0, a1], [n0, n1], [r0, r1]].map(u16::from_be_bytes);
        let (id, flags) = (u16::from_be_bytes([i0, i1]), u16::from_be_bytes([f0, f1]));
        Some(Self { bytes, id, flags, counts, multicast: false })
    }

    /// The message as one of multicast DNS, where the highest bit of a class has a meaning of its own.
    #[must_use]
    pub const fn multicast(self) -> Self {
        Self { multicast: true, ..self }
    }

    /// Whether it answers.
    pub const fn is_response(self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// What is asked for: 0 is a plain query, 5 an update.
    pub const fn opcode(self) -> u8 {
        (self.flags >> 11 & 0xf) as u8
    }

    /// How it went, in an answer: 0 is well, 3 "no such name".
    pub const fn response_code(self) -> u8 {
        (self.flags & 0xf) as u8
    }

    /// The questions, up to the first that is not all there.
    pub fn questions(self) -> impl Iterator<Item = Question<'a>> {
        let mut at = HEADER;
        (0..self.question_count()).map_while(move |_| self.question(&mut at))
    }

    /// The answers, up to the first that is not all there.
    pub fn answers(self) -> impl Iterator<Item = Record<'a>> {
        let [_, answers, ..] = self.counts;
        let mut at = HEADER;
        let passed = (0..self.question_count()).all(|_| self.question(&mut at).is_some());
        (0..if passed { answers } else { 0 }).map_while(move |_| self.record(&mut at))
    }

    fn question_count(self) -> u16 {
        let [questions, ..] = self.counts;
        questions
    }

    fn question(self, at: &mut usize) -> Option<Question<'a>> {
        let name = Name::new(self.bytes, *at);
        let end = name.end()?;
        let [k0, k1, c0, c1] = *self.bytes.get(end..)?.first_chunk::<4>()?;
        *at = end + 4;
        let (kind, class) = (u16::from_be_bytes([k0, k1]), u16::from_be_bytes([c0, c1]));
        Some(Question { name, kind, class })
    }

    fn record(self, at: &mut usize) -> Option<Record<'a>> {
        let name = Name::new(self.bytes, *at);
        let end = name.end()?;
        let [k0, k1, c0, c1, t0, t1, t2, t3, l0, l1] = *self.bytes.get(end..)?.first_chunk::<10>()?;
        let start = end + 10;
        *at = start + usize::from(u16::from_be_bytes([l0, l1]));
        Some(Record {
            name,
            kind: u16::from_be_bytes([k0, k1]),
            class: u16::from_be_bytes([c0, c1]),
            ttl: u32::from_be_bytes([t0, t1, t2, t3]),
            bytes: self.bytes.get(start..*at)?,
            message: self.bytes,
            start,
        })
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'a> {
    /// About which name.
    pub name: Name<'a>,
    /// For which type of record.
    pub kind: u16,
    /// Of which class; 1 is the Internet.
    pub class: u16,
}

/// A record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// About which name.
    pub name: Name<'a>,
    /// Its type.
    pub kind: u16,
    /// Its class.
    pub class: u16,
    /// How many seconds it may be kept.
    pub ttl: u32,
    /// Its data, as sent.
    pub bytes: &'a [u8],
    message: &'a [u8],
    start: usize,
}

impl<'a> Record<'a> {
    /// Its data, where they are of a well-known type and whole.
    pub fn data(self) -> RecordData<'a> {
        self.read().unwrap_or(RecordData::Other(self.bytes))
    }

    fn read(self) -> Option<RecordData<'a>> {
        let name = |offset: usize| Name::new(self.message, self.start + offset);
        Some(match self.kind {
            1 => RecordData::Ipv4(<[u8; 4]>::try_from(self.bytes).ok()?.into()),
            28 => RecordData::Ipv6(<[u8; 16]>::try_from(self.bytes).ok()?.into()),
            2 | 5 | 12 | 39 => RecordData::Name(name(0)),
            15 => {
                let preference = u16::from_be_bytes(*self.bytes.first_chunk()?);
                RecordData::Exchange { preference, name: name(2) }
            }
            16 => RecordData::Text(self.bytes),
            33 => {
                let [p0, p1, w0, w1, o0, o1] = *self.bytes.first_chunk()?;
                RecordData::Service {
                    priority: u16::from_be_bytes([p0, p1]),
                    weight: u16::from_be_bytes([w0, w1]),
                    port: u16::from_be_bytes([o0, o1]),
                    name: name(6),
                }
            }
            _ => return None,
        })
    }
}

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordData<'a> {
    /// `A`.
    Ipv4(Ipv4Addr),
    /// `AAAA`.
    Ipv6(Ipv6Addr),
    /// `NS`, `CNAME`, `PTR`, `DNAME`.
    Name(Name<'a>),
    /// `MX`.
    Exchange {
        /// The lowest is tried first.
        preference: u16,
        /// Who takes the mail.
        name: Name<'a>,
    },
    /// `TXT`: strings, each behind a byte with its length.
    Text(&'a [u8]),
    /// `SRV` (RFC 2782).
    Service {
        /// The lowest is tried first.
        priority: u16,
        /// How often it is chosen among its equals.
        weight: u16,
        /// Where it listens.
        port: u16,
        /// Which host.
        name: Name<'a>,
    },
    /// Any other.
    Other(&'a [u8]),
}

impl fmt::Display for RecordData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv4(address) => write!(f, "{address}"),
            Self::Ipv6(address) => write!(f, "{address}"),
            Self::Name(name) => write!(f, "{name}"),
            Self::Exchange { preference, name } => write!(f, "{name} {preference}"),
            Self::Text(strings) => {
                let mut rest = *strings;
                let mut space = "";
                while let Some((length, behind)) = rest.split_first() {
                    let (text, next) = behind.split_at_checked(usize::from(*length)).unwrap_or((behind, &[]));
                    write!(f, "{space}\"{}\"", text.escape_ascii())?;
                    (rest, space) = (next, " ");
                }
                Ok(())
            }
            Self::Service { priority, weight, port, name } => write!(f, "{name}:{port} {priority} {weight}"),
            Self::Other(bytes) => write!(f, "[{} bytes]", bytes.len()),
        }
    }
}
