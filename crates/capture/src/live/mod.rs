//! Live capture through libpcap.
//!
//! Promises: a blocked read ends at once when it is stopped, and what was captured before the stop is still delivered;
//! an idle link costs ten short wake-ups a second; nanoseconds where the system has them. How: libpcap is put in
//! non-blocking mode; we wait for its descriptor and the waking pipe together, then take a batch of packets out of the
//! kernel's ring into one reused buffer and hand them out from there. (libpcap's own blocking read has no bound on a
//! quiet link, and its immediate mode loses bursts.)

mod batch;
mod device;
mod handle;
mod stats;

use std::io;
use std::time::Duration;

pub use device::{Device, devices};

use crate::file::{Next, Record};
use crate::filter;
use crate::interface::Interfaces;
use crate::stop::{Waited, Wake};
use crate::{Error, Interface, LinkType, Timestamp};
use batch::Batch;
use handle::Handle;
use stats::Drops;

/// How long to wait for a packet before telling the caller that there is none.
const TICK: Duration = Duration::from_millis(100);
/// After a stop: how long to wait for packets that the kernel has seen but not handed over yet. Its ring gives up a
/// block at the latest after the 10 ms that [`handle`] asks for.
const DRAIN: Duration = Duration::from_millis(25);
/// How far a tick stays behind the machine's clock, so that no packet that is still in the kernel's ring is older.
const MARGIN: Duration = Duration::from_millis(100);

/// How to open a live interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveOptions {
    /// The most bytes of each packet that are captured; 262,144 by default, which is all of it.
    pub snap_length: u32,
    /// The bytes of the kernel's buffer, in which packets wait to be read; 64 MiB by default. The kernel takes them all.
    pub buffer_size: u32,
    /// Whether to see packets that are not for this machine too, where the interface can; true by default.
    pub promiscuous: bool,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self { snap_length: 262_144, buffer_size: 64 * 1024 * 1024, promiscuous: true }
    }
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
    /// The caller knows that the ring ran empty.
    told_idle: bool,
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
            description: None,
            link_type,
            snap_length: options.snap_length,
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
            told_idle: false,
            until: None,
        })
    }

    pub(crate) fn interfaces(&self) -> &Interfaces {
        &self.interfaces
    }

    /// Has the kernel filter from now on.
    pub(crate) fn set_filter(&mut self, expression: &str) -> Result<(), Error> {
        self.handle.set_filter(expression).map_err(|error| filter::error(expression, self.link_type, error))
    }

    /// Packets dropped by the kernel and by the interface since the capture began.
    pub(crate) fn drops(&mut self) -> (Option<u64>, Option<u64>) {
        self.drops.update(self.handle.stats());
        self.drops.totals()
    }

    /// The bytes of the record that was found last.
    #[inline]
    pub(crate) fn data(&self, record: &Record) -> &[u8] {
        self.batch.slice(record.start, record.length)
    }

    /// The next packet; `Idle` when the ring ran empty and ten times a second from then on, if asked for.
    #[inline]
    pub(crate) fn next(&mut self, tell_idle: bool) -> Result<Next, Error> {
        loop {
            if let Some(record) = self.batch.pop(self.link_type) {
                if self.until.is_some_and(|until| record.timestamp > until) {
                    return Ok(Next::End);
                }
                return Ok(Next::Record(record));
            }
            if let Some(next) = self.refill(tell_idle)? {
                return Ok(next);
            }
        }
    }

    /// Takes a batch out of the ring, waiting for one if there is none; `Some` if there is something else to say.
    fn refill(&mut self, tell_idle: bool) -> Result<Option<Next>, Error> {
        if self.wake.stopped() && self.until.is_none() {
            self.until = Some(now());
        }
        if self.take()? {
            return Ok(None);
        }
        if self.until.is_some() {
            let more =
                self.handle.readable(DRAIN).map_err(|source| self.wait_error(source))? && self.take()?;
            return Ok(if more { None } else { Some(Next::End) });
        }
        if tell_idle && !self.told_idle {
            self.told_idle = true;
            return Ok(Some(self.idle()));
        }
        match self.handle.wait(&self.wake, TICK).map_err(|source| self.wait_error(source))? {
            Waited::TimedOut if tell_idle => Ok(Some(self.idle())),
            Waited::TimedOut | Waited::Ready | Waited::Stopped => Ok(None),
        }
    }

    /// Takes what the ring holds, up to a batch; whether there was anything.
    fn take(&mut self) -> Result<bool, Error> {
        let taken = self
            .handle
            .dispatch(&mut self.batch)
            .map_err(|message| Error::Live { interface: self.name.clone(), message })?;
        if taken {
            self.told_idle = false;
            if self.drops.is_due(self.batch.len()) {
                self.drops.update(self.handle.stats());
            }
        }
        Ok(taken)
    }

    fn idle(&self) -> Next {
        Next::Idle(Some(now().before(MARGIN)))
    }

    fn wait_error(&self, source: io::Error) -> Error {
        Error::Wait { name: self.name.clone(), source }
    }
}

/// The machine's clock, which is also the kernel's for the packets it captures.
#[expect(
    clippy::disallowed_methods,
    reason = "a quiet link has no packets to tell the time; see Event::Tick"
)]
fn now() -> Timestamp {
    match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => Timestamp::EPOCH.after(since),
        Err(_) => Timestamp::EPOCH,
    }
}
