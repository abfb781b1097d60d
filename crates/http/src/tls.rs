//! What a TLS client says first (RFC 8446 §4.1.2), of which the server's name is in the clear.
//!
//! Promises: reads at most 16 KiB, each byte once, over as many records and segments as they come in; gives what there
//! is. Refuses: to be a TLS parser. What is not a ClientHello is nothing.

use crate::budget::{Budget, cost};

/// How long a ClientHello may be. Those of browsers have 500 to 2,000 bytes.
const LONG: usize = 16 << 10;

/// How many protocols a client may offer before the rest is not looked at.
const PROTOCOLS: usize = 8;

/// The type of records that make up a handshake, and of its first message.
pub(crate) const HANDSHAKE: u8 = 0x16;
const CLIENT_HELLO: u8 = 1;

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;

/// What a client offered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ClientHello {
    pub(crate) server_name: Option<String>,
    pub(crate) protocols: Vec<String>,
    /// The latest version.
    pub(crate) version: u16,
}

/// A ClientHello, as its bytes come.
#[derive(Debug, Default)]
pub(crate) struct Hello {
    /// The header of the record under way, and how much of it is there.
    header: [u8; 5],
    count: usize,
    /// What is left of the record.
    left: usize,
    /// The message so far, without the headers of records.
    message: Vec<u8>,
}

impl Hello {
    /// Takes the next bytes. `Some` when there is no more to wait for: with what was said, if it was that.
    pub(crate) fn take(&mut self, mut bytes: &[u8], budget: &mut Budget) -> Option<Option<ClientHello>> {
        while let Some(first) = bytes.first() {
            if self.left == 0 {
                if let Some(place) = self.header.get_mut(self.count) {
                    *place = *first;
                }
                self.count += 1;
                bytes = bytes.get(1..).unwrap_or_default();
                if self.count == self.header.len() {
                    let [kind, _, _, length @ ..] = self.header;
                    (self.left, self.count) = (usize::from(u16::from_be_bytes(length)), 0);
                    // An empty record is allowed for data only.
                    if kind != HANDSHAKE || self.left == 0 {
                        return Some(None);
                    }
                }
                continue;
            }
            let wanted = self.wanted();
            let taken = bytes.len().min(self.left).min(wanted - self.message.len());
            if budget.extend(&mut self.message, bytes.get(..taken).unwrap_or_default()) < taken {
                return Some(None);
            }
            self.left -= taken;
            bytes = bytes.get(taken..).unwrap_or_default();
            if self.message.len() == 4
                && (self.message.first() != Some(&CLIENT_HELLO) || self.wanted() > LONG)
            {
                return Some(None);
            }
            if self.message.len() == self.wanted() {
                return Some(parse(self.message.get(4..).unwrap_or_default()));
            }
        }
        None
    }

    /// What it takes of the budget.
    pub(crate) const fn cost(&self) -> usize {
        cost(&self.message)
    }

    /// How long the message is, or as much of it as tells that: a type and a length.
    fn wanted(&self) -> usize {
        match self.message.first_chunk() {
            Some([_, high, middle, low]) => 4 + u32::from_be_bytes([0, *high, *middle, *low]) as usize,
            None => 4,
        }
    }
}

/// The first `count` bytes, and what is behind them.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

fn byte(bytes: &mut &[u8]) -> Option<usize> {
    take(bytes, 1)?.first().copied().map(usize::from)
}

fn word(bytes: &mut &[u8]) -> Option<u16> {
    take(bytes, 2)?.first_chunk().copied().map(u16::from_be_bytes)
}

/// What is in a message, behind its type and length. `None` if it is cut short in front of the extensions.
fn parse(mut message: &[u8]) -> Option<ClientHello> {
    let mut hello = ClientHello { version: word(&mut message)?, ..ClientHello::default() };
    take(&mut message, 32)?; // A random number.
    let session = byte(&mut message)?;
    take(&mut message, session)?;
    let ciphers = word(&mut message)?;
    take(&mut message, ciphers.into())?;
    let compressions = byte(&mut message)?;
    take(&mut message, compressions)?;
    let mut extensions = match word(&mut message) {
        Some(length) => message.get(..length.into()).unwrap_or(message),
        None => return Some(hello), // Older than extensions.
    };
    while let (Some(kind), Some(length)) = (word(&mut extensions), word(&mut extensions)) {
        let Some(extension) = take(&mut extensions, length.into()) else { break };
        match kind {
            SERVER_NAME => hello.server_name = server_name(extension),
            ALPN => hello.protocols = protocols(extension),
            SUPPORTED_VERSIONS => hello.version = latest(extension).unwrap_or(hello.version),
            _ => {}
        }
    }
    Some(hello)
}

/// RFC 6066 §3: a list of names, each with a type, of which there is only one.
fn server_name(mut extension: &[u8]) -> Option<String> {
    word(&mut extension)?;
    let (0, length) = (byte(&mut extension)?, word(&mut extension)?) else {
        return None;
    };
    Some(shown(take(&mut extension, length.into())?))
}

/// RFC 7301 §3.1: behind the length of the list, each with its own.
fn protocols(mut extension: &[u8]) -> Vec<String> {
    let Some(_) = word(&mut extension) else {
        return Vec::new();
    };
    std::iter::from_fn(|| {
        let length = byte(&mut extension)?;
        take(&mut extension, length).map(shown)
    })
    .take(PROTOCOLS)
    .collect()
}

/// RFC 8446 §4.2.1. Values that only keep servers honest (RFC 8701) are no versions.
fn latest(mut extension: &[u8]) -> Option<u16> {
    let length = byte(&mut extension)?;
    let mut versions = take(&mut extension, length)?;
    std::iter::from_fn(|| word(&mut versions)).filter(|version| version >> 8 == 3).max()
}

/// A name as text that cannot steer a terminal; names of hosts and protocols are ASCII.
fn shown(name: &[u8]) -> String {
    name.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_length(bytes: &[u8]) -> Vec<u8> {
        [&(bytes.len() as u16).to_be_bytes(), bytes].concat()
    }

    /// A ClientHello with these extensions, in records of that size.
    fn hello(extensions: &[(u16, Vec<u8>)], record: usize) -> Vec<u8> {
        let extensions: Vec<u8> = extensions
            .iter()
            .flat_map(|(kind, extension)| [kind.to_be_bytes().to_vec(), with_length(extension)].concat())
            .collect();
        let body = [&[3, 3][..], &[7; 32], &[2, 8, 9], &[0, 2, 0x13, 1], &[1, 0], &with_length(&extensions)]
            .concat();
        let length = (body.len() as u32).to_be_bytes();
        let message = [&[CLIENT_HELLO], &length[1..], &body].concat();
        message
            .chunks(record)
            .flat_map(|part| [&[HANDSHAKE, 3, 1][..], &with_length(part)].concat())
            .collect()
    }

    fn name(name: &str) -> (u16, Vec<u8>) {
        (SERVER_NAME, with_length(&[&[0][..], &with_length(name.as_bytes())].concat()))
    }

    fn read(bytes: &[u8], step: usize) -> Option<Option<ClientHello>> {
        let (mut hello, mut budget) = (Hello::default(), Budget::new(1 << 20));
        bytes.chunks(step).find_map(|piece| hello.take(piece, &mut budget))
    }

    #[test]
    fn what_a_client_offers_is_read_however_it_is_cut() {
        let extensions = [
            (0x0a0a, vec![]),
            name("www.example"),
            (SUPPORTED_VERSIONS, vec![6, 0xfa, 0xfa, 3, 4, 3, 3]),
            (ALPN, with_length(b"\x02h2\x08http/1.1")),
        ];
        let expected = ClientHello {
            server_name: Some("www.example".to_owned()),
            protocols: vec!["h2".to_owned(), "http/1.1".to_owned()],
            version: 0x304,
        };
        for record in [10_000, 50, 1] {
            let bytes = hello(&extensions, record);
            for step in [1, 2, 7, 100, 10_000] {
                assert_eq!(read(&bytes, step), Some(Some(expected.clone())), "records of {record}, {step}");
            }
            assert_eq!(read(&bytes[..bytes.len() - 1], 10_000), None, "not all there");
        }
        let old = ClientHello { version: 0x303, ..ClientHello::default() };
        assert_eq!(read(&hello(&[], 100), 1), Some(Some(old)));
    }

    #[test]
    fn what_is_not_to_be_believed_is_not() {
        let odd = read(&hello(&[name("a\x1b[31m b\u{e9}")], 1_000), 9).flatten().unwrap_or_default();
        assert_eq!(odd.server_name.as_deref(), Some("a\u{fffd}[31m\u{fffd}b\u{fffd}\u{fffd}"));
        // Another message, a length beyond all reason, another record, an empty one.
        for bytes in [
            &b"\x16\x03\x03\0\x04\x02\0\0\x30"[..],
            b"\x16\x03\x03\0\x04\x01\x01\0\0",
            b"\x17\x03\x03\0\x04",
            b"\x16\x03\x03\0\0",
            b"\x16\x03\x01\0\x05\x01\0\0\x01\x03",
        ] {
            assert_eq!(read(bytes, 1), Some(None), "{}", bytes.escape_ascii());
        }
        // Extensions that say they are longer than they are.
        let mut cut = hello(&[name("a"), (ALPN, vec![0, 9, 200, b'h'])], 1_000);
        assert_eq!(read(&cut, 5).flatten().unwrap_or_default().protocols, [""; 0]);
        let last = cut.len() - 5;
        cut[last] = 200;
        assert_eq!(read(&cut, 5).flatten().unwrap_or_default().server_name.as_deref(), Some("a"));
        let mut budget = Budget::new(10);
        assert_eq!(Hello::default().take(&hello(&[name("a")], 100), &mut budget), Some(None));
    }

    #[test]
    fn damaged_hellos_are_no_trouble() {
        let whole = hello(
            &[name("www.example"), (ALPN, with_length(b"\x02h2")), (SUPPORTED_VERSIONS, vec![2, 3, 4])],
            60,
        );
        for place in 5..whole.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[place] = value;
                assert_eq!(read(&damaged, 1), read(&damaged, 1_000), "{value} at {place}");
            }
        }
    }
}
