//! An API's OpenAPI description, learned from its traffic.
//!
//! ```no_run
//! use egret_model::{
//!     Assembler, Capture, Context, Exchange, HttpFactory, Limits, Model, Options, StreamLimits, StreamPool, decode,
//! };
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut model = Model::default();
//!     let limits = Limits { keep_body: 1 << 20, ..Limits::default() };
//!     let mut context = Context::new(|exchange: &Exchange| model.observe("trace.pcap", exchange), limits);
//!     let mut assembler = Assembler::new(StreamPool::new(HttpFactory::new(), StreamLimits::default()));
//!     let mut capture = Capture::open("trace.pcap")?;
//!     while let Some(packet) = capture.next_packet()? {
//!         assembler.assemble(&decode(packet), &mut context);
//!     }
//!     assembler.finish(&mut context);
//!     drop(context);
//!     if let Some(description) = model.describe(&Options::default()) {
//!         println!("{}", description.document().to_yaml());
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # How it works
//!
//! A [`Model`] is *evidence*, added up: for each server a tree of paths, at its nodes operations, at those parameters,
//! statuses and trees of what bodies hold; everywhere counts, and a few [`Witness`]es. [`Model::describe`] *infers*: a
//! pure function from evidence to a [`Description`], and nothing that it finds goes back into the evidence. So what was
//! seen first has no more weight than what was seen last, and a hint applies to everything that was ever seen.
//!
//! Evidence is merged by adding it up, which is commutative and associative, with the empty model as identity; to
//! observe in any order, or apart and then [`Model::merge`], is the same model, to the byte in its file
//! ([`Model::to_bytes`]).
//!
//! # What is bounded, and how
//!
//! To forget "what came last" would make the order matter. So what is kept is decided by content alone: of too many
//! names, those are kept that come first in an order made of what a name looks like and of its hash, whenever they
//! came; the rest are counted together.
//!
//! * Segments and field names that are one of many by their looks (UUIDs, integers, dates, texts with spaces, …) are
//!   one branch from the beginning.
//! * A tree is whole up to 4,096 places of paths, or 512 of a schema. Beyond, it is divided, for good: each node has a
//!   share of the limit, its branches share it equally, and literal branches beyond half of it (64 at most) are folded
//!   into one. Shares only ever get smaller by observing more, so what is folded early would be folded late.
//! * 256 servers, 64 query parameters, 32 headers, cookies and statuses, 4 media types, 16 different values (more, and
//!   none is kept), 16 segments, 18 levels of a body.
//!
//! * 196,608 nodes of everything together, each of which takes about a kilobyte. They are divided equally among the
//!   servers of which more than 256 were observed (among 256, once there were more servers than that). An API that needs
//!   more than its share, a quarter of which is for calls that were refused, is divided as well: at each place, what is
//!   known of it and the branches below it have equal parts; schemas are folded to theirs, and without a part parameters
//!   and bodies are left out. A description of such an API says so (`x-egret-limited`, [`Model::limited`]).
//!
//! A million different URLs of one shape take no more memory than a few hundred; an API of 1,600 operations, each with
//! bodies of 60 fields, is kept whole. The worst that a server, its clients and scans were found to do takes less than
//! 256 MiB; the longest values that are kept, at every place at once, could make it four times as much.
//!
//! # What is not kept
//!
//! No value of a header, cookie, query parameter or field whose name sounds like a secret; no credentials. Of other
//! values: how many look like what, least and greatest numbers and lengths, and strings that are words, at most 16
//! different ones at one place, which become an `enum` if they repeat. Examples are kept only by
//! [`Model::with_examples`].
//!
//! This crate does no I/O, reads no clock, starts no threads and prints nothing. Exchanges that were not captured to
//! their end say nothing about what is missing, and bodies that are not whole are no evidence.

#![forbid(unsafe_code)]

#[cfg(test)]
extern crate self as egret_model;

mod body;
mod check;
mod diff;
mod document;
mod explain;
mod facts;
mod file;
mod headers;
mod infer;
mod key;
mod kind;
mod model;
mod named;
mod observe;
mod operation;
mod secret;
mod security;
mod shapes;
mod target;
mod tree;
mod witness;

pub use check::{Checker, Finding, Report};
pub use diff::{Change, ChangeKind, diff};
pub use document::{Document, DocumentError};
pub use explain::Claim;
pub use file::FileError;
pub use infer::{Description, Hint, Options};
pub use kind::Kind;
pub use model::Model;
pub use operation::Method;
pub use witness::Witness;

pub use egret_http::{
    Assembler, Capture, Connection, Context, Direction, Ending, Endpoint, Exchange, Flow, HttpFactory,
    Limits, Moment, Opened, Path, Piece, StreamLimits, StreamPool, Timestamp, decode,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
