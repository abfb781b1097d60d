//! The model: what was observed, added up.

use std::collections::BTreeMap;

use egret_http::Exchange;
use serde::{Deserialize, Serialize};

use crate::key::{Key, hash};
use crate::observe::Call;
use crate::operation::Place;
use crate::tree::{Bounded, Bounds, Tree, grow, is_false, is_zero};

/// APIs that are told apart; those beyond are counted.
const APIS: usize = if cfg!(test) { 3 } else { 256 };

/// Names of sources that are kept.
const SOURCES: usize = 1_024;

/// Path nodes of one API, before they are divided.
const PATHS: usize = 4_096;

/// Nodes of everything that is kept of heavy APIs: of paths, and of what is known of bodies and parameters. A node takes
/// about a kilobyte. (So few in tests that all of the laws below are about what is over the limit.)
const NODES: usize = if cfg!(test) { 400 } else { 196_608 };

/// What an API may weigh without a share of its own.
const LIGHT: usize = if cfg!(test) { 12 } else { 256 };

/// Of what is kept, the share of one API, in nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share(usize);

impl Default for Share {
    fn default() -> Self {
        Self(NODES)
    }
}

impl Share {
    /// What no API exceeds that is described: all is there already.
    pub(crate) const ALL: Bounds = Bounds { nodes: PATHS, weight: usize::MAX };

    const fn of(self, weight: usize) -> Bounds {
        let nodes = self.0 / 8;
        Bounds { nodes: if nodes < PATHS { nodes } else { PATHS }, weight }
    }

    /// Of calls that were accepted: three quarters.
    pub(crate) const fn found(self) -> Bounds {
        self.of(self.0 - self.0 / 4)
    }

    /// Of calls that were refused.
    pub(crate) const fn refused(self) -> Bounds {
        self.of(self.0 / 4)
    }
}

/// What was observed of every API, added up: the evidence from which descriptions are inferred.
///
/// A value: [`merge`](Self::merge) is commutative and associative, and [`Model::default`] is its identity; to observe
/// exchanges in any order, or apart and then merge, gives the same model, which writes the same bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// By authority.
    apis: BTreeMap<Key, Api>,
    /// Exchanges with servers beyond those that are told apart.
    #[serde(default, skip_serializing_if = "is_zero")]
    others: u64,
    /// Exchanges of which too little was seen to say anything.
    #[serde(default, skip_serializing_if = "is_zero")]
    incomplete: u64,
    #[serde(default, skip_serializing_if = "is_false")]
    examples: bool,
    /// Names of sources by their hashes.
    #[serde(default)]
    sources: BTreeMap<u64, Box<str>>,
    /// What each heavy API may take; follows from the rest.
    #[serde(skip)]
    share: Share,
}

/// What was observed of one server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Api {
    pub(crate) calls: u64,
    /// Of those, the ones that OpenAPI cannot describe.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) elsewhere: u64,
    pub(crate) found: Bounded<Place>,
    pub(crate) refused: Bounded<Place>,
}

impl Model {
    /// A model that keeps examples of values: names of people and what they wrote, but no field whose name says that
    /// it is secret.
    pub fn with_examples() -> Self {
        Self { examples: true, ..Self::default() }
    }

    /// A model of nothing, which keeps examples if this one does: for a part of the same work.
    pub fn fresh(&self) -> Self {
        Self { examples: self.examples, ..Self::default() }
    }

    /// Adds an exchange from `source`, such as the name of a capture file.
    pub fn observe(&mut self, source: &str, exchange: &Exchange) {
        let number = hash(source);
        let Some(call) = Call::new(number, exchange) else {
            grow(&mut self.incomplete, 1);
            return;
        };
        let authority = call.authority().unwrap_or_else(|| exchange.server().to_string());
        self.sources.entry(number).or_insert_with(|| source.into());
        let api = self.apis.entry(Key::literal(&authority)).or_default();
        let light = !api.is_heavy();
        api.observe(&call, self.examples, self.share);
        if light || self.sources.len() > SOURCES {
            self.keep();
        }
    }

    /// Adds what another has observed.
    pub fn merge(&mut self, other: Self) {
        let Self { apis, others, incomplete, examples, sources, share: _ } = other;
        for (key, api) in apis {
            let known = self.apis.entry(key).or_default();
            grow(&mut known.calls, api.calls);
            grow(&mut known.elsewhere, api.elsewhere);
            known.found.merge(api.found, self.share.found());
            known.refused.merge(api.refused, self.share.refused());
        }
        grow(&mut self.others, others);
        grow(&mut self.incomplete, incomplete);
        self.examples |= examples;
        self.sources.extend(sources);
        self.keep();
    }

    fn keep(&mut self) {
        while self.apis.len() > APIS {
            grow(&mut self.others, self.apis.pop_last().map_or(0, |(_, api)| api.calls));
        }
        while self.sources.len() > SOURCES {
            self.sources.pop_last();
        }
        // Which were heavy of those that are only counted is not known.
        let heavy =
            if self.others > 0 { APIS } else { self.apis.values().filter(|api| api.is_heavy()).count() };
        let share = Share(NODES / heavy.max(1));
        if share != self.share {
            self.share = share;
            self.apis.values_mut().for_each(|api| api.settle(share));
        }
    }

    /// The servers of which more was observed than is kept whole: what they answer is described in part.
    pub fn limited(&self) -> impl Iterator<Item = &str> {
        self.apis().filter(|(_, api)| api.is_limited()).map(|(name, _)| name)
    }

    /// The servers that were called, as their clients call them, and how many exchanges there were with each.
    pub fn servers(&self) -> impl Iterator<Item = (&str, u64)> {
        let mut servers: Vec<_> = self.apis().map(|(name, api)| (name, api.calls)).collect();
        servers.sort_unstable();
        servers.into_iter()
    }

    /// The name of a source, by the number that a [`Witness`](crate::Witness) has.
    pub fn source(&self, number: u64) -> Option<&str> {
        self.sources.get(&number).map(|name| &**name)
    }

    /// Exchanges of which too little was seen to say anything: no request head, or no status.
    pub const fn incomplete(&self) -> u64 {
        self.incomplete
    }

    pub(crate) fn apis(&self) -> impl Iterator<Item = (&str, &Api)> {
        self.apis.iter().map(|(key, api)| (key.text().unwrap_or("(other)"), api))
    }

    /// Counts nodes anew, after it was read from a file, and keeps to the limits.
    pub(crate) fn restore(&mut self) {
        fn each(tree: &mut Tree<Place>) {
            tree.evidence.operations.values_mut().for_each(crate::operation::Operation::restore);
            tree.evidence.texts.iter_mut().for_each(|facts| facts.restore());
            tree.below_mut().for_each(each);
        }
        for api in self.apis.values_mut() {
            for tree in [&mut api.found, &mut api.refused] {
                tree.each(each);
            }
            api.found.restore(self.share.found());
            api.refused.restore(self.share.refused());
        }
        self.keep();
    }
}

impl Api {
    /// Whether it needs a share; once it does, it always will.
    fn is_heavy(&self) -> bool {
        self.found.weight().saturating_add(self.refused.weight()) > LIGHT
    }

    fn settle(&mut self, share: Share) {
        self.found.settle(share.found());
        self.refused.settle(share.refused());
    }

    /// Whether more was observed than is kept whole.
    pub(crate) const fn is_limited(&self) -> bool {
        self.found.is_divided() || self.refused.is_divided()
    }
}

#[cfg(test)]
#[path = "../tests/play/mod.rs"]
mod play;

/// That the laws hold where the limits do something: they are small in these tests.
#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::play::{Call, get, learned, numbered};
    use super::*;
    use crate::Options;

    fn call() -> impl Strategy<Value = Call> {
        let segment = prop_oneof!["[a-c]{1,2}", "[a-z]{3}", "[0-9]{1,2}", "[a-d]-[0-9]{4}"];
        let path = prop::collection::vec(segment, 0..4).prop_map(|path| path.join("/"));
        let target = (path, prop::collection::vec("[a-z]{1,2}=[0-9]", 0..4))
            .prop_map(|(path, query)| format!("/{path}?{}", query.join("&")));
        let fields = prop::collection::vec(("[a-z]{1,2}", "[a-z]{1,2}"), 0..12);
        let body = fields.prop_map(|fields| {
            let fields: Vec<_> =
                fields.into_iter().map(|(one, other)| format!(r#""{one}": {{"{other}": [1]}}"#)).collect();
            format!("{{{}}}", fields.join(", "))
        });
        let method = prop_oneof![Just("GET"), Just("POST")];
        let status = prop_oneof![Just(200_u16), Just(201), Just(404), 200_u16..250];
        let host = prop_oneof![8 => Just("a.example"), 3 => Just("b.example"), 1 => Just("c.example:81"), 1 => Just("d.example")];
        let media = prop_oneof![6 => Just(""), 1 => Just("a/a+json"), 1 => Just("b/b"), 1 => Just("c/c+json"), 1 => Just("d/d")];
        (method, target, host, status, prop::option::of(body.clone()), body, media).prop_map(
            |(method, target, host, status, sent, answered, answered_as)| Call {
                method,
                host,
                sent,
                answered_as,
                ..get(&target, status, &answered)
            },
        )
    }

    fn merged(mut one: Model, other: &Model) -> Model {
        one.merge(other.clone());
        one
    }

    proptest! {
        #[test]
        fn over_the_limit_the_order_does_not_matter(calls in prop::collection::vec(call(), 0..120), seed: u64) {
            let calls = numbered(calls);
            let mut shuffled = calls.clone();
            shuffled.sort_by_key(|(number, _)| hash(&format!("{seed}{number}")));
            let whole = learned(&calls);
            prop_assert_eq!(&learned(&shuffled), &whole);
            prop_assert_eq!(&Model::from_bytes(&whole.to_bytes()).unwrap(), &whole);
            if let Some(found) = whole.describe(&Options::default()) {
                prop_assert!(oas3::from_json(found.document().to_json()).is_ok());
            }
        }

        #[test]
        fn over_the_limit_merging_is_observing_together(
            calls in prop::collection::vec(call(), 0..120),
            cuts in (0_usize..120, 0_usize..120),
        ) {
            let calls = numbered(calls);
            let cut = |at: usize| at.min(calls.len());
            let (first, second) = (cut(cuts.0.min(cuts.1)), cut(cuts.0.max(cuts.1)));
            let [one, two, three] = [&calls[..first], &calls[first..second], &calls[second..]].map(learned);
            let whole = learned(&calls);
            prop_assert_eq!(&merged(merged(one.clone(), &two), &three), &whole);
            prop_assert_eq!(&merged(one.clone(), &merged(three.clone(), &two)), &whole);
            prop_assert_eq!(&merged(Model::default(), &whole), &whole);
            prop_assert_eq!(&merged(whole.clone(), &Model::default()), &whole);
        }
    }
}
