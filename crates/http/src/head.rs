//! Heads as they were sent: one buffer, and where in it the words of the start line and the headers are.
//!
//! Promises: names and values are the bytes of the wire, in their order and case, duplicates included.

use std::borrow::Cow;
use std::fmt;
use std::hint::black_box;
use std::ops::Range;

/// Where a word is in a head's buffer. Heads are limited, so 32 bits do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn new(range: Range<usize>) -> Self {
        let clamp = |position: usize| u32::try_from(position).unwrap_or(u32::MAX);
        Self { start: clamp(range.start), end: clamp(range.end) }
    }

    pub(crate) const fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// Header or trailer fields, as they were sent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// The whole section, for a head with its start line.
    pub(crate) bytes: Vec<u8>,
    /// Name and value of each field.
    pub(crate) fields: Vec<(Span, Span)>,
}

impl Headers {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Name and value of each, in the order they were sent, in the bytes they were sent in ([`text`] makes text of
    /// them). Space around a value is not part of it; a folded value holds its line end.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|(name, value)| (name.of(&self.bytes), value.of(&self.bytes)))
    }

    /// The first value under this name, whatever its case.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|(sent, _)| self.is(*sent, name)).map(|(_, value)| value.of(&self.bytes))
    }

    /// Every value under this name, whatever its case, in the order they were sent.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.fields.iter().filter(|(sent, _)| self.is(*sent, name)).map(|(_, value)| value.of(&self.bytes))
    }

    /// Whether a field has this name. Nearly all names are of another length: nothing but their places is looked at.
    #[inline]
    fn is(&self, sent: Span, name: &str) -> bool {
        sent.len() == name.len() && sent.of(&self.bytes).eq_ignore_ascii_case(name.as_bytes())
    }

    /// Reads the beginning of the fields' places, and of their bytes: so many lines of memory of each.
    pub(crate) fn fetch(&self, lines: usize) {
        const LINE: usize = 64;
        for field in self.fields.iter().step_by(LINE / size_of::<(Span, Span)>()).take(lines) {
            black_box(field.0.start);
        }
        for byte in self.bytes.iter().step_by(LINE).take(lines) {
            black_box(*byte);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.fields.clear();
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, value)| (text(name), text(value)))).finish()
    }
}

/// Bytes of a head as text: UTF-8 if they are, else each byte as one character (Latin-1).
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }
}
