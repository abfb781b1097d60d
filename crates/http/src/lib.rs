//! HTTP/1 requests and responses from reassembled TCP streams: paired, timed, and with a verdict each.
//!
//! ```no_run
//! use egret_http::{Assembler, Capture, Context, Exchange, HttpFactory, Limits, StreamLimits, StreamPool, decode};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut capture = Capture::open("trace.pcap")?;
//!     let mut assembler = Assembler::new(StreamPool::new(HttpFactory::new(), StreamLimits::default()));
//!     let mut context = Context::new(|exchange: &Exchange| println!("{exchange}"), Limits::default());
//!     while let Some(packet) = capture.next_packet()? {
//!         assembler.assemble(&decode(packet), &mut context);
//!     }
//!     assembler.finish(&mut context);
//!     Ok(())
//! }
//! ```
//!
//! HTTP is found by content, on any port. A closure that takes an [`Exchange`] is a [`Handler`]; a handler of your own
//! also gets heads and the pieces of bodies as they come. Each exchange carries a [`Verdict`]: complete, or which part
//! is not whole, how much of it is missing, and why.
//!
//! Where a network has tunnels on ports of its own, a [`Decoder`] takes the place of [`decode`]:
//!
//! ```
//! use egret_http::{Decoder, UdpTunnel};
//!
//! let decoder = Decoder { udp_tunnels: vec![(8472, UdpTunnel::Vxlan)], ..Decoder::default() };
//! // For each packet: assembler.assemble(&decoder.decode(packet), &mut context);
//! # assert!(!decoder.ignore_vlan);
//! ```
//!
//! Without packets, in a proxy or a test, the same is had from a [`Connection`]:
//!
//! ```
//! use egret_http::{Connection, Context, Direction, Ending, Exchange, Limits, Moment, Opened, Piece, Timestamp};
//! # use egret_http::{Endpoint, Flow, Path};
//! # let end = |port| Endpoint { ip: [127, 0, 0, 1].into(), port };
//! # let flow = Flow { source: end(50_000), destination: end(80), path: Path::EMPTY };
//!
//! let mut lines = Vec::new();
//! let mut context = Context::new(
//!     |exchange: &Exchange| {
//!         let (Some(request), Some(response)) = (exchange.request(), exchange.response()) else { return };
//!         lines.push((request.target().to_vec(), response.status(), response.body().bytes().to_vec()));
//!     },
//!     Limits { keep_body: 1_000, ..Limits::default() },
//! );
//! let mut connection = Connection::new(1, flow, Opened::Handshake);
//! let time = Timestamp::EPOCH;
//! for (direction, bytes) in [
//!     (Direction::ClientToServer, &b"GET /heron HTTP/1.1\r\nHost: a\r\n\r\n"[..]),
//!     (Direction::ServerToClient, b"HTTP/1.1 200 OK\r\nContent-Len"),
//!     (Direction::ServerToClient, b"gth: 4\r\n\r\ngrey"),
//! ] {
//!     connection.data(Piece::new(direction, time, bytes), &mut context);
//! }
//! connection.close(Ending::Finished, Moment::default(), &mut context);
//! drop(context);
//! assert_eq!(lines, [(b"/heron".to_vec(), Some(200), b"grey".to_vec())]);
//! ```
//!
//! What is exported from `egret-reassembly` keeps its name, but for its `Limits`, which are [`StreamLimits`] here:
//! how much TCP may hold, beside how much HTTP may.
//!
//! This crate does no I/O, reads no clock, starts no threads and prints nothing. It never fails: what the network did
//! wrong is in the verdict and the anomalies. Everything a peer writes is taken for hostile: work is in proportion to
//! the bytes that came, and memory is one budget, [`Limits::memory`].

#![forbid(unsafe_code)]

mod anomaly;
mod behind;
mod bodies;
mod body;
mod budget;
mod chunked;
mod claim;
mod connection;
mod content;
mod context;
mod exchange;
mod expect;
mod found;
mod framing;
mod handler;
mod head;
mod heads;
mod hints;
mod lenient;
mod limits;
mod media;
mod message;
mod names;
mod other;
mod params;
mod parse;
mod percent;
mod piece;
mod plain;
mod prefix;
mod queue;
mod redact;
mod scan;
mod select;
mod side;
mod slot;
mod slots;
mod sniff;
mod stats;
mod stream;
mod tls;
mod url;
mod verdict;

pub use anomaly::{MessageAnomalies, MessageAnomaly};
pub use body::{Body, Framing, Undecoded};
pub use connection::Connection;
pub use context::Context;
pub use exchange::{Exchange, Moment, Timing, Tunnel};
pub use handler::{BodyPiece, Handler};
pub use head::{Headers, text};
pub use hints::{Hint, Seen, hints};
pub use limits::{Decode, Limits};
pub use message::{Message, Request, Response, Transfer};
pub use names::Names;
pub use params::SetCookie;
pub use piece::{Missing, Piece};
pub use redact::{Redactor, is_secret_name, looks_secret};
pub use select::{BadPattern, HostPattern, PathPattern, Selection, StatusPattern};
pub use stats::{NotHttp, Stats, TlsStats, TlsVersion, TunnelKind};
pub use stream::{HttpFactory, HttpStream};
pub use verdict::{Part, Verdict, Why};

pub use egret_reassembly::{
    Assembler, Capture, Decoded, Decoder, Direction, Ending, Endpoint, Flow, GapReason,
    Limits as StreamLimits, LinkType, Opened, Packet, Path, Statistics as CaptureStatistics,
    Stats as StreamStats, StreamPool, Timestamp, UdpTunnel, UnknownTunnel, decode,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
