//! Which packets belong to one connection or one exchange: `--stream` and `--exchange`.
//!
//! Promises: the files are read once more before they are read for good, so nothing need be held but numbers: eight bytes
//! for each packet of the connection. All IP fragments of its packets belong to it, and tunnels are looked into, as
//! everywhere. Refuses: what cannot be read twice.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use anyhow::{Result, bail};
use egret_capture::Capture;
use egret_decode::Decoder;
use egret_http::{Context, Exchange, HttpFactory};
use egret_reassembly::{
    Admit, Assembler, Close, Connection, Data, Decoded, Gap, Limits, Segment, Stream, StreamFactory,
    StreamPool,
};

use crate::job::{Job, Source};

/// The numbers of the packets that are wanted, in order; `None` if all are.
///
/// # Errors
/// There is no such connection or exchange, or the files cannot be read.
pub(crate) fn wanted(job: &Job) -> Result<Option<Vec<u64>>> {
    let (connection, exchange) = match (job.input.stream, job.input.exchange) {
        (Some(connection), _) => (connection, None),
        (None, Some((connection, exchange))) => (connection, Some(exchange)),
        (None, None) => return Ok(None),
    };
    let Source::Files(files) = &job.source else { return Ok(None) };
    let decoder = job.input.decoding.decoder();
    let span = match exchange {
        Some(exchange) => span(files, &decoder, connection, exchange)?,
        None => 0..=u64::MAX,
    };
    let wanted = members(files, &decoder, connection, span)?;
    if wanted.is_empty() {
        bail!("no connection has the id {connection}: egret streams lists those there are");
    }
    Ok(Some(wanted))
}

/// The packets of a connection of which the segments are in `span`: a segment in fragments is where its last one is.
fn members(
    files: &[PathBuf],
    decoder: &Decoder,
    connection: u64,
    span: RangeInclusive<u64>,
) -> Result<Vec<u64>> {
    let mut assembler = Assembler::new(StreamPool::new(Factory(connection), Limits::default()));
    let mut members = Members { numbers: Vec::new(), span };
    each(files, decoder, |decoded| assembler.assemble(&decoded, &mut members))?;
    // What waited until its time was believed comes now.
    assembler.finish(&mut members);
    members.numbers.sort_unstable();
    members.numbers.dedup();
    Ok(members.numbers)
}

/// From the first to the last packet of an exchange.
fn span(files: &[PathBuf], decoder: &Decoder, connection: u64, index: u64) -> Result<RangeInclusive<u64>> {
    let mut found = None;
    let handler = |exchange: &Exchange| {
        if (exchange.connection(), exchange.index()) == (connection, index) {
            let sides = [
                exchange.request().map(|message| message.transfer()),
                exchange.response().map(|message| message.transfer()),
            ];
            let numbers = sides.into_iter().flatten().flat_map(|side| [side.first_packet, side.last_packet]);
            found = numbers.clone().min().zip(numbers.max());
        }
    };
    let mut context = Context::new(handler, egret_http::Limits::default());
    let mut assembler = Assembler::new(StreamPool::new(HttpFactory::new(), Limits::default()));
    each(files, decoder, |decoded| assembler.assemble(&decoded, &mut context))?;
    assembler.finish(&mut context);
    drop(context);
    match found {
        Some((first, last)) => Ok(first..=last),
        None => {
            bail!("connection {connection} has no exchange {index}: egret http --json gives both numbers")
        }
    }
}

fn each(files: &[PathBuf], decoder: &Decoder, mut visit: impl FnMut(Decoded<'_>)) -> Result<()> {
    let mut capture = Capture::open_all(files)?;
    // What is damaged is told when the files are read for good.
    while let Ok(Some(packet)) = capture.next_packet() {
        visit(decoder.decode(packet));
    }
    Ok(())
}

/// The packets that were found.
struct Members {
    numbers: Vec<u64>,
    /// What is between these belongs to it.
    span: RangeInclusive<u64>,
}

/// Makes streams that note the packets of one connection.
struct Factory(u64);

struct Noted(bool);

impl StreamFactory for Factory {
    type Stream = Noted;

    fn new_stream(&mut self, connection: &Connection) -> Noted {
        Noted(connection.id == self.0)
    }
}

impl Stream for Noted {
    type Context = Members;

    fn accept(&mut self, segment: &Segment<'_>, members: &mut Members) -> Admit {
        if self.0 && members.span.contains(&segment.packet) {
            members.numbers.push(segment.packet);
            members.numbers.extend(segment.fragments);
        }
        Admit::Yes
    }

    fn reassembled(&mut self, _: Data<'_>, _: &mut Members) {}

    fn gap(&mut self, _: Gap, _: &mut Members) {}

    fn complete(&mut self, _: Close, _: &mut Members) {}
}
