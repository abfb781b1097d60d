//! What was observed of one method at one place: parameters, bodies, statuses, ways to authenticate.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::facts::{Facts, Witnesses};
use crate::named::Named;
use crate::tree::{Bounded, Bounds, Evidence, Tree, grow, is_zero};

/// Nodes of one schema, before it is divided.
const NODES: usize = 512;

/// The bounds of one schema.
pub(crate) const SCHEMA: Bounds = Bounds::nodes(NODES);

/// Statuses, and media types of one status or of requests, at most.
const STATUSES: usize = 32;
const MEDIA: usize = 4;

/// Parts of a place that need no share: those of a page that is got by one method, and nothing asked of it.
const LIGHT: usize = 4;

/// The methods of OpenAPI (3.1 §4.8.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "they are the names of the methods")]
pub enum Method {
    Get,
    Put,
    Post,
    Delete,
    Options,
    Head,
    Patch,
    Trace,
}

impl Method {
    /// All of them, in the order in which a document has them.
    pub const ALL: [Self; 8] =
        [Self::Get, Self::Put, Self::Post, Self::Delete, Self::Options, Self::Head, Self::Patch, Self::Trace];

    /// As on the wire: `GET`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Head => "HEAD",
            Self::Patch => "PATCH",
            Self::Trace => "TRACE",
        }
    }

    /// The method of this name, whatever its case; `None` for those that OpenAPI cannot describe.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name().eq_ignore_ascii_case(name))
    }
}

/// What was observed at one place of the paths.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Place {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) operations: BTreeMap<Method, Operation>,
    /// The texts of the segment, where the place is that of a kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) texts: Option<Box<Facts>>,
    /// How many responses repeated the text of the segment in their body.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) echoed: u64,
}

impl Evidence for Place {
    fn merge(&mut self, other: Self) {
        for (method, operation) in other.operations {
            self.operations.entry(method).or_default().merge(operation);
        }
        if let Some(texts) = other.texts {
            self.texts.get_or_insert_default().merge(*texts);
        }
        grow(&mut self.echoed, other.echoed);
    }

    fn slots(&self) -> usize {
        self.operations.values().map(Operation::slots).sum()
    }

    fn weight(&self) -> usize {
        self.operations.values().fold(0, |sum, operation| sum.saturating_add(operation.weight()))
    }

    fn is_heavy(&self) -> bool {
        self.slots() > LIGHT || self.operations.values().any(Operation::has_schema)
    }

    fn hold(&mut self, share: usize) {
        self.operations.values_mut().for_each(|operation| operation.hold(share));
    }
}

/// What was observed of one method at one place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Operation {
    pub(crate) calls: u64,
    /// Calls that tell what a request may be: those that were not refused.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) accepted: u64,
    /// Calls for a file: a script, a style sheet, an image.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) files: u64,
    /// Packet times of the first and the last, in nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<(i64, i64)>,
    pub(crate) witnesses: Witnesses,
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub(crate) query: Named<Parameter, 64>,
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub(crate) header: Named<Parameter, 32>,
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub(crate) cookie: Named<Parameter, 32>,
    /// How many accepted calls authenticated, by how: see [`crate::security`].
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub(crate) security: Named<u64, 16>,
    /// Bodies of accepted requests by media type.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub(crate) request: Named<Content, MEDIA>,
    /// By status.
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub(crate) responses: Named<Answer, STATUSES>,
}

impl Operation {
    pub(crate) fn merge(&mut self, other: Self) {
        grow(&mut self.calls, other.calls);
        grow(&mut self.accepted, other.accepted);
        grow(&mut self.files, other.files);
        if let Some((first, last)) = other.time {
            self.at(first);
            self.at(last);
        }
        self.witnesses.merge(other.witnesses);
        self.query.merge(other.query, Parameter::merge);
        self.header.merge(other.header, Parameter::merge);
        self.cookie.merge(other.cookie, Parameter::merge);
        self.security.merge(other.security, grow);
        self.request.merge(other.request, Content::merge);
        self.responses.merge(other.responses, Answer::merge);
    }

    /// Parts that take room: itself, parameters, statuses, bodies.
    fn slots(&self) -> usize {
        let parameters = self.query.slots() + self.header.slots() + self.cookie.slots();
        let answers = self.responses.sum(1 + MEDIA, |answer| 1 + answer.content.slots());
        2 + parameters + self.request.slots() + answers
    }

    /// What they take: bodies as much as their schemas have nodes.
    pub(crate) fn weight(&self) -> usize {
        let schema =
            |content: &Content| if content.schema.is_divided() { NODES } else { content.schema.size() };
        let bodies = |contents: &Named<Content, MEDIA>| contents.sum(NODES, schema);
        let answers = self.responses.sum(MEDIA * NODES, |answer| bodies(&answer.content));
        self.slots() + bodies(&self.request) + answers
    }

    /// Whether anything is known of a body. (Where some are not kept any more, there are too many to be light.)
    fn has_schema(&self) -> bool {
        let known = |contents: &Named<Content, MEDIA>| {
            contents.iter().any(|(_, content)| content.schema.root().visits > 0)
        };
        known(&self.request) || self.responses.iter().any(|(_, answer)| known(&answer.content))
    }

    /// Holds each part to `share` nodes; without one, little more is left than which statuses there were.
    fn hold(&mut self, share: usize) {
        if share == 0 {
            self.query.hold(0);
            self.header.hold(0);
            self.cookie.hold(0);
            self.request.hold(0);
            self.responses.hold(1);
            self.responses.each(|answer| answer.content.hold(0));
            return;
        }
        let schema = |content: &mut Content| content.schema.settle(Bounds::nodes(share.min(NODES)));
        self.request.each(schema);
        self.responses.each(|answer| answer.content.each(schema));
    }

    /// Widens the time to hold `nanos`.
    pub(crate) fn at(&mut self, nanos: i64) {
        let (first, last) = self.time.unwrap_or((nanos, nanos));
        self.time = Some((first.min(nanos), last.max(nanos)));
    }

    /// Holds what was read from a file to the limits, and counts the nodes of every schema anew.
    pub(crate) fn restore(&mut self) {
        self.witnesses.restore();
        self.query.restore(|parameter| parameter.facts.restore());
        self.header.restore(|parameter| parameter.facts.restore());
        self.cookie.restore(|parameter| parameter.facts.restore());
        self.security.restore(|_| {});
        self.request.restore(Content::restore);
        self.responses.restore(|answer| {
            answer.witnesses.restore();
            answer.content.restore(Content::restore);
        });
    }
}

/// A parameter of queries, headers or cookies.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Parameter {
    /// Accepted calls that had it.
    pub(crate) calls: u64,
    /// Those that had it more than once.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) repeated: u64,
    pub(crate) facts: Facts,
}

impl Parameter {
    fn merge(&mut self, other: Self) {
        grow(&mut self.calls, other.calls);
        grow(&mut self.repeated, other.repeated);
        self.facts.merge(other.facts);
    }
}

/// Bodies of one media type.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Content {
    pub(crate) count: u64,
    /// Those that were cut, incomplete, too long, or not what the media type says: no evidence.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) unread: u64,
    /// Of answers, those to calls that asked for this media type by its name.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) asked_for: u64,
    pub(crate) schema: Bounded<Facts>,
}

impl Content {
    fn restore(&mut self) {
        fn each(node: &mut Tree<Facts>) {
            node.evidence.restore();
            node.below_mut().for_each(each);
        }
        self.schema.each(each);
        self.schema.restore(SCHEMA);
    }

    fn merge(&mut self, other: Self) {
        grow(&mut self.count, other.count);
        grow(&mut self.asked_for, other.asked_for);
        grow(&mut self.unread, other.unread);
        self.schema.merge(other.schema, SCHEMA);
    }
}

/// Responses of one status.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Answer {
    pub(crate) count: u64,
    pub(crate) witnesses: Witnesses,
    #[serde(skip_serializing_if = "Named::is_empty")]
    pub(crate) content: Named<Content, MEDIA>,
}

impl Answer {
    fn merge(&mut self, other: Self) {
        grow(&mut self.count, other.count);
        self.witnesses.merge(other.witnesses);
        self.content.merge(other.content, Content::merge);
    }
}
