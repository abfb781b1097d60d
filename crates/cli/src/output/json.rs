//! JSON, written field by field into a buffer: nothing is collected, copied or allocated for it.
//!
//! What is absent was not seen; there is no `null`.

use std::fmt::Display;
use std::mem;
use std::time::Duration;

use egret_decode::{Endpoint, Path};
use serde::{Serialize, Serializer};
use wide::u8x16;

use super::bytes::Latin1;

/// An object that is being written.
pub(crate) struct Json<'a> {
    to: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> Json<'a> {
    /// Writes an object, with the fields that `fill` gives it.
    pub(crate) fn object(to: &'a mut Vec<u8>, fill: impl FnOnce(&mut Json<'_>)) {
        to.push(b'{');
        fill(&mut Json { to: &mut *to, empty: true });
        to.push(b'}');
    }

    /// Inlined wherever a name is given, so that writing it is a few instructions and no call: there are dozens in a record.
    #[inline(always)]
    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        if !mem::replace(&mut self.empty, false) {
            self.to.push(b',');
        }
        self.to.push(b'"');
        // The names are this program's own: there is nothing in them to escape.
        self.to.extend_from_slice(name.as_bytes());
        self.to.extend_from_slice(b"\":");
        self.to
    }

    #[inline]
    pub(crate) fn put(&mut self, name: &str, value: impl Serialize) {
        // Writing into memory does not fail, nor do the values there are here.
        let _ = serde_json::to_writer(self.name(name), &value);
    }

    #[inline]
    pub(crate) fn maybe(&mut self, name: &str, value: Option<impl Serialize>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    /// A text of any length.
    #[inline]
    pub(crate) fn string(&mut self, name: &str, text: &str) {
        string(text, self.name(name));
    }

    /// A value by its `Display`.
    #[inline]
    pub(crate) fn text(&mut self, name: &str, value: impl Display) {
        self.put(name, Text(value));
    }

    /// A word of a head, if there is one.
    #[inline]
    pub(crate) fn head(&mut self, name: &str, word: Option<HeadText<'_>>) {
        if let Some(word) = word {
            word.write(self.name(name));
        }
    }

    /// The fields of a head: a list of names and values.
    pub(crate) fn fields<'h>(
        &mut self,
        name: &str,
        fields: impl Iterator<Item = (HeadText<'h>, HeadText<'h>)>,
    ) {
        let to = self.name(name);
        to.push(b'[');
        for (index, (name, value)) in fields.enumerate() {
            to.extend_from_slice(if index == 0 { b"[" } else { b",[" });
            name.write(to);
            to.push(b',');
            value.write(to);
            to.push(b']');
        }
        to.push(b']');
    }

    /// A duration, in milliseconds.
    #[inline]
    pub(crate) fn millis(&mut self, name: &str, value: Option<Duration>) {
        // From whole nanoseconds, so that the number has no more digits than the clock.
        let nanos = |value: Duration| u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
        self.maybe(name, value.map(|value| nanos(value) as f64 / 1e6));
    }

    /// A count that is only worth saying when it is not zero.
    #[inline]
    pub(crate) fn count(&mut self, name: &str, value: u64) {
        self.maybe(name, (value > 0).then_some(value));
    }

    pub(crate) fn list(&mut self, name: &str, items: impl Iterator<Item: Serialize>) {
        let to = self.name(name);
        for (index, item) in items.enumerate() {
            to.push(if index == 0 { b'[' } else { b',' });
            let _ = serde_json::to_writer(&mut *to, &item);
        }
        // Nothing opened the list if there was nothing in it.
        to.extend_from_slice(if to.last() == Some(&b':') { b"[]" } else { b"]" });
    }

    /// An object inside this one.
    #[inline]
    pub(crate) fn inside(&mut self, name: &str, fill: impl FnOnce(&mut Json<'_>)) {
        Json::object(self.name(name), fill);
    }

    /// A list of objects.
    pub(crate) fn objects<T>(
        &mut self,
        name: &str,
        items: impl Iterator<Item = T>,
        mut fill: impl FnMut(T, &mut Json<'_>),
    ) {
        let to = self.name(name);
        to.push(b'[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                to.push(b',');
            }
            Json::object(to, |json| fill(item, json));
        }
        to.push(b']');
    }

    /// Numbers by name.
    pub(crate) fn counts<'n>(&mut self, name: &str, counts: impl IntoIterator<Item = (&'n str, u64)>) {
        self.inside(name, |json| counts.into_iter().for_each(|(name, count)| json.put(name, count)));
    }

    /// The two ends of a connection, and the ids of the encapsulation around it.
    pub(crate) fn flow(&mut self, client: Endpoint, server: Endpoint, path: Path) {
        for (name, Endpoint { ip, port }) in [("client", client), ("server", server)] {
            self.inside(name, |json| {
                json.put("ip", ip);
                json.put("port", port);
            });
        }
        if !path.is_empty() {
            self.list("path", path.ids().map(Text));
        }
    }
}

/// Writes a text as a string.
fn string(text: &str, to: &mut Vec<u8>) {
    to.push(b'"');
    escape(text.as_bytes(), to);
    to.push(b'"');
}

/// How much of a text is escaped at a time.
const BLOCK: usize = 64;

/// How much of it is copied at a time: whatever is behind it is written in vain, and then written over.
const STEP: usize = 16;

/// The longest that one byte becomes: `\u001f`.
const LONGEST: usize = 6;

/// More than a block becomes.
const ROOM: usize = 512;
const _: () = assert!(BLOCK * LONGEST < ROOM);

/// Writes the bytes of a text as they are in a string (RFC 8259 §7), and whether they are ASCII only.
fn escape(bytes: &[u8], to: &mut Vec<u8>) -> bool {
    let mut out = Out { room: [0; ROOM + STEP], at: 0 };
    let (mut ascii, mut rest) = (true, bytes);
    while let Some(window) = rest.first_chunk() {
        ascii &= out.escape(window, BLOCK);
        out.empty(to);
        rest = rest.get(BLOCK..).unwrap_or_default();
    }
    for block in rest.chunks(BLOCK) {
        let mut window = [0; BLOCK + STEP];
        window.iter_mut().zip(block).for_each(|(place, byte)| *place = *byte);
        ascii &= out.escape(&window, block.len());
        out.empty(to);
    }
    ascii
}

/// Whether bytes are ASCII without anything to escape.
fn is_as_it_is(bytes: &[u8]) -> bool {
    let odd = |bytes: &[u8; 16]| {
        let bytes = u8x16::new(*bytes);
        special(bytes) | bytes
    };
    let (steps, rest) = bytes.as_chunks();
    let found = match bytes.last_chunk() {
        // It goes over bytes that are looked at otherwise, too.
        Some(last) => steps.iter().fold(odd(last), |found, step| found | odd(step)),
        None => {
            let mut step = [b' '; 16];
            step.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
            odd(&step)
        }
    };
    found.to_bitmask() == 0
}

/// Where a block of a text is escaped.
struct Out {
    /// There is room for whatever it becomes, and for what is written behind the end in vain.
    room: [u8; ROOM + STEP],
    at: usize,
}

impl Out {
    /// A block, of which so many bytes count, and a step more; whether it is ASCII only.
    ///
    /// In a body that is JSON itself every seventh byte is a quotation mark. All marks of a block are looked for before the
    /// first is written, so that the processor knows long before where the next one is.
    #[inline]
    fn escape(&mut self, window: &[u8; BLOCK + STEP], count: usize) -> bool {
        let (steps, _) = window.as_chunks();
        let (mut marks, mut beyond) = (0, 0);
        for (index, step) in steps.iter().take(BLOCK / STEP).enumerate() {
            let step = u8x16::new(*step);
            marks |= u64::from(special(step).to_bitmask()) << (index * STEP);
            beyond |= step.to_bitmask();
        }
        if count < BLOCK {
            marks &= (1 << count) - 1;
        }
        let mut from = 0;
        while marks != 0 {
            let place = marks.trailing_zeros() as usize;
            self.copy(window, from, place);
            self.put_escaped(window.get(place).copied().unwrap_or_default());
            from = place + 1;
            marks &= marks - 1;
        }
        self.copy(window, from, count);
        beyond == 0
    }

    /// Writes what is from one place to another as it is.
    #[inline(always)]
    fn copy(&mut self, window: &[u8; BLOCK + STEP], mut from: usize, upto: usize) {
        let behind = self.at + upto - from;
        loop {
            // It is less anyway; so the compiler knows.
            let at = self.at % ROOM;
            if let (Some(place), Some(step)) =
                (self.room.get_mut(at..at + STEP), window.get(from..from + STEP))
            {
                place.copy_from_slice(step);
            }
            if behind <= self.at + STEP {
                break;
            }
            (self.at, from) = (self.at + STEP, from + STEP);
        }
        self.at = behind;
    }

    /// One byte, as what stands for it.
    #[inline(always)]
    fn put_escaped(&mut self, byte: u8) {
        const ESCAPES: [([u8; 8], usize); 256] = escapes();
        let (escaped, length) = ESCAPES.get(usize::from(byte)).copied().unwrap_or_default();
        let at = self.at % ROOM;
        if let Some(place) = self.room.get_mut(at..at + escaped.len()) {
            place.copy_from_slice(&escaped);
        }
        self.at += length;
    }

    /// Gives what was written to somebody else.
    #[inline(always)]
    fn empty(&mut self, to: &mut Vec<u8>) {
        to.extend_from_slice(self.room.get(..self.at).unwrap_or_default());
        self.at = 0;
    }
}

/// Which of these bytes have to be escaped: quotation marks, backslashes, control characters.
#[inline(always)]
fn special(bytes: u8x16) -> u8x16 {
    let controls = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    controls | bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\'))
}

/// What each byte of a text becomes, and how long that is.
const fn escapes() -> [([u8; 8], usize); 256] {
    const fn hex(digit: u8) -> u8 {
        if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }
    }
    let mut escapes = [([0; 8], 0); 256];
    let mut rest: &mut [([u8; 8], usize)] = &mut escapes;
    let mut byte = 0;
    while let [escape, behind @ ..] = rest {
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            _ => 0,
        };
        let (bytes, length) = match byte {
            _ if short > 0 => ([b'\\', short, 0, 0, 0, 0, 0, 0], 2),
            0..0x20 => ([b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte & 0xf), 0, 0], LONGEST),
            _ => ([byte, 0, 0, 0, 0, 0, 0, 0], 1),
        };
        *escape = (bytes, length);
        byte = byte.wrapping_add(1);
        rest = behind;
    }
    escapes
}

/// Anything by its `Display`.
pub(crate) struct Text<T>(pub(crate) T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Bytes of a head: as UTF-8, or each byte one character.
pub(crate) struct HeadText<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) latin1: bool,
}

impl HeadText<'_> {
    /// Writes it as a string. What holds nothing to escape, as nearly everything does, is copied as it is.
    fn write(&self, to: &mut Vec<u8>) {
        to.push(b'"');
        let start = to.len();
        if is_as_it_is(self.bytes) {
            to.extend_from_slice(self.bytes);
        } else if !escape(self.bytes, to) && (self.latin1 || std::str::from_utf8(self.bytes).is_err()) {
            to.truncate(start - 1);
            // Writing into memory does not fail.
            return drop(serde_json::to_writer(to, self));
        }
        to.push(b'"');
    }
}

impl Serialize for HeadText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(self.bytes) {
            Ok(text) if !self.latin1 => serializer.serialize_str(text),
            _ => serializer.collect_str(&Latin1(self.bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_as_others_write_them() {
        let longest = "\u{1}".repeat(1_000);
        let mut to = Vec::new();
        string(&longest, &mut to);
        assert_eq!(String::from_utf8(to).unwrap(), serde_json::to_string(&longest).unwrap());
        // What has to be escaped, at ever other distances, over the ends of the words that are escaped at a time.
        let marks = ["\"", "\\", "\n", "\u{1}", "\u{7f}", "é", "\u{1f600}", "/"];
        for length in (0..20).chain([100, 1_000]) {
            for step in 1..=11 {
                let letters = (0..length).map(|index| match index % step {
                    0 => marks[index / step % marks.len()],
                    _ => "a",
                });
                let text: String = letters.collect();
                let mut to = Vec::new();
                string(&text, &mut to);
                assert_eq!(String::from_utf8(to).unwrap(), serde_json::to_string(&text).unwrap());
            }
        }
    }

    #[test]
    fn each_byte_is_escaped_wherever_it_is() {
        for byte in (0..=0x7f_u8).chain([0xc3]) {
            for place in 0..20 {
                let mut text = vec![b'a'; 20];
                text.splice(place..=place, if byte < 0x80 { vec![byte] } else { vec![byte, 0xa9] });
                let text = String::from_utf8(text).unwrap();
                let mut to = Vec::new();
                string(&text, &mut to);
                assert_eq!(String::from_utf8(to).unwrap(), serde_json::to_string(&text).unwrap());
            }
        }
    }

    #[test]
    fn bytes_beyond_ascii_are_seen_wherever_they_are() {
        for length in [1, 7, 15, 16, 17, 40, 80, 81, 150] {
            for place in 0..length {
                for first in [b'a', b'"'] {
                    let mut bytes = vec![b'a'; length];
                    (bytes[0], bytes[place]) = (first, 0xe9);
                    let head = HeadText { bytes: &bytes, latin1: place % 2 == 0 };
                    let mut to = Vec::new();
                    head.write(&mut to);
                    assert_eq!(String::from_utf8(to).unwrap(), serde_json::to_string(&head).unwrap());
                }
            }
        }
    }

    #[test]
    fn what_is_written_is_json() {
        let mut to = Vec::new();
        Json::object(&mut to, |json| {
            json.put("a", "\"\n");
            json.maybe("absent", None::<u8>);
            json.count("zero", 0);
            json.millis("b_ms", Some(Duration::from_micros(412)));
            json.list("none", [1; 0].into_iter());
            json.list("some", [(1, "x"), (2, "y")].into_iter());
            json.inside("empty", |_| {});
            json.objects("objects", 1..3, |item, json| json.put("n", item));
            json.counts("counts", [("x", 1), ("y", 2)]);
            let head = |bytes| HeadText { bytes, latin1: true };
            json.head("head", Some(head(b"caf\xe9")));
            json.head("none", None);
            json.fields("fields", [(head(b"a"), head(b"\"\\")), (head(b""), head(b"\n"))].into_iter());
        });
        let expected = r#"{"a":"\"\n","b_ms":0.412,"none":[],"some":[[1,"x"],[2,"y"]],"empty":{},"objects":[{"n":1},{"n":2}],"counts":{"x":1,"y":2},"head":"café","fields":[["a","\"\\"],["","\n"]]}"#;
        assert_eq!(String::from_utf8(to).unwrap(), expected);
    }
}
