//! Whether two places of the paths look like one: the same methods answer, and take, the same shapes.
//!
//! Places are compared by profiles, which are made once, and hold hashes only: a comparison is linear in what they
//! hold, whatever was observed.

use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::key::{Key, hash};
use crate::operation::{Content, Method, Operation, Place};
use crate::tree::Tree;

/// How much two places look like one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Alike {
    /// They differ where both are known.
    No,
    /// Nothing speaks against it, and nothing much for it.
    Weak,
    /// They have a shape in common that is not everybody's.
    Strong,
}

/// Fields that two places have in common if they are not alike by chance.
const SHARED: usize = 2;

/// Levels of a schema that are compared.
const DEPTH: usize = 4;

/// Levels of paths that are compared.
const BELOW: usize = 4;

/// Branches of a place that are compared.
const BRANCHES: usize = 16;

/// Branches of different names that are compared with each other.
const CROSSED: usize = 8;

/// What a place with all that is below it looks like.
#[derive(Debug)]
pub(crate) struct Profile {
    operations: BTreeMap<Method, Exchanged>,
    below: BTreeMap<Key, Profile>,
}

/// What one method answers where it succeeds, and what it takes.
#[derive(Debug)]
struct Exchanged {
    answered: Shape,
    asked: Shape,
}

/// Bodies: hashes of their media types, and of their fields with their types, each greater than the one before.
#[derive(Debug)]
struct Shape {
    types: Vec<u64>,
    fields: Vec<u64>,
}

impl Profile {
    pub(crate) fn of(tree: &Tree<Place>) -> Self {
        Self::level(tree, BELOW)
    }

    fn level(tree: &Tree<Place>, depth: usize) -> Self {
        let operations = tree.evidence.operations.iter();
        let below = depth.checked_sub(1).map(|depth| {
            let branches = tree.branches.iter().take(BRANCHES);
            branches.map(|(key, branch)| (key.clone(), Self::level(branch, depth))).collect()
        });
        Self {
            operations: operations.map(|(method, operation)| (*method, Exchanged::of(operation))).collect(),
            below: below.unwrap_or_default(),
        }
    }

    /// Whether some method is known of both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.operations.keys().any(|method| other.operations.contains_key(method))
    }

    /// Compares two places with all that is below them.
    pub(crate) fn alike(&self, other: &Self) -> Alike {
        match self.here(other) {
            Alike::Weak => self.branches(other),
            found => found,
        }
    }

    /// Compares what the places themselves answer.
    fn here(&self, other: &Self) -> Alike {
        let mut shared = 0;
        for (method, exchanged) in &self.operations {
            let Some(twin) = other.operations.get(method) else { continue };
            let (Some(answered), Some(asked)) =
                (exchanged.answered.shared(&twin.answered), exchanged.asked.shared(&twin.asked))
            else {
                return Alike::No;
            };
            shared += answered + asked;
        }
        if shared >= SHARED { Alike::Strong } else { Alike::Weak }
    }

    /// What is below: by name where they have a common one, else whether some branch of one is like some of the other.
    fn branches(&self, other: &Self) -> Alike {
        let mut verdict = Alike::Weak;
        for (key, branch) in &self.below {
            let Some(twin) = other.below.get(key) else { continue };
            match branch.alike(twin) {
                Alike::No => return Alike::No,
                // The same name below both is a shape too.
                Alike::Weak if key.is_literal() && key.text() != Some("") => verdict = Alike::Strong,
                found => verdict = verdict.max(found),
            }
        }
        let apart = |one: &Self, other: &Self| -> Vec<Key> {
            let keys = one.below.keys().filter(|key| !other.below.contains_key(key));
            keys.take(CROSSED).cloned().collect()
        };
        if verdict == Alike::Weak {
            let (mine, theirs) = (apart(self, other), apart(other, self));
            let like = |one: &Key| {
                let one = self.below.get(one);
                theirs
                    .iter()
                    .filter_map(|twin| other.below.get(twin))
                    .any(|twin| one.is_some_and(|one| one.here(twin) == Alike::Strong))
            };
            if mine.iter().any(like) {
                verdict = Alike::Strong;
            }
        }
        verdict
    }
}

impl Exchanged {
    fn of(operation: &Operation) -> Self {
        let success = operation.responses.iter().filter(|(status, _)| status.starts_with('2'));
        Self {
            answered: Shape::of(success.flat_map(|(_, answer)| answer.content.iter())),
            asked: Shape::of(operation.request.iter()),
        }
    }
}

impl Shape {
    fn of<'a>(contents: impl Iterator<Item = (&'a str, &'a Content)>) -> Self {
        let (mut types, mut fields) = (Vec::new(), Vec::new());
        for (media_type, content) in contents {
            types.push(hash(media_type));
            collect(content.schema.root(), &mut String::new(), DEPTH, &mut fields);
        }
        for list in [&mut types, &mut fields] {
            list.sort_unstable();
            list.dedup();
        }
        // A list without items, or a body that was not read, says nothing.
        if fields == [hash("/=array")] {
            fields.clear();
        }
        Self { types, fields }
    }

    /// How many fields two shapes have in common; `None` if they differ.
    fn shared(&self, other: &Self) -> Option<usize> {
        if self.types.is_empty() || other.types.is_empty() {
            return Some(0);
        }
        if common(&self.types, &other.types) == 0 {
            return None;
        }
        if self.fields.is_empty() || other.fields.is_empty() {
            return Some(0);
        }
        let shared = common(&self.fields, &other.fields);
        let all = self.fields.len() + other.fields.len() - shared;
        (shared * 10 >= all * 7).then_some(shared)
    }
}

/// How many numbers two lists have in common, each of which is in order.
fn common(one: &[u64], other: &[u64]) -> usize {
    one.iter().filter(|number| other.binary_search(number).is_ok()).count()
}

/// The fields of a body by their paths, each with its type where that is one.
fn collect(node: &Tree<Facts>, path: &mut String, depth: usize, found: &mut Vec<u64>) {
    let facts = &node.evidence;
    let kind = match () {
        () if facts.object > 0 => "object",
        () if facts.array > 0 => "array",
        () if facts.string > 0 => "string",
        () if facts.number > 0 || facts.integer > 0 => "number",
        () if facts.boolean > 0 => "boolean",
        () => "",
    };
    // A field that was always null may be anything; the objects themselves are told by their fields.
    if kind != "object" && !kind.is_empty() {
        found.push(hash(&format!("{path}/={kind}")));
    }
    let Some(depth) = depth.checked_sub(1) else { return };
    let length = path.len();
    for (key, branch) in &node.branches {
        path.push('/');
        path.push_str(key.text().unwrap_or(if key.as_kind().is_some() { "{}" } else { "[]" }));
        collect(branch, path, depth, found);
        path.truncate(length);
    }
}
