//! Which literals of one place are values of a parameter, and which are places.
//!
//! Promises: no two places that answer the same method in different shapes become one by what they look like. Work is
//! bounded: however many literals there are, each is compared with few others.

use super::alike::{Alike, Profile};
use super::words::{is_common, is_language, is_reserved, names_field, numbers_versions, stem};
use crate::facts::{Facts, Reading};
use crate::operation::Place;
use crate::tree::{Evidence, Tree};
use crate::{Kind, Witness};

/// A branch that may be a value or a place.
pub(crate) struct Literal {
    pub(crate) text: String,
    pub(crate) tree: Tree<Place>,
    /// Whether the user said that it is a place.
    pub(crate) kept: bool,
}

/// What is known to be values.
#[derive(Default)]
pub(crate) struct Values {
    pub(crate) tree: Option<Tree<Place>>,
    pub(crate) facts: Facts,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) words: usize,
    pub(crate) echoed: usize,
    /// Whether more came than are told apart.
    pub(crate) many: bool,
    pub(crate) hinted: Option<String>,
    /// Whether all words are tags of languages.
    pub(crate) languages: bool,
}

impl Values {
    pub(crate) fn add(&mut self, tree: Tree<Place>) {
        match &mut self.tree {
            None => self.tree = Some(tree),
            Some(known) => known.add(tree),
        }
    }

    pub(crate) fn join(&mut self, literal: Literal) {
        let witness = first_witness(&literal.tree).unwrap_or(NOBODY);
        self.facts.text(&literal.text, Reading { secret: false, example: false, witness: &witness });
        self.languages = (self.languages || self.words == 0) && is_language(&literal.text);
        self.words += 1;
        self.echoed += usize::from(literal.tree.evidence.echoed > 0);
        self.add(literal.tree);
    }

    /// Adds what is known of segments of a kind.
    pub(crate) fn typed(&mut self, kind: Option<Kind>, facts: Facts, tree: Tree<Place>) {
        self.kinds.extend(kind);
        self.facts.merge(facts);
        self.add(tree);
    }
}

const NOBODY: Witness =
    Witness { source: 0, connection: u64::MAX, index: 0, request: (0, 0), response: (0, 0) };

fn first_witness(tree: &Tree<Place>) -> Option<Witness> {
    let here = tree.evidence.operations.values().flat_map(|operation| operation.witnesses.0.iter().copied());
    here.chain(tree.below().filter_map(first_witness)).min()
}

/// Kinds that say of a parameter that words are not among its values.
const fn is_strict(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Integer
            | Kind::Number
            | Kind::Uuid
            | Kind::Ulid
            | Kind::ObjectId
            | Kind::Hash
            | Kind::Date
            | Kind::DateTime
    )
}

/// A literal that may be either, with what it looks like.
struct Open {
    literal: Literal,
    profile: Profile,
}

impl Open {
    fn is_word(&self) -> bool {
        Kind::of(&self.literal.text) == Kind::Word
    }

    /// Whether it looks like a slug or an identifier: no word, and with more digits, or longer, than `i18n` or `k8s`.
    fn is_slug(&self) -> bool {
        let text = &self.literal.text;
        !self.is_word() && (text.len() >= 12 || text.bytes().filter(u8::is_ascii_digit).count() >= 3)
    }

    /// Whether both are one name with different numbers behind it: `worker-1`, `worker-2`.
    fn is_twin_of(&self, other: &Self) -> bool {
        let mine = stem(&self.literal.text);
        mine.is_some() && mine == stem(&other.literal.text)
    }

    fn is_echoed(&self) -> bool {
        self.literal.tree.evidence.echoed > 0
    }
}

/// Takes literals that are values out of those that are places. `before` is the segment in front: `None` at the top,
/// `Some(None)` behind a parameter.
pub(crate) fn separate(
    literals: Vec<Literal>,
    values: &mut Values,
    before: Option<Option<&str>>,
) -> Vec<Literal> {
    let versioned = before.is_none_or(|before| before.is_some_and(numbers_versions));
    let (mut places, open): (Vec<_>, Vec<_>) = literals.into_iter().partition(|literal| {
        let text = literal.text.as_str();
        let version = versioned && Kind::of(text) == Kind::Number;
        text.is_empty() || literal.kept || version || is_reserved(text)
    });
    let open = open.into_iter().map(|literal| Open { profile: Profile::of(&literal.tree), literal });
    let mut rest = Vec::new();
    let mut clusters = clusters(open.collect());
    // The largest says what the parameter answers; what answers otherwise is no value of it.
    clusters.sort_by_key(|cluster| std::cmp::Reverse(cluster.len()));
    for cluster in clusters {
        let differs = || {
            let known = values.tree.as_ref().map(Profile::of);
            known
                .is_some_and(|known| cluster.iter().take(4).any(|one| one.profile.alike(&known) == Alike::No))
        };
        let named = before.flatten().is_some_and(names_field);
        if are_values(&cluster, before.is_none(), named) && !differs() {
            // `/users/summary` may answer what users do: a word that people give to places is a value only if it is
            // said to be one, or can be changed as they can.
            let told = named || cluster.iter().all(|open| is_language(&open.literal.text));
            let (those, common): (Vec<_>, Vec<_>) = cluster
                .into_iter()
                .partition(|open| told || open.is_echoed() || !is_common(&open.literal.text));
            for open in common {
                if those.iter().take(4).any(|value| open.profile.is_item_like(&value.profile)) {
                    values.join(open.literal);
                } else {
                    places.push(open.literal);
                }
            }
            those.into_iter().for_each(|open| values.join(open.literal));
        } else {
            rest.extend(cluster);
        }
    }
    // What answers like the values, where the values are any text, is one of them.
    let strict = values.kinds.len() == 1 && values.kinds.iter().all(|kind| is_strict(*kind));
    let any_text = values.tree.is_some() && (!strict || values.words > 0 || values.many);
    let known = values.tree.as_ref().map(Profile::of);
    for open in rest {
        let like = known.as_ref().map_or(Alike::No, |known| open.profile.alike(known));
        let common = is_common(&open.literal.text);
        let joins = match like {
            // Where more names came than could be places, those that are no words are what is left of them.
            _ if values.many && !open.is_word() => true,
            Alike::No => false,
            Alike::Weak => {
                let meets = known.as_ref().is_some_and(|known| open.profile.meets(known));
                any_text && !common && (meets || open.profile.is_item())
            }
            Alike::Strong if open.is_word() => any_text && (!common || open.is_echoed()),
            Alike::Strong => true,
        };
        if joins {
            values.join(open.literal);
        } else {
            places.push(open.literal);
        }
    }
    places
}

/// Clusters that a literal is compared with, at most.
const CLUSTERS: usize = 128;

/// Literals that answer alike, together.
fn clusters(open: Vec<Open>) -> Vec<Vec<Open>> {
    let mut clusters: Vec<Vec<Open>> = Vec::new();
    for one in open {
        let like = |cluster: &&mut Vec<Open>| {
            let Some(first) = cluster.first() else { return false };
            let looks = one.is_slug() && first.is_slug() || one.is_twin_of(first);
            let slugs = looks && one.profile.meets(&first.profile);
            let least = if slugs { Alike::Weak } else { Alike::Strong };
            first.profile.alike(&one.profile) >= least
                && cluster.iter().take(4).all(|known| known.profile.alike(&one.profile) != Alike::No)
        };
        match clusters.iter_mut().take(CLUSTERS).find(like) {
            Some(cluster) => cluster.push(one),
            None => clusters.push(vec![one]),
        }
    }
    clusters
}

/// Whether literals that answer alike are values of one parameter; `named` if they are said to be those of
/// a field by the place in front of them (`/users/name/alice`).
fn are_values(cluster: &[Open], top: bool, named: bool) -> bool {
    let count = cluster.len();
    let number = |is: &dyn Fn(&Open) -> bool| cluster.iter().filter(|open| is(open)).count();
    let common = number(&|open| is_common(&open.literal.text));
    let slugs = number(&|open| !open.is_word());
    let echoed = number(&Open::is_echoed);
    let strong = || {
        let first = cluster.first().map(|open| &open.profile);
        cluster
            .iter()
            .skip(1)
            .all(|open| first.is_some_and(|first| first.alike(&open.profile) == Alike::Strong))
    };
    match () {
        // Nothing but languages, all of which have the same below them.
        () if count >= 2 && cluster.iter().all(|open| is_language(&open.literal.text)) => true,
        // At the top there are places for the most part.
        () if top => count >= 8 && common * 3 <= count && (slugs * 2 > count || echoed * 2 > count),
        // Behind the name of a field there are values, and what repeats its own name is what is called by it.
        () if (named && count >= 2 || count >= 3 && echoed == count) && strong() => true,
        // Two words are no pattern, whatever they answer: two resources of one kind are described one by one.
        () if count >= 3 => common * 2 <= count,
        () => slugs >= 2 && common * 2 <= count && strong(),
    }
}
