//! Objects of several sorts at one place: told by names that come together, and never with those of another sort.

use std::collections::{BTreeMap, BTreeSet};

use super::schema::Schema;
use crate::facts::Facts;
use crate::key::hash;

/// One sort of objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Variant {
    /// The properties that it may have.
    pub(crate) names: BTreeSet<String>,
    /// Those that all objects of the sort had.
    pub(crate) required: BTreeSet<String>,
    /// How many objects of the sort there were.
    pub(crate) count: u64,
}

/// Objects of one sort that were seen, if it is one.
const OBJECTS: u64 = 3;

/// Numbers of properties that objects had together, and how many objects.
type Set = (BTreeSet<usize>, u64);

/// Numbers of the properties that only one sort has, and its sets.
type Sort<'a> = (BTreeSet<usize>, Vec<&'a Set>);

/// The sorts of objects with the properties of `schema`; none if they are all of one.
///
/// What is optional by chance leaves objects with none of it, or with some of each: there are sorts only if every object
/// has something that all of its sort have and no other sort has.
pub(crate) fn variants(schema: &Schema, facts: &Facts) -> Vec<Variant> {
    let sets = facts.shapes.sets();
    if sets.iter().fold(0_u64, |sum, set| sum.saturating_add(set.count)) != facts.object {
        return Vec::new();
    }
    // By number, so that names which are no properties are left aside.
    let numbers: BTreeMap<u64, usize> = schema
        .properties
        .iter()
        .enumerate()
        .map(|(number, property)| (hash(&property.name), number))
        .collect();
    let sets: Vec<Set> = sets
        .iter()
        .map(|set| (set.names.iter().filter_map(|name| numbers.get(name).copied()).collect(), set.count))
        .collect();
    let shared: BTreeSet<usize> = (0..schema.properties.len())
        .filter(|number| sets.iter().all(|(set, _)| set.contains(number)))
        .collect();
    // Sets that have a name in common beside those of all are of one sort.
    let mut sorts: Vec<Sort<'_>> = Vec::new();
    for set in &sets {
        let mut names: BTreeSet<usize> = set.0.difference(&shared).copied().collect();
        if names.is_empty() {
            return Vec::new();
        }
        let mut of = vec![set];
        sorts.retain(|(known, sets)| {
            let apart = known.is_disjoint(&names);
            if !apart {
                names.extend(known);
                of.extend(sets);
            }
            apart
        });
        sorts.push((names, of));
    }
    let name = |number: &usize| schema.properties.get(*number).map(|property| property.name.clone());
    let found = sorts.iter().map(|(names, sets)| {
        let required = names.iter().filter(|number| sets.iter().all(|(set, _)| set.contains(number)));
        Variant {
            names: shared.iter().chain(names).filter_map(name).collect(),
            required: shared.iter().chain(required).filter_map(name).collect(),
            count: sets.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count)),
        }
    });
    let mut found: Vec<_> = found.collect();
    let told = |variant: &Variant| variant.count >= OBJECTS && variant.required.len() > shared.len();
    if found.len() < 2 || !found.iter().all(told) {
        return Vec::new();
    }
    found.sort_by(|one, other| one.names.cmp(&other.names));
    found
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::schema::tests::schema;

    fn sorts(objects: &[Value]) -> Vec<Vec<String>> {
        let objects: Vec<Value> = objects.iter().flat_map(|object| vec![object.clone(); 3]).collect();
        schema(&objects).variants.iter().map(|variant| variant.required.iter().cloned().collect()).collect()
    }

    #[test]
    fn objects_of_several_sorts_are_told_apart() {
        let (cat, fish) = (json!({"kind": "cat", "lives": 9}), json!({"kind": "fish", "fins": 2}));
        assert_eq!(sorts(&[cat.clone(), fish.clone()]), [["fins", "kind"], ["kind", "lives"]]);
        let loud = json!({"kind": "cat", "lives": 7, "voice": "loud"});
        assert_eq!(sorts(&[cat.clone(), fish.clone(), loud]), [["fins", "kind"], ["kind", "lives"]]);
    }

    #[test]
    fn what_is_optional_makes_no_sorts() {
        let none: [Vec<String>; 0] = [];
        let (one, other) = (json!({"id": 1, "a": 1}), json!({"id": 1, "b": 1}));
        assert_eq!(sorts(&[one.clone(), other.clone(), json!({"id": 1})]), none);
        assert_eq!(sorts(&[one.clone(), other.clone(), json!({"id": 1, "a": 1, "b": 1})]), none);
        assert_eq!(sorts(std::slice::from_ref(&one)), none);
        // Two of each are too few.
        assert!(schema(&[one.clone(), other.clone(), one, other]).variants.is_empty());
        // No name is in all objects of the first sort.
        let chain =
            [json!({"a": 1, "b": 1}), json!({"b": 1, "c": 1}), json!({"c": 1, "d": 1}), json!({"x": 1})];
        assert_eq!(sorts(&chain), none);
    }
}
