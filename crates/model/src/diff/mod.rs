//! What changed between two descriptions, and which changes break clients.
//!
//! What is asked of a client and what is answered to it are judged the other way round: a request may not ask for more,
//! an answer may not hold less.

mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::document::{Document, Node};
use crate::operation::Method;

use view::View;
pub(crate) use view::{resolved, types};

/// How many levels of schemas are compared.
const DEPTH: usize = 12;

/// How many pairs of schemas are compared in all: references may ask for more than there are atoms.
const PAIRS: usize = 100_000;

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
    let mut differ = Differ { old: &old.0, new: &new.0, changes: Vec::new(), left: PAIRS };
    let (before, after) = (operations(&old.0), operations(&new.0));
    for (key, operation) in &before {
        let place = format!("{} {}", key.0.name(), key.1);
        match after.get(key) {
            None => differ.add(&place, ChangeKind::Removed, "operation", true),
            Some(twin) => differ.operation(&place, operation, twin),
        }
    }
    if differ.left == 0 {
        differ.add("(schemas)", ChangeKind::Changed, "are too many: not all were compared", false);
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
    path: &'a str,
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
                found.insert((method, nameless(path)), Operation { path, node, shared });
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

struct Differ<'a> {
    old: &'a Node,
    new: &'a Node,
    changes: Vec<Change>,
    /// Pairs of schemas that may still be compared.
    left: usize,
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
            match after.get(&(*at, name.clone())) {
                // A server may take no notice of what it does not know any more; what it did with it is gone.
                None => self.add(&place, ChangeKind::Removed, "parameter", true),
                Some(twin) => {
                    let required = |node: &Node| node.get("required").is_some_and(Node::is_true);
                    if required(parameter) != required(twin) {
                        let what = if required(twin) { "is required now" } else { "is optional now" };
                        self.add(&place, ChangeKind::Changed, what, required(twin));
                    }
                    self.optional(&place, parameter.get("schema"), twin.get("schema"), Side::Client);
                }
            }
        }
        for ((at, name), parameter) in after.iter().filter(|(key, _)| !before.contains_key(key)) {
            let required = parameter.get("required").is_some_and(Node::is_true);
            let what = if required { "required parameter" } else { "parameter" };
            self.add(&format!("{place} {at} {name}"), ChangeKind::Added, what, required);
        }
        if !needs_credentials(self.old, old.node) && needs_credentials(self.new, new.node) {
            self.add(place, ChangeKind::Changed, "credentials are required now", true);
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
                Some(twin) => self.optional(&place, content.get("schema"), twin.get("schema"), side),
            }
        }
        for media_type in after.keys().filter(|name| !before.contains_key(*name)) {
            self.add(&format!("{place} {media_type}"), ChangeKind::Added, "media type", false);
        }
    }

    /// Compares schemas where both have one.
    fn optional(&mut self, place: &str, old: Option<&'a Node>, new: Option<&'a Node>, side: Side) {
        if let (Some(old), Some(new)) = (old, new) {
            self.schemas(place, &[old], &[new], side, DEPTH);
        }
    }

    /// Compares what any of some schemas allows with what any of others does.
    fn schemas(&mut self, place: &str, old: &[&'a Node], new: &[&'a Node], side: Side, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        if old.is_empty() || new.is_empty() || self.left == 0 {
            return;
        }
        self.left -= 1;
        let (old, new) = (View::of(self.old, old), View::of(self.new, new));
        self.types(place, &old.types, &new.types, side);
        if !old.values.is_empty() && !new.values.is_empty() {
            for gone in old.values.difference(&new.values) {
                self.add(place, ChangeKind::Removed, format!("value {gone}"), side == Side::Client);
            }
            for come in new.values.difference(&old.values) {
                self.add(place, ChangeKind::Added, format!("value {come}"), side == Side::Server);
            }
        }
        let strings = |view: &View<'_>| view.types.contains("string");
        if strings(&old) && strings(&new) && old.format != new.format {
            let words = |view: &View<'_>| match view.format.is_empty() {
                true => "any".to_owned(),
                false => view.format.iter().copied().collect::<Vec<_>>().join(" or "),
            };
            // Who reads any string reads one of a format.
            let wider = match side {
                Side::Client => new.format.is_empty(),
                Side::Server => old.format.is_empty(),
            };
            let what = format!("format {} is {} now", words(&old), words(&new));
            self.add(place, ChangeKind::Changed, what, !wider);
        }
        self.properties(place, &old, &new, side, depth);
        self.schemas(&format!("{place}[]"), &old.items, &new.items, side, depth);
        self.schemas(&format!("{place}{{}}"), &old.additional, &new.additional, side, depth);
    }

    fn types(&mut self, place: &str, old: &BTreeSet<&str>, new: &BTreeSet<&str>, side: Side) {
        if old == new || old.is_empty() || new.is_empty() {
            return;
        }
        let within = |one: &BTreeSet<&str>, other: &BTreeSet<&str>| {
            one.iter().all(|name| other.contains(name) || *name == "integer" && other.contains("number"))
        };
        let breaking = match side {
            Side::Client => !within(old, new),
            Side::Server => !within(new, old),
        };
        let words = |types: &BTreeSet<&str>| types.iter().copied().collect::<Vec<_>>().join(" or ");
        self.add(place, ChangeKind::Changed, format!("{} is {} now", words(old), words(new)), breaking);
    }

    fn properties(&mut self, place: &str, old: &View<'a>, new: &View<'a>, side: Side, depth: usize) {
        let (before, after) = (&old.properties, &new.properties);
        for (name, schemas) in before {
            let place = format!("{place} .{name}").replace("] .", "].").replace("} .", "}.");
            let Some(twin) = after.get(name) else {
                self.add(&place, ChangeKind::Removed, "property", side == Side::Server);
                continue;
            };
            match (old.required.contains(name), new.required.contains(name)) {
                (true, false) => {
                    self.add(&place, ChangeKind::Changed, "is optional now", side == Side::Server);
                }
                (false, true) => {
                    self.add(&place, ChangeKind::Changed, "is required now", side == Side::Client);
                }
                _ => {}
            }
            self.schemas(&place, schemas, twin, side, depth);
        }
        for name in after.keys().filter(|name| !before.contains_key(*name)) {
            let breaking = side == Side::Client && new.required.contains(name);
            let what = if breaking { "required property" } else { "property" };
            self.add(&format!("{place} .{name}"), ChangeKind::Added, what, breaking);
        }
    }
}

/// Parameters by place and name; those of paths by their position, because their names are nobody's business.
fn parameters<'a>(document: &'a Node, operation: &Operation<'a>) -> BTreeMap<(&'a str, String), &'a Node> {
    let own = operation.node.get("parameters").map_or(&[][..], Node::items);
    let all = operation.shared.iter().chain(own).map(|node| resolved(document, node));
    let named = all.filter_map(|node| {
        let (place, name) = (node.get("in")?.text()?, node.get("name")?.text()?);
        let mut segments = operation.path.split('/').filter(|segment| segment.starts_with('{'));
        let name = match place {
            "path" => format!("#{}", segments.position(|segment| segment == format!("{{{name}}}"))? + 1),
            "header" => name.to_ascii_lowercase(),
            _ => name.to_owned(),
        };
        Some(((place, name), node))
    });
    named.collect()
}

/// Whether no call without credentials is allowed.
fn needs_credentials(document: &Node, operation: &Node) -> bool {
    let security =
        operation.get("security").or_else(|| document.get("security")).map_or(&[][..], Node::items);
    !security.is_empty() && security.iter().all(|one| one.entries().next().is_some())
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
        assert_eq!(
            changes(&[
                ("/users/{id}", "/users/{name}"),
                (r#""name": "id", "in""#, r#""name": "name", "in""#)
            ]),
            [""; 0]
        );
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
    fn schemas_are_compared_however_they_are_put_together() {
        let old = r##"{"anyOf": [{"allOf": [{"$ref": "#/components/schemas/User"}]}, {"type": "null"}]}"##;
        let of = |user: &str| {
            let text = OLD.replacen(r##"{"$ref": "#/components/schemas/User"}"##, old, 1);
            Document::parse(&text.replacen(r#""name": {"type": "string"}, "tags""#, user, 1)).unwrap()
        };
        let changes = diff(
            &of(r#""name": {"type": "string"}, "tags""#),
            &of(r#""name": {"oneOf": [{"type": "integer"}, {"type": "string"}]}, "tags""#),
        );
        assert_eq!(
            changes.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "changed  GET /users/{} 200 application/json .name  string is integer or string now  (breaking)"
            ]
        );
    }

    #[test]
    fn types_of_paths_formats_and_credentials_are_compared() {
        let path = r#""name": "id", "in": "path", "required": true"#;
        let typed = |kind: &str| format!(r#"{path}, "schema": {{"type": "{kind}"}}"#);
        let of = |edits: &[(&str, &str)]| {
            let text = edits.iter().fold(OLD.to_owned(), |text, (from, to)| text.replacen(from, to, 1));
            Document::parse(&text).unwrap()
        };
        let shown = |old: &Document, new: &Document| {
            diff(old, new).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            shown(&of(&[(path, &typed("integer"))]), &of(&[(path, &typed("string"))])),
            ["changed  GET /users/{} path #1  integer is string now  (breaking)"]
        );
        let tag = r#""items": {"type": "string"}"#;
        let uuid = r#""items": {"type": "string", "format": "uuid"}"#;
        assert_eq!(
            shown(&of(&[(tag, uuid)]), &of(&[])),
            ["changed  GET /users/{} 200 application/json .tags[]  format uuid is any now  (breaking)"]
        );
        assert_eq!(
            shown(&of(&[]), &of(&[(tag, uuid)])),
            ["changed  GET /users/{} 200 application/json .tags[]  format any is uuid now"]
        );
        let closed = [(r#""/old": {"get": {"#, r#""/old": {"get": {"security": [{"key": []}], "#)];
        assert_eq!(
            shown(&of(&[]), &of(&closed)),
            ["changed  GET /old  credentials are required now  (breaking)"]
        );
        assert_eq!(shown(&of(&closed), &of(&[])), [""; 0]);
    }

    #[test]
    fn references_that_ask_for_too_much_end() {
        let properties = |of: &str| -> String {
            let each = (0..10).map(|n| format!(r##""p{n}": {{"$ref": "#/components/schemas/{of}"}}"##));
            each.collect::<Vec<_>>().join(", ")
        };
        let schemas: Vec<_> = (0..12)
            .map(|n| format!(r#""S{n}": {{"properties": {{{}}}}}"#, properties(&format!("S{}", n + 1))))
            .collect();
        let text = format!(
            r##"{{"openapi": "3.1.0", "paths": {{"/a": {{"get": {{"responses": {{"200": {{"content": {{"application/json":
            {{"schema": {{"$ref": "#/components/schemas/S0"}}}}}}}}}}}}}}}}, "components": {{"schemas": {{{}}}}}}}"##,
            schemas.join(", ")
        );
        let document = Document::parse(&text).unwrap();
        let changes = diff(&document, &document);
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert!(changes[0].what.contains("not all were compared"));
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
