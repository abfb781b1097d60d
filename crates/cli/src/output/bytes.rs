//! Bytes as text: safe for a terminal, in hexadecimal, in base64.
//!
//! Peers choose these bytes. What is printed for people goes through [`Escaped`], so that no packet can move the
//! cursor, set a title or turn text around.

use std::fmt::{self, Write};
use std::io;

/// Bytes as one line of text: UTF-8 as it is, control characters and everything that is not UTF-8 escaped.
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_plain(self.0) {
            return f.write_str(std::str::from_utf8(self.0).unwrap_or_default());
        }
        for chunk in self.0.utf8_chunks() {
            // Most text holds nothing to escape: it is written in one piece, up to what does.
            let mut rest = chunk.valid();
            while let Some((at, c)) = rest.char_indices().find(|(_, c)| disturbs(*c)) {
                let (plain, from) = rest.split_at(at);
                f.write_str(plain)?;
                escape(c, f)?;
                rest = from.strip_prefix(c).unwrap_or_default();
            }
            f.write_str(rest)?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Writes bytes as [`Escaped`] shows them.
pub(crate) fn escaped(bytes: &[u8], to: &mut Vec<u8>) {
    if is_plain(bytes) {
        to.extend_from_slice(bytes);
    } else {
        // A vector takes everything.
        let _ = io::Write::write_fmt(to, format_args!("{}", Escaped(bytes)));
    }
}

/// Whether bytes are printable ASCII and nothing else. Nearly always they are. In steps of a fixed size, which the compiler
/// turns into a few instructions each; the last one goes over bytes that were looked at before.
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    fn is<const N: usize>(step: &[u8; N]) -> bool {
        step.iter().fold(true, |plain, byte| plain & (b' '..=b'~').contains(byte))
    }
    let (steps, _) = bytes.as_chunks::<16>();
    match (bytes.last_chunk::<16>(), bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(last), ..) => steps.iter().all(is) && is(last),
        (None, Some(first), Some(last)) => is(first) && is(last),
        _ => bytes.iter().all(|byte| is(&[*byte])),
    }
}

/// Whether a character does more to a terminal than to fill a cell with itself.
pub(crate) fn disturbs(c: char) -> bool {
    // Besides the control characters (C0, DEL, C1): line separators and the marks that change the direction of text.
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Writes an escaped character.
pub(crate) fn escape(c: char, f: &mut impl Write) -> fmt::Result {
    match c {
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        c if c.is_ascii() => write!(f, "\\x{:02x}", u32::from(c)),
        c => write!(f, "\\u{{{:x}}}", u32::from(c)),
    }
}

/// Bytes as text, each byte one character (ISO 8859-1).
pub(crate) struct Latin1<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Latin1<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| f.write_char(char::from(*byte)))
    }
}

/// Bytes in lower-case hexadecimal.
pub(crate) struct Hex<T>(pub(crate) T);

impl<T: AsRef<[u8]>> fmt::Display for Hex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Bytes in base64, with padding (RFC 4648 §4).
pub(crate) struct Base64<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Base64<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for group in self.0.chunks(3) {
            let bits =
                group.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - group.len()));
            for place in 0..4 {
                let digit = ALPHABET.get(bits >> (18 - 6 * place) & 63).filter(|_| place <= group.len());
                f.write_char(digit.map_or('=', |digit| char::from(*digit)))?;
            }
        }
        Ok(())
    }
}

/// A byte as the character that stands for it beside a hexadecimal dump.
pub(crate) fn printable(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '.' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_gets_through() {
        let shown = Escaped("a\x1b[2Jb\r\n\u{9b}c\u{202e}d é\t".as_bytes()).to_string();
        assert_eq!(shown, "a\\x1b[2Jb\\r\\n\\u{9b}c\\u{202e}d é\\t");
        assert_eq!(Escaped(b"\xff\xc3(").to_string(), "\\xff\\xc3(");
        for first in 0..=255 {
            for second in 0..=255 {
                assert!(!Escaped(&[first, second]).to_string().contains(disturbs));
            }
        }
    }

    #[test]
    fn what_is_looked_for_is_found_wherever_it_is() {
        for length in 0..50 {
            let mut bytes = vec![b'a'; length];
            assert!(is_plain(&bytes));
            for place in 0..length {
                bytes[place] = 0x7f;
                assert!(!is_plain(&bytes), "{place} of {length}");
                bytes[place] = b'~';
            }
        }
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let cases = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];
        for (plain, coded) in cases {
            assert_eq!(Base64(plain.as_bytes()).to_string(), coded);
        }
        assert_eq!(Base64(&[0xfb, 0xff, 0xfe]).to_string(), "+//+");
    }

    #[test]
    fn latin_1_and_hexadecimal() {
        assert_eq!(Latin1(b"caf\xe9").to_string(), "café");
        assert_eq!(Hex([0, 0xab]).to_string(), "00ab");
    }
}
