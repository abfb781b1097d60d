//! Names that peers choose, counted in bounded memory.
//!
//! Promises: which names are kept depends on nothing but which were seen, so that two counts of two halves of the
//! traffic, added up, are the count of the whole, in whatever way it is divided.

use std::collections::BTreeMap;

/// How many different names are kept.
const KEPT: usize = 256;

/// How long a name may be: that of a host has at most 253 characters. What is beyond is cut off.
const LONG: usize = 255;

/// How often each name was seen, for at most 256 different names of at most 255 bytes: about 100 KiB.
///
/// Where there are more names than that, those kept are a sample without regard to how frequent they are, and each is
/// counted exactly; the others are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// By a hash of the name, then the name: those with the smallest hashes are kept.
    counts: BTreeMap<(u64, Box<str>), u64>,
    total: u64,
}

impl Names {
    /// How many names were counted, the same ones and those not kept included.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// How many of [`total`](Self::total) were names that are not kept.
    pub fn others(&self) -> u64 {
        self.total.saturating_sub(self.counts.values().sum())
    }

    /// The names that are kept, the most frequent first, and those as frequent as each other in alphabetical order.
    pub fn top(&self) -> Vec<(&str, u64)> {
        let mut names: Vec<_> = self.counts.iter().map(|((_, name), count)| (&**name, *count)).collect();
        names
            .sort_unstable_by(|(one, often), (other, seldom)| seldom.cmp(often).then_with(|| one.cmp(other)));
        names
    }

    /// Adds up what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.total += other.total;
        for ((hash, name), count) in &other.counts {
            *self.counts.entry((*hash, name.clone())).or_default() += count;
        }
        while self.counts.len() > KEPT {
            self.counts.pop_last();
        }
    }

    pub(crate) fn add(&mut self, name: &str) {
        self.total += 1;
        let end = (0..=LONG.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
        let name = end.and_then(|end| name.get(..end)).unwrap_or_default();
        let hash = fnv(name.as_bytes());
        if self.counts.len() == KEPT
            && self.counts.last_key_value().is_some_and(|((last, kept), _)| (*last, &**kept) < (hash, name))
        {
            return;
        }
        *self.counts.entry((hash, name.into())).or_default() += 1;
        if self.counts.len() > KEPT {
            self.counts.pop_last();
        }
    }
}

/// FNV-1a of 64 bits: the same in every run, as what is kept must be.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn count<'a>(names: impl IntoIterator<Item = &'a String>) -> Names {
        let mut counted = Names::default();
        names.into_iter().for_each(|name| counted.add(name));
        counted
    }

    #[test]
    fn the_most_frequent_comes_first() {
        let names = ["b", "a", "c", "c", "a", "c"].map(str::to_owned);
        let counted = count(&names);
        assert_eq!(counted.top(), [("c", 3), ("a", 2), ("b", 1)]);
        assert_eq!((counted.total(), counted.others()), (6, 0));
        let long = "x".repeat(300) + "é";
        assert_eq!(count(&[long]).top()[0].0.len(), 255);
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_whole(numbers in proptest::collection::vec(0_u32..600, 0..3_000), parts in 1..5_usize) {
            let names: Vec<_> = numbers.iter().map(|number| format!("{number}.example")).collect();
            let whole = count(&names);
            let mut sum = Names::default();
            for part in 0..parts {
                sum.merge(&count(names.iter().enumerate().filter(|(place, _)| place % parts == part).map(|(_, name)| name)));
            }
            prop_assert_eq!(&sum, &whole);
            for (name, often) in whole.top() {
                prop_assert_eq!(often, names.iter().filter(|other| *other == name).count() as u64);
            }
            prop_assert!(whole.top().len() <= KEPT);
        }
    }
}
