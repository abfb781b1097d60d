//! From what was observed of values to a schema of them.

use std::collections::BTreeSet;

use super::variants::{Variant, variants};
use crate::Kind;
use crate::facts::Facts;
use crate::key::Key;
use crate::tree::{Tree, grow};

/// A schema, with the counts behind it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Schema {
    /// The names of JSON Schema, `null` among them.
    pub(crate) types: BTreeSet<&'static str>,
    pub(crate) format: Option<&'static str>,
    /// Of strings, if few repeat.
    pub(crate) values: BTreeSet<Box<str>>,
    pub(crate) range: Option<(f64, f64)>,
    pub(crate) length: Option<(u64, u64)>,
    pub(crate) counts: Option<(u64, u64)>,
    pub(crate) items: Option<Box<Schema>>,
    /// In the order of the alphabet.
    pub(crate) properties: Vec<Property>,
    /// What is under other names.
    pub(crate) additional: Option<Box<Schema>>,
    /// The sorts of objects, if there are several.
    pub(crate) variants: Vec<Variant>,
    /// How many values were observed.
    pub(crate) count: u64,
    /// How many of them were objects.
    pub(crate) objects: u64,
    pub(crate) example: Option<Box<str>>,
}

/// A property of an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) schema: Schema,
    /// Whether every object had it.
    pub(crate) required: bool,
    /// How many objects had it.
    pub(crate) count: u64,
}

/// How a tree of facts is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// Whether values were texts on the wire, whatever they mean, and null stands for a file.
    pub(crate) texts: bool,
    /// Whether a client wrote it. What servers take without a complaint they need not know: names that next to nobody
    /// sends are left out. What a server sends it means.
    pub(crate) asked: bool,
}

/// Whether next to nobody sends something: so many calls did, of so many.
pub(crate) const fn is_rare(seen: u64, of: u64, word: bool) -> bool {
    let most = if word { of >= 20 && seen.saturating_mul(20) < of } else { seen.saturating_mul(5) < of };
    most || seen == 1 && of >= if word { 10 } else { 4 }
}

/// Different values that may be all there are.
const FEW: usize = 10;

/// Names under which an object has values of one sort, where it is a map.
const MAP: usize = 12;

/// Objects of one shape beside each other, and nothing else, where they are the values of a map.
const UNIFORM: usize = 3;

impl Schema {
    /// The schema of what was observed at a node.
    pub(crate) fn of(node: &Tree<Facts>, form: Form) -> Self {
        let mut schema = Self::of_facts(&node.evidence);
        if form.texts && node.evidence.object == 0 && node.evidence.array == 0 {
            schema = schema.textual();
        }
        if form.texts && node.evidence.null > 0 {
            schema.types.remove("null");
            schema.types.insert("string");
            schema.format = Some("binary");
        }
        schema.items = node.branches.get(&Key::items()).map(|items| Box::new(Self::of(items, form)));
        if node.evidence.object > 0 {
            schema.fields(node, form);
        }
        schema
    }

    /// The schema of scalars, and of what holds others without regard to those.
    pub(crate) fn of_facts(facts: &Facts) -> Self {
        // A server that writes 4.0 means numbers; among 4 and 5 it is an integer in other words.
        let number = facts.number > if facts.integer > 0 { facts.whole } else { 0 };
        let integer = facts.integer > 0 && !number;
        let types = [
            ("array", facts.array > 0),
            ("boolean", facts.boolean > 0),
            ("integer", integer),
            ("null", facts.null > 0),
            ("number", number),
            ("object", facts.object > 0),
            ("string", facts.string > 0),
        ];
        Self {
            types: types.into_iter().filter(|(_, seen)| *seen).map(|(name, _)| name).collect(),
            format: format(facts),
            values: few(facts),
            range: facts.range,
            length: facts.length,
            counts: facts.items,
            count: facts.count(),
            objects: facts.object,
            example: facts.example.clone(),
            ..Self::default()
        }
    }

    fn fields(&mut self, node: &Tree<Facts>, form: Form) {
        let objects = node.evidence.object;
        let branches = || node.branches.iter().map(|(key, tree)| (key, &**tree));
        let all: Vec<_> = branches().filter(|(key, _)| key.is_literal()).collect();
        let rare = |key: &Key, tree: &Tree<Facts>| {
            form.asked && is_rare(tree.visits, objects, key.is_word() && key.text() != Some(""))
        };
        // A name in every object is a field, but where all names are rare, or all values are of one sort.
        let known = all.iter().filter(|(key, tree)| !rare(key, tree)).count();
        let uniform = is_uniform(&all);
        let map = uniform || is_map(&all, objects) || node.other.is_some() && (known == 0 || !form.asked);
        let mut rest: Option<Tree<Facts>> = None;
        let mut fold = |tree: &Tree<Facts>| match &mut rest {
            None => rest = Some(tree.clone()),
            Some(known) => known.add(tree.clone()),
        };
        for (key, tree) in &all {
            let required = tree.visits == objects;
            if map && (uniform || !required) || known == 0 {
                fold(tree);
            } else if !rare(key, tree) {
                let (name, schema) = (key.text().unwrap_or_default().to_owned(), Self::of(tree, form));
                self.properties.push(Property { name, schema, required, count: tree.visits });
            }
        }
        // Names that are one of many by their looks; a client's that nobody else sends are noise beside known ones.
        let kinds: Vec<_> = branches().filter(|(key, _)| key.as_kind().is_some()).collect();
        let often = kinds.iter().any(|(_, tree)| !form.asked || !is_rare(tree.visits, objects, false));
        if often || known == 0 {
            kinds.into_iter().for_each(|(_, tree)| fold(tree));
        }
        if map || known == 0 {
            node.other.as_deref().into_iter().for_each(&mut fold);
        }
        self.properties.sort_by(|one, other| one.name.cmp(&other.name));
        self.additional = rest.map(|tree| Box::new(Self::of(&tree, form)));
        if self.additional.is_none() {
            self.variants = variants(self, &node.evidence);
        }
    }

    /// As it is for what is text on the wire: a string as soon as one value is nothing else.
    pub(crate) fn textual(mut self) -> Self {
        if self.types.contains("string") || self.types.contains("boolean") && self.types.len() > 1 {
            let alone = self.types.len() == 1;
            self.types = ["string"].into();
            if !alone {
                (self.format, self.range) = (None, None);
                self.values.clear();
            }
        }
        if self.types.is_empty() {
            self.types.insert("string");
        }
        self
    }

    /// What two schemas of one shape have in common.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.types.extend(&other.types);
        if self.types.contains("number") {
            self.types.remove("integer");
        }
        if self.format != other.format {
            self.format = None;
        }
        if self.values.is_empty() || other.values.is_empty() {
            self.values.clear();
        }
        self.values.extend(other.values.iter().cloned());
        for (known, more) in [(&mut self.length, other.length), (&mut self.counts, other.counts)] {
            if let (Some((low, high)), Some((least, most))) = (*known, more) {
                *known = Some((low.min(least), high.max(most)));
            } else {
                *known = known.or(more);
            }
        }
        if let (Some((low, high)), Some((least, most))) = (self.range, other.range) {
            self.range = Some((low.min(least), high.max(most)));
        } else {
            self.range = self.range.or(other.range);
        }
        grow(&mut self.count, other.count);
        grow(&mut self.objects, other.objects);
        for (known, more) in [(&mut self.items, &other.items), (&mut self.additional, &other.additional)] {
            match (known.as_mut(), more) {
                (Some(known), Some(more)) => known.absorb(more),
                (None, Some(more)) => *known = Some(more.clone()),
                (_, None) => {}
            }
        }
        for (variant, twin) in self.variants.iter_mut().zip(&other.variants) {
            grow(&mut variant.count, twin.count);
        }
        for property in &mut self.properties {
            if let Some(twin) = other.properties.iter().find(|twin| twin.name == property.name) {
                property.schema.absorb(&twin.schema);
                property.required &= twin.required;
                grow(&mut property.count, twin.count);
            }
        }
    }

    /// What tells shapes apart: names, types and what is required, not ranges, values or counts.
    pub(crate) fn shape(&self) -> String {
        let mut shape: Vec<String> = self.types.iter().map(|name| (*name).to_owned()).collect();
        for property in &self.properties {
            let mark = if property.required { "!" } else { "?" };
            shape.push(format!("{:?}{mark}{}", property.name, property.schema.shape()));
        }
        shape.extend(
            self.variants.iter().map(|variant| format!("|{:?}{:?}", variant.names, variant.required)),
        );
        shape.extend(self.items.iter().map(|items| format!("[{}]", items.shape())));
        shape.extend(self.additional.iter().map(|other| format!("*{}", other.shape())));
        format!("({})", shape.join(" "))
    }
}

/// Whether the names of objects are keys of a map: so many that each comes rarely, behind which there is one sort of
/// values.
fn is_map(literals: &[(&Key, &Tree<Facts>)], objects: u64) -> bool {
    let kind = |tree: &Tree<Facts>| {
        let facts = &tree.evidence;
        [
            facts.object > 0,
            facts.array > 0,
            facts.string > 0,
            facts.integer > 0 || facts.number > 0,
            facts.boolean > 0,
        ]
    };
    let rare = literals.iter().all(|(_, tree)| tree.visits.saturating_mul(2) < objects);
    let same =
        literals.windows(2).all(|pair| matches!(pair, [(_, one), (_, other)] if kind(one) == kind(other)));
    literals.len() >= MAP && rare && same
}

/// Whether there are several values, all of them objects with the same fields, and more than one field.
fn is_uniform(literals: &[(&Key, &Tree<Facts>)]) -> bool {
    let names = |tree: &Tree<Facts>| tree.branches.keys().cloned().collect::<Vec<_>>();
    let objects =
        literals.iter().all(|(_, tree)| tree.evidence.object == tree.visits && tree.branches.len() > 1);
    objects
        && literals.len() >= UNIFORM
        && literals
            .windows(2)
            .all(|pair| matches!(pair, [(_, one), (_, other)] if names(one) == names(other)))
}

/// The format of strings, if all have it.
fn format(facts: &Facts) -> Option<&'static str> {
    let mut kinds = facts.kinds.iter();
    let ((kind, count), None) = (kinds.next()?, kinds.next()) else { return None };
    if facts.empty > 0 || *kind == Kind::Bytes && *count < 3 {
        return None;
    }
    kind.format()
}

/// The values of strings, if they are few and come again.
fn few(facts: &Facts) -> BTreeSet<Box<str>> {
    let distinct = facts.values.len();
    let repeat = facts.string >= 8.max(4 * distinct as u64);
    let all = distinct > 0 && distinct <= FEW && facts.empty == 0 && !facts.many;
    if all && repeat { facts.values.keys().cloned().collect() } else { BTreeSet::new() }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Witness;
    use crate::facts::Reading;
    use crate::operation::Content;

    const ANSWERED: Form = Form { texts: false, asked: false };
    const WITNESS: Witness =
        Witness { source: 0, connection: 1, index: 0, request: (1, 1), response: (2, 2) };

    pub(crate) fn schema(values: &[Value]) -> Schema {
        let mut content = Content::default();
        for value in values {
            let bytes = serde_json::to_vec(value).unwrap();
            let document = crate::body::read("application/json", "", &bytes).unwrap().unwrap();
            content.add(&document, Reading { secret: false, example: false, witness: &WITNESS });
        }
        Schema::of(content.schema.root(), ANSWERED)
    }

    fn property<'a>(schema: &'a Schema, name: &str) -> &'a Property {
        schema.properties.iter().find(|property| property.name == name).unwrap()
    }

    #[test]
    fn nullable_is_not_optional() {
        let schema = schema(&[json!({"a": null, "b": 1}), json!({"a": "x"}), json!({"a": "y", "b": 1.5})]);
        let (a, b) = (property(&schema, "a"), property(&schema, "b"));
        assert!(a.required && a.schema.types == BTreeSet::from(["null", "string"]), "{a:?}");
        assert!(!b.required && b.schema.types == BTreeSet::from(["number"]), "{b:?}");
        assert_eq!((b.count, schema.objects), (2, 3));
    }

    #[test]
    fn dynamic_keys_are_a_map() {
        let schema = schema(&[
            json!({"0189a6f0-4d1c-7b52-8f3a-000000000001": {"n": 1}, "kind": "x"}),
            json!({"0189a6f0-4d1c-7b52-8f3a-000000000002": {"n": 2}, "kind": "x"}),
        ]);
        assert_eq!(schema.properties.len(), 1);
        assert_eq!(property(schema.additional.as_ref().unwrap(), "n").count, 2);
        let names: Vec<Value> =
            (b'a'..=b'z').map(|name| json!({(char::from(name).to_string()): 1})).collect();
        assert!(self::schema(&names).properties.is_empty());
        assert!(self::schema(&names[..4]).additional.is_none());
    }

    #[test]
    fn formats_and_values_need_all_to_agree() {
        let dates = schema(&[json!(["2026-11-05", "2026-11-06"])]);
        assert_eq!(dates.items.as_ref().unwrap().format, Some("date"));
        let mixed = schema(&[json!(["2026-11-05", "soon"])]);
        assert_eq!(mixed.items.unwrap().format, None);
        let states = vec!["open"; 6].into_iter().chain(vec!["shut"; 3]);
        let states = schema(&[json!(states.collect::<Vec<_>>())]);
        assert_eq!(states.items.unwrap().values.len(), 2);
        assert!(schema(&[json!(["open", "shut"])]).items.unwrap().values.is_empty());
    }

    #[test]
    fn secrets_leave_their_type_only() {
        let schema = schema(&vec![json!({"password": "swordfish", "pin": 1234}); 20]);
        for name in ["password", "pin"] {
            let found = &property(&schema, name).schema;
            assert!(found.values.is_empty() && found.range.is_none() && found.length.is_none(), "{found:?}");
        }
    }

    #[test]
    fn shapes_that_differ_in_numbers_are_one() {
        let (mut one, other) = (schema(&[json!({"id": 1})]), schema(&[json!({"id": 9}), json!({"id": 3})]));
        assert_eq!(one.shape(), other.shape());
        one.absorb(&other);
        assert_eq!(property(&one, "id").schema.range, Some((1.0, 9.0)));
        assert_eq!(one.objects, 3);
    }
}
