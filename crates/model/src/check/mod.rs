//! Traffic held against a description: what is not in it, what was not seen, what violates it.

mod parameters;
mod validate;

use std::collections::BTreeMap;

use egret_http::Exchange;

use crate::diff::resolved;
use crate::document::{Document, Node};
use crate::key::{Key, hash};
use crate::observe::{Call, Payload};
use crate::operation::Method;
use crate::witness::Witness;

use parameters::parameters;
use validate::Validator;

/// Different findings that are kept; those beyond are counted.
const FINDINGS: usize = 1_000;

/// Holds exchanges against an OpenAPI document.
#[derive(Debug)]
pub struct Checker {
    document: Document,
    routes: Vec<Route>,
    /// Paths of the servers, which are in front of every path.
    bases: Vec<Vec<String>>,
    report: Report,
    shadows: BTreeMap<String, Finding>,
    violations: BTreeMap<(String, String), Finding>,
}

/// An operation of the document.
#[derive(Debug)]
struct Route {
    method: Method,
    path: String,
    /// `None` for a parameter.
    segments: Vec<Option<String>>,
    seen: u64,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Exchanges that were looked at.
    pub exchanges: u64,
    /// Operations of the document.
    pub operations: usize,
    /// Operations of it that were called.
    pub seen: usize,
    /// Calls that were answered, and are not in the document (shadow operations).
    pub undocumented: Vec<Finding>,
    /// Operations that nobody called (zombies, if the traffic is all there is): `GET /users/{id}`.
    pub unseen: Vec<String>,
    /// Calls that are not what the document says.
    pub violations: Vec<Finding>,
    /// Findings that were too many to be kept.
    pub more: u64,
}

/// Something that was found, and the first exchange that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Where: an operation, and what is within it.
    pub place: String,
    /// What; empty where the place says it.
    pub what: String,
    /// In how many exchanges.
    pub count: u64,
    /// The first of them, in the order of their connections.
    pub witness: Witness,
}

impl Report {
    /// How much of the document was called, in per cent.
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    pub fn coverage(&self) -> f64 {
        if self.operations == 0 { 100.0 } else { self.seen as f64 * 100.0 / self.operations as f64 }
    }
}

impl Checker {
    /// Makes ready to hold exchanges against `document`.
    pub fn new(document: Document) -> Self {
        let mut routes = Vec::new();
        for (path, item) in document.0.get("paths").into_iter().flat_map(Node::entries) {
            let segment = |segment: &str| {
                let parameter = segment.starts_with('{') && segment.ends_with('}');
                (!parameter).then(|| crate::target::decoded(segment, false).into_owned())
            };
            let rest = path.strip_prefix('/').unwrap_or(path);
            let segments: Vec<_> =
                if rest.is_empty() { Vec::new() } else { rest.split('/').map(segment).collect() };
            for method in item.entries().filter_map(|(name, _)| Method::named(name)) {
                routes.push(Route { method, path: path.to_owned(), segments: segments.clone(), seen: 0 });
            }
        }
        let urls = document.0.get("servers").map_or(&[][..], Node::items).iter();
        let base = |url: &str| {
            let path = url
                .split_once("://")
                .map_or(url, |(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(""));
            path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        let mut bases: Vec<_> = urls.filter_map(|server| server.get("url")?.text()).map(base).collect();
        bases.push(Vec::new());
        let report = Report { operations: routes.len(), ..Report::default() };
        Self { document, routes, bases, report, shadows: BTreeMap::new(), violations: BTreeMap::new() }
    }

    /// Looks at an exchange from `source`. One of which too little was seen is left out.
    pub fn observe(&mut self, source: &str, exchange: &Exchange) {
        let Some(call) = Call::new(hash(source), exchange) else { return };
        self.report.exchanges += 1;
        let Some(method) = call.method() else { return };
        let Some(number) = self.route(method, &call) else {
            // Where there is nothing, nothing is to be documented.
            if !matches!(call.status, 404 | 405 | 501) {
                let place = format!("{} {}", method.name(), shape(&call.target.segments));
                let more = note(&mut self.shadows, place.clone(), &place, "", call.witness);
                self.report.more += more;
            }
            return;
        };
        let Some(route) = self.routes.get_mut(number) else { return };
        route.seen += 1;
        let place = format!("{} {}", method.name(), route.path);
        let root = &self.document.0;
        let item = root.get("paths").and_then(|paths| paths.get(&route.path));
        let operation = item.and_then(|item| {
            item.entries().find(|(name, _)| Method::named(name) == Some(method)).map(|(_, node)| (item, node))
        });
        let Some((item, operation)) = operation else { return };
        let mut found = Vec::new();
        judge(root, &Described { path: &route.path, item, operation }, &call, &mut found);
        for (at, what) in found {
            let place = format!("{place} {at}");
            let more = note(&mut self.violations, (place.clone(), what.clone()), &place, &what, call.witness);
            self.report.more += more;
        }
    }

    /// The route of a call: the one with most literals of those that fit.
    fn route(&self, method: Method, call: &Call<'_>) -> Option<usize> {
        let mut best = None;
        for base in &self.bases {
            let Some(rest) = call.target.segments.strip_prefix(base.as_slice()) else { continue };
            for (number, route) in self.routes.iter().enumerate().filter(|(_, route)| route.method == method)
            {
                let fits = route.segments.len() == rest.len()
                    && route.segments.iter().zip(rest).all(|(wanted, segment)| match wanted {
                        Some(wanted) => wanted == segment,
                        None => !segment.is_empty(),
                    });
                let literals = route.segments.iter().flatten().count();
                if fits && best.is_none_or(|(most, _)| literals > most) {
                    best = Some((literals, number));
                }
            }
        }
        best.map(|(_, number)| number)
    }

    /// What was found so far.
    pub fn report(&self) -> Report {
        let mut report = self.report.clone();
        report.seen = self.routes.iter().filter(|route| route.seen > 0).count();
        let unseen = self.routes.iter().filter(|route| route.seen == 0);
        report.unseen = unseen.map(|route| format!("{} {}", route.method.name(), route.path)).collect();
        report.unseen.sort();
        report.undocumented = self.shadows.values().cloned().collect();
        report.violations = self.violations.values().cloned().collect();
        report
    }
}

/// Counts a finding; 1 if there is no room for it.
fn note<K: Ord>(known: &mut BTreeMap<K, Finding>, key: K, place: &str, what: &str, witness: Witness) -> u64 {
    let full = known.len() >= FINDINGS;
    match known.get_mut(&key) {
        Some(finding) => {
            finding.count += 1;
            finding.witness = finding.witness.min(witness);
        }
        None if full => return 1,
        None => {
            known.insert(key, Finding { place: place.to_owned(), what: what.to_owned(), count: 1, witness });
        }
    }
    0
}

/// A path with what is one of many by its looks in braces, so that calls of one sort are one finding.
fn shape(segments: &[String]) -> String {
    let shown = segments.iter().map(|segment| {
        let key = Key::of(segment);
        key.as_kind().map_or_else(|| format!("/{segment}"), |kind| format!("/{{{}}}", kind.name()))
    });
    let path: String = shown.collect();
    if path.is_empty() { "/".to_owned() } else { path }
}

/// What a document says of the operation that was called.
struct Described<'a> {
    path: &'a str,
    item: &'a Node,
    operation: &'a Node,
}

/// Everything about a call that is not what its operation says.
fn judge(root: &Node, described: &Described<'_>, call: &Call<'_>, found: &mut Vec<(String, String)>) {
    let operation = described.operation;
    let (sent, answered) = call.documents();
    let responses = operation.get("responses");
    let status = call.status.to_string();
    let range = format!("{}XX", call.status / 100);
    let response = responses.and_then(|responses| {
        let exact = [status.as_str(), range.as_str(), "default"];
        exact.iter().find_map(|name| responses.get(name)).map(|node| resolved(root, node))
    });
    match response {
        None => found.push((status.clone(), "status is not described".to_owned())),
        Some(response) => body(root, response, &answered, &status, found),
    }
    // What was refused need not have been what the document asks for.
    if call.is_refused() {
        return;
    }
    parameters(root, described, call, found);
    match operation.get("requestBody").map(|node| resolved(root, node)) {
        Some(request) => {
            let required = request.get("required").is_some_and(Node::is_true);
            if required && sent.media_type.is_none() {
                found.push(("request".to_owned(), "body is required and missing".to_owned()));
            }
            body(root, request, &sent, "request", found);
        }
        None if sent.media_type.is_some() => {
            found.push(("request".to_owned(), "body is not described".to_owned()));
        }
        None => {}
    }
}

fn body(root: &Node, described: &Node, payload: &Payload<'_>, at: &str, found: &mut Vec<(String, String)>) {
    let Some(media_type) = payload.media_type.as_deref() else { return };
    let Some(contents) = described.get("content") else { return };
    let fits = |pattern: &str| {
        let pattern = pattern.split(';').next().unwrap_or(pattern).trim();
        pattern.eq_ignore_ascii_case(media_type)
            || pattern == "*/*"
            || pattern.strip_suffix("/*").is_some_and(|main| media_type.split('/').next() == Some(main))
    };
    let Some((_, content)) = contents.entries().find(|(pattern, _)| fits(pattern)) else {
        found.push((format!("{at} {media_type}"), "media type is not described".to_owned()));
        return;
    };
    let (Some(Ok(document)), Some(schema)) = (&payload.document, content.get("schema")) else { return };
    let Some(value) = document.json() else { return };
    let mut validator = Validator::new(root);
    validator.value(schema, value, "");
    found.extend(
        validator.found.into_iter().map(|(place, what)| (format!("{at} {media_type} {place}"), what)),
    );
}
