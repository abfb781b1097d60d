//! Whether the parameters of a call are what its operation says.

use std::borrow::Cow;
use std::collections::BTreeMap;

use egret_http::text;

use super::Described;
use super::validate::{Validator, typed};
use crate::diff::resolved;
use crate::document::Node;
use crate::observe::Call;

/// Headers that OpenAPI leaves to other places (3.1 §4.8.12.2).
const ELSEWHERE: [&str; 3] = ["accept", "content-type", "authorization"];

/// Everything about the parameters of a call that is not what its operation says.
pub(super) fn parameters(
    root: &Node,
    described: &Described<'_>,
    call: &Call<'_>,
    found: &mut Vec<(String, String)>,
) {
    let lists = [described.item.get("parameters"), described.operation.get("parameters")];
    let all = lists.into_iter().flatten().flat_map(Node::items).map(|node| resolved(root, node));
    let word = |node: &'_ Node, name: &str| node.get(name).and_then(Node::text).map(str::to_owned);
    // What the operation says takes the place of what its path says.
    let all: BTreeMap<(String, String), &Node> =
        all.filter_map(|node| Some(((word(node, "in")?, word(node, "name")?), node))).collect();
    for ((place, name), parameter) in &all {
        if place == "header" && ELSEWHERE.iter().any(|other| name.eq_ignore_ascii_case(other)) {
            continue;
        }
        let at = format!("{place} {name}");
        let values = values(place, name, described.path, call);
        if parameter.get("required").is_some_and(Node::is_true) && values.is_empty() && place != "path" {
            found.push((at.clone(), "is required and missing".to_owned()));
        }
        // Lists and objects have styles of their own; plain values have none.
        let Some(schema) = parameter.get("schema") else { continue };
        let types = crate::diff::types(root, resolved(root, schema));
        if types.contains("array") || types.contains("object") {
            continue;
        }
        for value in values {
            let mut validator = Validator::new(root);
            validator.value(schema, &typed(root, schema, &value), "");
            found.extend(validator.found.into_iter().map(|(place, what)| (format!("{at}{place}"), what)));
        }
    }
    let open = all.values().any(|node| node.get("style").and_then(Node::text) == Some("deepObject"));
    for (name, _) in call.target.query.iter().filter(|_| !open) {
        let known = all.contains_key(&("query".to_owned(), name.clone()));
        if !known && !crate::secret::is_api_key_name(name) {
            found.push((format!("query {name}"), "is not described".to_owned()));
        }
    }
}

/// The values that a call has for a parameter.
fn values<'a>(place: &str, name: &str, path: &str, call: &'a Call<'_>) -> Vec<Cow<'a, str>> {
    match place {
        "query" => {
            let named = call.target.query.iter().filter(|(known, _)| known == name);
            named.map(|(_, value)| value.as_str().into()).collect()
        }
        "header" => call.request.headers().get(name).map(text).into_iter().collect(),
        "cookie" => {
            let cookies = call.request.headers().get("cookie").map(text).unwrap_or_default();
            let pairs = cookies.split(';').filter_map(|pair| pair.split_once('='));
            let named = pairs.filter(|(known, _)| known.trim() == name);
            named.map(|(_, value)| value.trim().to_owned().into()).collect()
        }
        "path" => {
            // The path of the server, if any, is in front: so from the end.
            let behind = path.rsplit('/').position(|segment| segment == format!("{{{name}}}"));
            let value = behind.and_then(|behind| call.target.segments.iter().rev().nth(behind));
            value.map(|value| value.as_str().into()).into_iter().collect()
        }
        _ => Vec::new(),
    }
}
