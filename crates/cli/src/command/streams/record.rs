//! A connection as JSON and as a line for people.

use std::fmt;

use egret_reassembly::{Close, Counts};
use sha2::Digest;

use super::{Conversation, Notes, Side};
use crate::output::bytes::Hex;
use crate::output::json::Json;
use crate::output::text::{Clock, Count, Lost, Painted, Size, Span, alarm};

/// The JSON form.
pub(super) fn write(conversation: &Conversation, close: &Close, json: &mut Json<'_>) {
    let Conversation { connection, client, server, duplicates, simultaneous } = conversation;
    json.put("id", connection.id);
    json.flow(connection.client(), connection.server(), connection.flow.path);
    json.put("opened", connection.opened.name());
    json.put("closed", close.how.name());
    json.text("started", connection.started);
    json.text("ended", close.timestamp);
    json.millis("connect_ms", close.connect);
    json.inside("client_to_server", |json| half(client, &close.client_to_server, json));
    json.inside("server_to_client", |json| half(server, &close.server_to_client, json));
    json.count("duplicate_captures", *duplicates);
    json.maybe("simultaneous_open", simultaneous.then_some(true));
}

fn half(side: &Side, counts: &Counts, json: &mut Json<'_>) {
    let nothing = Notes::default();
    let notes = side.notes.as_deref().unwrap_or(&nothing);
    json.put("packets", counts.packets);
    json.put("bytes", counts.delivered);
    json.put("missing", counts.missing);
    json.list("gaps", notes.gaps.iter().map(|(offset, len, reason)| (offset, len, reason.name())));
    json.count("gaps_left_out", notes.gaps_left_out);
    json.put("retransmitted", counts.retransmitted);
    json.put("discarded", counts.discarded.total());
    json.count("unacknowledged", counts.unacknowledged);
    json.put("conflicts", &notes.conflicts);
    json.count("conflicts_left_out", notes.conflicts_left_out);
    json.counts("anomalies", notes.anomalies.iter().copied());
    if let Some(digest) = &side.digest {
        json.text("sha256", Hex(digest.as_ref().clone().finalize()));
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
        let Self {
            conversation: Conversation { connection, client, server, duplicates, simultaneous },
            close,
            color,
        } = self;
        let (sent, received) = (&close.client_to_server, &close.server_to_client);
        write!(f, "{:>6}  {}  {}", connection.id, Clock(connection.started), connection.flow)?;
        if !connection.flow.path.is_empty() {
            write!(f, " ({})", connection.flow.path)?;
        }
        let lasted = Span(close.timestamp.since(connection.started));
        write!(f, "  {lasted}  sent {}, received {}", Size(sent.delivered), Size(received.delivered))?;
        write!(f, "  {}, {}", connection.opened.name(), close.how)?;
        let alarm = color.then(alarm);
        let mut lost = Lost::default();
        lost.add(sent);
        lost.add(received);
        let undelivered = lost.gaps + lost.refused > 0;
        write!(f, "{}", Painted(alarm.filter(|_| undelivered), lost))?;
        let noted =
            |side: &Side| side.notes.as_ref().map_or(0, |notes| notes.anomalies.iter().map(|(_, n)| n).sum());
        let anomalies: u64 = noted(client) + noted(server) + duplicates + u64::from(*simultaneous);
        if anomalies > 0 {
            let count = Count(anomalies, "oddity");
            write!(f, ", {}", Painted(alarm, count))?;
        }
        Ok(())
    }
}
