//! Live capture through libpcap.
//!
//! Promises: what was captured before a stop is still delivered; nanoseconds where the system has them. How: libpcap is
//! put in non-blocking mode; a batch of packets is taken out of the kernel's ring into one reused buffer and handed out
//! from there; who waits (`merge.rs`) does so on libpcap's descriptor and the waking pipe together. (libpcap's own
//! blocking read has no bound on a quiet link, and its immediate mode loses bursts.)

mod batch;
mod device;
mod handle;
mod stats;

use std::os::fd::BorrowedFd;
use std::time::Duration;

pub use device::{Device, devices};

use crate::file::Record;
use crate::filter;
use crate::interface::Interfaces;
use crate::stop::Wake;
use crate::{Error, Interface, LinkType, Timestamp};
use batch::Batch;
use handle::Handle;
use stats::Drops;

/// After a stop: how long to wait for packets that the kernel has seen but not handed over yet. Its ring gives up a
/// block at the latest after the 10 ms that [`handle`] asks for.
const DRAIN: Duration = Duration::from_millis(25);
/// How far a tick stays behind the machine's clock, so that no packet that is still in the kernel's ring is older.
pub(crate) const MARGIN: Duration = Duration::from_millis(100);

/// How to open a live interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveOptions {
    /// The most bytes of each packet that are captured; 262,144 by default, which is all of it.
    pub snap_length: u32,
    /// The bytes of the kernel's buffer, in which packets wait to be read; 64 MiB by default. The kernel takes them all.
    pub buffer_size: u32,
    /// Whether to see packets that are not for this machine too, where the interface can; false by default.
    pub promiscuous: bool,
    /// Which packets to see; both ways by default.
    pub direction: Direction,
    /// Who says what time it is when a packet comes; the system by default.
    pub clock: Clock,
}

/// Packets on their way into this machine, out of it, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Both.
    #[default]
    Both,
    /// Only what comes in.
    In,
    /// Only what goes out.
    Out,
}

/// Where time stamps come from (pcap-tstamp(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Clock {
    /// The system, in the way it likes best.
    #[default]
    Host,
    /// The system, quickly.
    HostLowPrecision,
    /// The system, precisely.
    HostHighPrecision,
    /// The network card, kept in step with the system's clock.
    Adapter,
    /// The network card, by a clock of its own: ticks and packets of other interfaces do not fit its times.
    AdapterUnsynced,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            snap_length: 262_144,
            buffer_size: 64 * 1024 * 1024,
            promiscuous: false,
            direction: Direction::Both,
            clock: Clock::Host,
        }
    }
}

/// What an interface gives at once.
pub(crate) enum Polled {
    Record(Record),
    /// Nothing is waiting.
    Empty,
    /// The capture was stopped, and everything before that was given.
    End,
}

/// A live capture.
pub(crate) struct Live {
    name: String,
    handle: Handle,
    link_type: LinkType,
    interfaces: Interfaces,
    batch: Batch,
    wake: Wake,
    drops: Drops,
    /// Once stopped: the time of the stop, which no packet delivered is behind.
    until: Option<Timestamp>,
}

impl Live {
    pub(crate) fn open(name: &str, options: &LiveOptions, wake: Wake) -> Result<Self, Error> {
        let handle = Handle::open(name, options)?;
        let link_type = handle.link_type();
        let mut interfaces = Interfaces::default();
        let interface = Interface {
            name: Some(name.to_owned()),
            snap_length: options.snap_length,
            ..Interface::new(link_type)
        };
        // The first of a table cannot be refused.
        let _ = interfaces.push(interface);
        Ok(Self {
            name: name.to_owned(),
            handle,
            link_type,
            interfaces,
            batch: Batch::default(),
            wake,
            drops: Drops::default(),
            until: None,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn interfaces(&self) -> &Interfaces {
        &self.interfaces
    }

    /// Has the kernel filter from now on.
    pub(crate) fn set_filter(&mut self, expression: &str) -> Result<(), Error> {
        self.handle.set_filter(expression).map_err(|error| filter::error(expression, self.link_type, error))
    }

    /// Packets dropped by the kernel and by the interface since the capture began.
    pub(crate) fn drops(&mut self) -> [Option<u64>; 2] {
        self.drops.update(self.handle.stats());
        self.drops.totals()
    }

    /// The bytes of the record that was found last.
    #[inline]
    pub(crate) fn data(&self, record: &Record) -> &[u8] {
        self.batch.slice(record.start, record.length)
    }

    /// The next packet, if there is one: waits for nothing, but, once stopped, a moment for what is on its way.
    #[inline]
    pub(crate) fn poll(&mut self) -> Result<Polled, Error> {
        loop {
            if let Some(record) = self.batch.pop(self.link_type) {
                if self.until.is_some_and(|until| record.timestamp > until) {
                    return Ok(Polled::End);
                }
                return Ok(Polled::Record(record));
            }
            if let Some(polled) = self.refill()? {
                return Ok(polled);
            }
        }
    }

    /// Takes a batch out of the ring; `Some` if there is nothing in it.
    fn refill(&mut self) -> Result<Option<Polled>, Error> {
        if self.wake.stopped() && self.until.is_none() {
            self.until = Some(now());
        }
        if self.take()? {
            return Ok(None);
        }
        if self.until.is_none() {
            return Ok(Some(Polled::Empty));
        }
        let wait_error = |source| Error::Wait { name: self.name.clone(), source };
        let more = self.handle.readable(DRAIN).map_err(wait_error)? && self.take()?;
        Ok(if more { None } else { Some(Polled::End) })
    }

    /// What can be waited on, if libpcap has it.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.handle.descriptor()
    }

    /// Takes what the ring holds, up to a batch; whether there was anything.
    fn take(&mut self) -> Result<bool, Error> {
        let taken = self
            .handle
            .dispatch(&mut self.batch)
            .map_err(|message| Error::Live { interface: self.name.clone(), message })?;
        if taken && self.drops.is_due(self.batch.len()) {
            self.drops.update(self.handle.stats());
        }
        Ok(taken)
    }
}

/// The machine's clock, which is also the kernel's for the packets it captures.
#[expect(
    clippy::disallowed_methods,
    reason = "a quiet link has no packets to tell the time; see Event::Tick"
)]
pub(crate) fn now() -> Timestamp {
    match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => Timestamp::EPOCH.after(since),
        Err(_) => Timestamp::EPOCH,
    }
}
