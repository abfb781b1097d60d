//! The same work on several cores: one thread reads, several put together, and what they find comes out in the order in
//! which one alone would have found it.
//!
//! Promises: as long as no limit is reached, the records are those of one assembler, in the same order, for any number of
//! threads; memory is bounded, since a slow output stops the reader; a panic of a thread is one of the caller. This is the
//! one place in the libraries with threads, and there are none but while [`parallel`] runs.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread;

use egret_decode::{Batch, Decoded, Decoder, Packet, Timestamp};

use crate::assembler::Step;
use crate::pool::NOWHERE;
use crate::records::{Handed, Piece, Records};
use crate::{Assembler, Shard, Stats, Stream, StreamFactory, StreamPool};

/// How many blocks there are more than threads: one that is read while another waits to be taken.
const SPARE: usize = 2;

/// How many batches a block has, if there are so many to be had at once. A thread that has nothing to do sleeps, and to wake
/// it takes tens of microseconds, a third of what there is to do for it in one batch.
const BATCHES: usize = 4;

/// How many pieces of records of one thread wait to be taken.
const WAITING: usize = 4;

/// A context whose streams leave [`Records`] in it.
pub trait Recording {
    /// What a record is made of: bytes of text, say, or one value.
    type Item;

    /// Where the records are.
    fn records(&mut self) -> &mut Records<Self::Item>;

    /// A packet comes that is of this context's shard. Fragments, and what has no flow, are of one shard too.
    fn packet(&mut self, _: &Decoded<'_>) {}
}

/// What stays on the calling thread: where packets come from, and where records go.
pub trait Ends<T> {
    /// What can go wrong with either.
    type Error;

    /// The next packets, as [`Capture::next_batch`](crate::Capture::next_batch) gives them; `false` at the end.
    ///
    /// # Errors
    /// What is wrong with the source. It ends with that, as at the end: everything before is recorded first.
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, Self::Error>;

    /// The next record.
    ///
    /// # Errors
    /// Nobody wants to have more: all ends at once.
    fn record(&mut self, record: &[T]) -> Result<(), Self::Error>;

    /// No packet is waiting, this is the time, and all records so far were taken.
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

/// Puts the connections of `shard` together on one thread for each of the `workers`, and gives what they record to `ends`
/// in order: that of the packets at which it was known (what was due before a packet comes in front of what the packet
/// itself brings), then of the connections.
///
/// The [`Limits`](crate::Limits) of each pool are its own: N of them are given an N-th each.
///
/// # How
/// The calling thread reads blocks of packets, decodes each packet as far as to know whose it is, and gives every block to
/// every thread. A thread looks at the time of each packet, which stands in a list beside the block, and at the bytes of
/// its own packets alone; fragments are everybody's. There are two more blocks than threads, of up to four batches of 256 KiB
/// each, and for each thread a few pieces of records of 64 KiB (or one record). Beside these there is what assemblers and
/// contexts hold.
///
/// # What limits it
/// One thread reads, and tells whose each packet is: with more and more cores, the whole comes down to what that takes,
/// which is the kernel's copy out of its cache and a decoded header for each packet. So it pays where much is done with
/// what was said (JSON, bodies, digests), and least where connections are only counted: there two threads can be slower than
/// one. Each core more looks at the list of all packets. A connection is on one thread, so one that is most of the traffic
/// is as slow as ever. Beyond that there are machines: each takes a [`Shard`] of the same capture.
///
/// # Panics
/// When a thread does, with its panic; if the system gives no more threads; with more than 65,535 workers.
pub fn parallel<F, E, T>(
    shard: Shard,
    workers: Vec<(StreamPool<F>, ContextOf<F>)>,
    decoder: &Decoder,
    ends: &mut E,
) -> Outcome<ContextOf<F>, E::Error>
where
    F: StreamFactory + Send,
    F::Stream: Send,
    ContextOf<F>: Recording<Item = T> + Sized + Send,
    E: Ends<T>,
    T: Send,
{
    let threads = u16::try_from(workers.len()).map_or(u32::MAX, u32::from);
    assert!(threads < u32::MAX, "too many workers: {}", workers.len());
    thread::scope(|scope| {
        let (mut crew, mut running) = (Vec::new(), Vec::new());
        let parts = (0..threads).filter_map(|index| shard.part(index, threads));
        for ((me, part), (pool, mut context)) in (0..).zip(parts).zip(workers) {
            let (blocks, given) = channel();
            let (to, from) = sync_channel(WAITING);
            context.records().send_to(to);
            let worker = Worker { me, assembler: Assembler::sharded(pool, part), context };
            running.push(scope.spawn(move || worker.run(&given, decoder)));
            crew.push(Line { blocks, from, piece: Piece::default(), last: false });
        }
        let result = Caller { crew, shard, threads, decoder }.run(ends);
        let mut outcome = Outcome { stats: Stats::default(), contexts: Vec::new(), result };
        for thread in running {
            let (stats, context) = thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            outcome.stats.merge(&stats);
            outcome.contexts.push(context);
        }
        outcome
    })
}

/// A block of packets.
#[derive(Default)]
struct Block {
    /// Behind a tick there is no other.
    batches: Vec<Batch>,
    /// How many of them are filled.
    filled: usize,
    /// For each packet, who looks at it.
    routes: Vec<Route>,
    /// There are no packets behind these.
    end: bool,
}

impl Block {
    /// Fills it with what is to be had at once; `false` at the end.
    fn fill<E: Ends<T>, T>(&mut self, ends: &mut E) -> Result<bool, E::Error> {
        self.filled = 0;
        while self.filled < BATCHES {
            if self.batches.len() == self.filled {
                self.batches.push(Batch::default());
            }
            let Some(batch) = self.batches.get_mut(self.filled) else { break };
            if !ends.fill(batch)? {
                return Ok(false);
            }
            self.filled += 1;
            if batch.tick().is_some() || !batch.is_full() {
                break;
            }
        }
        Ok(true)
    }

    fn packets(&self) -> impl Iterator<Item = Packet<'_>> {
        self.batches.iter().take(self.filled).flat_map(Batch::packets)
    }

    /// The time behind the packets, if no other was waiting.
    fn tick(&self) -> Option<Timestamp> {
        self.batches.get(self.filled.checked_sub(1)?)?.tick()
    }
}

#[derive(Clone, Copy)]
struct Route {
    /// The thread that counts the packet and, if it is a segment, takes it. There may be none.
    owner: u32,
    /// A fragment: whose its datagram is, is known once it is whole.
    everyone: bool,
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
    fn run(mut self, given: &Receiver<Arc<Block>>, decoder: &Decoder) -> (Stats, ContextOf<F>) {
        let mut event = 0;
        while let Ok(block) = given.recv() {
            self.work(&block, decoder, &mut event);
            // Who takes the last of its records fills it anew.
            drop(block);
            self.context.records().hand_over(true);
        }
        self.context.records().keep();
        (self.assembler.stats(), self.context)
    }

    /// Goes through a block. `event` counts packets, ticks and ends, the same on all threads.
    fn work(&mut self, block: &Block, decoder: &Decoder, event: &mut u64) {
        let Self { me, assembler, context } = self;
        for (packet, route) in block.packets().zip(&block.routes) {
            *event += 1;
            let mut begin = beginning::<F>(*event);
            let now = assembler.pass(packet.number, packet.timestamp, context, &mut begin);
            if route.owner != *me && !route.everyone {
                continue;
            }
            let decoded = decoder.decode(packet);
            if route.owner == *me {
                context.packet(&decoded);
            }
            begin(Step::Own, context);
            if route.everyone {
                assembler.take(&decoded, NOWHERE, now, context);
            } else {
                assembler.take_own(&decoded, &[], NOWHERE, now, context);
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

/// What the calling thread has of another one.
struct Line<T> {
    blocks: Sender<Arc<Block>>,
    from: Receiver<Handed<T>>,
    /// Records that were handed over and not taken yet.
    piece: Piece<T>,
    /// These are the last of their block.
    last: bool,
}

impl<T> Line<T> {
    /// The place of the next record of the block, which is waited for; `Ok(None)` if there are no more.
    fn next(&mut self) -> Result<Option<(u64, u64)>, Gone> {
        loop {
            let next = self.piece.next();
            if next.is_some() || self.last {
                return Ok(next);
            }
            (self.piece, self.last) = self.from.recv().map_err(|_| Gone)?;
        }
    }
}

/// A thread is no more: it panicked.
struct Gone;

/// What runs on the calling thread.
struct Caller<'d, T> {
    crew: Vec<Line<T>>,
    shard: Shard,
    threads: u32,
    decoder: &'d Decoder,
}

impl<T> Caller<'_, T> {
    fn run<E: Ends<T>>(mut self, ends: &mut E) -> Result<(), E::Error> {
        let mut free: Vec<Block> = (0..self.crew.len() + SPARE).map(|_| Block::default()).collect();
        let mut flying = VecDeque::new();
        let (mut ended, mut result) = (false, Ok(()));
        loop {
            let mut idle = None;
            while idle.is_none()
                && !ended
                && let Some(mut block) = free.pop()
            {
                match block.fill(ends) {
                    Ok(more) => ended = !more,
                    Err(error) => (ended, result) = (true, Err(error)),
                }
                (idle, block.end) = (block.tick(), ended);
                self.route(&mut block);
                let block = Arc::new(block);
                for line in &self.crew {
                    // Who panicked is noticed when its records are waited for.
                    let _ = line.blocks.send(Arc::clone(&block));
                }
                flying.push_back(block);
            }
            // The source may now be waited for: nothing that is known may wait with it.
            let all = ended || idle.is_some();
            while let Some(block) = flying.pop_front() {
                match self.take_records(ends) {
                    Ok(Ok(())) => free.push(Arc::into_inner(block).unwrap_or_default()),
                    Ok(Err(error)) => return Err(error),
                    Err(Gone) => return result,
                }
                if !all {
                    break;
                }
            }
            if let Some(now) = idle {
                ends.idle(now)?;
            }
            if ended {
                return result;
            }
        }
    }

    /// Tells whose each packet is.
    fn route(&self, block: &mut Block) {
        let Self { shard, threads, decoder, .. } = self;
        let mut routes = std::mem::take(&mut block.routes);
        routes.clear();
        routes.extend(block.packets().map(|packet| {
            let decoded = decoder.decode(packet);
            let place = decoded.flow.map_or(0, |flow| flow.shard(shard.of().saturating_mul(*threads)));
            // See `Shard::part`.
            let ours = place % shard.of() == shard.index();
            let owner = if ours { place / shard.of() } else { u32::MAX };
            Route { owner, everyone: decoded.fragment().is_some() }
        }));
        block.routes = routes;
    }

    /// Takes all records of a block, in order.
    fn take_records<E: Ends<T>>(&mut self, ends: &mut E) -> Result<Result<(), E::Error>, Gone> {
        self.crew.iter_mut().for_each(|line| line.last = false);
        loop {
            let mut first = None;
            for line in &mut self.crew {
                if let Some(place) = line.next()?
                    && first.as_ref().is_none_or(|(least, _)| place < *least)
                {
                    first = Some((place, line));
                }
            }
            let Some((_, line)) = first else { return Ok(Ok(())) };
            if let Err(error) = ends.record(line.piece.take()) {
                return Ok(Err(error));
            }
        }
    }
}
