//! Ending a read from outside: another thread, or a signal handler.
//!
//! Promises: a blocked read of a live interface or of standard input ends at once, and nothing wakes up to look
//! for a stop that was not asked for. How: the reader waits for its source and for a pipe together; a byte in the
//! pipe is the wish to stop.

use std::io;
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[cfg(unix)]
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Ends a [`Capture`](crate::Capture) from another thread or from a signal handler.
///
/// The read that waits, or the next one, delivers what was captured before the stop and then returns `Ok(None)`.
/// Stopping twice, or after the end, does nothing.
#[derive(Debug, Clone)]
pub struct Stopper {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    stopped: AtomicBool,
    // Both ends live as long as anyone who may write, so that a late stop never meets a pipe without a reader.
    #[cfg(unix)]
    reader: io::PipeReader,
    #[cfg(unix)]
    writer: io::PipeWriter,
}

impl Stopper {
    /// Ends the capture. May be called from any thread.
    pub fn stop(&self) {
        if self.shared.stopped.swap(true, Ordering::AcqRel) {
            return;
        }
        // One byte into an empty pipe neither blocks nor fails; if a signal handler filled the pipe before, the
        // reader is awake already.
        #[cfg(unix)]
        let _ = io::Write::write(&mut &self.shared.writer, b"s");
    }
}

/// The end of the pipe that stops the capture when a byte is written to it: for signal handlers, which may do little
/// else than write.
#[cfg(unix)]
impl AsFd for Stopper {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.writer.as_fd()
    }
}

/// The reader's side of a [`Stopper`].
#[derive(Debug, Clone)]
pub(crate) struct Wake {
    stopper: Stopper,
}

/// How waiting ended.
#[cfg(unix)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// There is something to read, or an error to be told by reading.
    Ready,
    /// The capture was stopped.
    Stopped,
    /// Neither, for as long as was allowed.
    TimedOut,
}

impl Wake {
    pub(crate) fn new() -> io::Result<Self> {
        #[cfg(unix)]
        let (reader, writer) = io::pipe()?;
        let shared = Shared {
            stopped: AtomicBool::new(false),
            #[cfg(unix)]
            reader,
            #[cfg(unix)]
            writer,
        };
        Ok(Self { stopper: Stopper { shared: Arc::new(shared) } })
    }

    pub(crate) fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Whether [`Stopper::stop`] was called, or a byte in the pipe was noticed: cheap enough to ask for each packet.
    pub(crate) fn stopped(&self) -> bool {
        self.stopper.shared.stopped.load(Ordering::Relaxed)
    }

    /// Waits for a while, or until the capture is stopped; whether it is.
    pub(crate) fn pause(&self, duration: Duration) -> io::Result<bool> {
        #[cfg(unix)]
        self.wait(&[], Some(duration))?;
        #[cfg(not(unix))]
        std::thread::sleep(duration);
        Ok(self.stopped())
    }

    /// Looks into the pipe too: for places that are reached once per read of the operating system.
    pub(crate) fn check(&self) -> io::Result<bool> {
        #[cfg(unix)]
        if !self.stopped() {
            self.wait(&[], Some(Duration::ZERO))?;
        }
        Ok(self.stopped())
    }

    /// Waits until one of `sources` is readable, the capture is stopped, or `timeout` (none: for ever) has passed.
    ///
    /// A stop is noticed even when a source is readable as well.
    #[cfg(unix)]
    pub(crate) fn wait(&self, sources: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<Waited> {
        let timeout = timeout.and_then(|duration| Timespec::try_from(duration).ok());
        let pipe = self.stopper.shared.reader.as_fd();
        // A wait is a system call that may sleep: the list beside it does not count.
        let mut fds: Vec<PollFd<'_>> = std::iter::once(pipe)
            .chain(sources.iter().copied())
            .map(|source| PollFd::from_borrowed_fd(source, PollFlags::IN))
            .collect();
        wait_for(&mut fds, timeout.as_ref())?;
        let (pipe, sources) = fds.split_at(1);
        if pipe.iter().any(is_ready) {
            self.stopper.shared.stopped.store(true, Ordering::Release);
        }
        Ok(match (self.stopped(), sources.iter().any(is_ready)) {
            (true, _) => Waited::Stopped,
            (false, true) => Waited::Ready,
            (false, false) => Waited::TimedOut,
        })
    }
}

#[cfg(unix)]
fn is_ready(fd: &PollFd<'_>) -> bool {
    !fd.revents().is_empty()
}

/// Whether `source` becomes readable before `timeout` has passed; a stop is not looked for.
#[cfg(all(unix, feature = "libpcap"))]
pub(crate) fn readable(source: BorrowedFd<'_>, timeout: Duration) -> io::Result<bool> {
    let mut fds = [PollFd::from_borrowed_fd(source, PollFlags::IN)];
    wait_for(&mut fds, Timespec::try_from(timeout).ok().as_ref())?;
    let [source] = fds;
    Ok(!source.revents().is_empty())
}

/// Polls, and again when a signal handler ran: if it wrote to the pipe, that poll returns at once.
#[cfg(unix)]
fn wait_for(fds: &mut [PollFd<'_>], timeout: Option<&Timespec>) -> io::Result<()> {
    loop {
        match poll(fds, timeout) {
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
