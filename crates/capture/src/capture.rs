//! A source of packets, whatever it is: the one type that users of this crate hold.
//!
//! Promises: packets come in the order of the capture, numbered from 1 before any filter for files; an error comes
//! once, after everything before it, and then the capture is over. Refuses: to copy a packet, and to hide an error
//! behind the end.

use std::fmt;
use std::io::Read;
use std::path::Path;

use crate::file::{FileCapture, Input, Next, Record};
#[cfg(feature = "libpcap")]
use crate::filter::{Decision, Filter};
use crate::interface::{Interface, InterfaceTable};
#[cfg(feature = "libpcap")]
use crate::live::{Live, LiveOptions};
use crate::stop::{Stopper, Wake};
use crate::{Error, Packet, Timestamp};

/// Packets from a file, a pipe, a reader, or (with the feature `libpcap`) a live interface.
///
/// Open it with [`open`](Self::open), [`from_reader`](Self::from_reader) or `live`, perhaps
/// set a filter, then ask for packets until there are no more:
///
/// ```no_run
/// let mut capture = egret_capture::Capture::open("trace.pcapng")?;
/// while let Some(packet) = capture.next_packet()? {
///     println!("{} {} {}", packet.number, packet.timestamp, packet.wire_len);
/// }
/// # Ok::<(), egret_capture::Error>(())
/// ```
pub struct Capture {
    source: Source,
    wake: Wake,
    /// For files; a live capture is filtered by the kernel.
    #[cfg(feature = "libpcap")]
    filter: Option<Box<Filter>>,
    read: u64,
    passed: u64,
    unfilterable: u64,
    /// The time of the last packet or tick.
    last: Timestamp,
    over: bool,
}

enum Source {
    File(Box<FileCapture>),
    #[cfg(feature = "libpcap")]
    Live(Box<Live>),
}

/// A packet, or the word that none is waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The next packet.
    Packet(Packet<'a>),
    /// Packet time has come this far and no packet is waiting: a good moment to flush output and to let deadlines pass.
    ///
    /// Live, this comes when the kernel's buffer ran empty and then about ten times a second; on a pipe, once before
    /// each wait, with the time of the last packet. No packet that comes later is older, but for what the kernel
    /// reorders.
    Tick(Timestamp),
}

/// What a capture has counted so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Statistics {
    /// Packets read, before any filter for files.
    pub read: u64,
    /// Packets delivered.
    pub passed: u64,
    /// Packets of a link type that the filter has no meaning for; they were not delivered.
    pub unfilterable: u64,
    /// Live: packets that the kernel dropped because nobody read them in time.
    pub dropped_by_kernel: Option<u64>,
    /// Live: packets that the interface or its driver dropped.
    pub dropped_by_interface: Option<u64>,
}

/// How far a regular file has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read, of the file as it is on disk (compressed, if it is).
    pub position: u64,
    /// The file's length when it was opened.
    pub length: u64,
}

impl Capture {
    /// Opens a capture file: pcap or pcapng, plain or in gzip, recognised by its first bytes. `-` is standard input.
    ///
    /// A pipe is not read before the first packet is asked for.
    ///
    /// # Errors
    /// The file cannot be opened, is a directory, is empty, or is no capture.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let (wake, file_wake) = Self::wakes(&path.as_ref().display().to_string())?;
        FileCapture::open(path.as_ref(), file_wake).map(|file| Self::new(Source::File(Box::new(file)), wake))
    }

    /// Reads a capture from any reader; `name` is what errors call it.
    ///
    /// The header is read at once. A stop is noticed between reads only: nobody can end a read of an unknown reader.
    ///
    /// # Errors
    /// There is nothing to read, or it is no capture.
    pub fn from_reader(reader: impl Read + Send + 'static, name: &str) -> Result<Self, Error> {
        let (wake, file_wake) = Self::wakes(name)?;
        let file = FileCapture::from_reader(Input::from_reader(reader), name.to_owned(), file_wake)?;
        Ok(Self::new(Source::File(Box::new(file)), wake))
    }

    /// Captures on an interface of this machine, by its name; `any` is all of them (Linux).
    ///
    /// # Errors
    /// There is no such interface (the error names those there are), this user may not capture (the error says how to
    /// allow it), or the interface is down.
    #[cfg(feature = "libpcap")]
    #[cfg_attr(docsrs, doc(cfg(feature = "libpcap")))]
    pub fn live(interface: &str, options: LiveOptions) -> Result<Self, Error> {
        let (wake, live_wake) = Self::wakes(interface)?;
        let live = Live::open(interface, &options, live_wake)?;
        Ok(Self::new(Source::Live(Box::new(live)), wake))
    }

    /// Delivers only the packets that match an expression in tcpdump's language (pcap-filter(7)) from now on.
    ///
    /// On a live capture the kernel filters; of a file, packets are read and numbered before they are filtered. Either
    /// way the same packets are selected, and lengths (`greater`, `len`) are those on the wire. In a capture of several
    /// link types, packets of one that the expression has no meaning for (`tcp` on USB) are counted as
    /// [`unfilterable`](Statistics::unfilterable) and not delivered.
    ///
    /// # Errors
    /// libpcap does not understand the expression. If it has no meaning for the capture's link type and that is not
    /// known yet, the error comes with the first packet.
    #[cfg(feature = "libpcap")]
    #[cfg_attr(docsrs, doc(cfg(feature = "libpcap")))]
    pub fn set_filter(&mut self, expression: &str) -> Result<(), Error> {
        match &mut self.source {
            Source::Live(live) => live.set_filter(expression),
            Source::File(file) => {
                let link_types = file.interfaces().list().iter().map(|interface| interface.link_type);
                self.filter = Some(Box::new(Filter::new(expression, link_types)?));
                Ok(())
            }
        }
    }

    fn new(source: Source, wake: Wake) -> Self {
        Self {
            source,
            wake,
            #[cfg(feature = "libpcap")]
            filter: None,
            read: 0,
            passed: 0,
            unfilterable: 0,
            last: Timestamp::EPOCH,
            over: false,
        }
    }

    /// The waking pipe, twice: for the capture and for the source that waits below it.
    fn wakes(name: &str) -> Result<(Wake, Wake), Error> {
        let wake = Wake::new().map_err(|source| Error::Wait { name: name.to_owned(), source })?;
        Ok((wake.clone(), wake))
    }

    /// The next packet that passes the filter; `Ok(None)` at the end of the file or after a stop.
    ///
    /// # Errors
    /// What [`Error`] lists for reading. An error comes once; the calls after it return `Ok(None)`.
    #[inline]
    pub fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        Ok(match self.advance(false)? {
            Advance::Record(record) => Some(self.packet(&record)),
            // Ticks were not asked for.
            Advance::Tick | Advance::End => None,
        })
    }

    /// The next packet, or a [`Tick`](Event::Tick) when none is waiting; `Ok(None)` at the end or after a stop.
    ///
    /// # Errors
    /// As [`next_packet`](Self::next_packet).
    #[inline]
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, Error> {
        Ok(match self.advance(true)? {
            Advance::Record(record) => Some(Event::Packet(self.packet(&record))),
            Advance::Tick => Some(Event::Tick(self.last)),
            Advance::End => None,
        })
    }

    /// The interfaces described so far, over all sections of the file; [`Packet::interface`] is an index into them.
    pub fn interfaces(&self) -> &[Interface] {
        match &self.source {
            Source::File(file) => file.interfaces().list(),
            #[cfg(feature = "libpcap")]
            Source::Live(live) => live.interfaces().list(),
        }
    }

    /// The same interfaces, to be asked while a packet is borrowed; a [`Writer`](crate::Writer) takes it.
    pub fn interface_table(&self) -> InterfaceTable {
        match &self.source {
            Source::File(file) => file.interfaces().shared(),
            #[cfg(feature = "libpcap")]
            Source::Live(live) => live.interfaces().shared(),
        }
    }

    /// A handle that ends this capture from another thread or a signal handler.
    pub fn stopper(&self) -> Stopper {
        self.wake.stopper()
    }

    /// What was counted so far; asks the kernel for its drop counters if the capture is live.
    pub fn statistics(&mut self) -> Statistics {
        let (dropped_by_kernel, dropped_by_interface) = match &mut self.source {
            Source::File(_) => (None, None),
            #[cfg(feature = "libpcap")]
            Source::Live(live) => live.drops(),
        };
        Statistics {
            read: self.read,
            passed: self.passed,
            unfilterable: self.unfilterable,
            dropped_by_kernel,
            dropped_by_interface,
        }
    }

    /// How far a regular file has been read; `None` for everything else.
    pub fn progress(&self) -> Option<Progress> {
        match &self.source {
            Source::File(file) => file.progress().map(|(position, length)| Progress { position, length }),
            #[cfg(feature = "libpcap")]
            Source::Live(_) => None,
        }
    }

    #[inline]
    fn packet(&self, record: &Record) -> Packet<'_> {
        let data = match &self.source {
            Source::File(file) => file.data(record),
            #[cfg(feature = "libpcap")]
            Source::Live(live) => live.data(record),
        };
        Packet {
            number: self.read,
            timestamp: record.timestamp,
            link_type: record.link_type,
            interface: record.interface,
            data,
            wire_len: record.wire_len,
        }
    }

    /// Goes on to the next packet that passes the filter, and remembers that the capture is over when it is.
    #[inline]
    fn advance(&mut self, ticks: bool) -> Result<Advance, Error> {
        if self.over {
            return Ok(Advance::End);
        }
        let result = self.find(ticks);
        if matches!(result, Ok(Advance::End) | Err(_)) {
            self.over = true;
        }
        result
    }

    #[inline]
    fn find(&mut self, ticks: bool) -> Result<Advance, Error> {
        loop {
            let next = match &mut self.source {
                Source::File(_) if self.wake.stopped() => return Ok(Advance::End),
                // Before the first packet there is no time to tell.
                Source::File(file) => file.next(ticks && self.read > 0)?,
                #[cfg(feature = "libpcap")]
                Source::Live(live) => live.next(ticks)?,
            };
            match next {
                Next::Record(record) => {
                    self.read += 1;
                    self.last = record.timestamp;
                    if self.passes(&record)? {
                        self.passed += 1;
                        return Ok(Advance::Record(record));
                    }
                }
                Next::Idle(time) => {
                    self.last = self.last.max(time.unwrap_or(self.last));
                    return Ok(Advance::Tick);
                }
                Next::End => return Ok(Advance::End),
            }
        }
    }

    #[cfg(feature = "libpcap")]
    #[inline]
    fn passes(&mut self, record: &Record) -> Result<bool, Error> {
        let Some(mut filter) = self.filter.take() else { return Ok(true) };
        let decision = filter.decide(&self.packet(record));
        self.filter = Some(filter);
        Ok(match decision? {
            Decision::Pass => true,
            Decision::Reject => false,
            Decision::NoMeaning => {
                self.unfilterable += 1;
                false
            }
        })
    }

    #[cfg(not(feature = "libpcap"))]
    #[inline]
    fn passes(&self, _: &Record) -> Result<bool, Error> {
        Ok(true)
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture")
            .field("interfaces", &self.interfaces())
            .field("read", &self.read)
            .field("passed", &self.passed)
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

enum Advance {
    Record(Record),
    Tick,
    End,
}
