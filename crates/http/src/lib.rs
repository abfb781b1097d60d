//! HTTP/1 requests and responses from reassembled TCP streams: paired, timed, and with a verdict each.
//!
//! This crate does no I/O, reads no clock, starts no threads and prints nothing.

#![forbid(unsafe_code)]

mod anomaly;
mod bodies;
mod body;
mod budget;
mod chunked;
mod connection;
mod content;
mod context;
mod exchange;
mod framing;
mod handler;
mod head;
mod heads;
mod lenient;
mod limits;
mod message;
mod parse;
mod queue;
mod scan;
mod side;
mod slot;
mod sniff;
mod stream;
mod verdict;

pub use anomaly::{MessageAnomalies, MessageAnomaly};
pub use body::{Body, Framing, Undecoded};
pub use connection::{Connection, Missing, Piece};
pub use context::{Context, NotHttp, Stats};
pub use exchange::{Exchange, Moment, Timing, Tunnel};
pub use handler::{BodyPiece, Handler};
pub use head::{Headers, text};
pub use limits::{Decode, Limits};
pub use message::{Message, Request, Response, Transfer};
pub use stream::{HttpFactory, HttpStream};
pub use verdict::{Part, Verdict, Why};

pub use egret_reassembly::{Direction, Ending, Endpoint, Flow, GapReason, Opened, Path, Timestamp};
