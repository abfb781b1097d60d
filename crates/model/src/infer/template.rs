//! From paths to templates: which segments are parameters.
//!
//! Two things speak for a parameter: what a segment looks like (a UUID is never a name of a place), and that siblings
//! answer alike. One sample of a word never does.

use std::collections::BTreeMap;
use std::fmt;

use super::alike::{Alike, alike};
use super::hint::{Hint, Said};
use super::words::{camel, is_common, is_reserved, numbers_versions, singular};
use crate::Kind;
use crate::Witness;
use crate::facts::{Facts, Reading};
use crate::key::Key;
use crate::operation::Place;
use crate::tree::{Evidence, Tree, grow};

/// A segment of a template.
#[derive(Debug, Clone)]
pub(crate) enum Segment {
    Literal(String),
    Parameter(Box<Parameter>),
}

/// A segment that takes values.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// What the values look like.
    pub(crate) facts: Facts,
    pub(crate) why: Why,
}

/// Why a segment is taken for a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Why {
    /// The user said so.
    Hint,
    /// The values are of these kinds.
    Kinds(Vec<Kind>),
    /// So many literals stood there that answer alike, some of which repeat their name in the answer.
    Siblings { words: usize, echoed: usize },
    /// More literals than are told apart.
    TooMany,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hint => f.write_str("a --template says so"),
            Self::Kinds(kinds) => {
                let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
                write!(f, "its values look like: {}", names.join(", "))
            }
            Self::Siblings { words, echoed } => {
                write!(f, "{words} different names there answer alike")?;
                if *echoed > 0 {
                    write!(f, ", and {echoed} of them are repeated in the answer")
                } else {
                    Ok(())
                }
            }
            Self::TooMany => f.write_str("more different names were seen there than could be places"),
        }
    }
}

/// A template with what was observed of it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) template: Vec<Segment>,
    pub(crate) place: Place,
}

/// The templates of a tree of paths, in the order of the alphabet.
pub(crate) fn templates(tree: &Tree<Place>, hints: &[Hint]) -> Vec<Endpoint> {
    let mut found = Vec::new();
    resolve(tree.clone(), &mut Vec::new(), hints, &mut found);
    found.sort_by_cached_key(|endpoint| path(&endpoint.template));
    found
}

/// A template as OpenAPI writes it: `/users/{userId}`.
pub(crate) fn path(template: &[Segment]) -> String {
    let mut path = String::new();
    for segment in template {
        path.push('/');
        match segment {
            Segment::Literal(text) => path.push_str(&escaped(text)),
            Segment::Parameter(parameter) => {
                path.push('{');
                path.push_str(&parameter.name);
                path.push('}');
            }
        }
    }
    if path.is_empty() { "/".to_owned() } else { path }
}

/// What would be taken for something else in a path is percent-encoded.
fn escaped(segment: &str) -> String {
    let mut out = String::new();
    for letter in segment.chars() {
        match letter {
            '{' | '}' | '?' | '#' | '/' | '%' | ' ' => out.push_str(&format!("%{:02X}", u32::from(letter))),
            _ if letter.is_control() => out.push_str(&format!("%{:02X}", u32::from(letter))),
            _ => out.push(letter),
        }
    }
    out
}

/// A branch that may be a value or a place.
struct Literal {
    text: String,
    tree: Tree<Place>,
}

/// What is known to be values.
#[derive(Default)]
struct Values {
    tree: Option<Tree<Place>>,
    facts: Facts,
    kinds: Vec<Kind>,
    words: usize,
    echoed: usize,
    many: bool,
    hinted: Option<String>,
}

impl Values {
    fn add(&mut self, tree: Tree<Place>) {
        match &mut self.tree {
            None => self.tree = Some(tree),
            Some(known) => known.add(tree),
        }
    }

    fn join(&mut self, literal: Literal) {
        let witness = first_witness(&literal.tree).unwrap_or(NOBODY);
        self.facts.text(&literal.text, Reading { secret: false, example: false, witness: &witness });
        self.words += 1;
        self.echoed += usize::from(literal.tree.evidence.echoed > 0);
        self.add(literal.tree);
    }
}

const NOBODY: Witness =
    Witness { source: 0, connection: u64::MAX, index: 0, request: (0, 0), response: (0, 0) };

fn first_witness(tree: &Tree<Place>) -> Option<Witness> {
    let here = tree.evidence.operations.values().flat_map(|operation| operation.witnesses.0.iter().copied());
    here.chain(tree.below().filter_map(first_witness)).min()
}

fn resolve(mut node: Tree<Place>, prefix: &mut Vec<Segment>, hints: &[Hint], found: &mut Vec<Endpoint>) {
    let place = std::mem::take(&mut node.evidence);
    if !place.operations.is_empty() {
        found.push(Endpoint { template: prefix.clone(), place });
    }
    let mut values = Values::default();
    let mut literals = Vec::new();
    for (key, tree) in node.branches {
        sort_in(&key, tree, prefix, hints, &mut values, &mut literals);
    }
    if let Some(other) = node.other {
        values.many = true;
        grow(&mut values.facts.string, other.visits);
        values.facts.many = true;
        values.add(*other);
    }
    let literals = separate(literals, &mut values, prefix.is_empty());
    if let Some(tree) = values.tree.take() {
        let name = values.hinted.take().unwrap_or_else(|| name(prefix, &values));
        let why = match () {
            () if values.many => Why::TooMany,
            () if !values.kinds.is_empty() => Why::Kinds(std::mem::take(&mut values.kinds)),
            () if values.words > 0 => Why::Siblings { words: values.words, echoed: values.echoed },
            () => Why::Hint,
        };
        let parameter = Parameter { name: unused(name, prefix), facts: values.facts, why };
        prefix.push(Segment::Parameter(Box::new(parameter)));
        resolve(tree, prefix, hints, found);
        prefix.pop();
    }
    for Literal { text, tree } in literals {
        prefix.push(Segment::Literal(text));
        resolve(tree, prefix, hints, found);
        prefix.pop();
    }
}

/// Puts a branch where its looks or a hint say it belongs.
fn sort_in(
    key: &Key,
    tree: Tree<Place>,
    prefix: &[Segment],
    hints: &[Hint],
    values: &mut Values,
    literals: &mut Vec<Literal>,
) {
    let before: Vec<Option<&str>> = prefix.iter().map(literal_text).collect();
    let said = hints.iter().find_map(|hint| hint.say(&before, key.text().unwrap_or_default()));
    if let Some(Said::Parameter(name)) = &said {
        values.hinted = Some(name.clone());
    }
    if let Some(text) = key.text() {
        let literal = Literal { text: text.to_owned(), tree };
        match said {
            Some(Said::Parameter(_)) if !text.is_empty() => values.join(literal),
            _ => literals.push(literal),
        }
        return;
    }
    let texts = tree.evidence.texts.as_deref().cloned().unwrap_or_default();
    // `/rest/api/2/…`: a number that never changes, where versions are written.
    let version = texts.range.filter(|(low, high)| {
        low == high && low.abs() < EXACT && before.last().copied().flatten().is_some_and(numbers_versions)
    });
    let version = version.filter(|_| key.as_kind() == Some(Kind::Integer) && texts.string == 0);
    if let Some((number, _)) = version {
        literals.push(Literal { text: number.to_string(), tree });
        return;
    }
    values.kinds.extend(key.as_kind());
    values.facts.merge(texts);
    values.add(tree);
}

/// Below it a number is what was written, digit by digit.
const EXACT: f64 = (1_u64 << 53) as f64;

const fn literal_text(segment: &Segment) -> Option<&str> {
    match segment {
        Segment::Literal(text) => Some(text.as_str()),
        Segment::Parameter(_) => None,
    }
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

/// Takes literals that are values out of those that are places.
fn separate(literals: Vec<Literal>, values: &mut Values, top: bool) -> Vec<Literal> {
    let (mut places, mut open): (Vec<_>, Vec<_>) =
        literals.into_iter().partition(|literal| literal.text.is_empty() || is_reserved(&literal.text));
    for cluster in clusters(std::mem::take(&mut open)) {
        if are_values(&cluster, top) {
            cluster.into_iter().for_each(|literal| values.join(literal));
        } else {
            open.extend(cluster);
        }
    }
    // What answers like the values, where the values are any text, is one of them.
    let strict = values.kinds.len() == 1 && values.kinds.iter().all(|kind| is_strict(*kind));
    let any_text = values.tree.is_some() && (!strict || values.words > 0 || values.many);
    for literal in open {
        let like = values.tree.as_ref().map_or(Alike::No, |tree| alike(&literal.tree, tree));
        let word = Kind::of(&literal.text) == Kind::Word;
        let joins = match like {
            // Where more names came than could be places, those that are no words are what is left of them.
            _ if values.many && !word => true,
            Alike::No => false,
            Alike::Weak => any_text && !is_common(&literal.text),
            Alike::Strong if word => {
                any_text && (!is_common(&literal.text) || literal.tree.evidence.echoed > 0)
            }
            Alike::Strong => true,
        };
        if joins {
            values.join(literal);
        } else {
            places.push(literal);
        }
    }
    places
}

/// Literals that answer alike, together.
fn clusters(literals: Vec<Literal>) -> Vec<Vec<Literal>> {
    let mut clusters: Vec<Vec<Literal>> = Vec::new();
    for literal in literals {
        let like = |cluster: &&mut Vec<Literal>| {
            cluster.iter().take(4).all(|known| alike(&known.tree, &literal.tree) != Alike::No)
                && cluster.first().is_some_and(|known| alike(&known.tree, &literal.tree) == Alike::Strong)
        };
        match clusters.iter_mut().find(like) {
            Some(cluster) => cluster.push(literal),
            None => clusters.push(vec![literal]),
        }
    }
    clusters
}

/// Whether literals that answer alike are values of one parameter.
fn are_values(cluster: &[Literal], top: bool) -> bool {
    let count = cluster.len();
    let common = cluster.iter().filter(|literal| is_common(&literal.text)).count();
    let slugs = cluster.iter().filter(|literal| Kind::of(&literal.text) != Kind::Word).count();
    let echoed = cluster.iter().filter(|literal| literal.tree.evidence.echoed > 0).count();
    match () {
        // At the top there are places for the most part.
        () if top => count >= 8 && common * 3 <= count && (slugs * 2 > count || echoed * 2 > count),
        () if slugs >= 2 && common * 2 <= count => true,
        // Two words are no pattern, whatever they answer: two resources of one kind are described one by one.
        () => count >= 3 && common * 2 <= count,
    }
}

/// What a parameter is called, by the place in front of it.
fn name(prefix: &[Segment], values: &Values) -> String {
    let of = match prefix.last() {
        Some(Segment::Literal(text)) if !is_reserved(text) => camel(&singular(text)),
        _ => String::new(),
    };
    let only = |kind: Kind| values.words == 0 && !values.many && values.kinds == [kind];
    let identifier =
        |kind: &Kind| matches!(kind, Kind::Integer | Kind::Uuid | Kind::Ulid | Kind::ObjectId | Kind::Hash);
    let end = match () {
        () if only(Kind::Date) || only(Kind::DateTime) => return "date".to_owned(),
        () if only(Kind::Email) => return "email".to_owned(),
        () if values.words == 0 && !values.many && values.kinds.iter().all(identifier) => "id",
        () => "name",
    };
    match (of.as_str(), end) {
        ("", end) => end.to_owned(),
        (of, "id") => format!("{of}Id"),
        (of, _) => format!("{of}Name"),
    }
}

/// The name, or one with a number behind it if the template has it already.
fn unused(name: String, prefix: &[Segment]) -> String {
    let taken: BTreeMap<&str, ()> = prefix
        .iter()
        .filter_map(|segment| match segment {
            Segment::Parameter(parameter) => Some((parameter.name.as_str(), ())),
            Segment::Literal(_) => None,
        })
        .collect();
    let more = (2..).map(|number| format!("{name}{number}"));
    let mut names = std::iter::once(name.clone()).chain(more);
    names.find(|name| !taken.contains_key(name.as_str())).unwrap_or_default()
}
