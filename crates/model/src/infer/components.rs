//! Shapes that are seen in several places, with one name each.

use std::collections::{BTreeMap, BTreeSet};

use super::schema::Schema;
use super::security::unused;

/// The shapes of a description, gathered before it is written.
#[derive(Debug, Default)]
pub(crate) struct Components {
    by_shape: BTreeMap<String, Component>,
    /// The names, once they are given.
    names: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Component {
    schema: Schema,
    places: u64,
    /// What it could be called, and how often.
    names: BTreeMap<String, u64>,
}

/// Objects with fewer properties say more where they stand.
const PROPERTIES: usize = 2;

impl Components {
    /// Adds a schema with all that is in it; `name` is what it would be called.
    pub(crate) fn add(&mut self, schema: &Schema, name: &str) {
        if is_sharable(schema) {
            let component = self.by_shape.entry(schema.shape()).or_insert_with(|| Component {
                schema: schema.clone(),
                places: 0,
                names: BTreeMap::new(),
            });
            if component.places > 0 {
                component.schema.absorb(schema);
            }
            component.places += 1;
            *component.names.entry(name.to_owned()).or_default() += 1;
        }
        for property in &schema.properties {
            let name = super::words::pascal(&super::words::singular(&property.name));
            self.add(&property.schema, &name);
        }
        for inner in schema.items.iter().chain(&schema.additional) {
            self.add(inner, name);
        }
    }

    /// Gives names to the shapes that are seen more than once: what most places would call it, then the shortest.
    pub(crate) fn name_them(&mut self) {
        let mut taken = BTreeSet::new();
        for (shape, component) in self.by_shape.iter().filter(|(_, component)| component.places > 1) {
            let best = component.names.iter().max_by_key(|(name, count)| {
                (!name.is_empty(), **count, std::cmp::Reverse(name.len()), std::cmp::Reverse((*name).clone()))
            });
            let name = best.map_or("Schema", |(name, _)| if name.is_empty() { "Schema" } else { name });
            self.names.insert(shape.clone(), unused(name.to_owned(), &mut taken));
        }
    }

    /// The name of a schema's component, if it has one.
    pub(crate) fn name_of(&self, schema: &Schema) -> Option<&str> {
        if is_sharable(schema) { self.names.get(&schema.shape()).map(String::as_str) } else { None }
    }

    /// Every component, by name.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, &Schema)> {
        let mut all: Vec<_> = self
            .names
            .iter()
            .filter_map(|(shape, name)| Some((name.as_str(), &self.by_shape.get(shape)?.schema)))
            .collect();
        all.sort_by_key(|(name, _)| *name);
        all.into_iter()
    }
}

fn is_sharable(schema: &Schema) -> bool {
    schema.properties.len() >= PROPERTIES && schema.types.iter().all(|name| *name == "object")
}
