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
            // Writing into memory does not fail.
            let _ = serde_json::to_writer(to, self);
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
