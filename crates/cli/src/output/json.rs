//! JSON, written field by field into a buffer: nothing is collected, copied or allocated for it.
//!
//! What is absent was not seen; there is no `null`.

use std::fmt::Display;
use std::time::Duration;

use egret_decode::{Endpoint, Path};
use serde::{Serialize, Serializer};

use super::bytes::{Latin1, none};

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

    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        self.to.extend_from_slice(if self.empty { b"\"" } else { b",\"" });
        self.empty = false;
        // The names are this program's own: there is nothing in them to escape.
        self.to.extend_from_slice(name.as_bytes());
        self.to.extend_from_slice(b"\":");
        self.to
    }

    pub(crate) fn put(&mut self, name: &str, value: impl Serialize) {
        // Writing into memory does not fail, nor do the values there are here.
        let _ = serde_json::to_writer(self.name(name), &value);
    }

    pub(crate) fn maybe(&mut self, name: &str, value: Option<impl Serialize>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    /// A text of any length.
    pub(crate) fn string(&mut self, name: &str, text: &str) {
        string(text, self.name(name));
    }

    /// A value by its `Display`.
    pub(crate) fn text(&mut self, name: &str, value: impl Display) {
        self.put(name, Text(value));
    }

    /// A word of a head, if there is one.
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
    pub(crate) fn millis(&mut self, name: &str, value: Option<Duration>) {
        // From whole nanoseconds, so that the number has no more digits than the clock.
        self.maybe(name, value.map(|value| value.as_nanos() as f64 / 1e6));
    }

    /// A count that is only worth saying when it is not zero.
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

/// How much of a text is escaped at a time.
const BLOCK: usize = 1 << 8;

/// The longest that one byte becomes: `\u001f`.
const LONGEST: usize = 6;

/// Writes a text as a string. Eight bytes at a time, up to the next that has to be escaped: in a body that is JSON itself
/// every seventh byte is a quotation mark, and to look at each byte takes several times as long.
fn string(text: &str, to: &mut Vec<u8>) {
    to.push(b'"');
    // Room for whatever a block becomes, and for the bytes behind the end that are copied in vain.
    let mut room = [0; BLOCK * LONGEST + 8];
    for block in text.as_bytes().chunks(BLOCK) {
        let mut at = 0;
        let mut put = |at: usize, bytes: &[u8; 8]| {
            if let Some(place) = room.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        };
        let mut rest = block;
        while let Some(word) = rest.first_chunk::<8>() {
            put(at, word);
            let plain = special(u64::from_le_bytes(*word)).trailing_zeros() as usize / 8;
            at += plain;
            rest = rest.get(plain..).unwrap_or_default();
            if plain < 8
                && let Some((byte, behind)) = rest.split_first()
            {
                let (escaped, length) = escape(*byte);
                put(at, &escaped);
                (at, rest) = (at + length, behind);
            }
        }
        for byte in rest {
            let (escaped, length) = escape(*byte);
            put(at, &escaped);
            at += length;
        }
        to.extend_from_slice(room.get(..at).unwrap_or_default());
    }
    to.push(b'"');
}

/// The highest bit of the first of eight bytes that has to be escaped; perhaps of others behind it.
const fn special(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let (quote, backslash) = (word ^ (EACH * b'"' as u64), word ^ (EACH * b'\\' as u64));
    let control = word.wrapping_sub(EACH * 0x20) & !word;
    let marks = quote.wrapping_sub(EACH) & !quote | backslash.wrapping_sub(EACH) & !backslash;
    (control | marks) & (EACH * 0x80)
}

/// What a byte of a text becomes in a string (RFC 8259 §7), and how long that is.
const fn escape(byte: u8) -> ([u8; 8], usize) {
    const fn hex(digit: u8) -> u8 {
        if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }
    }
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        0..0x20 => {
            let (high, low) = (hex(byte >> 4), hex(byte & 0xf));
            return ([b'\\', b'u', b'0', b'0', high, low, 0, 0], LONGEST);
        }
        _ => return ([byte, 0, 0, 0, 0, 0, 0, 0], 1),
    };
    ([b'\\', short, 0, 0, 0, 0, 0, 0], 2)
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
    /// Writes it as a string. What holds nothing to escape, as nearly everything does, is copied as it is: that takes a
    /// tenth of the time, and heads are most of what is printed.
    fn write(&self, to: &mut Vec<u8>) {
        if none(self.bytes, |byte| !(b' '..=b'~').contains(&byte) || matches!(byte, b'"' | b'\\')) {
            to.push(b'"');
            to.extend_from_slice(self.bytes);
            to.push(b'"');
        } else {
            match std::str::from_utf8(self.bytes) {
                Ok(text) if !self.latin1 => string(text, to),
                // Writing into memory does not fail.
                _ => drop(serde_json::to_writer(to, self)),
            }
        }
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
        let longest = "\u{1}".repeat(BLOCK + 1);
        let mut to = Vec::new();
        string(&longest, &mut to);
        assert_eq!(String::from_utf8(to).unwrap(), serde_json::to_string(&longest).unwrap());
        // What has to be escaped, at ever other distances, over the ends of the parts that are escaped at a time.
        let marks = ["\"", "\\", "\n", "\u{1}", "\u{7f}", "é", "\u{1f600}", "/"];
        for length in [0, 1, 7, 8, 9, 100, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
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
