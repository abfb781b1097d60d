//! OpenAPI documents as values: read from YAML or JSON, written as either, in the order they were made.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longer documents are not read.
const LONGEST: usize = 64 << 20;

/// An OpenAPI document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document(pub(crate) Node);

/// Why a text is not an OpenAPI document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// It is neither YAML nor JSON.
    #[error("neither YAML nor JSON: {0}")]
    Syntax(String),
    /// It does not say which OpenAPI it is.
    #[error("not an OpenAPI document: it has no `openapi: 3.…`")]
    NotOpenApi,
    /// It is of a version that is not read.
    #[error("OpenAPI {0}, and 3.0 and 3.1 are read")]
    Version(String),
    /// It is longer than 64 MiB.
    #[error("longer than {LONGEST} bytes")]
    TooLong,
}

impl Document {
    /// Reads a document of OpenAPI 3.0 or 3.1, YAML or JSON.
    ///
    /// # Errors
    /// What it is instead.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        if text.len() > LONGEST {
            return Err(DocumentError::TooLong);
        }
        let json = text.trim_start().starts_with('{');
        let node: Node = if json {
            serde_json::from_str(text).map_err(|error| DocumentError::Syntax(error.to_string()))?
        } else {
            yaml_serde::from_str(text).map_err(|error| DocumentError::Syntax(error.to_string()))?
        };
        let version = match node.get("openapi") {
            Some(Node::Text(version)) => version.clone(),
            // `openapi: 3.1`, unquoted.
            Some(Node::Number(version)) => version.to_string(),
            _ => return Err(DocumentError::NotOpenApi),
        };
        if version.starts_with("3.0") || version.starts_with("3.1") {
            Ok(Self(node))
        } else {
            Err(DocumentError::Version(version))
        }
    }

    /// As YAML.
    pub fn to_yaml(&self) -> String {
        // A tree of maps with text keys: nothing that YAML could not hold.
        yaml_serde::to_string(&self.0).unwrap_or_default()
    }

    /// As JSON, indented.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.0).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// A value of a document. Maps keep their order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// What is under `name` in a map.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.entries().find(|(key, _)| *key == name).map(|(_, node)| node)
    }

    /// The names of a map, with what is under them.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        let entries = if let Self::Map(entries) = self { entries.as_slice() } else { &[] };
        entries.iter().map(|(name, node)| (name.as_str(), node))
    }

    /// The items of a list.
    pub(crate) fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn is_true(&self) -> bool {
        *self == Self::Bool(true)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "bounds of schemas are compared as JSON Schema does: as numbers"
    )]
    pub(crate) const fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// What a local reference (`#/components/…`) names.
    pub(crate) fn at(&self, reference: &str) -> Option<&Self> {
        let path = reference.strip_prefix("#/")?;
        path.split('/').try_fold(self, |node, name| node.get(&name.replace("~1", "/").replace("~0", "~")))
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Node {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Node {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Node {
    /// As an integer where it is one that both forms hold exactly.
    #[expect(clippy::cast_possible_truncation, reason = "the number is whole and within 2^53")]
    fn from(number: f64) -> Self {
        let whole = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
        if whole { Self::Integer(number as i64) } else { Self::Number(number) }
    }
}

impl FromIterator<Node> for Node {
    fn from_iter<T: IntoIterator<Item = Self>>(items: T) -> Self {
        Self::List(items.into_iter().collect())
    }
}

/// A map under construction.
#[derive(Debug, Default)]
pub(crate) struct Entries(Vec<(String, Node)>);

impl Entries {
    pub(crate) fn put(&mut self, name: &str, node: impl Into<Node>) {
        self.0.push((name.to_owned(), node.into()));
    }

    pub(crate) fn maybe(&mut self, name: &str, node: Option<impl Into<Node>>) {
        if let Some(node) = node {
            self.put(name, node);
        }
    }

    /// Unless it is empty.
    pub(crate) fn some(&mut self, name: &str, node: Node) {
        if !matches!(&node, Node::Map(entries) if entries.is_empty())
            && !matches!(&node, Node::List(items) if items.is_empty())
        {
            self.put(name, node);
        }
    }
}

impl From<Entries> for Node {
    fn from(entries: Entries) -> Self {
        Self::Map(entries.0)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(name, node)| map.serialize_entry(name, node))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// Reads any value.
struct Reader;

/// A name of a map: `200` without quotes is one in YAML.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Node::deserialize(deserializer)? {
            Node::Text(text) => text,
            Node::Integer(number) => number.to_string(),
            Node::Number(number) => number.to_string(),
            Node::Bool(value) => value.to_string(),
            _ => return Err(serde::de::Error::custom("a name that is no text")),
        }))
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Integer(value))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "what does not fit is a number of JSON, which is no more exact"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(i64::try_from(value).map_or(Node::Number(value as f64), Node::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some((Name(name), node)) = entries.next_entry()? {
            map.push((name, node));
        }
        Ok(Node::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_written() {
        let text = "openapi: 3.1.0\ninfo: {title: a, version: '1'}\npaths:\n  /a:\n    get:\n      responses:\n        200: {description: ok}\n";
        let document = Document::parse(text).unwrap();
        assert!(document.0.at("#/paths/~1a/get/responses/200").is_some());
        assert_eq!(Document::parse(&document.to_yaml()).unwrap(), document);
        assert_eq!(Document::parse(&document.to_json()).unwrap(), document);
    }

    #[test]
    fn what_is_not_openapi_is_refused() {
        assert!(matches!(Document::parse("a: 1"), Err(DocumentError::NotOpenApi)));
        assert!(matches!(Document::parse("openapi: 2.0"), Err(DocumentError::Version(_))));
        assert!(matches!(Document::parse("{"), Err(DocumentError::Syntax(_))));
        assert!(matches!(Document::parse("a: [1"), Err(DocumentError::Syntax(_))));
        let bomb: String = (0..40).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)).skip(1).collect();
        assert!(Document::parse(&format!("openapi: 3.1.0\na0: &a0 [x, x]\n{bomb}")).is_err());
    }
}
