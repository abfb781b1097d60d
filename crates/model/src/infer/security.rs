//! Security schemes of a document, and what of them an operation asks for.

use std::collections::{BTreeMap, BTreeSet};

use super::Described;
use crate::document::{Entries, Node};
use crate::security::Scheme;

/// The schemes of a description: their lines, with the name of each in the document.
#[derive(Debug, Default)]
pub(crate) struct Schemes(BTreeMap<String, String>);

impl Schemes {
    /// The schemes of all operations.
    pub(crate) fn of(operations: &[Described]) -> Self {
        let lines = operations.iter().flat_map(|operation| operation.evidence.security.iter());
        let lines = lines.flat_map(|(together, _)| together.split('\n'));
        let lines: BTreeSet<_> = lines.filter(|line| Scheme::of(line).is_some()).collect();
        let mut taken = BTreeSet::new();
        let names = lines.into_iter().map(|line| {
            let plain = line.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
            (line.to_owned(), unused(plain, &mut taken))
        });
        Self(names.collect())
    }

    /// As a document has them.
    pub(crate) fn node(&self) -> Node {
        let mut schemes: BTreeMap<&str, Node> = BTreeMap::new();
        for (line, name) in &self.0 {
            let mut scheme = Entries::default();
            match Scheme::of(line) {
                Some(Scheme::Http(what, format)) => {
                    scheme.put("type", "http");
                    scheme.put("scheme", what);
                    scheme.maybe("bearerFormat", format);
                }
                Some(Scheme::Key(place, name)) => {
                    scheme.put("type", "apiKey");
                    scheme.put("in", place);
                    scheme.put("name", name);
                }
                None => {}
            }
            schemes.insert(name, scheme.into());
        }
        let mut entries = Entries::default();
        schemes.into_iter().for_each(|(name, scheme)| entries.put(name, scheme));
        entries.into()
    }

    /// How an operation is authenticated: one requirement for each set of schemes that was enough, and an empty one if
    /// some accepted calls went without. Nothing if none showed anything.
    pub(crate) fn requirements(&self, operation: &Described) -> Node {
        let sets = operation.evidence.security.iter().map(|(together, _)| {
            together.split('\n').filter(|line| !line.is_empty()).collect::<BTreeSet<_>>()
        });
        let sets: BTreeSet<_> = sets.collect();
        // What was shown besides what was enough is not asked for.
        let enough = |set: &&BTreeSet<&str>| {
            !sets.iter().any(|other| !other.is_empty() && other != *set && other.is_subset(set))
        };
        let mut asked: Vec<_> = sets.iter().filter(enough).collect();
        if asked.iter().all(|set| set.is_empty()) {
            return Node::List(Vec::new());
        }
        asked.sort_by_key(|set| (set.is_empty(), *set));
        let requirements = asked.into_iter().map(|set| {
            let mut requirement = Entries::default();
            for name in set.iter().filter_map(|line| self.0.get(*line)) {
                requirement.put(name, Node::List(Vec::new()));
            }
            requirement.into()
        });
        requirements.collect()
    }
}

/// The name, or one with a number behind it if it is taken; taken from then on.
pub(crate) fn unused(name: String, taken: &mut BTreeSet<String>) -> String {
    let more = (2_u64..).map(|number| format!("{name}{number}"));
    let free =
        std::iter::once(name.clone()).chain(more).find(|name| !taken.contains(name)).unwrap_or_default();
    taken.insert(free.clone());
    free
}
