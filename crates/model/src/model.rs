//! The model: what was observed, added up.

use std::collections::BTreeMap;

use egret_http::Exchange;
use serde::{Deserialize, Serialize};

use crate::key::{Key, hash};
use crate::observe::{Call, PATHS};
use crate::operation::Place;
use crate::tree::{Bounded, Tree, grow, is_false, is_zero};

/// APIs that are told apart; those beyond are counted.
const APIS: usize = 256;

/// Names of sources that are kept.
const SOURCES: usize = 1_024;

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

    /// Adds an exchange from `source`, such as the name of a capture file.
    pub fn observe(&mut self, source: &str, exchange: &Exchange) {
        let number = hash(source);
        let Some(call) = Call::new(number, exchange) else {
            grow(&mut self.incomplete, 1);
            return;
        };
        let authority = call.authority().unwrap_or_else(|| exchange.server().to_string());
        self.sources.entry(number).or_insert_with(|| source.into());
        self.apis.entry(Key::literal(&authority)).or_default().observe(&call, self.examples);
        self.keep();
    }

    /// Adds what another has observed.
    pub fn merge(&mut self, other: Self) {
        let Self { apis, others, incomplete, examples, sources } = other;
        for (key, api) in apis {
            let known = self.apis.entry(key).or_default();
            grow(&mut known.calls, api.calls);
            grow(&mut known.elsewhere, api.elsewhere);
            known.found.merge(api.found, PATHS);
            known.refused.merge(api.refused, PATHS);
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
                tree.restore(PATHS);
            }
        }
        self.keep();
    }
}
