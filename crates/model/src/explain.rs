//! Why something is claimed, and which exchanges say so.

use std::collections::BTreeSet;

use crate::facts::Facts;
use crate::infer::{Described, Options, Segment, score};
use crate::key::{Key, hash};
use crate::model::Model;
use crate::named::Named;
use crate::operation::{Content, Method, Parameter};
use crate::target::Target;
use crate::tree::Tree;
use crate::witness::Witness;

/// A claim of a description, and what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim {
    /// The claim, with its reason.
    pub text: String,
    /// The first exchanges that show it, in the order of their connections; not all there were.
    pub witnesses: Vec<Witness>,
}

impl Model {
    /// Why an operation is described as it is, or a field of it: a parameter by its name, or a part of a body by its
    /// place (`owner.name`, `items[].id`). `path` is a template, or a path that was called. Empty if there is no such
    /// operation, or no such field.
    pub fn explain(&self, options: &Options, method: Method, path: &str, field: Option<&str>) -> Vec<Claim> {
        let Some(description) = self.describe(options) else { return Vec::new() };
        let wanted = crate::diff::nameless(path);
        let called = Target::new(path).map(|target| target.segments).unwrap_or_default();
        let called: Vec<_> = called.into_iter().map(Some).collect();
        let of_method = || description.operations.iter().filter(|operation| operation.method == method);
        let exact = of_method().find(|operation| crate::diff::nameless(&operation.path()) == wanted);
        let fits =
            || of_method().filter_map(|operation| Some((score(&operation.template, &called)?, operation)));
        let found = exact.or_else(|| fits().max_by_key(|(score, _)| *score).map(|(_, operation)| operation));
        match (found, field) {
            (None, _) => Vec::new(),
            (Some(operation), None) => whole(operation),
            (Some(operation), Some(field)) => part(operation, field),
        }
    }
}

fn claim(text: String, witnesses: impl IntoIterator<Item = Witness>) -> Claim {
    let witnesses: BTreeSet<_> = witnesses.into_iter().collect();
    Claim { text, witnesses: witnesses.into_iter().collect() }
}

/// What is claimed of an operation.
fn whole(operation: &Described) -> Vec<Claim> {
    let evidence = &operation.evidence;
    let mut claims = vec![claim(
        format!(
            "{} {}: {} calls, {} of them accepted",
            operation.method.name(),
            operation.path(),
            evidence.calls,
            evidence.accepted
        ),
        evidence.witnesses.0.iter().copied(),
    )];
    for segment in &operation.template {
        if let Segment::Parameter(parameter) = segment {
            let text = format!("{{{}}} is a parameter: {}", parameter.name, parameter.why);
            claims.push(claim(text, parameter.facts.witnesses()));
        }
    }
    for (place, name, parameter) in parameters(operation) {
        claims.push(of_parameter(place, name, parameter, evidence.accepted));
    }
    for (together, count) in evidence.security.iter().filter(|(together, _)| !together.is_empty()) {
        let schemes = together.replace('\n', " and ");
        claims.push(claim(
            format!("authenticated by {schemes} in {count} of {} accepted calls", evidence.accepted),
            None,
        ));
    }
    for (name, content) in evidence.request.iter() {
        claims.push(claim(format!("request bodies of {name}: {}", bodies(content)), None));
    }
    for (status, answer) in evidence.responses.iter() {
        let contents = answer.content.iter().map(|(name, content)| format!("; {name}: {}", bodies(content)));
        let text = format!("status {status}: {} responses{}", answer.count, contents.collect::<String>());
        claims.push(claim(text, answer.witnesses.0.iter().copied()));
    }
    claims
}

fn bodies(content: &Content) -> String {
    match content.unread {
        0 => format!("{}, all read", content.count),
        unread => format!(
            "{}, of which {unread} are no evidence (cut, incomplete, or not what they say)",
            content.count
        ),
    }
}

fn parameters(operation: &Described) -> Vec<(&'static str, &str, &Parameter)> {
    fn of<'a, const MOST: usize>(
        place: &'static str,
        named: &'a Named<Parameter, MOST>,
    ) -> impl Iterator<Item = (&'static str, &'a str, &'a Parameter)> {
        named.iter().map(move |(name, parameter)| (place, name, parameter))
    }
    let evidence = &operation.evidence;
    of("query", &evidence.query)
        .chain(of("header", &evidence.header))
        .chain(of("cookie", &evidence.cookie))
        .collect()
}

fn of_parameter(place: &str, name: &str, parameter: &Parameter, accepted: u64) -> Claim {
    let need = if parameter.calls == accepted { "required" } else { "optional" };
    let text = format!(
        "{place} parameter {name} is {need}: in {} of {accepted} accepted calls; {}",
        parameter.calls,
        seen(&parameter.facts)
    );
    claim(text, parameter.facts.witnesses())
}

/// What is claimed of a field.
fn part(operation: &Described, field: &str) -> Vec<Claim> {
    let evidence = &operation.evidence;
    let mut claims = Vec::new();
    for segment in &operation.template {
        if let Segment::Parameter(parameter) = segment
            && parameter.name == field
        {
            let text = format!("{{{field}}} is a parameter: {}; {}", parameter.why, seen(&parameter.facts));
            claims.push(claim(text, parameter.facts.witnesses()));
        }
    }
    for (place, name, parameter) in parameters(operation).into_iter().filter(|(_, name, _)| *name == field) {
        claims.push(of_parameter(place, name, parameter, evidence.accepted));
    }
    let asked = evidence.request.iter().map(|(name, content)| (format!("request {name}"), content));
    let answered = evidence.responses.iter().flat_map(|(status, answer)| {
        answer.content.iter().map(move |(name, content)| (format!("{status} {name}"), content))
    });
    for (place, content) in asked.chain(answered) {
        let Some((parent, node)) = find(content.schema.root(), field) else { continue };
        let objects = parent.evidence.object;
        let need = match () {
            () if field.ends_with("[]") => "are items".to_owned(),
            () if node.visits == objects => format!("is required: in all of {objects} objects"),
            () => format!("is optional: in {} of {objects} objects", node.visits),
        };
        let text = format!("{place} {field} {need}; {}", seen(&node.evidence));
        claims.push(claim(text, node.evidence.witnesses()));
        claims.extend(without(&place, field, parent));
    }
    claims
}

/// Where a field is not, if it is not everywhere.
fn without(place: &str, field: &str, parent: &Tree<Facts>) -> Option<Claim> {
    let name = hash(field.rsplit('.').next().filter(|name| !name.ends_with("[]"))?);
    let sets = parent.evidence.shapes.sets().iter().filter(|set| !set.names.contains(&name));
    let (count, witnesses) = sets.fold((0_u64, Vec::new()), |(count, mut witnesses), set| {
        witnesses.push(set.witness);
        (count.saturating_add(set.count), witnesses)
    });
    (count > 0)
        .then(|| claim(format!("{place} {field} is not in {count} objects"), witnesses.into_iter().take(4)))
}

/// The node at a place like `items[].owner.name`, and the one it is in.
fn find<'a>(root: &'a Tree<Facts>, place: &str) -> Option<(&'a Tree<Facts>, &'a Tree<Facts>)> {
    let (mut parent, mut node) = (root, root);
    for part in place.split('.') {
        let name = part.trim_end_matches("[]");
        if !name.is_empty() {
            (parent, node) = (node, node.branches.get(&Key::field(name))?);
        }
        for _ in 0..(part.len() - name.len()) / 2 {
            (parent, node) = (node, node.branches.get(&Key::items())?);
        }
    }
    Some((parent, node))
}

/// What values were seen.
fn seen(facts: &Facts) -> String {
    let types = [
        ("null", facts.null),
        ("boolean", facts.boolean),
        ("integer", facts.integer),
        ("number", facts.number),
        ("string", facts.string),
        ("array", facts.array),
        ("object", facts.object),
    ];
    let types = types.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} {name}"));
    let mut text = types.collect::<Vec<_>>().join(", ");
    if !facts.kinds.is_empty() {
        let kinds = facts.kinds.iter().map(|(kind, count)| format!("{} {count}", kind.name()));
        text += &format!(" (looks like: {})", kinds.collect::<Vec<_>>().join(", "));
    }
    if let Some((low, high)) = facts.range {
        text += &format!(", from {low} to {high}");
    }
    if !facts.values.is_empty() {
        text += &format!(", {} different", facts.values.len());
    }
    text
}
