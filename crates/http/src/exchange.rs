//! One request and its response: what this crate is for.

use std::fmt;
use std::time::Duration;

use egret_reassembly::{Endpoint, Flow, Opened, Timestamp};

use crate::message::{Request, Response};
use crate::{TunnelKind, Verdict, text};

/// A request and its final response, or one of them where the other was not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    pub(crate) connection: u64,
    pub(crate) index: u64,
    pub(crate) flow: Flow,
    pub(crate) opened: Opened,
    pub(crate) connect: Option<Duration>,
    pub(crate) has_request: bool,
    pub(crate) request: Request,
    pub(crate) has_response: bool,
    pub(crate) response: Response,
    pub(crate) informational: Vec<Response>,
    /// Whether there were more interim responses than are kept.
    pub(crate) interim_lost: bool,
    pub(crate) tunnel: Option<Tunnel>,
    pub(crate) verdict: Verdict,
    pub(crate) ended: Moment,
}

impl Exchange {
    /// The id of its connection: the number of the connection's first packet.
    pub const fn connection(&self) -> u64 {
        self.connection
    }

    /// Which exchange on the connection it is, from 0, in the order in which they began.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// From client to server, in the roles that the messages show.
    pub const fn flow(&self) -> Flow {
        self.flow
    }

    /// Who asked.
    pub const fn client(&self) -> Endpoint {
        self.flow.source
    }

    /// Who was asked.
    pub const fn server(&self) -> Endpoint {
        self.flow.destination
    }

    /// How the connection began, in the capture.
    pub const fn opened(&self) -> Opened {
        self.opened
    }

    /// The request, if any byte of it was seen.
    pub const fn request(&self) -> Option<&Request> {
        if self.has_request { Some(&self.request) } else { None }
    }

    /// The final response, if any byte of it was seen.
    pub const fn response(&self) -> Option<&Response> {
        if self.has_response { Some(&self.response) } else { None }
    }

    /// The interim responses (status 1xx, but 101) that came before the final one.
    pub fn informational(&self) -> &[Response] {
        &self.informational
    }

    /// What went through the tunnel, if the exchange turned the connection into one (CONNECT, 101).
    pub const fn tunnel(&self) -> Option<Tunnel> {
        self.tunnel
    }

    /// Whether everything was seen. Known when the exchange is over: for [`Handler::exchange`](crate::Handler::exchange).
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// When it began: the earliest packet of the request, or of the response if there is no request.
    pub const fn started(&self) -> Timestamp {
        if self.has_request { self.request.0.transfer.first } else { self.response.0.transfer.first }
    }

    /// The packet at which it was known to be over. Never before that of an exchange that the connection gave earlier,
    /// even where bytes had to wait for others.
    pub const fn ended(&self) -> Moment {
        self.ended
    }

    /// How long its phases took.
    pub fn timing(&self) -> Timing {
        let send = self.request().map(|request| request.transfer().duration());
        // An interim response shows that the server has begun to answer, but the wait is for the final one.
        let wait = match (self.request(), self.response()) {
            (Some(request), Some(response)) => Some(response.transfer().first.since(request.transfer().last)),
            _ => None,
        };
        let receive = self.response().map(|response| response.transfer().duration());
        Timing { connect: self.connect, send, wait, receive }
    }
}

/// How long the phases of an exchange took, from the times of packets alone; never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Timing {
    /// From the first SYN to the handshake's last ACK. On the first exchange of a connection, where both were seen.
    pub connect: Option<Duration>,
    /// From the earliest to the latest packet of the request.
    pub send: Option<Duration>,
    /// From the latest packet of the request to the earliest of the final response; zero if they overlap.
    pub wait: Option<Duration>,
    /// From the earliest to the latest packet of the final response.
    pub receive: Option<Duration>,
}

/// What went through a tunnel, as far as it was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Tunnel {
    /// What is in it.
    pub kind: TunnelKind,
    /// Bytes from the client, behind the request.
    pub client_bytes: u64,
    /// Bytes from the server, behind the response.
    pub server_bytes: u64,
    /// Bytes of either that are not in the capture, and not counted above.
    pub missing: u64,
}

/// A packet and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// The packet's number.
    pub packet: u64,
    /// Its time, or the deadline in packet time that passed.
    pub timestamp: Timestamp,
}

impl fmt::Display for Exchange {
    /// One line for people: time, client and server, what was asked, the status, the media type, the size of the
    /// body, how long the wait was, and the verdict unless all is well.
    ///
    /// `2026-11-05T08:00:00.000000000Z 10.0.0.1:51234 > 10.0.0.2:80 GET /path 200 text/html 832 B 12.9 ms`
    ///
    /// What the peers sent is shown without its control characters, so that it cannot steer a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} > {} ", self.started(), self.client(), self.server())?;
        match self.request() {
            Some(request) => write!(f, "{} {}", shown(request.method()), shown(request.target()))?,
            None => f.write_str("(no request)")?,
        }
        if let Some(response) = self.response() {
            match response.status() {
                Some(status) => write!(f, " {status}")?,
                None => f.write_str(" ?")?,
            }
            if let Some(media_type) = response.media_type() {
                write!(f, " {}", shown(media_type.as_bytes()))?;
            }
            write!(f, " {}", Bytes(response.body().size()))?;
        }
        if let Some(Tunnel { client_bytes, server_bytes, .. }) = self.tunnel {
            write!(f, " tunnel {} > {} <", Bytes(client_bytes), Bytes(server_bytes))?;
        }
        if let Some(wait) = self.timing().wait {
            write!(f, " {:.1} ms", wait.as_secs_f64() * 1e3)?;
        }
        match self.verdict {
            Verdict::Complete => Ok(()),
            verdict => write!(f, " [{verdict}]"),
        }
    }
}

/// Text without control characters.
fn shown(bytes: &[u8]) -> String {
    text(bytes).chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// A number of bytes with a unit that keeps it short.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes @ ..10_000 => write!(f, "{bytes} B"),
            bytes @ ..10_000_000 => write!(f, "{} kB", bytes / 1_000),
            bytes @ ..10_000_000_000 => write!(f, "{} MB", bytes / 1_000_000),
            bytes => write!(f, "{} GB", bytes / 1_000_000_000),
        }
    }
}
