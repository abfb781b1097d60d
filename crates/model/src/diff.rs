//! What changed between two descriptions, and which changes break clients.
//!
//! What is asked of a client and what is answered to it are judged the other way round: a request may not ask for more,
//! an answer may not hold less.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::document::{Document, Node};
use crate::operation::Method;

/// How many levels of schemas are compared.
const DEPTH: usize = 12;

/// One difference between two descriptions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Change {
    /// Where: `GET /users/{}`, with what is within it behind (`200 application/json .items[].id`).
    pub place: String,
    /// What kind of change it is.
    pub kind: ChangeKind,
    /// What it is.
    pub what: String,
    /// Whether clients of the old one may fail with the new one.
    pub breaking: bool,
}

/// Kinds of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ChangeKind {
    /// Only the new one has it.
    Added,
    /// Only the old one has it.
    Removed,
    /// Both have it, not alike.
    Changed,
}

impl ChangeKind {
    /// A stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

impl fmt::Display for Change {
    /// `removed  GET /users/{}  operation (breaking)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<7}  {}  {}", self.kind.name(), self.place, self.what)?;
        if self.breaking { f.write_str("  (breaking)") } else { Ok(()) }
    }
}

/// The differences between two descriptions, by their places.
pub fn diff(old: &Document, new: &Document) -> Vec<Change> {
    let mut differ = Differ { old: &old.0, new: &new.0, changes: Vec::new() };
    let (before, after) = (operations(&old.0), operations(&new.0));
    for (key, operation) in &before {
        let place = format!("{} {}", key.0.name(), key.1);
        match after.get(key) {
            None => differ.add(&place, ChangeKind::Removed, "operation", true),
            Some(twin) => differ.operation(&place, operation, twin),
        }
    }
    for key in after.keys().filter(|key| !before.contains_key(key)) {
        differ.add(&format!("{} {}", key.0.name(), key.1), ChangeKind::Added, "operation", false);
    }
    differ.changes.sort();
    differ.changes.dedup();
    differ.changes
}

/// An operation with the parameters of its path.
struct Operation<'a> {
    node: &'a Node,
    shared: &'a [Node],
}

/// Operations by method and template, names of path parameters aside.
fn operations(document: &Node) -> BTreeMap<(Method, String), Operation<'_>> {
    let mut found = BTreeMap::new();
    for (path, item) in document.get("paths").into_iter().flat_map(Node::entries) {
        let shared = item.get("parameters").map_or(&[][..], Node::items);
        for (method, node) in item.entries() {
            if let Some(method) = Method::named(method) {
                found.insert((method, nameless(path)), Operation { node, shared });
            }
        }
    }
    found
}

/// A template without the names of its parameters.
pub(crate) fn nameless(path: &str) -> String {
    let segments = path
        .split('/')
        .map(|segment| if segment.starts_with('{') && segment.ends_with('}') { "{}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// Follows references; those that lead nowhere, or around, are left.
pub(crate) fn resolved<'a>(document: &'a Node, mut node: &'a Node) -> &'a Node {
    for _ in 0..16 {
        match node.get("$ref").and_then(Node::text).and_then(|reference| document.at(reference)) {
            Some(target) => node = target,
            None => break,
        }
    }
    node
}

struct Differ<'a> {
    old: &'a Node,
    new: &'a Node,
    changes: Vec<Change>,
}

/// Who writes what a schema describes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

impl<'a> Differ<'a> {
    fn add(&mut self, place: &str, kind: ChangeKind, what: impl Into<String>, breaking: bool) {
        self.changes.push(Change { place: place.to_owned(), kind, what: what.into(), breaking });
    }

    fn operation(&mut self, place: &str, old: &Operation<'a>, new: &Operation<'a>) {
        let (before, after) = (parameters(self.old, old), parameters(self.new, new));
        for ((at, name), parameter) in &before {
            let place = format!("{place} {at} {name}");
            match after.get(&(*at, *name)) {
                // A server may take no notice of what it does not know any more; what it did with it is gone.
                None => self.add(&place, ChangeKind::Removed, "parameter", true),
                Some(twin) => {
                    let required = |node: &Node| node.get("required").is_some_and(Node::is_true);
                    if required(parameter) != required(twin) {
                        let what = if required(twin) { "is required now" } else { "is optional now" };
                        self.add(&place, ChangeKind::Changed, what, required(twin));
                    }
                    self.schemas(&place, parameter.get("schema"), twin.get("schema"), Side::Client, DEPTH);
                }
            }
        }
        for ((at, name), parameter) in after.iter().filter(|(key, _)| !before.contains_key(key)) {
            let required = parameter.get("required").is_some_and(Node::is_true);
            let what = if required { "required parameter" } else { "parameter" };
            self.add(&format!("{place} {at} {name}"), ChangeKind::Added, what, required);
        }
        self.request(place, old.node.get("requestBody"), new.node.get("requestBody"));
        self.responses(place, old.node, new.node);
    }

    fn request(&mut self, place: &str, old: Option<&'a Node>, new: Option<&'a Node>) {
        let (old, new) = (old.map(|node| resolved(self.old, node)), new.map(|node| resolved(self.new, node)));
        let required = |node: &Node| node.get("required").is_some_and(Node::is_true);
        match (old, new) {
            (Some(_), None) => self.add(place, ChangeKind::Removed, "request body", true),
            (None, Some(new)) => self.add(place, ChangeKind::Added, "request body", required(new)),
            (Some(old), Some(new)) => {
                if required(new) && !required(old) {
                    self.add(place, ChangeKind::Changed, "the request body is required now", true);
                }
                self.contents(&format!("{place} request"), old, new, Side::Client);
            }
            (None, None) => {}
        }
    }

    fn responses(&mut self, place: &str, old: &'a Node, new: &'a Node) {
        let responses = |node: &'a Node| node.get("responses").into_iter().flat_map(Node::entries);
        let after: BTreeMap<_, _> = responses(new).collect();
        let before: BTreeMap<_, _> = responses(old).collect();
        for (status, response) in &before {
            let place = format!("{place} {status}");
            match after.get(status) {
                None => self.add(&place, ChangeKind::Removed, "status", status.starts_with('2')),
                Some(twin) => {
                    let (one, other) = (resolved(self.old, response), resolved(self.new, twin));
                    self.contents(&place, one, other, Side::Server);
                }
            }
        }
        for status in after.keys().filter(|status| !before.contains_key(*status)) {
            self.add(&format!("{place} {status}"), ChangeKind::Added, "status", false);
        }
    }

    fn contents(&mut self, place: &str, old: &'a Node, new: &'a Node, side: Side) {
        let contents = |node: &'a Node| -> BTreeMap<&'a str, &'a Node> {
            node.get("content").into_iter().flat_map(Node::entries).collect()
        };
        let (before, after) = (contents(old), contents(new));
        for (media_type, content) in &before {
            let place = format!("{place} {media_type}");
            match after.get(media_type) {
                None => self.add(&place, ChangeKind::Removed, "media type", true),
                Some(twin) => self.schemas(&place, content.get("schema"), twin.get("schema"), side, DEPTH),
            }
        }
        for media_type in after.keys().filter(|name| !before.contains_key(*name)) {
            self.add(&format!("{place} {media_type}"), ChangeKind::Added, "media type", false);
        }
    }

    fn schemas(
        &mut self,
        place: &str,
        old: Option<&'a Node>,
        new: Option<&'a Node>,
        side: Side,
        depth: usize,
    ) {
        let (Some(old), Some(new), Some(depth)) = (old, new, depth.checked_sub(1)) else { return };
        let (old, new) = (resolved(self.old, old), resolved(self.new, new));
        self.types(place, &types(self.old, old), &types(self.new, new), side);
        let values = |node: &'a Node| -> BTreeSet<&'a str> {
            node.get("enum").map_or(&[][..], Node::items).iter().filter_map(Node::text).collect()
        };
        let (before, after) = (values(old), values(new));
        if !before.is_empty() && !after.is_empty() {
            for gone in before.difference(&after) {
                self.add(place, ChangeKind::Removed, format!("value {gone}"), side == Side::Client);
            }
            for come in after.difference(&before) {
                self.add(place, ChangeKind::Added, format!("value {come}"), side == Side::Server);
            }
        }
        self.properties(place, old, new, side, depth);
        self.schemas(&format!("{place}[]"), old.get("items"), new.get("items"), side, depth);
        let others =
            |node: &'a Node| node.get("additionalProperties").filter(|node| matches!(node, Node::Map(_)));
        self.schemas(&format!("{place}{{}}"), others(old), others(new), side, depth);
    }

    fn types(&mut self, place: &str, old: &BTreeSet<String>, new: &BTreeSet<String>, side: Side) {
        if old == new || old.is_empty() || new.is_empty() {
            return;
        }
        let within = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
            one.iter().all(|name| other.contains(name) || name == "integer" && other.contains("number"))
        };
        let breaking = match side {
            Side::Client => !within(old, new),
            Side::Server => !within(new, old),
        };
        let words = |types: &BTreeSet<String>| types.iter().cloned().collect::<Vec<_>>().join(" or ");
        self.add(place, ChangeKind::Changed, format!("{} is {} now", words(old), words(new)), breaking);
    }

    fn properties(&mut self, place: &str, old: &'a Node, new: &'a Node, side: Side, depth: usize) {
        let properties = |node: &'a Node| -> BTreeMap<&'a str, &'a Node> {
            node.get("properties").into_iter().flat_map(Node::entries).collect()
        };
        let required = |node: &Node, name: &str| {
            node.get("required")
                .is_some_and(|names| names.items().iter().any(|item| item.text() == Some(name)))
        };
        let (before, after) = (properties(old), properties(new));
        for (name, schema) in &before {
            let place = format!("{place} .{name}").replace("] .", "].").replace("} .", "}.");
            let Some(twin) = after.get(name) else {
                self.add(&place, ChangeKind::Removed, "property", side == Side::Server);
                continue;
            };
            match (required(old, name), required(new, name)) {
                (true, false) => {
                    self.add(&place, ChangeKind::Changed, "is optional now", side == Side::Server);
                }
                (false, true) => {
                    self.add(&place, ChangeKind::Changed, "is required now", side == Side::Client);
                }
                _ => {}
            }
            self.schemas(&place, Some(schema), Some(twin), side, depth);
        }
        for name in after.keys().filter(|name| !before.contains_key(*name)) {
            let breaking = side == Side::Client && required(new, name);
            let what = if breaking { "required property" } else { "property" };
            self.add(&format!("{place} .{name}"), ChangeKind::Added, what, breaking);
        }
    }
}

/// Parameters by place and name; those of paths by their position, because their names are nobody's business.
fn parameters<'a>(document: &'a Node, operation: &Operation<'a>) -> BTreeMap<(&'a str, &'a str), &'a Node> {
    let own = operation.node.get("parameters").map_or(&[][..], Node::items);
    let all = operation.shared.iter().chain(own).map(|node| resolved(document, node));
    let named = all.filter_map(|node| Some(((node.get("in")?.text()?, node.get("name")?.text()?), node)));
    named.filter(|((place, _), _)| *place != "path").collect()
}

/// The types of a schema, of its variants where it has some.
pub(crate) fn types(document: &Node, schema: &Node) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    match schema.get("type") {
        Some(Node::Text(name)) => {
            found.insert(name.clone());
        }
        Some(Node::List(names)) => found.extend(names.iter().filter_map(Node::text).map(str::to_owned)),
        _ => {
            for word in ["anyOf", "oneOf"] {
                for variant in schema.get(word).map_or(&[][..], Node::items) {
                    let variant = resolved(document, variant);
                    match variant.get("type") {
                        Some(Node::Text(name)) => {
                            found.insert(name.clone());
                        }
                        Some(Node::List(names)) => {
                            found.extend(names.iter().filter_map(Node::text).map(str::to_owned));
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    // OpenAPI 3.0.
    if schema.get("nullable").is_some_and(Node::is_true) {
        found.insert("null".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r##"{"openapi": "3.1.0", "paths": {
        "/users/{id}": {"get": {
            "parameters": [{"name": "id", "in": "path", "required": true}, {"name": "full", "in": "query"}],
            "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/User"}}}}}}},
        "/old": {"get": {"responses": {}}},
        "/users": {"post": {
            "requestBody": {"content": {"application/json": {"schema": {"type": "object", "required": ["name"],
                "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}}}},
            "responses": {"201": {}}}}},
        "components": {"schemas": {"User": {"type": "object", "required": ["name"],
            "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}},
                "state": {"enum": ["on", "off"]}}}}}}"##;

    fn changes(edits: &[(&str, &str)]) -> Vec<String> {
        let new = edits.iter().fold(OLD.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        let (old, new) = (Document::parse(OLD).unwrap(), Document::parse(&new).unwrap());
        diff(&old, &new).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_of_path_parameters_do_not_matter() {
        assert_eq!(changes(&[("/users/{id}", "/users/{name}")]), [""; 0]);
    }

    #[test]
    fn what_clients_rely_on_may_not_go() {
        assert_eq!(
            changes(&[("/old", "/new")]),
            ["added    GET /new  operation", "removed  GET /old  operation  (breaking)",]
        );
        assert_eq!(
            changes(&[(r#""name": {"type": "string"}, "tags""#, r#""tags""#)]),
            ["removed  GET /users/{} 200 application/json .name  property  (breaking)"]
        );
        assert_eq!(
            changes(&[(r#""items": {"type": "string"}"#, r#""items": {"type": ["string", "null"]}"#)]),
            ["changed  GET /users/{} 200 application/json .tags[]  string is null or string now  (breaking)"]
        );
        assert_eq!(
            changes(&[(r#"["on", "off"]"#, r#"["on", "ill"]"#)]),
            [
                "added    GET /users/{} 200 application/json .state  value ill  (breaking)",
                "removed  GET /users/{} 200 application/json .state  value off",
            ]
        );
    }

    #[test]
    fn no_more_may_be_asked_of_clients() {
        assert_eq!(
            changes(&[(r#""full", "in": "query""#, r#""full", "in": "query", "required": true"#)]),
            ["changed  GET /users/{} query full  is required now  (breaking)"]
        );
        assert_eq!(
            changes(&[(
                r#""required": ["name"],
                "properties": {"name": {"type": "string"}, "age": {"type": "integer"}"#,
                r#""required": ["name", "mail"],
                "properties": {"name": {"type": "string"}, "age": {"type": "number"}, "mail": {}"#
            )]),
            [
                "changed  POST /users request application/json .age  integer is number now",
                "added    POST /users request application/json .mail  required property  (breaking)",
            ]
        );
    }

    #[test]
    fn references_in_a_circle_end() {
        let text = r##"{"openapi": "3.1.0", "paths": {"/a": {"get": {"responses": {"200": {"content": {"application/json":
            {"schema": {"$ref": "#/components/schemas/A"}}}}}}}}, "components": {"schemas": {
            "A": {"properties": {"a": {"$ref": "#/components/schemas/A"}, "b": {"$ref": "#/components/schemas/B"}}},
            "B": {"$ref": "#/components/schemas/B"}}}}"##;
        let document = Document::parse(text).unwrap();
        assert_eq!(diff(&document, &document), []);
    }
}
