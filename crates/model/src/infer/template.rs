//! From paths to templates: which segments are parameters.
//!
//! Two things speak for a parameter: what a segment looks like (a UUID is never a name of a place), and that siblings
//! answer alike. One sample of a word never does.

use std::collections::BTreeMap;
use std::fmt;

use super::hint::{Hint, Said};
use super::separate::{Literal, Values, separate};
use super::words::{camel, is_reserved, numbers_versions, singular};
use crate::Kind;
use crate::facts::Facts;
use crate::key::Key;
use crate::operation::Place;
use crate::tree::{Tree, grow};

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

fn resolve(mut node: Tree<Place>, prefix: &mut Vec<Segment>, hints: &[Hint], found: &mut Vec<Endpoint>) {
    let place = std::mem::take(&mut node.evidence);
    if !place.operations.is_empty() {
        found.push(Endpoint { template: prefix.clone(), place });
    }
    let mut values = Values::default();
    let mut literals = Vec::new();
    for (key, tree) in node.branches {
        sort_in(&key, *tree, prefix, hints, &mut values, &mut literals);
    }
    if let Some(other) = node.other {
        values.many = true;
        grow(&mut values.facts.string, other.visits);
        values.facts.many = true;
        values.add(*other);
    }
    let literals = separate(literals, &mut values, prefix.last().map(literal_text));
    if let Some(tree) = values.tree.take() {
        let why = match () {
            () if values.hinted.is_some() => Why::Hint,
            () if values.many => Why::TooMany,
            () if !values.kinds.is_empty() => Why::Kinds(values.kinds.clone()),
            () if values.words > 0 => Why::Siblings { words: values.words, echoed: values.echoed },
            () => Why::Hint,
        };
        let name = values.hinted.take().unwrap_or_else(|| name(prefix, &values));
        let parameter = Parameter { name: unused(name, prefix), facts: values.facts, why };
        prefix.push(Segment::Parameter(Box::new(parameter)));
        resolve(tree, prefix, hints, found);
        prefix.pop();
    }
    for Literal { text, tree, .. } in literals {
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
    let said = said(hints, &before, key.text().unwrap_or_default());
    if let Some(Said::Parameter(name)) = &said {
        values.hinted = Some(name.clone());
    }
    if let Some(text) = key.text() {
        let literal = Literal { text: text.to_owned(), tree, kept: said == Some(Said::Literal) };
        match said {
            Some(Said::Parameter(_)) if !text.is_empty() => values.join(literal),
            _ => literals.push(literal),
        }
        return;
    }
    let texts = tree.evidence.texts.as_deref().cloned().unwrap_or_default();
    // `/rest/api/2/…`, `/3/movie/…`: a number that never changes, where versions are written.
    let place = match before.last() {
        Some(before) => before.is_some_and(numbers_versions),
        None => tree.evidence.operations.is_empty(),
    };
    let version = texts.range.filter(|(low, high)| low == high && (0.0..EXACT).contains(low) && place);
    let version = version.filter(|_| key.as_kind() == Some(Kind::Integer) && texts.string == 0);
    match version.filter(|_| said.is_none()) {
        Some((number, _)) => literals.push(Literal { text: number.to_string(), tree, kept: true }),
        None => values.typed(key.as_kind(), texts, tree),
    }
}

/// What hints say of a segment: that it stays a literal, whichever hint says so, else what the first of them says.
fn said(hints: &[Hint], before: &[Option<&str>], text: &str) -> Option<Said> {
    let all = || hints.iter().filter_map(|hint| hint.say(before, text));
    all().find(|said| *said == Said::Literal).or_else(|| all().next())
}

/// Below it a number is what was written, digit by digit.
const EXACT: f64 = (1_u64 << 53) as f64;

const fn literal_text(segment: &Segment) -> Option<&str> {
    match segment {
        Segment::Literal(text) => Some(text.as_str()),
        Segment::Parameter(_) => None,
    }
}

/// What a parameter is called, by the place in front of it.
fn name(prefix: &[Segment], values: &Values) -> String {
    let of = match prefix.last() {
        Some(Segment::Literal(text)) if !is_reserved(text) => camel(&singular(text)),
        _ => String::new(),
    };
    let only = |kind: Kind| values.words == 0 && !values.many && values.kinds == [kind];
    let identifier = |kind: &Kind| {
        matches!(kind, Kind::Integer | Kind::Uuid | Kind::Ulid | Kind::ObjectId | Kind::Hash | Kind::Random)
    };
    let end = match () {
        () if only(Kind::Date) || only(Kind::DateTime) => return "date".to_owned(),
        () if only(Kind::Email) => return "email".to_owned(),
        () if values.languages && values.kinds.is_empty() && !values.many => return "locale".to_owned(),
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
