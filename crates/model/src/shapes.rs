//! Which names objects had together, at one place: what tells fields that are left out from objects of several sorts.
//!
//! Kept whole or not at all: more than a few different sets of names, or very many names, and none is known. So it does
//! not matter in which order objects are seen.

use serde::{Deserialize, Serialize};

use crate::Witness;
use crate::tree::{grow, is_false};

/// Different sets of names that are kept; at more, none is.
const MOST: usize = 12;

/// Names of one object, at most.
pub(crate) const NAMES: usize = 48;

/// Names of all sets together, at most.
const ALL: usize = 192;

/// The sets of names that the objects of one place had.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Shapes {
    /// By their names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sets: Vec<Set>,
    /// Whether they were too many.
    #[serde(skip_serializing_if = "is_false")]
    many: bool,
}

/// Names that some objects had, and no others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Set {
    /// Their hashes, each greater than the one before.
    pub(crate) names: Box<[u64]>,
    /// How many objects had them.
    pub(crate) count: u64,
    /// The first exchange with one.
    pub(crate) witness: Witness,
}

impl Shapes {
    /// Whether another object could tell anything.
    pub(crate) const fn is_open(&self) -> bool {
        !self.many
    }

    /// Whether nothing is known.
    pub(crate) const fn is_empty(&self) -> bool {
        self.sets.is_empty() && !self.many
    }

    /// The sets, if they are all there were.
    pub(crate) fn sets(&self) -> &[Set] {
        &self.sets
    }

    /// Adds an object with names of these hashes.
    pub(crate) fn add(&mut self, mut names: Vec<u64>, witness: &Witness) {
        names.sort_unstable();
        names.dedup();
        self.put(Set { names: names.into(), count: 1, witness: *witness });
    }

    fn put(&mut self, set: Set) {
        if self.many {
            return;
        }
        match self.sets.binary_search_by(|known| known.names.cmp(&set.names)) {
            Ok(at) => {
                if let Some(known) = self.sets.get_mut(at) {
                    grow(&mut known.count, set.count);
                    known.witness = known.witness.min(set.witness);
                }
            }
            Err(at)
                if self.sets.len() < MOST
                    && set.names.len() <= NAMES
                    && self.sets.iter().map(|known| known.names.len()).sum::<usize>() + set.names.len()
                        <= ALL =>
            {
                self.sets.reserve_exact(1);
                self.sets.insert(at, set);
            }
            Err(_) => self.close(),
        }
    }

    /// Gives up: nothing is known any more.
    pub(crate) fn close(&mut self) {
        *self = Self { sets: Vec::new(), many: true };
    }

    pub(crate) fn merge(&mut self, other: Self) {
        let Self { sets, many } = other;
        if many {
            self.close();
        }
        sets.into_iter().for_each(|set| self.put(set));
    }

    /// Holds what was read from a file to the limits.
    pub(crate) fn restore(&mut self) {
        let Self { sets, many } = std::mem::take(self);
        self.many = many;
        for set in sets {
            if set.names.is_sorted_by(|one, next| one < next) {
                self.put(set);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::key::Key;
    use crate::tree::{Bounded, Bounds};

    const NOBODY: Witness = Witness { source: 0, connection: 0, index: 0, request: (0, 0), response: (0, 0) };

    #[test]
    fn many_names_in_all_are_as_good_as_none() {
        let known = |sets: u64| {
            let mut shapes = Shapes::default();
            (0..sets).for_each(|set| shapes.add((set * 40..(set + 1) * 40).collect(), &NOBODY));
            // The same again is no more than before.
            (0..sets).for_each(|set| shapes.add((set * 40..(set + 1) * 40).collect(), &NOBODY));
            shapes.sets().len()
        };
        assert_eq!((known(4), known(5)), (4, 0));
    }

    #[test]
    fn where_names_are_folded_their_sets_are_not_kept() {
        let left = |names: usize| {
            let mut tree = Bounded::<Facts>::default();
            tree.observe(Bounds::nodes(8), |root, added| {
                let texts = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
                for name in texts.iter().take(names) {
                    root.branch(Key::of(name), added);
                }
                root.evidence.shapes.add((0..names as u64).collect(), &NOBODY);
                0
            });
            tree.root().evidence.shapes.sets().len()
        };
        assert_eq!((left(8), left(9)), (1, 0));
    }
}
