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

/// Bodies: hashes of their media types, and their fields by their paths, each greater than the one before.
#[derive(Debug)]
struct Shape {
    types: Vec<u64>,
    fields: Vec<Field>,
    /// Hashes of the paths of which nothing more is known: always null, or arrays and objects that were always empty.
    blank: Vec<u64>,
}

/// A field of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Field {
    /// The hash of its path.
    path: u64,
    kind: u8,
    /// The hashes of the paths that it is below, the nearest first.
    above: [u64; DEPTH],
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
        self.compare(other, false)
    }

    fn compare(&self, other: &Self, namesakes: bool) -> Alike {
        match self.here(other, namesakes) {
            Alike::Weak => self.branches(other),
            found => found,
        }
    }

    /// Compares what the places themselves answer, and are asked. What clients send speaks against it only where the
    /// places have different names: of what a server does not require each client sends something else.
    fn here(&self, other: &Self, namesakes: bool) -> Alike {
        let mut shared = 0;
        for (method, exchanged) in &self.operations {
            let Some(twin) = other.operations.get(method) else { continue };
            let Some(answered) = exchanged.answered.shared(&twin.answered, All) else { return Alike::No };
            let asked = match exchanged.asked.shared(&twin.asked, Fewer) {
                Some(asked) => asked,
                // What a client changes is up to it, call by call (RFC 5789 §2).
                None if namesakes || *method == Method::Patch => 0,
                None => return Alike::No,
            };
            shared += answered + asked;
        }
        if shared >= SHARED || self.is_item_like(other) { Alike::Strong } else { Alike::Weak }
    }

    /// Whether both can be read and changed, or taken away: what one does with the items of a collection.
    pub(crate) fn is_item_like(&self, other: &Self) -> bool {
        let both =
            |method: &Method| self.operations.contains_key(method) && other.operations.contains_key(method);
        both(&Method::Get) && [Method::Delete, Method::Put, Method::Patch].iter().any(both)
    }

    /// Whether a value of a parameter could be called like this where the others are not: to read, change or delete
    /// it. What is only posted to, or has nothing but places below it, may well be a place itself.
    pub(crate) fn is_item(&self) -> bool {
        let items = [Method::Get, Method::Head, Method::Delete, Method::Put, Method::Patch];
        items.iter().any(|method| self.operations.contains_key(method))
    }

    /// What is below: by name where they have a common one, else whether some branch of one is like some of the other.
    fn branches(&self, other: &Self) -> Alike {
        let mut verdict = Alike::Weak;
        for (key, branch) in &self.below {
            let Some(twin) = other.below.get(key) else { continue };
            match branch.compare(twin, key.is_literal()) {
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
                    .any(|twin| one.is_some_and(|one| one.here(twin, false) == Alike::Strong))
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

/// What the fields that two shapes share are held against.
#[derive(Clone, Copy, PartialEq)]
enum Against {
    /// All fields of both, of which 70 % must be the same: servers answer with all they have.
    All,
    /// Those of the one with fewer, of which half must be the same: clients leave out what they may.
    Fewer,
}

use Against::{All, Fewer};

impl Shape {
    fn of<'a>(contents: impl Iterator<Item = (&'a str, &'a Content)>) -> Self {
        let mut shape = Self { types: Vec::new(), fields: Vec::new(), blank: Vec::new() };
        for (media_type, content) in contents {
            shape.types.push(hash(media_type));
            shape.collect(content.schema.root(), &mut String::new(), [0; DEPTH], DEPTH);
        }
        shape.types.sort_unstable();
        shape.types.dedup();
        shape.fields.sort_unstable();
        shape.fields.dedup();
        shape.blank.sort_unstable();
        // A list without items, or a body that was not read, says nothing.
        if shape.fields.iter().all(|field| field.path == hash("") && field.kind == ARRAY) {
            shape.fields.clear();
        }
        shape
    }

    /// How many fields two shapes have in common; `None` if they differ.
    fn shared(&self, other: &Self, against: Against) -> Option<usize> {
        if self.types.is_empty() || other.types.is_empty() {
            return Some(0);
        }
        if common(&self.types, &other.types) == 0 {
            return None;
        }
        let (mine, theirs) = (self.told(other), other.told(self));
        if mine == 0 || theirs == 0 {
            return Some(0);
        }
        let same = |field: &&Field| other.fields.binary_search(field).is_ok();
        let shared = self.fields.iter().filter(same).count();
        // A field that has one type here and another there is one field that differs, not two.
        let by_path = |field: &&Field| !same(field) && other.at(field.path).is_some();
        let turned = self.fields.iter().filter(by_path).count();
        let enough = match against {
            All => shared * 10 >= (mine + theirs).saturating_sub(shared + turned) * 7,
            Fewer => shared * 2 >= mine.min(theirs),
        };
        // That both hold an object says little: what is in it is compared by itself.
        let objects = self.fields.iter().filter(|field| field.kind == OBJECT && same(field)).count();
        enough.then_some(shared - objects)
    }

    /// How many fields there are where the other shape could have told of the same.
    fn told(&self, other: &Self) -> usize {
        let blank = |path: &u64| other.blank.binary_search(path).is_ok();
        let turned = |path: &u64| {
            other.at(*path).is_some_and(|theirs| self.at(*path).is_some_and(|mine| mine.kind != theirs.kind))
        };
        let told = |field: &&Field| {
            !blank(&field.path) && !field.above.iter().any(|path| blank(path) || turned(path))
        };
        self.fields.iter().filter(told).count()
    }

    /// The field of a path.
    fn at(&self, path: u64) -> Option<&Field> {
        let at = self.fields.partition_point(|known| known.path < path);
        self.fields.get(at).filter(|known| known.path == path)
    }

    /// The fields of a body by their paths, each with its type where that is one.
    fn collect(&mut self, node: &Tree<Facts>, path: &mut String, above: [u64; DEPTH], depth: usize) {
        let facts = &node.evidence;
        let here = hash(path);
        let kind = match () {
            () if facts.object > 0 => OBJECT,
            () if facts.array > 0 => ARRAY,
            () if facts.string > 0 => 3,
            () if facts.number > 0 || facts.integer > 0 => 2,
            () if facts.boolean > 0 => 1,
            () => 0,
        };
        // A field that was always null may be anything; the whole, if it is an object, is told by its fields.
        if kind > 0 && (kind != OBJECT || !path.is_empty()) {
            self.fields.push(Field { path: here, kind, above });
        }
        if kind == 0 || matches!(kind, OBJECT | ARRAY) && node.branches.is_empty() {
            self.blank.push(here);
        }
        let Some(depth) = depth.checked_sub(1) else { return };
        let mut above = above;
        above.rotate_right(1);
        if let Some(nearest) = above.first_mut() {
            *nearest = here;
        }
        let length = path.len();
        for (key, branch) in &node.branches {
            path.push('/');
            path.push_str(key.text().unwrap_or(if key.as_kind().is_some() { "{}" } else { "[]" }));
            self.collect(branch, path, above, depth);
            path.truncate(length);
        }
    }
}

/// How the types of fields are told apart.
const ARRAY: u8 = 4;
const OBJECT: u8 = 5;

/// How many numbers two lists have in common, each of which is in order.
fn common(one: &[u64], other: &[u64]) -> usize {
    one.iter().filter(|number| other.binary_search(number).is_ok()).count()
}
