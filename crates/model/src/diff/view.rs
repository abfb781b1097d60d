//! What schemas say together, however they are put together: references, `allOf`, `anyOf` and `oneOf` seen through.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::Node;

/// How many schemas are put together for one view, at most: documents may ask for more than there are atoms.
const SCHEMAS: usize = 256;

/// What some schemas say of one value, each of which is allowed for it.
#[derive(Debug, Default)]
pub(super) struct View<'a> {
    pub(super) types: BTreeSet<&'a str>,
    /// Of strings; none where not all are named.
    pub(super) values: BTreeSet<&'a str>,
    pub(super) format: BTreeSet<&'a str>,
    pub(super) properties: BTreeMap<&'a str, Vec<&'a Node>>,
    pub(super) required: BTreeSet<&'a str>,
    pub(super) items: Vec<&'a Node>,
    pub(super) additional: Vec<&'a Node>,
    /// Whether it says something of strings, and not which.
    open: bool,
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

/// The types of a schema, of its variants where it has none itself.
pub(crate) fn types<'a>(document: &'a Node, schema: &'a Node) -> BTreeSet<&'a str> {
    let mut found = own_types(schema);
    if schema.get("type").is_none() {
        for variant in ["anyOf", "oneOf"].iter().filter_map(|word| schema.get(word)).flat_map(Node::items) {
            found.extend(own_types(resolved(document, variant)));
        }
    }
    found
}

fn own_types(schema: &Node) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    match schema.get("type") {
        Some(Node::Text(name)) => found.extend([name.as_str()]),
        Some(Node::List(names)) => found.extend(names.iter().filter_map(Node::text)),
        _ => {}
    }
    // OpenAPI 3.0.
    if schema.get("nullable").is_some_and(Node::is_true) {
        found.insert("null");
    }
    found
}

impl<'a> View<'a> {
    pub(super) fn of(document: &'a Node, nodes: &[&'a Node]) -> Self {
        Self::any(document, nodes.iter().copied(), &mut SCHEMAS.clone())
    }

    /// What a value may be for which one of the schemas is enough.
    fn any(document: &'a Node, nodes: impl Iterator<Item = &'a Node>, left: &mut usize) -> Self {
        let mut whole = Self::default();
        let mut required: Option<BTreeSet<&str>> = None;
        for node in nodes {
            let one = Self::all(document, node, left);
            if one.types.contains("object") || !one.properties.is_empty() {
                let known = required.take();
                required = Some(known.map_or(one.required.clone(), |known| &known & &one.required));
            }
            let speaks = one.types.is_empty() || one.types.contains("string");
            whole.open |= one.open || speaks && one.values.is_empty();
            whole.add(one);
        }
        if whole.open {
            whole.values.clear();
        }
        whole.required = required.unwrap_or_default();
        whole
    }

    /// What a value must be for which one schema is meant, with all that it is made of.
    fn all(document: &'a Node, node: &'a Node, left: &mut usize) -> Self {
        let Some(fewer) = left.checked_sub(1) else { return Self::default() };
        *left = fewer;
        let node = resolved(document, node);
        let mut view = Self::own(node);
        let list = |word: &str| node.get(word).map_or(&[][..], Node::items);
        for part in list("allOf") {
            view.join(Self::all(document, part, left));
        }
        for word in ["anyOf", "oneOf"] {
            if !list(word).is_empty() {
                view.join(Self::any(document, list(word).iter(), left));
            }
        }
        view
    }

    /// What stands in the schema itself.
    fn own(node: &'a Node) -> Self {
        let mut view = Self { types: own_types(node), ..Self::default() };
        let values = node.get("enum").map_or(&[][..], Node::items).iter().chain(node.get("const"));
        view.values.extend(values.filter_map(Node::text));
        view.format.extend(node.get("format").and_then(Node::text));
        for (name, schema) in node.get("properties").into_iter().flat_map(Node::entries) {
            view.properties.entry(name).or_default().push(schema);
        }
        view.required.extend(node.get("required").map_or(&[][..], Node::items).iter().filter_map(Node::text));
        view.items.extend(node.get("items"));
        view.additional.extend(node.get("additionalProperties").filter(|node| matches!(node, Node::Map(_))));
        view
    }

    fn add(&mut self, other: Self) {
        self.types.extend(other.types);
        self.values.extend(other.values);
        self.format.extend(other.format);
        for (name, schemas) in other.properties {
            self.properties.entry(name).or_default().extend(schemas);
        }
        self.required.extend(other.required);
        self.items.extend(other.items);
        self.additional.extend(other.additional);
    }

    /// Adds what must hold besides.
    fn join(&mut self, other: Self) {
        self.open |= other.open;
        self.add(other);
    }
}
