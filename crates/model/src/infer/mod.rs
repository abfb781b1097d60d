//! From evidence to a description: a pure function, done when it is asked for, so that what was observed last has no
//! more weight than what was observed first.

mod alike;
mod components;
mod hint;
mod openapi;
mod schema;
mod security;
mod separate;
mod template;
mod variants;
mod words;

pub use hint::Hint;

pub(crate) use template::{Endpoint, Segment, path};

use std::collections::BTreeMap;

use crate::document::Document;
use crate::headers::looks_like_health;
use crate::key::Key;
use crate::model::{Model, Share};
use crate::operation::{Method, Operation, Place};
use crate::tree::{Bounded, Tree};

/// What of a model is described, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The servers to describe, with their ports or without, together in one document. None: the one with the most
    /// exchanges.
    pub hosts: Vec<String>,
    /// What is known of paths.
    pub hints: Vec<Hint>,
    /// Leave out files of a site: scripts, style sheets, images, pages.
    pub no_files: bool,
    /// Leave out paths that only say whether the server is well.
    pub no_health: bool,
}

/// A description of one API: its operations, inferred from what was observed of it.
#[derive(Debug)]
pub struct Description {
    pub(crate) servers: Vec<String>,
    pub(crate) operations: Vec<Described>,
    /// Those of the servers of which more was observed than is kept whole.
    pub(crate) limited: Vec<String>,
}

/// One operation of a description.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) method: Method,
    pub(crate) template: Vec<Segment>,
    pub(crate) evidence: Operation,
    pub(crate) is_file: bool,
    pub(crate) is_health: bool,
}

impl Described {
    pub(crate) fn path(&self) -> String {
        path(&self.template)
    }
}

impl Model {
    /// Describes what was observed. `None` if nothing was observed of the servers asked for.
    pub fn describe(&self, options: &Options) -> Option<Description> {
        let names = self.chosen(&options.hosts);
        if names.is_empty() {
            return None;
        }
        let (mut found, mut refused) = (Bounded::<Place>::default(), Bounded::<Place>::default());
        for (_, api) in self.apis().filter(|(name, _)| names.contains(name)) {
            found.merge(api.found.clone(), Share::ALL);
            refused.merge(api.refused.clone(), Share::ALL);
        }
        let mut endpoints = template::templates(found.root(), &options.hints);
        add_refused(&mut endpoints, refused.root());
        let mut operations = Vec::new();
        for Endpoint { template, place } in endpoints {
            let last = template.last().and_then(|segment| match segment {
                Segment::Literal(text) => Some(text.as_str()),
                Segment::Parameter(_) => None,
            });
            let is_health = last.is_some_and(looks_like_health);
            let answers_get = place.operations.contains_key(&Method::Get);
            for (method, evidence) in place.operations {
                // A server that answers GET answers HEAD (RFC 9110 §9.1); nobody describes it.
                if method == Method::Head && answers_get || evidence.accepted == 0 {
                    continue;
                }
                let is_file = evidence.files == evidence.accepted;
                if is_file && options.no_files || is_health && options.no_health {
                    continue;
                }
                let template = template.clone();
                operations.push(Described { method, template, evidence, is_file, is_health });
            }
        }
        let limited = self.limited().filter(|name| names.contains(name)).map(str::to_owned).collect();
        Some(Description { servers: names.into_iter().map(str::to_owned).collect(), operations, limited })
    }

    /// The servers that are described: those asked for, or the one with the most exchanges.
    fn chosen(&self, hosts: &[String]) -> Vec<&str> {
        let mut servers: Vec<_> = self.servers().collect();
        if hosts.is_empty() {
            servers.sort_by_key(|(name, calls)| (std::cmp::Reverse(*calls), *name));
            return servers.into_iter().take(1).map(|(name, _)| name).collect();
        }
        let bare = |name: &str| name.rsplit_once(':').map_or(name.to_owned(), |(host, _)| host.to_owned());
        let asked = |name: &str| {
            hosts.iter().any(|host| host.eq_ignore_ascii_case(name) || host.eq_ignore_ascii_case(&bare(name)))
        };
        servers.into_iter().map(|(name, _)| name).filter(|name| asked(name)).collect()
    }
}

impl Description {
    /// As a document of OpenAPI 3.1.
    pub fn document(&self) -> Document {
        openapi::document(self)
    }

    /// The operations, as `GET /users/{userId}`.
    pub fn operations(&self) -> impl Iterator<Item = (Method, String)> {
        self.operations.iter().map(|operation| (operation.method, operation.path()))
    }
}

/// Adds the statuses of calls that were refused to the operations that they were for.
fn add_refused(endpoints: &mut [Endpoint], refused: &Tree<Place>) {
    let mut index = BTreeMap::<usize, Vec<usize>>::new();
    for (number, endpoint) in endpoints.iter().enumerate() {
        index.entry(endpoint.template.len()).or_default().push(number);
    }
    each(refused, &mut Vec::new(), &mut |path, place| {
        let candidates = index.get(&path.len()).into_iter().flatten().copied();
        for (method, operation) in &place.operations {
            // Literals before parameters, as servers do.
            let fits = candidates.clone().filter_map(|number| {
                let endpoint = endpoints.get(number)?;
                let known = endpoint.place.operations.get(method).is_some_and(|found| found.accepted > 0);
                known.then(|| score(&endpoint.template, path)).flatten().map(|score| (score, number))
            });
            let best = fits.max_by_key(|(score, number)| (*score, std::cmp::Reverse(*number)));
            let target = best.and_then(|(_, number)| endpoints.get_mut(number));
            if let Some(known) = target.and_then(|endpoint| endpoint.place.operations.get_mut(method)) {
                known.merge(operation.clone());
            }
        }
    });
}

fn each(
    tree: &Tree<Place>,
    path: &mut Vec<Option<String>>,
    visit: &mut impl FnMut(&[Option<String>], &Place),
) {
    visit(path, &tree.evidence);
    for (key, branch) in &tree.branches {
        path.push(Key::text(key).map(str::to_owned));
        each(branch, path, visit);
        path.pop();
    }
    if let Some(other) = &tree.other {
        path.push(None);
        each(other, path, visit);
        path.pop();
    }
}

/// How many literals of a template a path has, if it fits at all; a segment whose text is not known fits parameters.
pub(crate) fn score<T: AsRef<str>>(template: &[Segment], path: &[Option<T>]) -> Option<usize> {
    let mut literals = 0;
    for (segment, text) in template.iter().zip(path) {
        match (segment, text) {
            (Segment::Literal(literal), Some(text)) if literal == text.as_ref() => literals += 1,
            // A version: numbers are not told apart by their texts.
            (Segment::Literal(literal), None) if Key::of(literal).as_kind().is_some() => {}
            (Segment::Literal(_), _) => return None,
            (Segment::Parameter(_), Some(text)) if text.as_ref().is_empty() => return None,
            (Segment::Parameter(_), _) => {}
        }
    }
    (template.len() == path.len()).then_some(literals)
}
