//! Names in DNS messages, with their compression (RFC 1035 §4.1.4).

use std::fmt;

/// The most bytes that a name may have (RFC 1035 §2.3.4).
const LONGEST: usize = 255;

/// A name, read where it lies. [`Display`](fmt::Display) gives its labels with a point behind each; a point within a
/// label and everything that is not printable ASCII is escaped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name<'a> {
    message: &'a [u8],
    start: usize,
}

/// What is at a place in a name.
enum Part<'a> {
    Label(&'a [u8]),
    Pointer(usize),
    End,
}

impl<'a> Name<'a> {
    pub(super) const fn new(message: &'a [u8], start: usize) -> Self {
        Self { message, start }
    }

    fn part(self, at: usize) -> Option<Part<'a>> {
        let (&length, rest) = self.message.get(at..)?.split_first()?;
        match length {
            0 => Some(Part::End),
            1..=0x3f => rest.get(..usize::from(length)).map(Part::Label),
            0xc0.. => {
                let low = *rest.first()?;
                Some(Part::Pointer(usize::from(u16::from_be_bytes([length & 0x3f, low]))))
            }
            // Two kinds of labels that were never used (RFC 6891 §5).
            _ => None,
        }
    }

    /// Where the bytes at its own place end; `None` where they do not.
    pub(super) fn end(self) -> Option<usize> {
        let mut at = self.start;
        loop {
            match self.part(at)? {
                Part::End => return Some(at + 1),
                Part::Pointer(_) => return Some(at + 2),
                Part::Label(label) => at += 1 + label.len(),
            }
        }
    }

    /// Its labels. The last one is `None` where the name does not end as it must.
    pub fn labels(self) -> impl Iterator<Item = Option<&'a [u8]>> {
        let (mut at, mut before, mut length, mut ended) = (self.start, self.start, 0, false);
        std::iter::from_fn(move || {
            while !ended {
                match self.part(at) {
                    Some(Part::End) => ended = true,
                    // Each pointer leads further to the front, so their number is bounded.
                    Some(Part::Pointer(target)) if target < before => (at, before) = (target, target),
                    Some(Part::Label(label)) if length + 1 + label.len() < LONGEST => {
                        at += 1 + label.len();
                        length += 1 + label.len();
                        return Some(Some(label));
                    }
                    _ => {
                        ended = true;
                        return Some(None);
                    }
                }
            }
            None
        })
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut root = true;
        for label in self.labels() {
            root = false;
            let Some(label) = label else { return f.write_str("<bad name>") };
            for part in label.split_inclusive(|byte| *byte == b'.') {
                match part.strip_suffix(b".") {
                    Some(part) => write!(f, "{}\\.", part.escape_ascii())?,
                    None => write!(f, "{}", part.escape_ascii())?,
                }
            }
            f.write_str(".")?;
        }
        if root { f.write_str(".") } else { Ok(()) }
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
