//! What a script came to, and when two outcomes are the same.

use std::collections::BTreeMap;

use egret_http::{Exchange, Message, NotHttp, Undecoded};

use super::checker::{Key, Run};

/// What a script came to.
#[derive(Debug)]
pub struct Outcome {
    /// The exchanges, in the order in which they were over.
    pub exchanges: Vec<Exchange>,
    /// The pieces of their bodies, joined.
    pub bodies: BTreeMap<Key, Vec<Run>>,
    /// What the connection speaks that does not speak HTTP.
    pub not_http: Option<NotHttp>,
}

impl Outcome {
    /// Whether two outcomes are the same to the last byte and time. The one freedom: where a content coding turns out
    /// to be broken, decoders may have given more or less of what was in front of that, and so have come to a limit of
    /// ours before.
    pub fn is_same(&self, other: &Self) -> bool {
        let sent = |outcome: &Self| {
            let bodies = outcome.bodies.iter().filter(|((_, _, decoded), _)| !decoded);
            bodies.map(|(key, runs)| (*key, runs.clone())).collect::<Vec<_>>()
        };
        self.not_http == other.not_http
            && self.exchanges.len() == other.exchanges.len()
            && self.exchanges.iter().zip(&other.exchanges).all(|(a, b)| a == b || same_but_decoded(a, b))
            && sent(self) == sent(other)
    }
}

fn same_but_decoded(a: &Exchange, b: &Exchange) -> bool {
    a.to_string() == b.to_string()
        && (a.index(), a.flow(), a.ended(), a.tunnel()) == (b.index(), b.flow(), b.ended(), b.tunnel())
        && a.informational() == b.informational()
        && same_message(a.request().map(|message| &**message), b.request().map(|message| &**message))
        && same_message(a.response().map(|message| &**message), b.response().map(|message| &**message))
}

fn same_message(a: Option<&Message>, b: Option<&Message>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return a.is_none() && b.is_none() };
    let body = |message: &Message| {
        let body = message.body();
        (
            body.framing(),
            body.size(),
            body.missing(),
            body.raw().to_vec(),
            body.decoded_size(),
            body.undecoded().map(|reason| match reason {
                Undecoded::SizeLimit | Undecoded::RatioLimit => Undecoded::Broken,
                reason => reason,
            }),
        )
    };
    let [one, two] = [a, b].map(|message| message.body().decoded());
    (a.headers(), a.trailers(), a.anomalies(), a.transfer())
        == (b.headers(), b.trailers(), b.anomalies(), b.transfer())
        && body(a) == body(b)
        && (one == two || a.body().undecoded().is_some() && (one.starts_with(two) || two.starts_with(one)))
}
