//! `egret streams`: each TCP connection as one record, when it is over.

use std::process::ExitCode;

use anyhow::Result;
use egret_reassembly::{
    Anomaly, Close, Connection, Data, Direction, Gap, GapReason, Recording, Records, Stats, Stream,
    StreamFactory, StreamPool,
};
use sha2::{Digest, Sha256};

use crate::args;
use crate::crew::{Crew, Part};
use crate::job::Job;
use crate::output::Output;
use crate::output::text::{Count, Lost};
use crate::pipeline;

mod record;

/// Gaps and conflicts listed of one direction. More are counted.
const LISTED_PER_SIDE: usize = 1_000;
/// Gaps and conflicts held at a time for all open connections together: a few megabytes.
const LISTED_AT_ONCE: usize = 100_000;

pub(crate) fn run(arguments: &args::Streams) -> Result<ExitCode> {
    let args::Streams { digest, form, limits, division, input } = arguments;
    let job = Job::new(input, form.look.quiet, true)?;
    let (out, threads) = (Output::new(&form.look)?, division.threads(&job, !digest));
    let room = LISTED_AT_ONCE / threads;
    let part = |out| Context { out, json: form.json, room, connections: 0, lost: Lost::default() };
    let parts = match threads {
        1 => vec![part(Output::new(&form.look)?)],
        _ => (0..threads).map(|_| part(out.elsewhere())).collect(),
    };
    let pool = |_| StreamPool::new(Factory { digest: *digest }, limits.reassembly(threads));
    let pools = (0..threads).map(pool).collect();
    pipeline::run(&job, &mut Crew::new(input.decoding.decoder(), division.shard, pools, parts, out))
}

impl Part for Context {
    fn output(&mut self) -> Option<&mut Output> {
        Some(&mut self.out)
    }

    fn summary(parts: &[Self], _: &Stats) -> Option<String> {
        let connections = parts.iter().map(|part| part.connections).sum();
        let mut lost = Lost::default();
        parts.iter().for_each(|part| lost.merge(&part.lost));
        Some(format!(", {}{lost}", Count(connections, "connection")))
    }
}

impl Recording for Context {
    type Item = u8;

    fn records(&mut self) -> &mut Records<u8> {
        &mut self.out.records
    }
}

struct Context {
    out: Output,
    json: bool,
    /// How many more gaps and conflicts may be listed.
    room: usize,
    connections: u64,
    lost: Lost,
}

struct Factory {
    digest: bool,
}

impl StreamFactory for Factory {
    type Stream = Conversation;

    fn new_stream(&mut self, connection: &Connection) -> Conversation {
        let side = || Side { digest: self.digest.then(Box::default), notes: None };
        Conversation {
            connection: *connection,
            client: side(),
            server: side(),
            duplicates: 0,
            simultaneous: false,
        }
    }
}

/// What is gathered about a connection while it lasts.
struct Conversation {
    connection: Connection,
    client: Side,
    server: Side,
    /// Anomalies that belong to neither side.
    duplicates: u64,
    simultaneous: bool,
}

struct Side {
    digest: Option<Box<Sha256>>,
    /// Most connections have nothing to note.
    notes: Option<Box<Notes>>,
}

#[derive(Default)]
struct Notes {
    gaps: Vec<(u64, u64, GapReason)>,
    gaps_left_out: u64,
    conflicts: Vec<(u64, u64, u64, u64)>,
    conflicts_left_out: u64,
    /// How many of each kind.
    anomalies: Vec<(&'static str, u64)>,
}

impl Notes {
    fn listed(&self) -> usize {
        self.gaps.len() + self.conflicts.len()
    }
}

impl Conversation {
    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::ClientToServer => &mut self.client,
            Direction::ServerToClient => &mut self.server,
        }
    }

    fn notes(&mut self, direction: Direction) -> &mut Notes {
        self.side(direction).notes.get_or_insert_default()
    }
}

/// Adds to a list if there is room on it, and counts what is left out if not.
fn list<T>(list: &mut Vec<T>, left_out: &mut u64, room: &mut usize, item: T) {
    if list.len() < LISTED_PER_SIDE && *room > 0 {
        *room -= 1;
        list.push(item);
    } else {
        *left_out += 1;
    }
}

impl Stream for Conversation {
    type Context = Context;

    fn reassembled(&mut self, data: Data<'_>, _: &mut Context) {
        if let Some(digest) = &mut self.side(data.direction).digest {
            digest.update(data.bytes);
        }
    }

    fn gap(&mut self, gap: Gap, context: &mut Context) {
        let notes = self.notes(gap.direction);
        list(&mut notes.gaps, &mut notes.gaps_left_out, &mut context.room, (gap.offset, gap.len, gap.reason));
    }

    fn anomaly(&mut self, anomaly: Anomaly, context: &mut Context) {
        let Some(direction) = anomaly.direction() else {
            match anomaly {
                Anomaly::SimultaneousOpen { .. } => self.simultaneous = true,
                _ => self.duplicates += 1,
            }
            return;
        };
        let notes = self.notes(direction);
        if let Anomaly::Conflict { offset, len, kept, dropped, .. } = anomaly {
            let conflict = (offset, len, kept, dropped);
            list(&mut notes.conflicts, &mut notes.conflicts_left_out, &mut context.room, conflict);
        }
        match notes.anomalies.iter_mut().find(|(name, _)| *name == anomaly.name()) {
            Some((_, count)) => *count += 1,
            None => notes.anomalies.push((anomaly.name(), 1)),
        }
    }

    fn complete(&mut self, close: Close, context: &mut Context) {
        context.connections += 1;
        context.lost.add(&close.client_to_server);
        context.lost.add(&close.server_to_client);
        context.out.about(self.connection.id);
        if context.json {
            context.out.json(|json| record::write(self, &close, json));
        } else {
            let color = context.out.color;
            context.out.line(record::Line { conversation: self, close: &close, color });
        }
        for side in [&self.client, &self.server] {
            context.room += side.notes.as_ref().map_or(0, |notes| notes.listed());
        }
    }
}
