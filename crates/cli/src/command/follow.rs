//! `egret follow`: what the two sides of one connection said, in the order it was delivered.

use std::io::Write;
use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::{Result, bail};
use egret_decode::Decoder;
use egret_reassembly::{
    Admit, Assembler, Close, Connection, Data, Direction, Gap, Packet, Segment, Stream, StreamFactory,
    StreamPool, Timestamp,
};

use crate::job::Job;
use crate::output::Output;
use crate::output::bytes::Base64;
use crate::output::dump;
use crate::output::lines::Lines;
use crate::output::text::{Count, Lost, Painted, alarm, side};
use crate::pipeline::{self, Consumer, End};
use crate::{args, say};

/// How many of the connections there are an error names.
const NAMED: usize = 10;

pub(crate) fn run(arguments: &args::Follow) -> Result<ExitCode> {
    let args::Follow { id, client, server, raw, hex, json, look, limits, input, .. } = arguments;
    let job = Job::new(input, look.quiet, true)?;
    let out = Output::new(look)?;
    let only = match (client, server) {
        (true, _) => Some(Direction::ClientToServer),
        (_, true) => Some(Direction::ServerToClient),
        _ => None,
    };
    let mark = |mark| if only.is_none() { mark } else { "" };
    let shape = match (raw, hex, json) {
        (true, ..) => Shape::Raw,
        (_, true, _) => Shape::Hex,
        (.., true) => Shape::Json,
        _ => Shape::Text { client: Lines::new(mark("> ")), server: Lines::new(mark("< ")), last: None },
    };
    let context =
        Context { out, only, shape, over: false, others: Vec::new(), count: 0, lost: Lost::default() };
    let assembler = Assembler::new(StreamPool::new(Factory { id: *id }, limits.reassembly(1)));
    let mut follow = FollowOne { decoder: input.decoding.decoder(), assembler, context };
    let code = pipeline::run(&job, &mut follow)?;
    let Context { over, mut others, count, .. } = follow.context;
    if over {
        return Ok(code);
    }
    if count == 0 {
        bail!("no connection {id}: there is no TCP connection at all");
    }
    others.sort_unstable();
    let mut names = others.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    if count > NAMED {
        names.push_str(", …");
    }
    bail!("no connection {id}: the connections are {names}; `egret streams` lists them")
}

struct FollowOne {
    decoder: Decoder,
    assembler: Assembler<Factory>,
    context: Context,
}

impl Consumer for FollowOne {
    fn packet(&mut self, packet: Packet<'_>) -> ControlFlow<()> {
        self.assembler.assemble(&self.decoder.decode(packet), &mut self.context);
        if self.context.over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn tick(&mut self, now: Timestamp) {
        self.assembler.advance(now, &mut self.context);
    }

    fn finish(&mut self, _: &End) {
        self.assembler.finish(&mut self.context);
    }

    fn output(&mut self) -> &mut Output {
        &mut self.context.out
    }

    fn summary(&self) -> Option<String> {
        Some(self.context.lost.to_string())
    }
}

struct Context {
    out: Output,
    /// The one side that is wanted.
    only: Option<Direction>,
    shape: Shape,
    /// The wanted connection was there, and is over.
    over: bool,
    /// The first connections that are not the wanted one.
    others: Vec<u64>,
    count: usize,
    lost: Lost,
}

enum Shape {
    Raw,
    Hex,
    Json,
    Text {
        client: Lines,
        server: Lines,
        /// Who spoke last.
        last: Option<Direction>,
    },
}

impl Context {
    fn wants(&self, direction: Direction) -> bool {
        self.only.is_none_or(|only| only == direction)
    }

    fn data(&mut self, data: Data<'_>) {
        let Self { out, only, shape, .. } = self;
        let client = data.direction == Direction::ClientToServer;
        if let Shape::Json = shape {
            return out.json(|json| {
                json.put("direction", data.direction.name());
                json.put("offset", data.offset);
                json.text("time", data.timestamp);
                json.put("packet", data.packet);
                match std::str::from_utf8(data.bytes) {
                    Ok(text) => json.string("text", text),
                    Err(_) => json.text("base64", Base64(data.bytes)),
                }
            });
        }
        let style = (out.color && only.is_none()).then(|| side(client));
        out.record(|to| {
            if let Shape::Raw = shape {
                return to.write_all(data.bytes);
            }
            if let Some(style) = style {
                write!(to, "{style}")?;
            }
            match shape {
                Shape::Text { client: lines, server: others, last } => {
                    let (lines, others) = if client { (lines, others) } else { (others, lines) };
                    if *last != Some(data.direction) {
                        others.end(to)?;
                        *last = Some(data.direction);
                    }
                    lines.push(data.bytes, to)?;
                }
                _ => dump::stream(if client { "> " } else { "< " }, data.offset, data.bytes, to)?,
            }
            if let Some(style) = style {
                write!(to, "{style:#}")?;
            }
            Ok(())
        });
    }

    fn gap(&mut self, gap: Gap) {
        if let Shape::Json = self.shape {
            return self.out.json(|json| {
                json.put("direction", gap.direction.name());
                json.put("offset", gap.offset);
                json.text("time", gap.timestamp);
                json.put("packet", gap.packet);
                json.put("missing", gap.len);
                json.put("reason", gap.reason.name());
            });
        }
        let who = if gap.direction == Direction::ClientToServer { "client" } else { "server" };
        let Gap { offset, len, reason, .. } = gap;
        let line = format!("[{} missing from the {who} at offset {offset}: {reason}]", Count(len, "byte"));
        if let Shape::Raw = self.shape {
            return say(line);
        }
        let style = self.out.color.then(alarm);
        self.end_line();
        self.out.line(Painted(style, line));
    }

    fn another(&mut self, id: u64) {
        self.count += 1;
        self.others.push(id);
        if self.others.len() > NAMED {
            self.others.sort_unstable();
            self.others.pop();
        }
    }

    fn end_line(&mut self) {
        if let Shape::Text { client, server, .. } = &mut self.shape {
            self.out.record(|to| client.end(to).and_then(|()| server.end(to)));
        }
    }
}

struct Factory {
    id: u64,
}

struct Followed {
    id: u64,
    /// Whether this is the one.
    wanted: bool,
}

impl StreamFactory for Factory {
    type Stream = Followed;

    fn new_stream(&mut self, connection: &Connection) -> Followed {
        Followed { id: connection.id, wanted: connection.id == self.id }
    }
}

impl Stream for Followed {
    type Context = Context;

    fn accept(&mut self, _: &Segment<'_>, _: &mut Context) -> Admit {
        if self.wanted { Admit::Yes } else { Admit::Ignore }
    }

    fn reassembled(&mut self, data: Data<'_>, context: &mut Context) {
        if self.wanted && context.wants(data.direction) {
            context.data(data);
        }
    }

    fn gap(&mut self, gap: Gap, context: &mut Context) {
        if self.wanted && context.wants(gap.direction) {
            context.gap(gap);
        }
    }

    fn complete(&mut self, close: Close, context: &mut Context) {
        if self.wanted {
            for side in [Direction::ClientToServer, Direction::ServerToClient] {
                if context.wants(side) {
                    context.lost.add(close.counts(side));
                }
            }
            context.end_line();
            context.over = true;
        } else {
            context.another(self.id);
        }
    }
}
