//! Where a head ends: at its first empty line, whichever way lines end.
//!
//! Promises: no byte is looked at twice, however the head is cut into pieces, and nothing is held but counters.

use memchr::memchr_iter;

/// A search for the end of a head, which goes on where the last piece ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan {
    /// Bytes before the current piece.
    pub(crate) before: usize,
    /// Bytes of the current line before the current piece.
    line: usize,
    /// Whether the last byte before the current piece was a carriage return.
    cr: bool,
    /// Complete lines so far, the empty one included.
    pub(crate) lines: usize,
    /// Where the first line ended: behind its line feed.
    pub(crate) first_line: Option<usize>,
    /// Whether any line ended with a line feed alone.
    pub(crate) bare_lf: bool,
}

impl Scan {
    pub(crate) const fn new() -> Self {
        Self { before: 0, line: 0, cr: false, lines: 0, first_line: None, bare_lf: false }
    }

    /// What is known of a head that was found in one piece, all lines of which end as they should.
    pub(crate) const fn found(end: usize, lines: usize, first_line: usize) -> Self {
        Self { before: end, lines, first_line: Some(first_line), ..Self::new() }
    }

    /// Looks through the next piece; how many of its bytes belong to the head, if the head ends in it.
    pub(crate) fn find(&mut self, piece: &[u8]) -> Option<usize> {
        let mut start = 0; // of the current line, in this piece
        for feed in memchr_iter(b'\n', piece) {
            let cr = match feed.checked_sub(1) {
                Some(last) => piece.get(last) == Some(&b'\r'),
                None => self.cr,
            };
            let length = self.line + (feed - start) - usize::from(cr);
            self.line = 0;
            start = feed + 1;
            self.lines += 1;
            self.bare_lf |= !cr;
            self.first_line.get_or_insert(self.before + start);
            if length == 0 {
                self.before += start;
                return Some(start);
            }
        }
        self.line += piece.len() - start;
        self.cr = piece.last().map_or(self.cr, |last| *last == b'\r');
        self.before += piece.len();
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(head: &[u8], cut: usize) -> (Option<usize>, Scan) {
        let mut scan = Scan::new();
        let (first, second) = head.split_at(cut);
        let end = match scan.find(first) {
            Some(end) => Some(end),
            None => scan.find(second).map(|end| end + first.len()),
        };
        (end, scan)
    }

    #[test]
    fn the_end_is_found_at_the_empty_line_wherever_the_head_is_cut() {
        for (head, end, lines, bare) in [
            (&b"GET / HTTP/1.1\r\nA: b\r\n\r\nbody\n\n"[..], Some(24), 3, false),
            (b"GET / HTTP/1.1\nA: b\n\nbody", Some(21), 3, true),
            (b"GET / HTTP/1.1\r\nA: b\n\r\nbody", Some(23), 3, true),
            (b"GET / HTTP/1.1\r\nA: b\r\n\nbody", Some(23), 3, true),
            (b"a\rb\r\n\r\n", Some(7), 2, false),
            (b"\r\n", Some(2), 1, false),
            (b"GET / HTTP/1.1\r\nA: b\r\n\r", None, 2, false),
        ] {
            for cut in 0..=head.len() {
                let (found, scan) = ends(head, cut);
                assert_eq!(found, end, "{:?} cut at {cut}", head.escape_ascii().to_string());
                assert_eq!((scan.lines, scan.bare_lf), (lines, bare), "cut at {cut}");
                assert_eq!(scan.before, end.unwrap_or(head.len()));
                let line = head.iter().position(|byte| *byte == b'\n').map(|feed| feed + 1);
                assert_eq!(scan.first_line, line);
            }
        }
    }
}
