//! What bytes are by their beginning: a request, a response, another protocol. Looks at a bounded number of bytes.

use memchr::{memchr, memmem, memrchr};

use crate::NotHttp;

/// What a run of bytes begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sniff {
    /// A method and a space. Whether it is HTTP is known at the end of the line: see [`is_request_line`].
    Request,
    /// `HTTP/` or `ICY ` (SHOUTcast's way to say the former).
    Response,
    /// Too few bytes to tell.
    Partial,
    /// Neither.
    Not(NotHttp),
}

/// The longest word that may be a method. The longest registered one has 17 letters (`UPDATEREDIRECTREF`).
const METHOD: usize = 32;

/// How much of a request line with a method that is not well known may come before its end does, and how much that is
/// no request line at all before the server's first words.
pub(crate) const UNSURE: u64 = 8 << 10;

const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";

/// Looks at the first bytes.
pub(crate) fn sniff(bytes: &[u8]) -> Sniff {
    let Some(first) = bytes.first() else {
        return Sniff::Partial;
    };
    if is_tls(bytes) {
        return Sniff::Not(NotHttp::Tls);
    }
    if !is_token(*first) {
        // A TLS record needs five bytes to be told.
        let short =
            (0x14..=0x17).contains(first) && bytes.len() < 5 && bytes.get(1).is_none_or(|byte| *byte == 3);
        return if short { Sniff::Partial } else { Sniff::Not(NotHttp::Other) };
    }
    for (prefix, what) in [
        (HTTP2_PREFACE, Sniff::Not(NotHttp::Http2)),
        (b"HTTP/", Sniff::Response),
        (b"ICY ", Sniff::Response),
        (b"SSH-", Sniff::Not(NotHttp::Ssh)),
    ] {
        let as_far = bytes.get(..prefix.len()).unwrap_or(bytes);
        // Some servers write `http/1.1`.
        let same = match what {
            Sniff::Response => {
                prefix.get(..as_far.len()).is_some_and(|known| known.eq_ignore_ascii_case(as_far))
            }
            _ => prefix.starts_with(as_far),
        };
        if same {
            return if as_far.len() == prefix.len() { what } else { Sniff::Partial };
        }
    }
    match bytes.iter().take(METHOD + 1).position(|byte| !is_token(*byte)) {
        Some(end) if bytes.get(end) == Some(&b' ') => Sniff::Request,
        None if bytes.len() <= METHOD => Sniff::Partial,
        _ => Sniff::Not(NotHttp::Other),
    }
}

/// Whether a first line that [`sniff`] took for a request's names a version of HTTP; or needs none, as in HTTP/0.9.
pub(crate) fn is_request_line(line: &[u8]) -> bool {
    has_version(line) || is_simple_request(line) || is_without_version(line)
}

/// Whether a line begins with a well-known method and a path, and whoever wrote it forgot the version.
fn is_without_version(line: &[u8]) -> bool {
    is_known_method(line)
        && memchr(b' ', line).is_some_and(|space| line.get(space + 1) == Some(&b'/'))
        && !ends_with_version(line.trim_ascii_end())
}

/// Whether the last word of a line names a version of some protocol: `RTSP/1.0`.
fn ends_with_version(line: &[u8]) -> bool {
    let last = memrchr(b' ', line).and_then(|space| line.get(space + 1..)).unwrap_or_default();
    memchr(b'/', last).is_some_and(|slash| slash > 0 && last.get(slash + 1).is_some_and(u8::is_ascii_digit))
}

/// Whether there is a version of HTTP behind the target; behind the method, if that is well known.
fn has_version(line: &[u8]) -> bool {
    match memmem::find(line, b" HTTP/") {
        Some(space) => is_known_method(line) || memchr(b' ', line).is_some_and(|first| first + 1 < space),
        None => false,
    }
}

/// Whether a line is a whole request of HTTP/0.9: `GET`, a target, and no version of anything.
pub(crate) fn is_simple_request(line: &[u8]) -> bool {
    let Some(target) = line.strip_prefix(b"GET ").map(<[u8]>::trim_ascii) else {
        return false;
    };
    let scheme = target.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"http://"));
    (target.starts_with(b"/") || scheme) && !ends_with_version(target)
}

/// Methods that are used with HTTP and hardly with anything else, and a space.
const KNOWN: [&[u8]; 17] = [
    b"GET ",
    b"POST ",
    b"PUT ",
    b"HEAD ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"CONNECT ",
    b"TRACE ",
    b"PROPFIND ",
    b"PROPPATCH ",
    b"MKCOL ",
    b"COPY ",
    b"MOVE ",
    b"LOCK ",
    b"UNLOCK ",
    b"REPORT ",
];

/// Whether bytes begin with a method that is used with HTTP and hardly with anything else, and a space.
pub(crate) fn is_known_method(bytes: &[u8]) -> bool {
    KNOWN.iter().any(|method| bytes.starts_with(method))
}

/// Whether bytes are the beginning of such a method.
pub(crate) fn may_be_known_method(bytes: &[u8]) -> bool {
    KNOWN.iter().any(|method| method.starts_with(bytes))
}

/// Whether bytes begin with a start line: `Some(true)` if it is for sure, `Some(false)` if it may be one whose end is
/// not there yet.
pub(crate) fn begins(bytes: &[u8]) -> Option<bool> {
    match sniff(bytes) {
        Sniff::Response => Some(true),
        Sniff::Request => match memchr(b'\n', bytes) {
            Some(end) => bytes.get(..end).is_some_and(has_version).then_some(true),
            None => is_known_method(bytes).then_some(false),
        },
        Sniff::Partial | Sniff::Not(_) => None,
    }
}

/// How many bytes in front of a status line are spaces that browsers pass over; at most this many.
const SPACES: usize = 8;

/// How many bytes a response begins with that are no part of its status line: spaces, and one line end among them at
/// most, so that there is no empty line. Lines that are empty from the start are not meant.
pub(crate) fn spaces_in_front(bytes: &[u8]) -> usize {
    if !matches!(bytes.first(), Some(b' ' | b'\t')) {
        return 0;
    }
    let mut lines = 0;
    let is_space = |byte: &&u8| match **byte {
        b' ' | b'\t' | b'\r' => true,
        b'\n' => {
            lines += 1;
            lines == 1
        }
        _ => false,
    };
    bytes.iter().take(SPACES).take_while(is_space).count()
}

/// A TLS record's header: its type, version 3.0 to 3.4, and a length that a record may have.
fn is_tls(bytes: &[u8]) -> bool {
    let Some(([kind, major, minor, length @ ..], _)) = bytes.split_first_chunk::<5>() else {
        return false;
    };
    (0x14..=0x17).contains(kind)
        && *major == 3
        && *minor <= 4
        && u16::from_be_bytes(*length) <= (16 << 10) + 2048
}

/// A character that names and methods may have (RFC 9110 §5.6.2).
pub(crate) fn is_token(byte: u8) -> bool {
    // Looked up: heads consist of names, and a dozen comparisons for each of their bytes would cost more than all the rest.
    TOKENS.get(usize::from(byte)).is_some_and(|is| *is)
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated when it is compiled: an index out of bounds is an error there"
)]
const TOKENS: [bool; 256] = {
    let (mut tokens, mut rest) = ([false; 256], b"!#$%&'*+-.^_`|~".as_slice());
    while let [byte, behind @ ..] = rest {
        tokens[*byte as usize] = true;
        rest = behind;
    }
    let mut byte = 0_u8;
    while byte < 128 {
        tokens[byte as usize] |= byte.is_ascii_alphanumeric();
        byte += 1;
    }
    tokens
};

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// Nothing was said yet.
    Nothing,
    /// Something was said, but not enough to tell.
    Something,
    /// HTTP/1.
    Http,
    /// Not HTTP/1.
    Not(NotHttp),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell() {
        for (bytes, what) in [
            (&b"GET /"[..], Sniff::Request),
            (b"get x", Sniff::Request),
            (b"VERSION-CONTROL /", Sniff::Request),
            (b"HTTP/1.1 200", Sniff::Response),
            (b"ICY 200 OK", Sniff::Response),
            (b"", Sniff::Partial),
            (b"H", Sniff::Partial),
            (b"HTTP", Sniff::Partial),
            (b"GET", Sniff::Partial),
            (b"PRI * HTTP/2.0\r\n\r\nSM", Sniff::Not(NotHttp::Http2)),
            (b"PRI * HTTP/2.", Sniff::Partial),
            (b"PRI /x HTTP/1.1", Sniff::Request),
            (b"SSH-2.0-OpenSSH", Sniff::Not(NotHttp::Ssh)),
            (b"\x16\x03\x01\x02\x00\x01", Sniff::Not(NotHttp::Tls)),
            (b"\x16\x03", Sniff::Partial),
            (b"\x16\x04", Sniff::Not(NotHttp::Other)),
            (b"\x16\x03\x01\xff\xff\x01", Sniff::Not(NotHttp::Other)),
            (b"PING\r\n", Sniff::Not(NotHttp::Other)),
            (b"\0\0\0\x08", Sniff::Not(NotHttp::Other)),
            (&[b'A'; 33], Sniff::Not(NotHttp::Other)),
            (&[b'A'; 32], Sniff::Partial),
        ] {
            assert_eq!(sniff(bytes), what, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn an_answer_never_changes_with_more_bytes() {
        for bytes in [
            &b"PRI * HTTP/2.0\r\n"[..],
            b"PRI * HTTP/1.1\r\n",
            b"SSH-2",
            b"HTTP/1.1 ",
            b"OPTIONS * HTTP/1.1",
            b"\x17\x03\x03\x00\x20xx",
            b"220 mail",
        ] {
            let mut last = Sniff::Partial;
            for end in 0..=bytes.len() {
                let now = sniff(&bytes[..end]);
                assert!(last == Sniff::Partial || last == now, "{} at {end}", bytes.escape_ascii());
                last = now;
            }
            assert_ne!(last, Sniff::Partial);
        }
    }
}
