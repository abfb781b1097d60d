//! The same work on several cores: each thread puts its connections together, who has nothing to do reads, and what they find
//! comes out in the order in which one alone would have found it.
//!
//! Promises: as long as no limit is reached, the records are those of one assembler, in the same order, for any number of
//! threads; memory is bounded, since a slow output stops the reading; a panic of a thread is one of the caller. This is the
//! one place in the libraries with threads, and there are none but while [`parallel`] runs.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use egret_decode::{Batch, Decoded, Decoder, Packet, Timestamp};

use crate::assembler::{AHEAD, Step};
use crate::records::{Handed, Piece, Records};
use crate::{Assembler, Shard, Stats, Stream, StreamFactory, StreamPool};

/// How many batches a block has, if there are so many to be had at once. To wake a thread that sleeps takes tens of
/// microseconds, a good part of what there is to do for it in one batch.
const BATCHES: usize = 4;

/// How many blocks there are more than threads.
const SPARE: usize = 2;

/// How many pieces of records of one thread wait to be taken.
const WAITING: usize = 2;

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
    /// Nobody wants to have more: all ends at once.
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
/// alone; fragments are everybody's. There are two more blocks than threads, of up to four batches of 256 KiB each, and for
/// each thread a few pieces of records of 64 KiB (or one record). Beside these there is what assemblers and contexts hold.
/// The calling thread only takes the records.
///
/// # What limits it
/// One thread at a time reads, and tells whose each packet is: with more and more cores, the whole comes down to what that
/// takes, which is the kernel's copy out of its cache and a decoded header for each packet. So it pays where much is done with
/// what was said (JSON, bodies, digests), and least where connections are only counted. Each core more looks at the list of
/// all packets. A connection is on one thread, so one that is most of the traffic is as slow as ever. Beyond that there are
/// machines: each takes a [`Shard`] of the same capture.
///
/// # Panics
/// When a thread does, with its panic; if the system gives no more threads; with more than 65,535 workers.
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
    let threads = u16::try_from(workers.len()).map_or(u32::MAX, u32::from);
    assert!(threads < u32::MAX, "too many workers: {}", workers.len());
    let router = Router { shard, threads, decoder };
    let office = Office::new(workers.len(), source, router);
    thread::scope(|scope| {
        let _alarm = Alarm(&office);
        let (mut crew, mut running) = (Vec::new(), Vec::new());
        let parts = (0..threads).filter_map(|index| shard.part(index, threads));
        for ((me, part), (pool, mut context)) in (0..).zip(parts).zip(workers) {
            let (to, from) = sync_channel(WAITING);
            context.records().send_to(to);
            let worker = Worker { me, assembler: Assembler::sharded(pool, part), context };
            let office = &office;
            running.push(scope.spawn(move || worker.run(office)));
            crew.push(Line { from, piece: Piece::default(), last: false });
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
    fn fill<R: PacketSource>(&mut self, source: &mut R) -> Result<bool, R::Error> {
        self.filled = 0;
        while self.filled < BATCHES {
            if self.batches.len() == self.filled {
                self.batches.push(Batch::default());
            }
            let Some(batch) = self.batches.get_mut(self.filled) else { break };
            if !source.fill(batch)? {
                return Ok(false);
            }
            self.filled += 1;
            if batch.tick().is_some() {
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

/// Tells whose each packet is.
struct Router<'d> {
    shard: Shard,
    threads: u32,
    decoder: &'d Decoder,
}

impl Router<'_> {
    fn route(&self, block: &mut Block) {
        let Self { shard, threads, decoder } = self;
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
}

/// What the threads have in common: the source, and the blocks on their way from it.
struct Office<'s, R: PacketSource> {
    source: Mutex<&'s mut R>,
    router: Router<'s>,
    board: Mutex<Board<R::Error>>,
    /// There is something to do for threads.
    work: Condvar,
    /// There are records to come.
    coming: Condvar,
}

/// Where the blocks are.
struct Board<E> {
    free: Vec<Block>,
    /// Those that wait for each thread.
    waiting: Vec<VecDeque<Arc<Block>>>,
    /// Those whose records were not all taken.
    flying: VecDeque<Arc<Block>>,
    /// A thread reads.
    reading: bool,
    /// Nothing was waiting behind the last block: to read another one may take for ever.
    idle: bool,
    /// There are no more blocks to come.
    ended: bool,
    error: Option<E>,
    /// All ends at once.
    closed: bool,
}

/// What there is to do for a thread.
enum Task {
    Read(Block),
    Work(Arc<Block>),
}

impl<'s, R: PacketSource> Office<'s, R> {
    fn new(threads: usize, source: &'s mut R, router: Router<'s>) -> Self {
        let board = Board {
            free: (0..threads + SPARE).map(|_| Block::default()).collect(),
            waiting: (0..threads).map(|_| VecDeque::new()).collect(),
            flying: VecDeque::new(),
            reading: false,
            idle: true,
            ended: false,
            error: None,
            closed: false,
        };
        Self {
            source: Mutex::new(source),
            router,
            board: Mutex::new(board),
            work: Condvar::new(),
            coming: Condvar::new(),
        }
    }

    /// The board is whole whoever panicked, since nothing can while it is held.
    fn board(&self) -> MutexGuard<'_, Board<R::Error>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends everything at once, also where a thread panicked.
    fn close(&self) {
        self.board().closed = true;
        self.work.notify_all();
        self.coming.notify_all();
    }

    /// What a thread does next; `None` if there is nothing more.
    fn task(&self, me: u32) -> Option<Task> {
        let mut board = self.board();
        loop {
            if board.closed {
                return None;
            }
            let waiting = board.waiting.get(me as usize).map_or(0, VecDeque::len);
            // To wait for packets with something still to be done would keep back what is known.
            let most = usize::from(!board.idle);
            if waiting <= most
                && !board.reading
                && !board.ended
                && let Some(block) = board.free.pop()
            {
                board.reading = true;
                return Some(Task::Read(block));
            }
            if let Some(block) = board.waiting.get_mut(me as usize).and_then(VecDeque::pop_front) {
                return Some(Task::Work(block));
            }
            if board.ended {
                return None;
            }
            board = self.work.wait(board).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Reads a block, and gives it to everybody.
    fn read(&self, mut block: Block) {
        let read = block.fill(*self.source.lock().unwrap_or_else(PoisonError::into_inner));
        block.end = !matches!(read, Ok(true));
        self.router.route(&mut block);
        let mut board = self.board();
        (board.reading, board.ended, board.idle) = (false, block.end, block.tick().is_some());
        board.error = read.err();
        let block = Arc::new(block);
        for waiting in &mut board.waiting {
            waiting.push_back(Arc::clone(&block));
        }
        board.flying.push_back(block);
        drop(board);
        self.work.notify_all();
        self.coming.notify_one();
    }

    /// Takes all records in order, as they come, up to the end.
    fn take_all<T>(
        &self,
        mut crew: Vec<Line<T>>,
        sink: &mut impl RecordSink<T, Error = R::Error>,
    ) -> Result<(), R::Error> {
        loop {
            let mut board = self.board();
            let block = loop {
                if board.closed {
                    return Ok(());
                }
                if let Some(block) = board.flying.pop_front() {
                    break block;
                }
                board = self.coming.wait(board).unwrap_or_else(PoisonError::into_inner);
            };
            drop(board);
            match take_records(&mut crew, sink) {
                Ok(taken) => taken?,
                Err(Gone) => return Ok(()),
            }
            let (tick, end) = (block.tick(), block.end);
            self.board().free.push(Arc::into_inner(block).unwrap_or_default());
            self.work.notify_one();
            if let Some(now) = tick {
                sink.idle(now)?;
            }
            if end {
                return self.board().error.take().map_or(Ok(()), Err);
            }
        }
    }
}

/// Closes the office when a thread panics: who waits for it would wait for ever.
struct Alarm<'o, 's, R: PacketSource>(&'o Office<'s, R>);

impl<R: PacketSource> Drop for Alarm<'_, '_, R> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.close();
        }
    }
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
        let (mut coming, mut own) = (Vec::new(), Vec::with_capacity(AHEAD));
        loop {
            coming.clear();
            own.clear();
            // As many as can be looked up together, and those of others between them.
            while own.len() < AHEAD
                && let Some((packet, route)) = packets.next()
            {
                coming.push((packet.number, packet.timestamp, *route));
                if route.owner == *me || route.everyone {
                    decoder.decode_all(std::iter::once(packet), &mut own);
                }
            }
            if coming.is_empty() {
                break;
            }
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

/// What the calling thread has of another one.
struct Line<T> {
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

/// Takes all records of a block, in order.
fn take_records<T, S: RecordSink<T>>(
    crew: &mut [Line<T>],
    sink: &mut S,
) -> Result<Result<(), S::Error>, Gone> {
    crew.iter_mut().for_each(|line| line.last = false);
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
        if let Err(error) = sink.record(line.piece.take()) {
            return Ok(Err(error));
        }
    }
}
