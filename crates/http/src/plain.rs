//! The short way for what nearly all heads are: a well-known method or a status, lines that end with CR LF, printable
//! ASCII and nothing odd, all of it in one packet.
//!
//! Promises: exactly what the long way makes of such a head (`scan.rs`, `sniff.rs`, `parse.rs`), looking at each byte once;
//! a law compares the two. Refuses everything else: that is the long way's.

use crate::framing::Lengths;
use crate::head::Span;
use crate::parse::Kind;
use crate::scan::Scan;
use crate::sniff::is_token;
use wide::u8x16;

/// The most headers of a head that goes this way.
const MOST: usize = 64;

/// Where the words of a head are, but for its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) start: [Span; 3],
    pub(crate) status: u16,
    pub(crate) lengths: Lengths,
}

/// Reads the head that `bytes` begin with, if it is plain and whole: what it is, and what a [`Scan`] would know of it. The
/// places of its fields are put into `fields`.
pub(crate) fn read(kind: Kind, bytes: &[u8], fields: &mut Vec<(Span, Span)>) -> Option<(Plain, Scan)> {
    fields.clear();
    // No place in it is more than fits in a span.
    if bytes.len() > u32::MAX as usize {
        return None;
    }
    let (line, mut rest) = bytes.split_at_checked(printable(bytes))?;
    let (start, status) = match kind {
        Kind::Request => (request_line(line)?, 0),
        Kind::Response => status_line(line)?,
    };
    let mut lengths = Lengths::default();
    // Each turn begins at the end of a line, and goes over at least that.
    loop {
        rest = rest.strip_prefix(b"\r\n")?;
        let at = bytes.len() - rest.len();
        let (name, behind) = rest.split_at_checked(name(rest))?;
        let value = match behind {
            [b':', value @ ..] if !name.is_empty() && fields.len() < MOST => value,
            [b'\r', b'\n', ..] if name.is_empty() => {
                let scan = Scan::found(at + 2, fields.len() + 2, line.len() + 2);
                return Some((Plain { start, status, lengths }, scan));
            }
            _ => return None,
        };
        let (value, behind) = value.split_at_checked(printable(value))?;
        rest = behind;
        let (front, inside) = trim(value);
        let name_end = at + name.len();
        let start = name_end + 1 + front;
        let span = |start: usize, end: usize| Span { start: start as u32, end: end as u32 };
        fields.push((span(at, name_end), span(start, start + inside.len())));
        // By length first: a call for each field would cost more than all the rest.
        if Lengths::may_be(name) {
            lengths.field(name, inside);
        }
    }
}

/// What is between the spaces around a printable value, and how many are in front of it. Nearly always there is one in
/// front and none behind.
#[inline]
fn trim(value: &[u8]) -> (usize, &[u8]) {
    if let [b' ', rest @ ..] = value
        && let (Some(first), Some(last)) = (rest.first(), rest.last())
        && *first > b' '
        && *last > b' '
    {
        return (1, rest);
    }
    let inside = value.trim_ascii_start();
    (value.len() - inside.len(), inside.trim_ascii_end())
}

/// A request line with a method of those that are used most. Whoever uses them speaks HTTP.
fn request_line(line: &[u8]) -> Option<[Span; 3]> {
    const METHODS: [&[u8]; 5] = [b"GET ", b"POST ", b"PUT ", b"DELETE ", b"PATCH "];
    let method = METHODS.iter().find(|method| line.starts_with(method))?.len() - 1;
    let behind = line.get(method + 1..)?;
    let length = visible(behind);
    let (b" HTTP/1.1" | b" HTTP/1.0") = behind.get(length..)? else { return None };
    if length == 0 {
        return None;
    }
    let target = method + 1 + length;
    Some([Span::new(0..method), Span::new(method + 1..target), Span::new(target + 1..line.len())])
}

/// A status line with a space behind the status, and its status.
fn status_line(line: &[u8]) -> Option<([Span; 3], u16)> {
    let &[a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ', ..] =
        line.strip_prefix(b"HTTP/1.1 ").or_else(|| line.strip_prefix(b"HTTP/1.0 "))?
    else {
        return None;
    };
    let status = [a, b, c].into_iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    Some(([Span::new(0..8), Span::new(9..12), Span::new(13..line.len())], status))
}

/// How many bytes there are up to the first that is not `fine`. `all_fine` says the same of sixteen bytes at once, a bit
/// for each.
#[inline(always)]
fn count(bytes: &[u8], all_fine: impl Fn(u8x16) -> u8x16, fine: impl Fn(u8) -> bool) -> usize {
    let (blocks, tail) = bytes.as_chunks::<16>();
    for (index, block) in blocks.iter().enumerate() {
        let odd = all_fine(u8x16::new(*block)).to_bitmask() ^ 0xffff;
        if odd != 0 {
            return index * 16 + odd.trailing_zeros() as usize;
        }
    }
    blocks.len() * 16 + tail.iter().take_while(|byte| fine(**byte)).count()
}

/// Which of these bytes are from `first` to `last`.
#[inline(always)]
fn within(bytes: u8x16, first: u8, last: u8) -> u8x16 {
    let above = bytes - u8x16::splat(first);
    above.min(u8x16::splat(last - first)).simd_eq(above)
}

/// How many bytes there are up to the first that is not printable ASCII.
#[inline]
fn printable(bytes: &[u8]) -> usize {
    count(bytes, |bytes| within(bytes, b' ', b'~'), |byte| matches!(byte, b' '..=b'~'))
}

/// How many bytes there are up to the first that is not printable ASCII, or a space.
fn visible(bytes: &[u8]) -> usize {
    count(bytes, |bytes| within(bytes, b'!', b'~'), |byte| byte.is_ascii_graphic())
}

/// How many bytes there are up to the first that cannot be in the name of a field.
#[inline]
fn name(bytes: &[u8]) -> usize {
    // Nearly all names are of letters, digits and hyphens.
    let all_plain = |bytes: u8x16| {
        let lower = bytes | u8x16::splat(0x20);
        within(lower, b'a', b'z') | within(bytes, b'0', b'9') | bytes.simd_eq(u8x16::splat(b'-'))
    };
    let plain = count(bytes, all_plain, |byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match bytes.get(plain..) {
        None | Some([b':', ..]) => plain,
        Some(rest) => plain + rest.iter().take_while(|byte| is_token(**byte)).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;
    use crate::budget::Budget;
    use crate::message::Message;
    use crate::parse::parse;
    use proptest::prelude::*;

    #[test]
    fn a_byte_that_is_not_printable_is_found_wherever_it_is() {
        for byte in 0..=255 {
            for place in 0..20 {
                let mut bytes = [b'a'; 20];
                bytes[place] = byte;
                let expected = if matches!(byte, b' '..=b'~') { 20 } else { place };
                assert_eq!(printable(&bytes), expected, "{byte} at {place}");
                let expected = if matches!(byte, b'!'..=b'~') { 20 } else { place };
                assert_eq!(visible(&bytes), expected, "{byte} at {place}");
            }
        }
    }

    #[test]
    fn a_byte_that_is_in_no_name_is_found_wherever_it_is() {
        for byte in 0..=255 {
            for place in 0..20 {
                for others in [b'a', b'Z', b'0', b'9', b'-', b'_'] {
                    let mut bytes = [others; 20];
                    bytes[place] = byte;
                    let expected = if is_token(byte) { 20 } else { place };
                    assert_eq!(name(&bytes), expected, "{byte} at {place} among {others}");
                }
            }
        }
    }

    #[test]
    fn values_are_what_is_between_spaces() {
        for (value, expected) in [
            ("", (0, "")),
            (" ", (1, "")),
            ("   ", (3, "")),
            ("a", (0, "a")),
            (" a", (1, "a")),
            ("  a b ", (2, "a b")),
            (" a ", (1, "a")),
        ] {
            let (front, trimmed) = trim(value.as_bytes());
            assert_eq!(trimmed, expected.1.as_bytes(), "{value:?}");
            assert!(trimmed.is_empty() || front == expected.0, "{value:?}");
        }
    }

    fn both(kind: Kind, bytes: &[u8]) -> bool {
        let mut fields = Vec::new();
        let Some((plain, scan)) = read(kind, bytes, &mut fields) else { return false };
        let mut long = Scan::new();
        assert_eq!(long.find(bytes), Some(scan.before));
        assert_eq!(format!("{scan:?}"), format!("{long:?}"));
        let (mut message, mut budget) = (Message::default(), Budget::new(1 << 20));
        let head = &bytes[..scan.before];
        let lengths = parse(kind, head, &long, &mut message, &Limits::default(), &mut budget);
        assert_eq!((plain.start, plain.status, plain.lengths), (message.start, message.status, lengths));
        assert_eq!(fields, message.headers.fields);
        assert!(message.anomalies.is_empty(), "{}", head.escape_ascii());
        true
    }

    const REQUEST: &str =
        "POST /a?b=c HTTP/1.1\r\nHost: a\r\nContent-Length:  12 \r\nX:\r\nY: \r\nTE: a b\r\n\r\nbody";
    const RESPONSE: &str = "HTTP/1.0 404 Not Found\r\nTransfer-Encoding: chunked\r\nServer: x\r\n\r\n";

    #[test]
    fn plain_heads_go_this_way() {
        assert!(both(Kind::Request, REQUEST.as_bytes()));
        assert!(both(Kind::Response, RESPONSE.as_bytes()));
        assert!(!both(Kind::Request, &REQUEST.as_bytes()[..REQUEST.len() - 7]), "it is not whole");
        assert!(both(Kind::Response, b"HTTP/1.1 200 \r\n\r\n"));
        assert!(!both(Kind::Response, b"HTTP/1.1 200\r\n\r\n"));
        assert!(!both(Kind::Request, RESPONSE.as_bytes()));
    }

    proptest! {
        #[test]
        fn it_is_what_the_long_way_finds(
            request: bool,
            changes in prop::collection::vec((0_usize..100, any::<u8>(), 0..3), 0..4),
        ) {
            let mut bytes = if request { REQUEST } else { RESPONSE }.as_bytes().to_vec();
            for (place, byte, what) in changes {
                let place = place % bytes.len();
                match what {
                    0 => bytes[place] = byte,
                    1 => bytes.insert(place, byte),
                    _ => { bytes.remove(place); }
                }
            }
            both(if request { Kind::Request } else { Kind::Response }, &bytes);
        }

        #[test]
        fn targets_are_those_of_the_long_way(target in "[!-~]{1,9}", name in "[ -~]{0,6}", value in "[ -~]{0,9}") {
            both(Kind::Request, format!("GET {target} HTTP/1.1\r\n{name}: {value}\r\n\r\n").as_bytes());
            both(Kind::Response, format!("HTTP/1.1 200 {value}\r\n{name}:{value}\r\n\r\n").as_bytes());
        }
    }
}
