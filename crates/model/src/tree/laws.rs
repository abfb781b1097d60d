//! The laws of trees whose nodes hold something heavy, with limits so small that they matter.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::tests::Sum;
use super::{Bounded, Bounds, Evidence};
use crate::key::{Key, hash};

/// Nodes of what a node holds, before it is divided.
const MOST: usize = 12;

/// What nodes hold: another tree.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Load {
    tree: Bounded<Sum>,
}

impl Evidence for Load {
    fn merge(&mut self, other: Self) {
        self.tree.merge(other.tree, Bounds::nodes(MOST));
    }

    fn slots(&self) -> usize {
        usize::from(self.is_heavy())
    }

    fn weight(&self) -> usize {
        if self.tree.is_divided() { MOST } else { self.tree.size() }
    }

    fn is_heavy(&self) -> bool {
        self.tree.root().visits > 0
    }

    fn hold(&mut self, share: usize) {
        self.tree.settle(Bounds::nodes(share.min(MOST)));
    }
}

type Path = Vec<String>;

/// Places, and what was found there: nothing, or a path in what they hold.
fn seen() -> impl Strategy<Value = Vec<(Path, Option<Path>)>> {
    let path =
        |most| prop::collection::vec(prop_oneof!["[a-d]", "[0-9]", "[a-b]-[0-9]{3}", "[a-z]{3}"], 0..most);
    prop::collection::vec((path(4), prop::option::weighted(0.8, path(4))), 0..60)
}

fn walk(tree: &mut Bounded<Sum>, path: &Path) {
    tree.observe(Bounds::nodes(MOST), |mut node, added| {
        for segment in path {
            let Some(next) = node.branch(Key::of(segment), added) else { return 0 };
            node = next;
            node.evidence.0 += 1;
        }
        0
    });
}

fn grown(seen: &[(Path, Option<Path>)], bounds: Bounds) -> Bounded<Load> {
    let mut tree = Bounded::<Load>::default();
    for (path, held) in seen {
        tree.observe(bounds, |mut node, added| {
            for segment in path {
                let Some(next) = node.branch(Key::of(segment), added) else { return 0 };
                node = next;
            }
            let before = node.evidence.weight();
            if let Some(held) = held {
                walk(&mut node.evidence.tree, held);
            }
            node.evidence.weight() - before
        });
    }
    tree
}

fn merged(mut one: Bounded<Load>, other: Bounded<Load>, bounds: Bounds) -> Bounded<Load> {
    one.merge(other, bounds);
    one
}

fn bounds() -> impl Strategy<Value = Bounds> {
    (1_usize..30, 1_usize..80).prop_map(|(nodes, weight)| Bounds { nodes, weight })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4 * ProptestConfig::default().cases))]

    #[test]
    fn the_order_does_not_matter(seen in seen(), bounds in bounds(), narrower in bounds(), seed: u64) {
        let mut shuffled = seen.clone();
        shuffled.sort_by_cached_key(|one| hash(&format!("{seed}{one:?}")));
        let whole = grown(&seen, bounds);
        prop_assert_eq!(&grown(&shuffled, bounds), &whole);
        // Bounds that become narrower at any time are as if they had been so from the beginning.
        let narrow = Bounds { nodes: narrower.nodes.min(bounds.nodes), weight: narrower.weight.min(bounds.weight) };
        let mut late = whole;
        late.settle(narrow);
        prop_assert_eq!(late, grown(&shuffled, narrow));
    }

    #[test]
    fn merging_is_observing_together(a in seen(), b in seen(), c in seen(), bounds in bounds()) {
        let [one, two, three] = [&a, &b, &c].map(|seen| grown(seen, bounds));
        let whole = grown(&[a, b, c].concat(), bounds);
        prop_assert_eq!(&merged(merged(one.clone(), two.clone(), bounds), three.clone(), bounds), &whole);
        prop_assert_eq!(&merged(one.clone(), merged(three, two, bounds), bounds), &whole);
        prop_assert_eq!(&merged(Bounded::default(), one.clone(), bounds), &one);
        let text = serde_json::to_string(&whole).unwrap();
        let mut read: Bounded<Load> = serde_json::from_str(&text).unwrap();
        read.each(restore);
        read.restore(bounds);
        prop_assert_eq!(read, whole);
    }
}

fn restore(node: &mut super::Tree<Load>) {
    node.evidence.tree.restore(Bounds::nodes(MOST));
    node.below_mut().for_each(restore);
}
