//! Bodies as trees of values: JSON, and forms of both kinds as if they were JSON objects of texts.
//!
//! Refuses: bodies that are not whole, and those that are not what their media type says. Depth is bounded.

use serde_json::{Map, Value};

use crate::facts::{Facts, Reading};
use crate::key::Key;
use crate::operation::{Content, SCHEMA};
use crate::secret::is_secret_name;
use crate::shapes::NAMES;
use crate::tree::Tree;

/// Levels of a document that are looked at.
const DEPTH: usize = 18;

/// Fields of one form, at most; those beyond are ignored.
const FIELDS: usize = 1_000;

/// A body that was read.
#[derive(Debug)]
pub(crate) struct Document {
    value: Value,
    /// Whether its scalars are texts, whatever they mean.
    texts: bool,
}

/// What a media type's bodies are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Json,
    Form,
    Multipart,
}

impl Syntax {
    fn of(media_type: &str) -> Option<Self> {
        match media_type {
            "application/json" | "text/json" => Some(Self::Json),
            "application/x-www-form-urlencoded" => Some(Self::Form),
            "multipart/form-data" => Some(Self::Multipart),
            _ => media_type.ends_with("+json").then_some(Self::Json),
        }
    }
}

/// Reads a whole body. `content_type` is the header, with its parameters. `None` for a media type that is only named;
/// an error for a body that is not what it says.
pub(crate) fn read(media_type: &str, content_type: &str, bytes: &[u8]) -> Option<Result<Document, ()>> {
    Some(match Syntax::of(media_type)? {
        Syntax::Json => {
            serde_json::from_slice(bytes).map(|value| Document { value, texts: false }).map_err(|_| ())
        }
        Syntax::Form => {
            let pairs = crate::target::pairs(&String::from_utf8_lossy(bytes));
            Ok(Document {
                value: object(pairs.into_iter().map(|(name, value)| (name, value.into()))),
                texts: true,
            })
        }
        Syntax::Multipart => boundary(content_type)
            .and_then(|boundary| parts(bytes, boundary))
            .map(|parts| Document { value: object(parts.into_iter()), texts: true })
            .ok_or(()),
    })
}

/// An object of fields; those that come again are arrays.
fn object(fields: impl Iterator<Item = (String, Value)>) -> Value {
    let mut object = Map::new();
    for (name, value) in fields.take(FIELDS) {
        match object.get_mut(&name) {
            None => {
                object.insert(name, value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(object)
}

/// The boundary of a multipart body (RFC 2046 §5.1.1).
fn boundary(content_type: &str) -> Option<&str> {
    let parameter = content_type.split(';').skip(1).map(str::trim);
    let mut values = parameter.filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    });
    values.next().filter(|boundary| (1..=70).contains(&boundary.len()))
}

/// The parts of a form (RFC 7578): name, and text, or null for a file.
fn parts(bytes: &[u8], boundary: &str) -> Option<Vec<(String, Value)>> {
    let text = String::from_utf8_lossy(bytes);
    let delimiter = format!("--{boundary}");
    let mut found = Vec::new();
    for part in text.split(delimiter.as_str()).skip(1).take(FIELDS) {
        if part.starts_with("--") {
            return Some(found);
        }
        let (head, body) = part.split_once("\r\n\r\n")?;
        let mut names = head.split("\r\n").filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
        });
        let disposition = names.next()?;
        let parameter = |wanted: &str| {
            disposition
                .split(';')
                .filter_map(|part| part.trim().split_once('='))
                .find_map(|(name, value)| (name == wanted).then(|| value.trim_matches('"').to_owned()))
        };
        let value = match parameter("filename") {
            // Files are opaque; what marks them is that they are null among texts.
            Some(_) => Value::Null,
            None => body.strip_suffix("\r\n").unwrap_or(body).into(),
        };
        found.push((parameter("name")?, value));
    }
    None
}

impl Content {
    /// Adds a body that was read.
    pub(crate) fn add(&mut self, document: &Document, reading: Reading<'_>) {
        self.schema.observe(SCHEMA, |root, added| {
            walk(root, &document.value, document.texts, DEPTH, added, reading);
            0
        });
    }
}

fn walk(
    node: &mut Tree<Facts>,
    value: &Value,
    texts: bool,
    depth: usize,
    added: &mut usize,
    reading: Reading<'_>,
) {
    match value {
        Value::String(text) if texts => node.evidence.text(text, reading),
        _ => node.evidence.value(value, reading),
    }
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::Object(fields) => {
            let mut names = node.evidence.shapes.is_open().then(Vec::new);
            for (name, value) in fields {
                let key = Key::field(name);
                names
                    .iter_mut()
                    .filter(|names| names.len() <= NAMES)
                    .for_each(|names| names.extend(key.hash()));
                let Some(branch) = node.branch(key, added) else { continue };
                let secret = reading.secret || is_secret_name(name);
                walk(branch, value, texts, depth, added, Reading { secret, ..reading });
            }
            if let Some(names) = names {
                node.evidence.shapes.add(names, reading.witness);
            }
        }
        Value::Array(items) => {
            for item in items {
                let Some(branch) = node.branch(Key::items(), added) else { return };
                walk(branch, item, texts, depth, added, reading);
            }
        }
        _ => {}
    }
}

impl Document {
    /// The value, where it is one of JSON.
    pub(crate) fn json(&self) -> Option<&Value> {
        (!self.texts).then_some(&self.value)
    }

    /// Whether `text` is one of the scalars, but not the name of a sort of things: `{"type": "users"}` says nothing of
    /// what is called `users`.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        fn within(value: &Value, text: &str, depth: usize) -> bool {
            match value {
                Value::String(value) => value == text,
                Value::Array(values) if depth > 0 => {
                    values.iter().any(|value| within(value, text, depth - 1))
                }
                Value::Object(fields) if depth > 0 => {
                    let sort = |name: &str| matches!(name, "type" | "kind" | "object" | "@type" | "resource");
                    fields.iter().any(|(name, value)| {
                        !(value.is_string() && sort(name)) && within(value, text, depth - 1)
                    })
                }
                _ => false,
            }
        }
        within(&self.value, text, DEPTH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(media_type: &str, content_type: &str, bytes: &[u8]) -> Option<Value> {
        read(media_type, content_type, bytes)?.ok().map(|document| document.value)
    }

    #[test]
    fn forms_are_objects_of_texts() {
        let form = "application/x-www-form-urlencoded";
        let read = value(form, form, b"name=grey+heron&tag=a&tag=b&legs=2").unwrap();
        assert_eq!(read, serde_json::json!({"name": "grey heron", "tag": ["a", "b"], "legs": "2"}));
        let body = b"--x\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nEgret\r\n--x\r\n\
            Content-Disposition: form-data; name=\"photo\"; filename=\"e.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n\
            \xff\xd8\r\n--x--\r\n";
        let read = value("multipart/form-data", "multipart/form-data; boundary=x", body).unwrap();
        assert_eq!(read, serde_json::json!({"title": "Egret", "photo": null}));
        assert_eq!(value("multipart/form-data", "multipart/form-data; boundary=y", body), None);
        assert_eq!(value("multipart/form-data", "multipart/form-data", body), None);
    }

    #[test]
    fn broken_json_is_no_document() {
        assert!(read("application/json", "", b"{\"a\":").unwrap().is_err());
        assert!(read("application/problem+json", "", b"{}").unwrap().is_ok());
        assert!(read("text/html", "", b"<p>").is_none());
        let deep = "[".repeat(100_000);
        assert!(read("application/json", "", deep.as_bytes()).unwrap().is_err());
    }
}
