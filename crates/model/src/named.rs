//! A few things by name: parameters, statuses, media types. Bounded by content, as trees are: the first names in the
//! order of [`Key`] are kept, and that there were more is remembered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::key::Key;
use crate::tree::is_false;

/// Things by name, at most `MOST` of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Named<V, const MOST: usize> {
    #[serde(rename = "by")]
    all: BTreeMap<Key, V>,
    /// Whether there were more.
    #[serde(default, skip_serializing_if = "is_false")]
    more: bool,
}

impl<V, const MOST: usize> Default for Named<V, MOST> {
    fn default() -> Self {
        Self { all: BTreeMap::new(), more: false }
    }
}

impl<V: Default, const MOST: usize> Named<V, MOST> {
    /// Changes what is under `name`.
    pub(crate) fn with(&mut self, name: &str, change: impl FnOnce(&mut V)) {
        change(self.all.entry(Key::literal(name)).or_default());
        self.keep();
    }

    fn keep(&mut self) {
        self.hold(MOST);
    }

    /// Keeps `most` at most, those that come first.
    pub(crate) fn hold(&mut self, most: usize) {
        while self.all.len() > most {
            self.all.pop_last();
            self.more = true;
        }
    }

    /// How many there are, or could be if there were more than are kept: never less by observing more.
    pub(crate) fn slots(&self) -> usize {
        if self.more { MOST } else { self.all.len() }
    }

    /// The sum over all, each of which is `most` at most; never less by observing more if that of each is not.
    pub(crate) fn sum(&self, most: usize, of: impl Fn(&V) -> usize) -> usize {
        if self.more {
            return MOST.saturating_mul(most);
        }
        self.all.values().fold(0, |sum, value| sum.saturating_add(of(value)))
    }

    /// Changes each.
    pub(crate) fn each(&mut self, change: impl FnMut(&mut V)) {
        self.all.values_mut().for_each(change);
    }

    pub(crate) fn merge(&mut self, other: Self, add: impl Fn(&mut V, V)) {
        for (key, value) in other.all {
            add(self.all.entry(key).or_default(), value);
        }
        self.more |= other.more;
        self.keep();
    }

    /// By name, in the order of the alphabet; names too long to be told apart are left out.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        let mut all: Vec<_> = self.all.iter().filter_map(|(key, value)| Some((key.text()?, value))).collect();
        all.sort_by_key(|(name, _)| *name);
        all.into_iter()
    }

    /// Holds what was read from a file to the limit.
    pub(crate) fn restore(&mut self, each: impl Fn(&mut V)) {
        self.keep();
        self.all.values_mut().for_each(each);
    }

    /// Whether there was nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty() && !self.more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_names_are_kept_in_any_order() {
        let names = ["limit", "offset", "sort", "page", "q", "fields"];
        let fill = |names: &mut dyn Iterator<Item = &&str>| {
            let mut named: Named<u64, 3> = Named::default();
            names.for_each(|name| named.with(name, |count| *count += 1));
            named
        };
        let one = fill(&mut names.iter());
        assert_eq!(one, fill(&mut names.iter().rev()));
        assert_eq!(one.iter().count(), 3);
        assert!(one.more);
        let mut halves = fill(&mut names[..3].iter());
        halves.merge(fill(&mut names[3..].iter()), |sum, more| *sum += more);
        assert_eq!(halves, one);
    }
}
