//! What the threads of [`parallel`](crate::parallel()) have in common: the source, and the blocks of packets on their way
//! from it to everybody, and back.
//!
//! Promises: who asks for something to do has it as long as there is anything; nothing is read while more than so many blocks
//! are not done with, and nothing is waited for while anything is to be done; who panics keeps nobody waiting.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use egret_decode::{Batch, Decoder, Packet, Timestamp};

use crate::parallel::take_records;
use crate::records::{Gone, Line};
use crate::{PacketSource, RecordSink, Shard};

/// How many batches a block has, if there are so many to be had at once. To wake a thread that sleeps takes tens of
/// microseconds, a good part of what there is to do for it in one batch.
const BATCHES: usize = 8;

/// How many blocks there are more than threads.
const SPARE: usize = 2;

/// A block of packets.
#[derive(Default)]
pub(crate) struct Block {
    /// Behind a tick there is no other.
    batches: Vec<Batch>,
    /// How many of them are filled.
    filled: usize,
    /// For each packet, who looks at it.
    pub(crate) routes: Vec<Route>,
    /// There are no packets behind these.
    pub(crate) end: bool,
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

    pub(crate) fn packets(&self) -> impl Iterator<Item = Packet<'_>> {
        self.batches.iter().take(self.filled).flat_map(Batch::packets)
    }

    /// The time behind the packets, if no other was waiting.
    pub(crate) fn tick(&self) -> Option<Timestamp> {
        self.batches.get(self.filled.checked_sub(1)?)?.tick()
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Route {
    /// The thread that counts the packet and, if it is a segment, takes it. There may be none.
    pub(crate) owner: u32,
    /// A fragment: whose its datagram is, is known once it is whole.
    pub(crate) everyone: bool,
}

/// Tells whose each packet is.
pub(crate) struct Router<'d> {
    pub(crate) shard: Shard,
    pub(crate) threads: u32,
    pub(crate) decoder: &'d Decoder,
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
pub(crate) struct Office<'s, R: PacketSource> {
    source: Mutex<&'s mut R>,
    pub(crate) router: Router<'s>,
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
pub(crate) enum Task {
    Read(Block),
    Work(Arc<Block>),
}

impl<'s, R: PacketSource> Office<'s, R> {
    pub(crate) fn new(threads: usize, source: &'s mut R, router: Router<'s>) -> Self {
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
    pub(crate) fn close(&self) {
        self.board().closed = true;
        self.work.notify_all();
        self.coming.notify_all();
    }

    /// What a thread does next; `None` if there is nothing more.
    pub(crate) fn task(&self, me: u32) -> Option<Task> {
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
    pub(crate) fn read(&self, mut block: Block) {
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
    pub(crate) fn take_all<T>(
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
pub(crate) struct Alarm<'o, 's, R: PacketSource>(pub(crate) &'o Office<'s, R>);

impl<R: PacketSource> Drop for Alarm<'_, '_, R> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.close();
        }
    }
}
