//! The same work on several cores: each thread puts its connections together, who has nothing to do reads, and what they find
//! comes out in the order in which one alone would have found it.
//!
//! Promises: as long as no limit is reached, the records are those of one assembler, in the same order, for any number of
//! threads; memory is bounded, since a slow output stops the reading; a panic of a thread is one of the caller. This is the
//! one place in the libraries with threads, and there are none but while [`parallel`] runs.

use std::hint::black_box;
use std::panic::resume_unwind;
use std::thread;

use egret_decode::{Batch, Decoded, Decoder, Timestamp};

use crate::assembler::{AHEAD, Step};
use crate::office::{Alarm, Block, Office, Router, Task};
use crate::records::{Gone, Line, Records};
use crate::{Assembler, Shard, Stats, Stream, StreamFactory, StreamPool};

/// A context whose streams leave [`Records`] in it.
pub trait Recording {
    /// What a record is made of: bytes of text, say, or one value.
    type Item;

    /// Where the records are.
    fn records(&mut self) -> &mut Records<Self::Item>;

    /// A packet comes that is of this context's shard. Fragments, and what has no flow, are of one shard too.
    fn packet(&mut self, _: &Decoded<'_>) {}
}

/// Where the packets of [`parallel`] come from. One thread after the other asks for more.
pub trait PacketSource: Send {
    /// What can go wrong, here or with what becomes of the records.
    type Error: Send;

    /// The next packets, as [`Capture::next_batch`](crate::Capture::next_batch) gives them; `false` at the end.
    ///
    /// # Errors
    /// What is wrong with the source. It ends with that, as at the end: everything before is recorded first.
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, Self::Error>;
}

/// Where the records of [`parallel`] go: the thread that called it.
pub trait RecordSink<T> {
    /// What can go wrong.
    type Error;

    /// The next record.
    ///
    /// # Errors
    /// Nobody wants to have more: all ends, once the source has given what it was asked for.
    fn record(&mut self, record: &[T]) -> Result<(), Self::Error>;

    /// No packet was waiting at this time, and all records up to it were taken.
    ///
    /// # Errors
    /// As of [`record`](Self::record).
    fn idle(&mut self, _now: Timestamp) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// What came of work in [`parallel`].
#[derive(Debug)]
pub struct Outcome<C, E> {
    /// What all assemblers together have done.
    pub stats: Stats,
    /// The contexts, in their order, with what they counted.
    pub contexts: Vec<C>,
    /// How it ended.
    pub result: Result<(), E>,
}

/// The context of the streams that a factory makes.
type ContextOf<F> = <<F as StreamFactory>::Stream as Stream>::Context;

/// Puts the connections of `shard` together on one thread for each of the `workers`, and gives what they record to the `sink`
/// in order: that of the packets at which it was known (what was due before a packet comes in front of what the packet
/// itself brings), then of the connections.
///
/// The [`Limits`](crate::Limits) of each pool are their own: N of them are given an N-th each.
///
/// # How
/// A thread that is done with what there is for it reads the next block of packets, decodes each packet as far as to know
/// whose it is, and gives the block to every thread; one after the other they do, so that none waits while there is something
/// to do. It looks at the time of each packet, which stands in a list beside the block, and at the bytes of its own packets
/// alone; fragments are everybody's. There are two more blocks than threads, of up to eight batches of 256 KiB each, and for
/// each thread up to six pieces of records of 256 KiB (or one record). Beside these there is what assemblers and contexts
/// hold. The calling thread only takes the records.
///
/// # What limits it
/// One thread at a time reads, and tells whose each packet is: with more and more cores, the whole comes down to what that
/// takes, which is the kernel's copy out of its cache and a decoded header for each packet. So it pays where much is done with
/// what was said (JSON, bodies, digests), and least where connections are only counted. Each core more looks at the list of
/// all packets. A connection is on one thread, so one that is most of the traffic is as slow as ever. Beyond that there are
/// machines: each takes a [`Shard`] of the same capture.
///
/// # Panics
/// When a thread does, with its panic; if the system gives no more threads; without a worker, and with more than 65,535.
pub fn parallel<F, R, T>(
    shard: Shard,
    workers: Vec<(StreamPool<F>, ContextOf<F>)>,
    decoder: &Decoder,
    source: &mut R,
    sink: &mut impl RecordSink<T, Error = R::Error>,
) -> Outcome<ContextOf<F>, R::Error>
where
    F: StreamFactory + Send,
    F::Stream: Send,
    ContextOf<F>: Recording<Item = T> + Sized + Send,
    R: PacketSource,
    T: Send,
{
    let threads = u16::try_from(workers.len()).map_or(0, u32::from);
    assert!(threads > 0, "{} workers", workers.len());
    let router = Router { shard, threads, decoder };
    let office = Office::new(workers.len(), source, router);
    thread::scope(|scope| {
        let _alarm = Alarm(&office);
        let (mut crew, mut running) = (Vec::new(), Vec::new());
        let parts = (0..threads).filter_map(|index| shard.part(index, threads));
        for ((me, part), (pool, mut context)) in (0..).zip(parts).zip(workers) {
            crew.push(context.records().line());
            let worker = Worker { me, assembler: Assembler::sharded(pool, part), context };
            let office = &office;
            running.push(scope.spawn(move || worker.run(office)));
        }
        let ended = office.take_all(crew, sink);
        office.close();
        let mut outcome = Outcome { stats: Stats::default(), contexts: Vec::new(), result: ended };
        for thread in running {
            let (stats, context) = thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            outcome.stats.merge(&stats);
            outcome.contexts.push(context);
        }
        outcome
    })
}

/// What runs on a thread.
struct Worker<F: StreamFactory>
where
    ContextOf<F>: Sized,
{
    me: u32,
    assembler: Assembler<F>,
    context: ContextOf<F>,
}

impl<F: StreamFactory> Worker<F>
where
    ContextOf<F>: Recording + Sized,
{
    fn run<R: PacketSource>(mut self, office: &Office<'_, R>) -> (Stats, ContextOf<F>) {
        let alarm = Alarm(office);
        let mut event = 0;
        while let Some(task) = office.task(self.me) {
            match task {
                Task::Read(block) => office.read(block),
                Task::Work(block) => {
                    self.work(&block, office.router.decoder, &mut event);
                    // Who takes the last of its records gives it back.
                    drop(block);
                    self.context.records().hand_over(true);
                }
            }
        }
        drop(alarm);
        self.context.records().keep();
        (self.assembler.stats(), self.context)
    }

    /// Goes through a block. `event` counts packets, ticks and ends, the same on all threads.
    fn work(&mut self, block: &Block, decoder: &Decoder, event: &mut u64) {
        let Self { me, assembler, context } = self;
        let mut packets = block.packets().zip(&block.routes);
        let mut coming = Vec::new();
        let (mut headers, mut own) = (Vec::with_capacity(AHEAD), Vec::with_capacity(AHEAD));
        loop {
            coming.clear();
            own.clear();
            // As many as can be looked up together, and those of others between them.
            while headers.len() < AHEAD
                && let Some((packet, route)) = packets.next()
            {
                coming.push((packet.number, packet.timestamp, *route));
                if route.owner == *me || route.everyone {
                    // Another core may have read it: its headers are asked for at once, not one by one.
                    black_box((packet.data.get(12).copied(), packet.data.get(64).copied()));
                    headers.push(packet);
                }
            }
            if coming.is_empty() {
                break;
            }
            decoder.decode_all(headers.drain(..), &mut own);
            let mut known = own.iter().zip(assembler.look_up(&own));
            for (number, timestamp, route) in &coming {
                *event += 1;
                let mut begin = beginning::<F>(*event);
                let now = assembler.pass(*number, *timestamp, context, &mut begin);
                if route.owner != *me && !route.everyone {
                    continue;
                }
                let Some((decoded, place)) = known.next() else { continue };
                if route.owner == *me {
                    context.packet(decoded);
                }
                begin(Step::Own, context);
                if route.everyone {
                    assembler.take(decoded, place, now, context);
                } else {
                    assembler.take_own(decoded, &[], place, now, context);
                }
            }
        }
        if let Some(now) = block.tick() {
            *event += 1;
            assembler.tick(now, context, &mut beginning::<F>(*event));
        }
        if block.end {
            *event += 1;
            assembler.end(context, &mut beginning::<F>(*event));
        }
    }
}

/// Tells the records when what comes now happens.
fn beginning<F: StreamFactory>(event: u64) -> impl FnMut(Step, &mut ContextOf<F>)
where
    ContextOf<F>: Recording + Sized,
{
    const STEPS: u64 = Step::Own as u64 + 1;
    move |step, context| context.records().at(event * STEPS + step as u64)
}

/// Takes all records of a block, in order.
pub(crate) fn take_records<T, S: RecordSink<T>>(
    crew: &mut [Line<T>],
    sink: &mut S,
) -> Result<Result<(), S::Error>, Gone> {
    crew.iter_mut().for_each(Line::next_block);
    loop {
        let mut first = None;
        for line in crew.iter_mut() {
            if let Some(place) = line.next()?
                && first.as_ref().is_none_or(|(least, _)| place < *least)
            {
                first = Some((place, line));
            }
        }
        let Some((_, line)) = first else { return Ok(Ok(())) };
        if let Err(error) = sink.record(line.take()) {
            return Ok(Err(error));
        }
    }
}
