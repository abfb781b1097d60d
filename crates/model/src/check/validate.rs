//! Whether a JSON value is what a schema says: the words of JSON Schema that OpenAPI documents use.
//!
//! Not looked at: `pattern`, `not`, `if`, `patternProperties`, `unevaluatedProperties`. A schema that says something in
//! those words only is taken to be kept.

use serde_json::Value;

use crate::Kind;
use crate::diff::{resolved, types};
use crate::document::Node;

/// Levels of a value that are looked at.
const DEPTH: usize = 24;

/// What is wrong with one value, at most.
const MOST: usize = 20;

/// Validates values against schemas of one document.
pub(super) struct Validator<'a> {
    document: &'a Node,
    /// What was found, with where.
    pub(super) found: Vec<(String, String)>,
    /// Steps that are left: variants within variants could ask for more than there are atoms.
    steps: usize,
}

impl<'a> Validator<'a> {
    pub(super) const fn new(document: &'a Node) -> Self {
        Self { document, found: Vec::new(), steps: 200_000 }
    }

    fn wrong(&mut self, at: &str, what: impl Into<String>) {
        if self.found.len() < MOST {
            self.found.push((at.to_owned(), what.into()));
        }
    }

    /// Looks at a value; `at` is where it is.
    pub(super) fn value(&mut self, schema: &'a Node, value: &Value, at: &str) {
        self.level(schema, value, at, DEPTH);
    }

    fn level(&mut self, schema: &'a Node, value: &Value, at: &str, depth: usize) {
        let (Some(depth), Some(steps)) = (depth.checked_sub(1), self.steps.checked_sub(1)) else { return };
        self.steps = steps;
        let schema = resolved(self.document, schema);
        for part in schema.get("allOf").map_or(&[][..], Node::items) {
            self.level(part, value, at, depth);
        }
        for word in ["anyOf", "oneOf"] {
            if let Some(variants) = schema.get(word) {
                self.variants(variants.items(), value, at, depth);
            }
        }
        let allowed = types(self.document, schema);
        if schema.get("type").is_some() && !allowed.iter().any(|name| is_of(value, name)) {
            let names = allowed.into_iter().collect::<Vec<_>>().join(" or ");
            self.wrong(at, format!("is {}, not {names}", name_of(value)));
            return;
        }
        if let Some(values) = schema.get("enum")
            && !values.items().iter().any(|one| equal(one, value))
            && !(value.is_null() && schema.get("nullable").is_some_and(Node::is_true))
        {
            self.wrong(at, "is none of the values of its enum");
        }
        if schema.get("const").is_some_and(|one| !equal(one, value)) {
            self.wrong(at, "is not the constant that it must be");
        }
        match value {
            Value::Object(_) => self.object(schema, value, at, depth),
            Value::Array(items) => {
                self.bounds(schema, at, ["minItems", "maxItems"], items.len() as f64, "items");
                if let Some(inner) = schema.get("items") {
                    let at = format!("{at}[]");
                    items.iter().for_each(|item| self.level(inner, item, &at, depth));
                }
            }
            Value::Number(number) => self.number(schema, number.as_f64().unwrap_or(f64::NAN), at),
            Value::String(text) => self.text(schema, text, at),
            _ => {}
        }
    }

    /// One of the variants must hold.
    fn variants(&mut self, variants: &'a [Node], value: &Value, at: &str, depth: usize) {
        let before = self.found.len();
        for variant in variants {
            // What variants say is kept apart, so that a full list does not pass for a variant that holds.
            let kept = std::mem::take(&mut self.found);
            self.level(variant, value, at, depth);
            let holds = self.found.is_empty();
            self.found = kept;
            if holds {
                return;
            }
        }
        self.found.truncate(before);
        self.wrong(at, "is none of its variants");
    }

    fn object(&mut self, schema: &'a Node, value: &Value, at: &str, depth: usize) {
        let Value::Object(fields) = value else { return };
        for name in schema.get("required").map_or(&[][..], Node::items).iter().filter_map(Node::text) {
            if !fields.contains_key(name) {
                self.wrong(&format!("{at}.{name}"), "is required and missing");
            }
        }
        let properties = schema.get("properties");
        for (name, value) in fields {
            if let Some(inner) = properties.and_then(|properties| properties.get(name)) {
                self.level(inner, value, &format!("{at}.{name}"), depth);
                continue;
            }
            match schema.get("additionalProperties") {
                Some(Node::Bool(false)) => self.wrong(&format!("{at}.{name}"), "is not described"),
                Some(inner @ Node::Map(_)) => self.level(inner, value, &format!("{at}{{}}"), depth),
                _ => {}
            }
        }
    }

    fn number(&mut self, schema: &Node, number: f64, at: &str) {
        self.bounds(schema, at, ["minimum", "maximum"], number, "");
        let limit = |name: &str| schema.get(name).and_then(Node::number);
        if limit("exclusiveMinimum").is_some_and(|limit| number <= limit)
            || limit("exclusiveMaximum").is_some_and(|limit| number >= limit)
        {
            self.wrong(at, "is outside its exclusive bounds");
        }
    }

    fn text(&mut self, schema: &Node, text: &str, at: &str) {
        self.bounds(schema, at, ["minLength", "maxLength"], text.chars().count() as f64, "characters");
        let kind = Kind::of(text);
        let fits = match schema.get("format").and_then(Node::text) {
            Some("uuid") => kind == Kind::Uuid,
            Some("date") => kind == Kind::Date,
            Some("date-time") => kind == Kind::DateTime,
            Some("ipv4") => kind == Kind::Ipv4,
            Some("ipv6") => kind == Kind::Ipv6,
            _ => true,
        };
        if !fits {
            self.wrong(at, "is not of its format");
        }
    }

    fn bounds(&mut self, schema: &Node, at: &str, [least, most]: [&str; 2], number: f64, what: &str) {
        let limit = |name: &str| schema.get(name).and_then(Node::number);
        if let Some(limit) = limit(least).filter(|limit| number < *limit) {
            self.wrong(at, format!("is less than {limit} {what}").trim_end());
        }
        if let Some(limit) = limit(most).filter(|limit| number > *limit) {
            self.wrong(at, format!("is more than {limit} {what}").trim_end());
        }
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        _ => name_of(value) == name,
    }
}

fn equal(node: &Node, value: &Value) -> bool {
    match (node, value) {
        (Node::Null, Value::Null) => true,
        (Node::Bool(one), Value::Bool(other)) => one == other,
        (Node::Text(one), Value::String(other)) => one == other,
        (Node::List(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Node::Map(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, node)| other.get(name).is_some_and(|value| equal(node, value)))
        }
        (_, Value::Number(other)) => node.number().is_some() && node.number() == other.as_f64(),
        _ => false,
    }
}

/// A text of a query as the value that its schema takes it for.
pub(super) fn typed(document: &Node, schema: &Node, text: &str) -> Value {
    let allowed = types(document, resolved(document, schema));
    let has = |name: &str| allowed.contains(name);
    match Kind::of(text) {
        Kind::Integer | Kind::Number if has("integer") || has("number") => {
            serde_json::from_str(text).unwrap_or_else(|_| text.into())
        }
        Kind::Boolean if has("boolean") => (text == "true").into(),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(schema: &str, value: &Value) -> Vec<String> {
        let schema: Node = serde_json::from_str(schema).unwrap();
        let mut validator = Validator::new(&schema);
        validator.value(&schema, value, "");
        validator.found.into_iter().map(|(at, what)| format!("{at} {what}")).collect()
    }

    #[test]
    fn values_are_held_against_schemas() {
        let schema = r#"{"type": "object", "required": ["id"], "additionalProperties": false, "properties": {
            "id": {"type": "integer", "minimum": 1}, "tags": {"type": "array", "items": {"type": ["string", "null"]}},
            "state": {"enum": ["on", "off"]}, "day": {"type": "string", "format": "date"},
            "pet": {"oneOf": [{"type": "string"}, {"type": "object", "required": ["name"]}]}}}"#;
        assert_eq!(
            wrong(schema, &json!({"id": 1.0, "tags": ["a", null], "state": "on", "pet": "x"})),
            [""; 0]
        );
        assert_eq!(
            wrong(schema, &json!({"id": 0, "tags": [1], "state": "ill", "day": "soon", "pet": {}, "x": 1})),
            [
                ".day is not of its format",
                ".id is less than 1",
                ".pet is none of its variants",
                ".state is none of the values of its enum",
                ".tags[] is integer, not null or string",
                ".x is not described",
            ]
        );
        assert_eq!(wrong(schema, &json!([])), [" is array, not object"]);
        assert_eq!(wrong(schema, &json!({})), [".id is required and missing"]);
    }

    #[test]
    fn schemas_in_circles_end() {
        let schema =
            r##"{"$ref": "#/a", "a": {"anyOf": [{"$ref": "#/a"}, {"$ref": "#/a"}, {"$ref": "#/a"}]}}"##;
        assert!(wrong(schema, &json!(1)).len() <= MOST);
    }
}
