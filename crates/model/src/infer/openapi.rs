//! A description as a document of OpenAPI 3.1. What OpenAPI has no word for is under `x-egret-…`: counts, times, and
//! the ranges that were observed (which are no limits).

use std::collections::{BTreeMap, BTreeSet};

use egret_http::Timestamp;

use super::components::Components;
use super::schema::{Form, Property, Schema, is_rare};
use super::security::{Schemes, unused};
use super::template::Segment;
use super::variants::Variant;
use super::words::{pascal, singular};
use super::{Described, Description};
use crate::Kind;
use crate::document::{Document, Entries, Node};
use crate::named::Named;
use crate::operation::{Content, Method, Parameter};

/// The document of a description.
pub(crate) fn document(description: &Description) -> Document {
    let mut components = Components::default();
    for operation in &description.operations {
        for (content, media_type, name, asked) in contents(operation) {
            components.add(&schema_of(content, media_type, asked), &name);
        }
    }
    components.name_them();
    let writer = Writer { components: &components, schemes: Schemes::of(&description.operations) };

    let mut paths = BTreeMap::<String, Entries>::new();
    let mut ids = BTreeSet::new();
    for operation in &description.operations {
        let item = paths.entry(operation.path()).or_default();
        let id = unused(operation_id(operation), &mut ids);
        item.put(&operation.method.name().to_ascii_lowercase(), writer.operation(operation, id));
    }
    let mut all = Entries::default();
    for (path, item) in paths {
        all.put(&path, item);
    }

    let mut info = Entries::default();
    info.put("title", description.servers.join(", "));
    info.put("version", "0");
    info.put("description", "Inferred by egret from observed traffic. What was not observed is not here.");
    if !description.limited.is_empty() {
        let names = description.limited.join(", ");
        info.put(
            "x-egret-limited",
            format!("{names}: more was observed than is kept whole; rare places and fields are folded"),
        );
    }
    let servers = description.servers.iter().map(|name| {
        let mut server = Entries::default();
        server.put("url", format!("http://{name}"));
        server.into()
    });
    let mut shared = Entries::default();
    let mut schemas = Entries::default();
    for (name, schema) in components.named() {
        schemas.put(name, writer.inline(schema));
    }
    shared.some("schemas", schemas.into());
    shared.some("securitySchemes", writer.schemes.node());

    let mut root = Entries::default();
    root.put("openapi", "3.1.0");
    root.put("info", info);
    root.put("servers", servers.collect::<Node>());
    root.put("paths", all);
    root.some("components", shared.into());
    Document(root.into())
}

/// The contents of an operation, with what a shape found there would be called.
fn contents(operation: &Described) -> impl Iterator<Item = (&Content, &str, String, bool)> {
    let last = operation.template.iter().rev().find_map(|segment| match segment {
        Segment::Literal(text) if !text.is_empty() => Some(text.as_str()),
        _ => None,
    });
    let thing = pascal(&singular(last.unwrap_or("root")));
    let asked = match operation.method {
        Method::Post => format!("New{thing}"),
        Method::Patch => format!("{thing}Patch"),
        _ => format!("{thing}Input"),
    };
    let request =
        operation.evidence.request.iter().map(move |(name, content)| (content, name, asked.clone(), true));
    let responses = operation.evidence.responses.iter().flat_map(move |(status, answer)| {
        let thing = thing.clone();
        let name = if status.starts_with(['4', '5']) { "Error".to_owned() } else { thing };
        answer.content.iter().map(move |(media_type, content)| (content, media_type, name.clone(), false))
    });
    request.chain(responses)
}

/// The schema of bodies of a media type, of requests (`asked`) or responses.
pub(crate) fn schema_of(content: &Content, media_type: &str, asked: bool) -> Schema {
    Schema::of(content.schema.root(), Form { texts: is_form(media_type), asked })
}

/// Whether bodies of a media type are texts by name.
fn is_form(media_type: &str) -> bool {
    matches!(media_type, "multipart/form-data" | "application/x-www-form-urlencoded")
}

struct Writer<'a> {
    components: &'a Components,
    schemes: Schemes,
}

impl Writer<'_> {
    fn operation(&self, operation: &Described, id: String) -> Node {
        let evidence = &operation.evidence;
        let mut entries = Entries::default();
        entries.put("operationId", id);
        let path = operation.template.iter().filter_map(|segment| match segment {
            Segment::Parameter(parameter) => {
                let mut entries = Entries::default();
                entries.put("name", parameter.name.as_str());
                entries.put("in", "path");
                entries.put("required", true);
                entries.put("schema", self.inline(&Schema::of_facts(&parameter.facts).textual()));
                entries.put("x-egret-why", parameter.why.to_string());
                Some(entries.into())
            }
            Segment::Literal(_) => None,
        });
        let parameters = path
            .chain(self.parameters("query", &evidence.query, evidence.accepted))
            .chain(self.parameters("header", &evidence.header, evidence.accepted))
            .chain(self.parameters("cookie", &evidence.cookie, evidence.accepted));
        entries.some("parameters", parameters.collect());
        if evidence.request.iter().next().is_some() {
            let counts = evidence.request.iter().map(|(_, content)| content.count);
            let bodies = counts.fold(0_u64, u64::saturating_add);
            let mut body = Entries::default();
            body.put("required", bodies == evidence.accepted);
            body.put("content", self.content(&evidence.request, true));
            body.put("x-egret-count", bodies);
            entries.put("requestBody", body);
        }
        let mut responses = Entries::default();
        for (status, answer) in evidence.responses.iter() {
            let mut response = Entries::default();
            response.put("description", reason(status));
            response.some("content", self.content(&answer.content, false));
            response.put("x-egret-count", answer.count);
            responses.put(status, response);
        }
        entries.put("responses", responses);
        entries.some("security", self.schemes.requirements(operation));
        entries.put("x-egret-count", evidence.calls);
        if let Some((first, last)) = evidence.time {
            entries.put("x-egret-first-seen", Timestamp::from_nanos(first).to_string());
            entries.put("x-egret-last-seen", Timestamp::from_nanos(last).to_string());
        }
        for (name, is) in [("x-egret-file", operation.is_file), ("x-egret-health", operation.is_health)] {
            if is {
                entries.put(name, true);
            }
        }
        entries.into()
    }

    fn parameters<const MOST: usize>(
        &self,
        place: &str,
        parameters: &Named<Parameter, MOST>,
        calls: u64,
    ) -> Vec<Node> {
        let known = parameters
            .iter()
            .filter(|(name, parameter)| !is_rare(parameter.calls, calls, Kind::of(name) == Kind::Word));
        let each = known.map(|(name, parameter)| {
            let mut schema = Schema::of_facts(&parameter.facts).textual();
            if parameter.repeated > 0 {
                let items = Some(Box::new(schema));
                schema = Schema { types: ["array"].into(), items, ..Schema::default() };
            }
            let mut entries = Entries::default();
            entries.put("name", name);
            entries.put("in", place);
            entries.put("required", parameter.calls == calls);
            entries.put("schema", self.inline(&schema));
            entries.put("x-egret-count", parameter.calls);
            entries.into()
        });
        each.collect()
    }

    fn content<const MOST: usize>(&self, contents: &Named<Content, MOST>, asked: bool) -> Node {
        let mut entries = Entries::default();
        for (media_type, content) in contents.iter() {
            let mut media = Entries::default();
            if content.schema.root().visits > 0 {
                media.put("schema", self.schema(&schema_of(content, media_type, asked)));
            }
            if content.asked_for > 0 {
                media.put("x-egret-asked-for", content.asked_for);
            }
            if content.unread > 0 {
                media.put("x-egret-unread", content.unread);
            }
            entries.put(media_type, media);
        }
        entries.into()
    }

    /// A schema, or the reference to its component.
    fn schema(&self, schema: &Schema) -> Node {
        let Some(name) = self.components.name_of(schema) else { return self.inline(schema) };
        let mut entries = Entries::default();
        entries.put("$ref", format!("#/components/schemas/{name}"));
        entries.into()
    }

    fn inline(&self, schema: &Schema) -> Node {
        let holders = ["object", "array"].iter().filter(|name| schema.types.contains(**name)).count();
        let scalars =
            schema.types.iter().filter(|name| !matches!(**name, "object" | "array" | "null")).count();
        if holders > 1 || holders == 1 && scalars > 0 {
            return self.one_of(schema);
        }
        if !schema.variants.is_empty() {
            return self.sorts(schema);
        }
        let mut entries = Entries::default();
        let mut types = schema.types.iter().map(|name| Node::from(*name));
        match (types.next(), schema.types.len()) {
            (None, _) => {}
            (Some(only), 1) => entries.put("type", only),
            (Some(first), _) => entries.put("type", std::iter::once(first).chain(types).collect::<Node>()),
        }
        entries.maybe("format", schema.format);
        if !schema.values.is_empty() {
            let null = schema.types.contains("null").then_some(Node::Null);
            let values = schema.values.iter().map(|value| Node::from(&**value));
            entries.put("enum", values.chain(null).collect::<Node>());
        }
        if schema.types.contains("object") {
            self.object(schema, &mut entries);
        }
        if schema.types.contains("array") {
            let any = || Entries::default().into();
            entries.put("items", schema.items.as_deref().map_or_else(any, |items| self.schema(items)));
        }
        entries.maybe("x-egret-range", schema.range.map(|(low, high)| format!("{low}..{high}")));
        if schema.values.is_empty() {
            entries.maybe("x-egret-length", schema.length.map(|(low, high)| format!("{low}..{high}")));
        }
        entries.maybe("x-egret-items", schema.counts.map(|(low, high)| format!("{low}..{high}")));
        let example = schema.example.as_deref().map(|text| match schema.types.contains("string") {
            true => Node::from(text),
            false => text.parse::<f64>().map_or_else(|_| Node::from(text), Node::from),
        });
        entries.some("examples", example.into_iter().collect());
        entries.into()
    }

    fn object(&self, schema: &Schema, entries: &mut Entries) {
        let mut properties = Entries::default();
        for property in &schema.properties {
            properties.put(&property.name, self.property(property));
        }
        entries.some("properties", properties.into());
        let required = schema.properties.iter().filter(|property| property.required);
        entries.some("required", required.map(|property| Node::from(property.name.as_str())).collect());
        if let Some(additional) = &schema.additional {
            entries.put("additionalProperties", self.schema(additional));
        }
        entries.put("x-egret-count", schema.objects);
    }

    /// The schema of a property, with how many objects had it.
    fn property(&self, property: &Property) -> Node {
        match self.schema(&property.schema) {
            Node::Map(mut entries) => {
                // Of an object it is said once: it had so many of its own.
                if !entries.iter().any(|(name, _)| name == "x-egret-count") {
                    entries.push(("x-egret-count".to_owned(), property.count.into()));
                }
                Node::Map(entries)
            }
            other => other,
        }
    }

    /// Objects of several sorts.
    fn sorts(&self, schema: &Schema) -> Node {
        let of = |variant: &Variant| {
            let mut sort = Schema { variants: Vec::new(), objects: variant.count, ..schema.clone() };
            sort.types.remove("null");
            sort.properties.retain(|property| variant.names.contains(&property.name));
            for property in &mut sort.properties {
                property.required = variant.required.contains(&property.name);
            }
            self.inline(&sort)
        };
        let null = schema.types.contains("null").then(|| {
            let mut entries = Entries::default();
            entries.put("type", "null");
            entries.into()
        });
        let mut entries = Entries::default();
        entries.put("oneOf", schema.variants.iter().map(of).chain(null).collect::<Node>());
        entries.into()
    }

    /// Shapes that no one schema holds: objects, arrays and scalars in one place.
    fn one_of(&self, schema: &Schema) -> Node {
        let of = |wanted: &[&'static str]| {
            let types = schema.types.iter().copied().filter(|name| wanted.contains(name)).collect();
            Schema { types, ..schema.clone() }
        };
        let scalars = ["string", "integer", "number", "boolean", "null"];
        let shapes = [of(&["object"]), of(&["array"]), of(&scalars)];
        let shapes = shapes.iter().filter(|shape| !shape.types.is_empty()).map(|shape| self.inline(shape));
        let mut entries = Entries::default();
        entries.put("oneOf", shapes.collect::<Node>());
        entries.into()
    }
}

/// A name for an operation that is made of its template alone: `getUsersByUserId`.
fn operation_id(operation: &Described) -> String {
    let mut id = operation.method.name().to_ascii_lowercase();
    for segment in &operation.template {
        match segment {
            Segment::Literal(text) if text.is_empty() => id.push_str("Index"),
            Segment::Literal(text) => id.push_str(&pascal(text)),
            Segment::Parameter(parameter) => {
                id.push_str("By");
                id.push_str(&pascal(&parameter.name));
            }
        }
    }
    id
}

/// The reason phrases of RFC 9110 §15 that are common; a response must have a description.
fn reason(status: &str) -> &'static str {
    match status {
        "200" => "OK",
        "201" => "Created",
        "202" => "Accepted",
        "204" => "No Content",
        "206" => "Partial Content",
        "301" => "Moved Permanently",
        "302" => "Found",
        "303" => "See Other",
        "304" => "Not Modified",
        "307" => "Temporary Redirect",
        "308" => "Permanent Redirect",
        "400" => "Bad Request",
        "401" => "Unauthorized",
        "403" => "Forbidden",
        "404" => "Not Found",
        "405" => "Method Not Allowed",
        "409" => "Conflict",
        "410" => "Gone",
        "415" => "Unsupported Media Type",
        "422" => "Unprocessable Content",
        "429" => "Too Many Requests",
        "500" => "Internal Server Error",
        "502" => "Bad Gateway",
        "503" => "Service Unavailable",
        _ => "Observed",
    }
}
