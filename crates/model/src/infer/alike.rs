//! Whether two places of the paths look like one: the same methods answer, and take, the same shapes.

use std::collections::BTreeSet;

use crate::facts::Facts;
use crate::operation::{Content, Operation, Place};
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

/// Compares two places with all that is below them.
pub(crate) fn alike(one: &Tree<Place>, other: &Tree<Place>) -> Alike {
    places(one, other, BELOW)
}

fn places(one: &Tree<Place>, other: &Tree<Place>, depth: usize) -> Alike {
    let (here, there) = (&one.evidence.operations, &other.evidence.operations);
    let (mut common, mut shared) = (0, 0);
    for (method, operation) in here {
        let Some(twin) = there.get(method) else { continue };
        common += 1;
        match operations(operation, twin) {
            None => return Alike::No,
            Some(fields) => shared += fields,
        }
    }
    let verdict = if shared >= SHARED { Alike::Strong } else { Alike::Weak };
    if common == 0 && !here.is_empty() && !there.is_empty() {
        return Alike::No;
    }
    verdict.max(branches(one, other, depth))
}

/// What is below: strong if some branch of one is like some branch of the other, by name where they have a common one.
fn branches(one: &Tree<Place>, other: &Tree<Place>, depth: usize) -> Alike {
    let Some(depth) = depth.checked_sub(1) else { return Alike::Weak };
    let mut verdict = Alike::Weak;
    for (key, branch) in one.branches.iter().take(16) {
        if let Some(twin) = other.branches.get(key) {
            // The same name below both is a shape too.
            match places(branch, twin, depth) {
                Alike::Weak if key.is_literal() => verdict = Alike::Strong,
                found => verdict = verdict.max(found),
            }
        } else if verdict < Alike::Strong {
            let best = other.branches.iter().filter(|(twin, _)| !one.branches.contains_key(twin)).take(8);
            let best = best.map(|(_, twin)| places(branch, twin, depth)).max();
            verdict = verdict.max(best.unwrap_or(Alike::Weak));
        }
    }
    verdict
}

/// How many fields two operations have in common; `None` if they differ.
fn operations(one: &Operation, other: &Operation) -> Option<usize> {
    let answers = shapes(answered(one), answered(other))?;
    let bodies = shapes(one.request.iter().collect(), other.request.iter().collect())?;
    Some(answers + bodies)
}

/// What an operation answers where it succeeds.
fn answered(operation: &Operation) -> Vec<(&str, &Content)> {
    let success = operation.responses.iter().filter(|(status, _)| status.starts_with('2'));
    success.flat_map(|(_, answer)| answer.content.iter()).collect()
}

fn shapes(one: Vec<(&str, &Content)>, other: Vec<(&str, &Content)>) -> Option<usize> {
    if one.is_empty() || other.is_empty() {
        return Some(0);
    }
    let types = |contents: &[(&str, &Content)]| contents.iter().map(|(name, _)| (*name).to_owned()).collect();
    let (here, there): (BTreeSet<String>, BTreeSet<String>) = (types(&one), types(&other));
    if here.is_disjoint(&there) {
        return None;
    }
    let (here, there) = (fields(&one), fields(&other));
    // A list without items, or a body that was not read, says nothing.
    let unknown =
        |fields: &BTreeSet<String>| fields.is_empty() || fields.iter().all(|field| field == "/=array");
    if unknown(&here) || unknown(&there) {
        return Some(0);
    }
    let shared = here.intersection(&there).count();
    let all = here.union(&there).count();
    (shared * 10 >= all * 7).then_some(shared)
}

/// The paths of the fields of bodies, each with its type where that is one.
fn fields(contents: &[(&str, &Content)]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, content) in contents {
        collect(content.schema.root(), "", DEPTH, &mut found);
    }
    found
}

fn collect(node: &Tree<Facts>, path: &str, depth: usize, found: &mut BTreeSet<String>) {
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
        found.insert(format!("{path}/={kind}"));
    }
    let Some(depth) = depth.checked_sub(1) else { return };
    for (key, branch) in &node.branches {
        let name = key.text().unwrap_or(if key.as_kind().is_some() { "{}" } else { "[]" });
        collect(branch, &format!("{path}/{name}"), depth, found);
    }
}
