//! The order of packets from several sources: by time, and of the same time by the order of the sources.
//!
//! Promises: one packet of each source is looked at and stays where it was read, so nothing is copied and nothing
//! allocated for a packet; what one damaged file lost is told when all others are read. Files are waited for, each until
//! it has a packet or is at its end. Interfaces are not: a packet is held back for at most [`SETTLE`], until no other
//! interface can have an older one.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
#[cfg(feature = "libpcap")]
use std::time::Duration;

use crate::file::{Next, Record};
use crate::interface::{InterfaceTable, Interfaces};
#[cfg(feature = "libpcap")]
use crate::live::{self, Live, Polled};
use crate::source::Source;
#[cfg(feature = "libpcap")]
use crate::stop::{Waited, Wake};
use crate::{Error, Interface, Timestamp};

/// How long after a packet was captured no interface has an older one that was not read: twice what the kernel may keep
/// a packet back.
#[cfg(feature = "libpcap")]
const SETTLE: Duration = Duration::from_millis(20);
/// How long an idle link is waited on before the caller is told that it still is: at first, and, doubling, at most.
#[cfg(feature = "libpcap")]
const TICK: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];
/// How often to look at a device that has no descriptor to wait for (a few odd ones).
#[cfg(feature = "libpcap")]
const BLIND: Duration = Duration::from_millis(10);

/// The first packets of the sources, in order.
pub(crate) struct Merge {
    /// Time and source of each packet that is held; the earliest is on top.
    order: BinaryHeap<Reverse<(Timestamp, usize)>>,
    held: Vec<Option<Record>>,
    /// Sources to be asked for their next packet.
    wanted: Vec<usize>,
    /// What went wrong with some of the sources, to be told at the end.
    errors: VecDeque<Error>,
    interfaces: Interfaces,
    #[cfg(feature = "libpcap")]
    live: Idle,
}

/// What is known of interfaces that have no packet.
#[cfg(feature = "libpcap")]
struct Idle {
    /// Interfaces that were found empty, and when.
    empty: Vec<(usize, Timestamp)>,
    /// The caller knows that nothing is waiting.
    told: bool,
    /// How long the next wait may be.
    patience: Duration,
}

impl Merge {
    pub(crate) fn new(sources: &mut [Source]) -> Self {
        let mut merge = Self {
            order: BinaryHeap::with_capacity(sources.len()),
            held: vec![None; sources.len()],
            // Asked from the back, so that the first is asked first.
            wanted: (0..sources.len()).rev().collect(),
            errors: VecDeque::new(),
            interfaces: Interfaces::default(),
            #[cfg(feature = "libpcap")]
            live: Idle { empty: Vec::new(), told: false, patience: TICK[0] },
        };
        // One source alone keeps its own numbers.
        if sources.len() > 1 {
            sources.iter_mut().for_each(|source| merge.enter(source));
        }
        merge
    }

    /// Over all sources.
    pub(crate) fn interfaces(&self) -> &[Interface] {
        self.interfaces.list()
    }

    pub(crate) fn interface_table(&self) -> InterfaceTable {
        self.interfaces.shared()
    }

    /// Enters what a source has described since it was last asked.
    #[inline]
    fn enter(&mut self, source: &mut Source) {
        let known = source.renumbered.len();
        if let Some(new @ [_, ..]) = source.interfaces().list().get(known..) {
            let numbers: Vec<u32> = new.iter().map(|new| self.interfaces.join(new.clone())).collect();
            source.renumbered.extend(numbers);
        }
    }

    /// Whether an error is still to be told.
    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The end of all sources, or the next thing that went wrong with one.
    fn end(&mut self) -> Result<(usize, Next), Error> {
        self.errors.pop_front().map_or(Ok((0, Next::End)), Err)
    }

    #[inline]
    fn hold(&mut self, at: usize, record: Record) {
        if let Some(held) = self.held.get_mut(at) {
            // Several sources are numbered over all of them.
            *held = Some(Record { number: 0, ..record });
            self.order.push(Reverse((record.timestamp, at)));
        }
    }

    /// Delivers the earliest packet; its source is asked for the next one before anything else is delivered.
    #[inline]
    fn release(&mut self) -> Option<(usize, Next)> {
        let Reverse((_, at)) = self.order.pop()?;
        self.wanted.push(at);
        Some((at, Next::Record(self.held.get_mut(at)?.take()?)))
    }

    /// The next packet of files, with its source.
    #[inline]
    pub(crate) fn next(&mut self, sources: &mut [Source], tell_idle: bool) -> Result<(usize, Next), Error> {
        while let Some(at) = self.wanted.pop() {
            let Some(source) = sources.get_mut(at) else { continue };
            match source.next(tell_idle) {
                Ok(Next::Record(record)) => {
                    self.enter(source);
                    self.hold(at, record);
                }
                // A part knows the time of its own whole only.
                Ok(Next::Time(_)) => self.wanted.push(at),
                Ok(Next::Idle(time)) => {
                    self.wanted.push(at);
                    return Ok((at, Next::Idle(time)));
                }
                // Packets of several sources are copied, so that none is held.
                Ok(Next::End | Next::Full) => {}
                Err(error) => self.errors.push_back(error),
            }
        }
        self.release().map_or_else(|| self.end(), Ok)
    }
}

#[cfg(feature = "libpcap")]
impl Merge {
    /// The next packet of interfaces, with its source.
    #[inline]
    pub(crate) fn next_live(
        &mut self,
        sources: &mut [Source],
        wake: &Wake,
        tell_idle: bool,
    ) -> Result<(usize, Next), Error> {
        let mut looked = false;
        loop {
            self.poll(sources, wake);
            if self.is_settled() {
                self.live.told = false;
                self.live.patience = TICK[0];
                return self.release().map_or_else(|| self.end(), Ok);
            }
            let holding = !self.order.is_empty();
            if holding && !looked {
                // Time has gone on since the others were found empty: that may be enough.
                looked = true;
            } else {
                if tell_idle && !holding && !self.live.told {
                    self.live.told = true;
                    return Ok((0, self.idle()));
                }
                let waited = self.wait(sources, wake, holding)?;
                let idle = self.idle();
                self.look_again();
                if waited == Waited::TimedOut && tell_idle && !holding {
                    self.live.patience = (self.live.patience * 2).min(TICK[1]);
                    return Ok((0, idle));
                }
            }
            self.look_again();
        }
    }

    fn look_again(&mut self) {
        self.wanted.extend(self.live.empty.drain(..).map(|(at, _)| at));
    }

    /// Asks each interface that is wanted for a packet.
    #[inline]
    fn poll(&mut self, sources: &mut [Source], wake: &Wake) {
        while let Some(at) = self.wanted.pop() {
            let Some(source) = sources.get_mut(at) else { continue };
            match source.poll() {
                Ok(Polled::Record(record)) => self.hold(at, record),
                Ok(Polled::Empty) => self.live.empty.push((at, live::now())),
                Ok(Polled::End) => {}
                // An interface that is gone ends the capture, as if it were the only one: that part of the traffic is
                // no longer seen must not go unnoticed. What the others have is still delivered.
                Err(error) => {
                    self.errors.push_back(error);
                    wake.stopper().stop();
                }
            }
        }
    }

    /// Whether what is on top is the next packet (or the end), because none can come that is older.
    #[inline]
    fn is_settled(&self) -> bool {
        let first = self.order.peek().map(|Reverse((time, _))| *time);
        self.live.empty.iter().all(|&(_, when)| first.is_some_and(|first| first.after(SETTLE) <= when))
    }

    /// Waits for packets of the interfaces that have none.
    fn wait(&self, sources: &[Source], wake: &Wake, holding: bool) -> Result<Waited, Error> {
        let empty = self.live.empty.iter().filter_map(|&(at, _)| sources.get(at)?.as_live());
        let descriptors: Option<Vec<_>> = empty.map(Live::descriptor).collect();
        let patience = if holding { SETTLE / 2 } else { self.live.patience };
        match descriptors {
            Some(descriptors) => wake.wait(&descriptors, Some(patience)),
            None => wake.wait(&[], Some(patience.min(BLIND))),
        }
        .map_err(|source| Error::Wait { name: "live capture".to_owned(), source })
    }

    /// A tick: no interface has a packet that is older.
    fn idle(&self) -> Next {
        let when = self.live.empty.iter().map(|&(_, when)| when).min();
        Next::Idle(when.map(|when| when.before(live::MARGIN)))
    }
}
