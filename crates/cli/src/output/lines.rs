//! What a peer said, as lines for people: as it comes in pieces, each line behind a mark, nothing that could disturb
//! the terminal.

use std::io::{self, Write};
use std::mem;

use super::bytes::{disturbs, escape};

/// Writes the text of one side. Pieces may end anywhere, also inside a character.
pub(crate) struct Lines {
    mark: &'static str,
    /// Whether the last line is ended: the next character is the first of its line.
    fresh: bool,
    /// A carriage return that may be the first half of a line end.
    held_return: bool,
    /// The first bytes of a character whose others have not come: at most three.
    held: Vec<u8>,
}

impl Lines {
    /// Lines that begin with `mark`.
    pub(crate) fn new(mark: &'static str) -> Self {
        Self { mark, fresh: true, held_return: false, held: Vec::new() }
    }

    /// Writes the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8], to: &mut impl Write) -> io::Result<()> {
        let joined;
        let mut rest = bytes;
        if !self.held.is_empty() {
            let mut held = mem::take(&mut self.held);
            held.extend_from_slice(bytes);
            joined = held;
            rest = &joined;
        }
        if let Some(cut) = cut_character(rest) {
            let (whole, cut) = rest.split_at(rest.len() - cut);
            self.held = cut.to_vec();
            rest = whole;
        }
        self.write(rest, to)
    }

    /// Ends the last line, and starts anew.
    pub(crate) fn end(&mut self, to: &mut impl Write) -> io::Result<()> {
        let held = mem::take(&mut self.held);
        self.write(&held, to)?;
        self.release_return(to)?;
        if !mem::replace(&mut self.fresh, true) {
            to.write_all(b"\n")?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8], to: &mut impl Write) -> io::Result<()> {
        for chunk in bytes.utf8_chunks() {
            self.text(chunk.valid(), to)?;
            for byte in chunk.invalid() {
                self.begin(to)?;
                write!(to, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }

    fn text(&mut self, mut text: &str, to: &mut impl Write) -> io::Result<()> {
        while !text.is_empty() {
            let plain = text.find(disturbs).unwrap_or(text.len());
            let (before, from) = text.split_at(plain);
            if !before.is_empty() {
                self.begin(to)?;
                to.write_all(before.as_bytes())?;
            }
            let mut rest = from.chars();
            match rest.next() {
                Some('\n') => {
                    self.held_return = false;
                    self.begin(to)?;
                    to.write_all(b"\n")?;
                    self.fresh = true;
                }
                Some('\r') => {
                    self.begin(to)?;
                    self.held_return = true;
                }
                Some('\t') => {
                    self.begin(to)?;
                    to.write_all(b"\t")?;
                }
                Some(c) => {
                    self.begin(to)?;
                    let mut escaped = String::new();
                    let _ = escape(c, &mut escaped);
                    to.write_all(escaped.as_bytes())?;
                }
                None => {}
            }
            text = rest.as_str();
        }
        Ok(())
    }

    /// Makes sure that the line has its mark and what was held is in front of what comes.
    fn begin(&mut self, to: &mut impl Write) -> io::Result<()> {
        self.release_return(to)?;
        if mem::replace(&mut self.fresh, false) {
            to.write_all(self.mark.as_bytes())?;
        }
        Ok(())
    }

    fn release_return(&mut self, to: &mut impl Write) -> io::Result<()> {
        if mem::replace(&mut self.held_return, false) {
            to.write_all(b"\\r")?;
        }
        Ok(())
    }
}

/// How many bytes at the end are the beginning of a UTF-8 character that is not all there.
pub(crate) fn cut_character(bytes: &[u8]) -> Option<usize> {
    (1..=3.min(bytes.len())).find(|length| {
        let tail = bytes.get(bytes.len() - length..).unwrap_or_default();
        std::str::from_utf8(tail).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: &[&[u8]]) -> String {
        let mut lines = Lines::new("> ");
        let mut to = Vec::new();
        for piece in pieces {
            lines.push(piece, &mut to).unwrap();
        }
        lines.end(&mut to).unwrap();
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn text_is_the_same_however_it_is_cut() {
        let said = "GET / é\r\n\r\n\ta\rb\x1b[1m\u{85}\r\r\n中\u{202e}".as_bytes();
        let whole = shown(&[said]);
        assert_eq!(whole, "> GET / é\n> \n> \ta\\rb\\x1b[1m\\u{85}\\r\n> 中\\u{202e}\n");
        for first in 0..said.len() {
            for second in first..said.len() {
                assert_eq!(shown(&[&said[..first], &said[first..second], &said[second..]]), whole);
            }
        }
    }

    #[test]
    fn what_is_not_text_is_escaped() {
        assert_eq!(shown(&[b"\xff\xe4\xb8"]), "> \\xff\\xe4\\xb8\n");
        assert_eq!(shown(&[b"\xe4", b"a"]), "> \\xe4a\n");
        assert_eq!(shown(&[b"a\n", b""]), "> a\n");
        assert_eq!(shown(&[b"\r"]), "> \\r\n");
        assert_eq!(shown(&[]), "");
    }
}
