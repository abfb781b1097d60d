//! Commands that look at connections: alone, packet by packet, or divided among threads, batch by batch.
//!
//! Promises: what is printed is the same. One thread prints where it finds; of several, each puts its records together,
//! and the thread that began them prints them in order.

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};
use egret_capture::{Batch, Stopper};
use egret_decode::Decoder;
use egret_reassembly::{
    Assembler, Packet, PacketSource, RecordSink, Recording, Shard, Stats, Stream, StreamFactory, StreamPool,
    Timestamp, parallel,
};

use crate::output::har::Har;
use crate::output::{Kind, Output};
use crate::pipeline::{Consumer, End, Pump};

/// How many packets are decoded before they are taken, so that their connections can be looked up together.
const AHEAD: usize = 16;

/// The context of the streams that a factory makes.
type ContextOf<F> = <<F as StreamFactory>::Stream as Stream>::Context;

/// What a command keeps of connections: one for each thread.
pub(crate) trait Part: Recording<Item = u8> + Sized + Send {
    /// Where records go, if there are any before the end.
    fn output(&mut self) -> Option<&mut Output>;
    /// Whether something else could not be written, so that there is no use in going on.
    fn has_failed(&self) -> bool {
        false
    }
    /// No packet is waiting, and this is the time.
    fn idle(&mut self, _now: Timestamp) {}
    /// All connections are over, of all parts.
    fn finish(_parts: &mut [Self], _stats: &Stats, _end: &End, _out: &mut Output) {}
    /// See [`Consumer::summary`].
    fn summary(parts: &[Self], stats: &Stats) -> Option<String>;
}

/// A command at work.
pub(crate) struct Crew<F: StreamFactory>
where
    ContextOf<F>: Sized,
{
    pub(crate) decoder: Decoder,
    pub(crate) shard: Shard,
    /// Of one thread there is an assembler, of several there are the pools.
    alone: Option<Assembler<F>>,
    pools: Vec<StreamPool<F>>,
    pub(crate) parts: Vec<ContextOf<F>>,
    /// Where what comes from other threads is printed, and what the command itself has to say.
    out: Output,
    pub(crate) archive: Option<Har>,
    pub(crate) stats: Stats,
}

impl<F: StreamFactory> Crew<F>
where
    ContextOf<F>: Part,
{
    /// A thread for each pool and part.
    pub(crate) fn new(
        decoder: Decoder,
        shard: Shard,
        mut pools: Vec<StreamPool<F>>,
        parts: Vec<ContextOf<F>>,
        out: Output,
    ) -> Self {
        let alone = if pools.len() == 1 { pools.pop() } else { None };
        let alone = alone.map(|pool| Assembler::sharded(pool, shard));
        Self { decoder, shard, alone, pools, parts, out, archive: None, stats: Stats::default() }
    }
}

impl<F: StreamFactory> Crew<F>
where
    F: Send,
    F::Stream: Send,
    ContextOf<F>: Part,
{
    /// Takes the packets of a file, alone, some at a time.
    fn go_through(&mut self, pump: &mut Pump<'_>) -> Result<()> {
        let mut batch = Batch::default();
        while pump.batch(&mut batch)? {
            let (Some(assembler), Some(part)) = (&mut self.alone, self.parts.first_mut()) else { break };
            let mut packets = batch.packets();
            let mut ahead = Vec::with_capacity(AHEAD);
            while packets.len() > 0 && !part.has_failed() {
                ahead.clear();
                self.decoder.decode_all(packets.by_ref().take(AHEAD), &mut ahead);
                for decoded in ahead.iter().filter(|decoded| self.shard.has(decoded.flow.as_ref())) {
                    part.packet(decoded);
                }
                assembler.assemble_all(&ahead, part);
            }
            if part.has_failed() {
                break;
            }
            if let Some(now) = batch.tick() {
                self.tick(now);
                self.output().flush_idle();
            }
            self.output().check()?;
        }
        Ok(())
    }
}

impl<F: StreamFactory + Send> Consumer for Crew<F>
where
    F::Stream: Send,
    ContextOf<F>: Part,
{
    fn packet(&mut self, packet: Packet<'_>) -> ControlFlow<()> {
        if let (Some(assembler), Some(part)) = (&mut self.alone, self.parts.first_mut()) {
            let decoded = self.decoder.decode(packet);
            if self.shard.has(decoded.flow.as_ref()) {
                part.packet(&decoded);
            }
            assembler.assemble(&decoded, part);
            if part.has_failed() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn tick(&mut self, now: Timestamp) {
        if let (Some(assembler), Some(part)) = (&mut self.alone, self.parts.first_mut()) {
            assembler.advance(now, part);
            part.idle(now);
        }
    }

    fn finish(&mut self, end: &End) {
        if let (Some(assembler), Some(part)) = (&mut self.alone, self.parts.first_mut()) {
            assembler.finish(part);
            self.stats = assembler.stats();
        }
        Part::finish(&mut self.parts, &self.stats, end, &mut self.out);
    }

    fn output(&mut self) -> &mut Output {
        let part = if self.alone.is_some() { self.parts.first_mut() } else { None };
        part.and_then(Part::output).unwrap_or(&mut self.out)
    }

    fn pump(&mut self, mut pump: Pump<'_>) -> Result<()> {
        if self.alone.is_some() {
            return if pump.takes_batches() { self.go_through(&mut pump) } else { pump.each(self) };
        }
        let workers = self.pools.drain(..).zip(self.parts.drain(..)).collect();
        let (full, stopper) = (AtomicBool::new(false), pump.stopper());
        let mut source = Reader { pump, full: &full };
        let mut desk = Desk { out: &mut self.out, archive: self.archive.as_mut(), full: &full, stopper };
        let outcome = parallel(self.shard, workers, &self.decoder, &mut source, &mut desk);
        (self.stats, self.parts) = (outcome.stats, outcome.contexts);
        outcome.result
    }

    fn summary(&self) -> Option<String> {
        Part::summary(&self.parts, &self.stats)
    }
}

/// What goes from thread to thread.
struct Reader<'a> {
    pump: Pump<'a>,
    /// Nothing more can be written to the archive.
    full: &'a AtomicBool,
}

impl PacketSource for Reader<'_> {
    type Error = anyhow::Error;

    fn fill(&mut self, batch: &mut Batch) -> Result<bool> {
        // What could not be written to the archive is told when it is closed.
        if self.full.load(Ordering::Relaxed) { Ok(false) } else { self.pump.batch(batch) }
    }
}

/// What stays on the thread that prints.
struct Desk<'a> {
    out: &'a mut Output,
    archive: Option<&'a mut Har>,
    full: &'a AtomicBool,
    stopper: Stopper,
}

impl Desk<'_> {
    /// Where nothing more can be printed, nobody is to wait for more packets.
    fn check(&mut self) -> Result<()> {
        Ok(self.out.check().inspect_err(|_| self.stopper.stop())?)
    }
}

impl RecordSink<u8> for Desk<'_> {
    type Error = anyhow::Error;

    fn record(&mut self, record: &[u8]) -> Result<()> {
        match (record.split_first(), &mut self.archive) {
            (Some((kind, entry)), Some(archive)) if *kind == Kind::Archived as u8 => {
                archive.put(entry);
                self.full.fetch_or(archive.has_failed(), Ordering::Relaxed);
            }
            (Some((_, line)), _) => self.out.record(|to| to.write_all(line)),
            (None, _) => bail!("a record without a kind"),
        }
        self.check()
    }

    fn idle(&mut self, _: Timestamp) -> Result<()> {
        if let Some(archive) = &mut self.archive {
            archive.flush();
        }
        self.out.flush_idle();
        self.check()
    }
}
