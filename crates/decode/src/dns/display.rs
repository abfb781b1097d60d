//! A DNS message on one line, in tcpdump's words.

use std::fmt;

use super::{Message, Question, Record, RecordData};

/// The most questions or answers that a line shows: a crafted message has thousands.
const MOST_SHOWN: usize = 64;

const INTERNET: u16 = 1;
/// The type of the record that stands for an extension (RFC 6891).
const OPTIONS: u16 = 41;

/// The name of a record type: `A`, `AAAA`, `Type65280`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind(pub u16);

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            1 => "A",
            2 => "NS",
            5 => "CNAME",
            6 => "SOA",
            12 => "PTR",
            13 => "HINFO",
            15 => "MX",
            16 => "TXT",
            24 => "SIG",
            25 => "KEY",
            28 => "AAAA",
            29 => "LOC",
            33 => "SRV",
            35 => "NAPTR",
            37 => "CERT",
            39 => "DNAME",
            OPTIONS => "OPT",
            43 => "DS",
            44 => "SSHFP",
            46 => "RRSIG",
            47 => "NSEC",
            48 => "DNSKEY",
            50 => "NSEC3",
            51 => "NSEC3PARAM",
            52 => "TLSA",
            64 => "SVCB",
            65 => "HTTPS",
            99 => "SPF",
            249 => "TKEY",
            250 => "TSIG",
            251 => "IXFR",
            252 => "AXFR",
            255 => "ANY",
            257 => "CAA",
            other => return write!(f, "Type{other}"),
        })
    }
}

/// A class that is not the Internet, behind a space.
struct Class(u16);

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            INTERNET => Ok(()),
            3 => f.write_str(" CHAOS"),
            4 => f.write_str(" HS"),
            255 => f.write_str(" ANY"),
            other => write!(f, " (Class {other})"),
        }
    }
}

impl Question<'_> {
    fn shown(self, multicast: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {}", Kind(self.kind))?;
        let mut class = self.class;
        if multicast {
            // Whether the answer may come to everybody.
            f.write_str(if class & 0x8000 != 0 { " (QU)" } else { " (QM)" })?;
            class &= 0x7fff;
        }
        write!(f, "{}? {}", Class(class), self.name)
    }
}

impl Record<'_> {
    fn shown(self, multicast: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == OPTIONS {
            // Its class is how large an answer may be, and a bit of its time to live asks for signatures.
            write!(f, " OPT UDPsize={}", self.class)?;
            return f.write_str(if self.ttl & 0x8000 != 0 { " DO" } else { "" });
        }
        let mut class = self.class;
        if multicast && class & 0x8000 != 0 {
            f.write_str(" (Cache flush)")?;
            class &= 0x7fff;
        }
        write!(f, "{} {}", Class(class), Kind(self.kind))?;
        match self.data() {
            RecordData::Other(_) => Ok(()),
            data => write!(f, " {data}"),
        }
    }
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flag = |bit: u16, word: &'static str| if self.flags & bit != 0 { word } else { "" };
        write!(f, "{}", self.id)?;
        f.write_str(match self.opcode() {
            0 => "",
            1 => " inv_q",
            2 => " stat",
            4 => " notify",
            5 => " update",
            _ => " other",
        })?;
        let [questions, answers, authorities, additional] = self.counts;
        let whole = if self.is_response() {
            f.write_str(RESPONSE_CODES.get(usize::from(self.response_code())).unwrap_or(&" Resp"))?;
            f.write_str(flag(0x0400, "*"))?;
            f.write_str(if self.flags & 0x0080 == 0 { "-" } else { "" })?;
            f.write_str(flag(0x0200, "|"))?;
            f.write_str(flag(0x0020, "$"))?;
            if questions != 1 {
                write!(f, " [{questions}q]")?;
            }
            write!(f, " {answers}/{authorities}/{additional}")?;
            let mut shown = 0;
            for answer in self.answers().take(MOST_SHOWN) {
                f.write_str(if shown == 0 { "" } else { "," })?;
                answer.shown(self.multicast, f)?;
                shown += 1;
            }
            shown == usize::from(answers).min(MOST_SHOWN)
        } else {
            write!(f, "{}{}{}", flag(0x0100, "+"), flag(0x0020, "$"), flag(0x0010, "%"))?;
            if self.flags & 0x06cf != 0 {
                write!(f, " [b2&3={:#x}]", self.flags)?;
            }
            if answers != 0 {
                write!(f, " [{answers}a]")?;
            }
            if questions != 1 {
                write!(f, " [{questions}q]")?;
            }
            if authorities != 0 {
                write!(f, " [{authorities}n]")?;
            }
            if additional != 0 {
                write!(f, " [{additional}au]")?;
            }
            let mut shown = 0;
            for question in self.questions().take(MOST_SHOWN) {
                question.shown(self.multicast, f)?;
                shown += 1;
            }
            shown == usize::from(questions).min(MOST_SHOWN)
        };
        if whole { Ok(()) } else { f.write_str(" [|domain]") }
    }
}

/// How it went, by number, each behind a space.
const RESPONSE_CODES: [&str; 11] = [
    "",
    " FormErr",
    " ServFail",
    " NXDomain",
    " NotImp",
    " Refused",
    " YXDomain",
    " YXRRSet",
    " NXRRSet",
    " NotAuth",
    " NotZone",
];
