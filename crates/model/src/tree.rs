//! A tree of evidence that is bounded without the order of observations having a say in what is kept.
//!
//! A tree is whole while it has at most `limit` nodes. Then it is divided for good: each node has a share of the
//! limit; a node keeps at most half its share of literal branches, those first in the order of [`Key`], and the rest
//! are one branch, `other`; a node without a share keeps only a count of what is below it. Branches divide the share
//! equally, but while all of them have a place those with nothing below them take one node each, and leave the rest.
//!
//! * Whether a tree is divided depends only on how many different nodes were observed, which never gets less.
//! * Of a divided tree, shares never get larger by observing more: branches only get more, and more of them have
//!   something below. So what was folded would be folded in any order; and folding is addition, so it may be done early
//!   or late.
//!
//! What nodes hold takes room too ([`Evidence::slots`]): a tree is divided as well once all of it weighs more than its
//! [`Bounds::weight`]. That is divided equally among what is heavy: at each node, the parts of what it holds and its heavy
//! branches; what is light, of which there are no more than nodes, is left alone. These shares never get larger either:
//! what is heavy stays heavy, and where heavy branches may have been folded they count as if all had a place.
//!
//! Hence merging is commutative and associative, an empty tree is its identity, and a tree holds at most `limit` nodes
//! whole, and divided at most 24 times as many (a node has at most 20 kinds besides literals). The laws are tested below, with limits so small that they matter.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::key::Key;

/// What nodes hold: something that can be added up.
pub(crate) trait Evidence: Default {
    /// Adds what the other has seen.
    fn merge(&mut self, other: Self);

    /// How many parts it has that take room, each a share of its own; never less by observing more.
    fn slots(&self) -> usize {
        0
    }

    /// How much all of them take; never less by observing more.
    fn weight(&self) -> usize {
        0
    }

    /// Whether it is worth a share; once it is, it stays so.
    fn is_heavy(&self) -> bool {
        false
    }

    /// Holds each part to `share`.
    fn hold(&mut self, _share: usize) {}

    /// Names below it are not told apart any more.
    fn folded(&mut self) {}
}

/// How much a tree may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Nodes before it is divided.
    pub(crate) nodes: usize,
    /// Nodes, with the weight of what they hold.
    pub(crate) weight: usize,
}

impl Bounds {
    /// Of a tree whose nodes hold little.
    pub(crate) const fn nodes(nodes: usize) -> Self {
        Self { nodes, weight: usize::MAX }
    }
}

/// Adds to a count. Counts come from files too, and whoever made one chose them: they stay at the greatest.
pub(crate) const fn grow(count: &mut u64, by: u64) {
    *count = count.saturating_add(by);
}

/// Literal branches of one node of a divided tree, at most.
const BRANCHES: usize = 64;

/// Branches of one node that are no literals, at most: the kinds of texts, and items.
const KINDS: usize = 22;

/// A tree with its limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bounded<P> {
    root: Tree<P>,
    /// Whether more than `limit` nodes were observed.
    #[serde(default, skip_serializing_if = "is_false")]
    divided: bool,
    /// How many nodes there are besides the root.
    #[serde(skip)]
    size: usize,
    /// What the nodes hold weighs this, while it is not divided.
    #[serde(skip)]
    held: Held,
}

/// A weight that follows from the tree, and is no part of what it is.
#[derive(Debug, Clone, Copy, Default)]
struct Held(usize);

impl PartialEq for Held {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A node, with what is below it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tree<P> {
    /// How many times it was observed.
    #[serde(rename = "n")]
    pub(crate) visits: u64,
    /// What was observed there.
    #[serde(rename = "is")]
    pub(crate) evidence: P,
    // In boxes: most nodes have few branches, and a map has room for eleven.
    #[serde(default = "BTreeMap::new", rename = "in", skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) branches: BTreeMap<Key, Box<Tree<P>>>,
    /// The literal branches that are not told apart.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub(crate) other: Option<Box<Tree<P>>>,
    /// How many observations were made below a node that has no share.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) folded: u64,
    /// What the node may keep; follows from the tree.
    #[serde(skip)]
    room: Room,
    #[serde(skip)]
    settled: Settled,
    #[serde(skip)]
    weighed: Weighed,
}

/// For which share of the weight a node was last held, and whether anything in it is heavy. It only saves work too.
#[derive(Debug, Clone, Copy, Default)]
struct Weighed {
    share: Option<usize>,
    heavy: bool,
}

impl PartialEq for Weighed {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// For which share a node of a divided tree was last settled, and how many nodes were below it then; `None` once it was
/// walked through. It only saves work, so that it is no part of what a tree is.
#[derive(Debug, Clone, Copy, Default)]
struct Settled(Option<(usize, usize)>);

impl PartialEq for Settled {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Room {
    /// Whatever comes.
    #[default]
    Whole,
    /// So many literals.
    Literals(usize),
    /// Nothing.
    None,
}

const fn none<T>() -> Option<T> {
    None
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
pub(crate) const fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
pub(crate) const fn is_false(value: &bool) -> bool {
    !*value
}

impl<P: Evidence> Default for Tree<P> {
    fn default() -> Self {
        Self {
            visits: 0,
            evidence: P::default(),
            branches: BTreeMap::new(),
            other: None,
            folded: 0,
            room: Room::Whole,
            settled: Settled::default(),
            weighed: Weighed::default(),
        }
    }
}

impl<P: Evidence> Default for Bounded<P> {
    fn default() -> Self {
        Self { root: Tree::default(), divided: false, size: 0, held: Held(0) }
    }
}

impl<P: Evidence> Bounded<P> {
    /// The root.
    pub(crate) const fn root(&self) -> &Tree<P> {
        &self.root
    }

    /// How many nodes there are besides the root.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    /// Whether more was observed than is kept whole.
    pub(crate) const fn is_divided(&self) -> bool {
        self.divided
    }

    /// How much it weighs with all its nodes hold; never less by observing more.
    pub(crate) fn weight(&self) -> usize {
        if self.divided { usize::MAX } else { self.size.saturating_add(self.held.0) }
    }

    /// Observes: `walk` goes from the root by [`Tree::branch`], which counts the nodes it adds into its second argument,
    /// and returns by how much what the nodes hold became heavier.
    pub(crate) fn observe(&mut self, bounds: Bounds, walk: impl FnOnce(&mut Tree<P>, &mut usize) -> usize) {
        grow(&mut self.root.visits, 1);
        self.root.touch();
        let mut added = 0;
        let heavier = walk(&mut self.root, &mut added);
        self.size += added;
        self.held.0 = self.held.0.saturating_add(heavier);
        if added > 0 || heavier > 0 || self.divided && bounds.weight < usize::MAX {
            self.settle(bounds);
        }
    }

    /// Adds what another has seen.
    pub(crate) fn merge(&mut self, other: Self, bounds: Bounds) {
        self.divided |= other.divided;
        self.root.add(other.root);
        self.restore(bounds);
    }

    /// Changes the nodes from the root on, not which there are.
    pub(crate) fn each(&mut self, change: impl FnOnce(&mut Tree<P>)) {
        change(&mut self.root);
    }

    /// Counts anew, after it was read from a file.
    pub(crate) fn restore(&mut self, bounds: Bounds) {
        self.size = self.root.count();
        self.held = Held(if self.divided { 0 } else { self.root.held() });
        self.settle(bounds);
    }

    /// Keeps to bounds, which may have become narrower, never wider.
    pub(crate) fn settle(&mut self, bounds: Bounds) {
        self.divided |= self.size > bounds.nodes || self.weight() > bounds.weight;
        if self.divided {
            self.size = self.root.divide(bounds.nodes);
            if bounds.weight < usize::MAX {
                self.root.mark();
                self.root.hold(bounds.weight);
            }
        }
    }
}

impl<P: Evidence> Tree<P> {
    /// The branch for `key`, or the one that it is folded into; `None` where nothing is kept. `added` counts new nodes.
    pub(crate) fn branch(&mut self, key: Key, added: &mut usize) -> Option<&mut Self> {
        let branch = match self.room {
            Room::None => {
                // The first thing below it, which changes what its siblings may have.
                *added += usize::from(self.folded == 0);
                grow(&mut self.folded, 1);
                return None;
            }
            Room::Literals(room) if key.is_literal() && self.is_beyond(&key, room) => {
                self.other.get_or_insert_with(|| {
                    *added += 1;
                    Box::default()
                })
            }
            _ => self.branches.entry(key).or_insert_with(|| {
                *added += 1;
                Box::default()
            }),
        };
        branch.touch();
        grow(&mut branch.visits, 1);
        Some(branch)
    }

    /// What is known of its shares may be wrong from now on.
    const fn touch(&mut self) {
        self.settled = Settled(None);
        self.weighed.share = None;
    }

    /// Whether `room` literals before `key` are kept already.
    fn is_beyond(&self, key: &Key, room: usize) -> bool {
        let last = self.branches.keys().next_back().filter(|last| last.is_literal());
        let full = room == 0 || self.literals() >= room;
        full && last.is_none_or(|last| key > last) && !self.branches.contains_key(key)
    }

    fn literals(&self) -> usize {
        self.branches.keys().rev().take_while(|key| key.is_literal()).count()
    }

    /// Every branch, `other` among them.
    pub(crate) fn below(&self) -> impl Iterator<Item = &Self> {
        self.branches.values().chain(&self.other).map(|branch| &**branch)
    }

    /// As [`below`](Self::below), to be changed.
    pub(crate) fn below_mut(&mut self) -> impl Iterator<Item = &mut Self> {
        self.branches.values_mut().chain(&mut self.other).map(|branch| &mut **branch)
    }

    fn count(&self) -> usize {
        self.below().map(|branch| 1 + branch.count()).sum()
    }

    /// Adds what another node has seen, without regard to limits.
    pub(crate) fn add(&mut self, other: Self) {
        let Self { visits, evidence, branches, other: rest, folded, room: _, settled: _, weighed: _ } = other;
        self.touch();
        grow(&mut self.visits, visits);
        self.evidence.merge(evidence);
        grow(&mut self.folded, folded);
        for (key, branch) in branches {
            match self.branches.entry(key) {
                std::collections::btree_map::Entry::Vacant(place) => {
                    place.insert(branch);
                }
                std::collections::btree_map::Entry::Occupied(mut place) => place.get_mut().add(*branch),
            }
        }
        if let Some(rest) = rest {
            self.other.get_or_insert_default().add(*rest);
        }
    }

    /// What it and all below it hold.
    fn held(&self) -> usize {
        self.below().fold(self.evidence.weight(), |sum, branch| sum.saturating_add(branch.held()))
    }

    /// Finds out what is heavy.
    fn mark(&mut self) -> bool {
        if self.weighed.share.is_none() {
            // What may be below a node without a share is not known.
            let mut heavy = self.evidence.is_heavy() || self.folded > 0;
            for branch in self.below_mut() {
                heavy |= branch.mark();
            }
            self.weighed.heavy = heavy;
        }
        self.weighed.heavy
    }

    /// Keeps what nodes hold to a share of the weight.
    fn hold(&mut self, share: usize) {
        if self.weighed.share == Some(share) {
            return;
        }
        self.weighed.share = Some(share);
        if !self.weighed.heavy {
            return;
        }
        let of = |literal: bool| {
            let heavy = self
                .branches
                .iter()
                .filter(|(key, branch)| key.is_literal() == literal && branch.weighed.heavy);
            heavy.count()
        };
        let folded = self.other.as_ref().is_some_and(|other| other.weighed.heavy);
        let literals = if folded || self.folded > 0 { BRANCHES + 1 } else { of(true) };
        // What there was below a node without a share is not known, but how much there can have been.
        let kinds = if self.folded > 0 { KINDS } else { of(false) };
        let slots = if self.evidence.is_heavy() { self.evidence.slots() } else { 0 };
        let part = share / (literals + kinds + slots).max(1);
        if slots > 0 {
            self.evidence.hold(part);
        }
        for branch in self.below_mut() {
            branch.hold(part);
        }
    }

    /// Keeps to a share of the limit, and gives the branches theirs. Returns how many nodes are left below.
    fn divide(&mut self, share: usize) -> usize {
        match self.settled.0 {
            Some((known, size)) if known == share => return size,
            _ => {}
        }
        self.weighed.share = None;
        if share == 0 {
            self.evidence.folded();
            let below = self.below().fold(0_u64, |sum, branch| sum.saturating_add(branch.visits));
            grow(&mut self.folded, below);
            self.branches.clear();
            self.other = None;
            self.room = Room::None;
            self.settled = Settled(Some((share, 0)));
            return 0;
        }
        let room = (share / 2).min(BRANCHES);
        for _ in room..self.literals() {
            if let Some((_, last)) = self.branches.pop_last() {
                self.other.get_or_insert_default().add(*last);
            }
        }
        self.room = Room::Literals(room);
        if self.other.is_some() {
            self.evidence.folded();
        }
        let (all, rest) = (self.below().count(), share - 1);
        let leaves =
            if self.other.is_none() { self.below().filter(|branch| branch.is_leaf()).count() } else { 0 };
        let inner = all - leaves;
        let of_inner = rest.saturating_sub(leaves) / inner.max(1);
        // What it would have if something came below it.
        let of_leaf = (rest + 1).saturating_sub(leaves) / (inner + 1);
        let mut size = all;
        for branch in self.below_mut() {
            size += branch.divide(if leaves > 0 && branch.is_leaf() { of_leaf } else { of_inner });
        }
        self.settled = Settled(Some((share, size)));
        size
    }

    /// Whether nothing was observed below it.
    fn is_leaf(&self) -> bool {
        self.branches.is_empty() && self.other.is_none() && self.folded == 0
    }
}

#[cfg(test)]
mod laws;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The simplest evidence: a sum.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    pub(super) struct Sum(pub(super) u64);

    impl Evidence for Sum {
        fn merge(&mut self, other: Self) {
            self.0 += other.0;
        }
    }

    /// How many nodes a divided tree may have for each of its limit: a node with a share has its kinds (20) besides
    /// the literals it may keep, the items and `other`, and those may be without a share.
    const SPREAD: usize = 24;

    type Path = Vec<String>;

    fn observe(tree: &mut Bounded<Sum>, path: &Path, limit: usize) {
        tree.observe(Bounds::nodes(limit), |mut node, added| {
            node.evidence.0 += 1;
            for segment in path {
                let Some(next) = node.branch(Key::of(segment), added) else { return 0 };
                node = next;
                node.evidence.0 += 1;
            }
            0
        });
    }

    fn grown(paths: &[Path], limit: usize) -> Bounded<Sum> {
        let mut tree = Bounded::default();
        paths.iter().for_each(|path| observe(&mut tree, path, limit));
        tree
    }

    fn merged(mut one: Bounded<Sum>, other: Bounded<Sum>, limit: usize) -> Bounded<Sum> {
        one.merge(other, Bounds::nodes(limit));
        one
    }

    fn paths() -> impl Strategy<Value = Vec<Path>> {
        // Few enough names that they come again, enough that they do not fit.
        let segment = prop_oneof![
            "[a-h]",
            "[a-h][a-h]",
            Just("users".to_owned()),
            Just("42".to_owned()),
            Just("2026-11-05".to_owned()),
            "[a-d]-[0-9]{3}",
        ];
        prop::collection::vec(prop::collection::vec(segment, 0..6), 0..90)
    }

    proptest! {
        #[test]
        fn the_order_does_not_matter(paths in paths(), limit in 1_usize..80, seed in any::<u64>()) {
            let mut shuffled = paths.clone();
            shuffled.sort_by_key(|path| crate::key::hash(&format!("{seed}{path:?}")));
            prop_assert_eq!(grown(&paths, limit), grown(&shuffled, limit));
        }

        #[test]
        fn merging_is_observing_together(a in paths(), b in paths(), c in paths(), limit in 1_usize..80) {
            let [one, two, three] = [&a, &b, &c].map(|paths| grown(paths, limit));
            let whole = grown(&[a, b, c].concat(), limit);
            let left = merged(merged(one.clone(), two.clone(), limit), three.clone(), limit);
            let right = merged(one.clone(), merged(three, two, limit), limit);
            prop_assert_eq!(&left, &whole);
            prop_assert_eq!(&right, &whole);
            prop_assert_eq!(merged(Bounded::default(), one.clone(), limit), one.clone());
            prop_assert_eq!(merged(one.clone(), Bounded::default(), limit), one);
        }

        #[test]
        fn it_is_bounded_and_loses_no_count(paths in paths(), limit in 1_usize..80) {
            let tree = grown(&paths, limit);
            prop_assert!(tree.size() <= limit * SPREAD, "{} of {limit}", tree.size());
            prop_assert_eq!(tree.root().visits, paths.len() as u64);
            let not_empty = paths.iter().filter(|path| !path.is_empty()).count() as u64;
            let below: u64 = tree.root().below().map(|branch| branch.visits).sum();
            prop_assert_eq!(below + tree.root().folded, not_empty);
        }

        #[test]
        fn a_file_gives_it_back(paths in paths(), limit in 1_usize..80) {
            let tree = grown(&paths, limit);
            let text = serde_json::to_string(&tree).unwrap();
            let mut read: Bounded<Sum> = serde_json::from_str(&text).unwrap();
            read.restore(Bounds::nodes(limit));
            prop_assert_eq!(read, tree);
        }
    }

    #[test]
    fn pages_without_end_leave_room_for_what_is_deep() {
        let limit = 4_096;
        let mut tree = Bounded::default();
        let mut seen =
            |path: String| observe(&mut tree, &path.split('/').map(str::to_owned).collect(), limit);
        for number in 0..30 {
            seen(format!("page-{}", "a".repeat(number)));
        }
        for number in 0..10_000 {
            seen(format!("products/the-{number}-shoes-red"));
        }
        let word = |letter: u8| char::from(b'a' + letter).to_string().repeat(4);
        for resource in 0..26 {
            for sub in 0..5 {
                seen(format!("api/v1/{}/42/{}/7/cancel", word(resource), word(sub)));
            }
        }
        assert!(tree.divided && tree.size() < limit);
        let at = |path: &str| {
            path.split('/')
                .try_fold(tree.root(), |node, name| node.branches.get(&Key::of(name)).map(|node| &**node))
                .is_some()
        };
        for resource in 0..26 {
            for sub in 0..5 {
                let path = format!("api/v1/{}/42/{}/7/cancel", word(resource), word(sub));
                assert!(at(&path), "{path}");
            }
        }
    }

    #[test]
    fn a_million_names_are_few_nodes_and_words_stay() {
        let mut tree = Bounded::default();
        for number in 0..200_000 {
            observe(&mut tree, &vec!["articles".into(), format!("a-title-{number}-b"), "text".into()], 500);
        }
        observe(&mut tree, &vec!["login".into()], 500);
        assert!(tree.size() < 500, "{}", tree.size());
        let names: Vec<_> = tree.root().branches.keys().filter_map(Key::text).collect();
        assert_eq!(names.len(), 2);
        let articles = &tree.root().branches[&Key::of("articles")];
        let other = articles.other.as_ref().unwrap();
        assert_eq!(other.branches[&Key::of("text")].visits, other.visits);
    }
}
