//! A connection as JSON and as a line for people.

use std::fmt;

use egret_reassembly::{Close, Counts, GapReason, Timestamp};
use serde::Serialize;
use sha2::Digest;

use super::{Conversation, Notes, Side};
use crate::output::bytes::Hex;
use crate::output::json::{Counted, Ids, Millis, Peer, Text, is_zero};
use crate::output::text::{Clock, Count, Missing, Painted, Size, Span, alarm};

/// The JSON form.
#[derive(Serialize)]
pub(super) struct Record<'a> {
    id: u64,
    client: Peer,
    server: Peer,
    #[serde(skip_serializing_if = "Ids::is_empty")]
    path: Ids,
    opened: &'static str,
    closed: &'static str,
    started: Text<Timestamp>,
    ended: Text<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connect_ms: Option<Millis>,
    client_to_server: Half<'a>,
    server_to_client: Half<'a>,
    #[serde(skip_serializing_if = "is_zero")]
    duplicate_captures: u64,
}

#[derive(Serialize)]
struct Half<'a> {
    packets: u64,
    bytes: u64,
    missing: u64,
    gaps: Gaps<'a>,
    #[serde(skip_serializing_if = "is_zero")]
    gaps_left_out: u64,
    retransmitted: u64,
    discarded: u64,
    conflicts: &'a [(u64, u64, u64, u64)],
    #[serde(skip_serializing_if = "is_zero")]
    conflicts_left_out: u64,
    anomalies: Counted<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<Text<Hex<[u8; 32]>>>,
}

/// Gaps as lists of offset, length, reason.
struct Gaps<'a>(&'a [(u64, u64, GapReason)]);

impl Serialize for Gaps<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(offset, len, reason)| (offset, len, reason.name())))
    }
}

impl<'a> Record<'a> {
    pub(super) fn new(conversation: &'a Conversation, close: &Close) -> Self {
        let Conversation { connection, client, server, duplicates } = conversation;
        Self {
            id: connection.id,
            client: connection.client().into(),
            server: connection.server().into(),
            path: Ids(connection.flow.path),
            opened: connection.opened.name(),
            closed: close.how.name(),
            started: Text(connection.started),
            ended: Text(close.timestamp),
            connect_ms: close.connect.map(Millis),
            client_to_server: Half::new(client, &close.client_to_server),
            server_to_client: Half::new(server, &close.server_to_client),
            duplicate_captures: *duplicates,
        }
    }
}

impl<'a> Half<'a> {
    fn new(side: &'a Side, counts: &Counts) -> Self {
        const NOTHING: &Notes = &Notes {
            gaps: Vec::new(),
            gaps_left_out: 0,
            conflicts: Vec::new(),
            conflicts_left_out: 0,
            anomalies: Vec::new(),
        };
        let notes = side.notes.as_deref().unwrap_or(NOTHING);
        Self {
            packets: counts.packets,
            bytes: counts.delivered,
            missing: counts.missing,
            gaps: Gaps(&notes.gaps),
            gaps_left_out: notes.gaps_left_out,
            retransmitted: counts.retransmitted,
            discarded: counts.discarded.total(),
            conflicts: &notes.conflicts,
            conflicts_left_out: notes.conflicts_left_out,
            anomalies: Counted(&notes.anomalies),
            sha256: side.digest.as_ref().map(|digest| Text(Hex(digest.as_ref().clone().finalize().into()))),
        }
    }
}

/// The line for people.
pub(super) struct Line<'a> {
    pub(super) conversation: &'a Conversation,
    pub(super) close: &'a Close,
    pub(super) color: bool,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { conversation: Conversation { connection, client, server, duplicates }, close, color } =
            self;
        let (sent, received) = (&close.client_to_server, &close.server_to_client);
        write!(f, "{:>6}  {}  {}", connection.id, Clock(connection.started), connection.flow)?;
        if !connection.flow.path.is_empty() {
            write!(f, " ({})", connection.flow.path)?;
        }
        let lasted = Span(close.timestamp.since(connection.started));
        write!(f, "  {lasted}  sent {}, received {}", Size(sent.delivered), Size(received.delivered))?;
        write!(f, "  {}, {}", connection.opened.name(), close.how)?;
        let alarm = color.then(alarm);
        let (bytes, gaps) = (sent.missing + received.missing, sent.gaps + received.gaps);
        write!(f, "{}", Painted(alarm.filter(|_| gaps > 0), Missing { bytes, gaps }))?;
        let noted =
            |side: &Side| side.notes.as_ref().map_or(0, |notes| notes.anomalies.iter().map(|(_, n)| n).sum());
        let anomalies: u64 = noted(client) + noted(server) + duplicates;
        if anomalies > 0 {
            let count = Count(anomalies, "oddity");
            write!(f, ", {}", Painted(alarm, count))?;
        }
        Ok(())
    }
}
