//! A source of packets, whatever it is: the one type that users of this crate hold.
//!
//! Promises: packets come in the order of the capture, numbered from 1 before any filter for files; an error comes
//! once, after everything before it, and then the capture is over. Refuses: to copy a packet, and to hide an error
//! behind the end.

use std::io::Read;
use std::path::Path;

use crate::file::{FileCapture, Input, Next, Record};
use crate::interface::{Interface, InterfaceTable};
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
    read: u64,
    passed: u64,
    last: Timestamp,
    over: bool,
}

enum Source {
    File(Box<FileCapture>),
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

    fn new(source: Source, wake: Wake) -> Self {
        Self { source, wake, read: 0, passed: 0, last: Timestamp::EPOCH, over: false }
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
        }
    }

    /// The same interfaces, to be asked while a packet is borrowed; a [`Writer`](crate::Writer) takes it.
    pub fn interface_table(&self) -> InterfaceTable {
        match &self.source {
            Source::File(file) => file.interfaces().shared(),
        }
    }

    /// A handle that ends this capture from another thread or a signal handler.
    pub fn stopper(&self) -> Stopper {
        self.wake.stopper()
    }

    /// What was counted so far; asks the kernel for its drop counters if the capture is live.
    pub fn statistics(&mut self) -> Statistics {
        Statistics { read: self.read, passed: self.passed, ..Statistics::default() }
    }

    /// How far a regular file has been read; `None` for everything else.
    pub fn progress(&self) -> Option<Progress> {
        match &self.source {
            Source::File(file) => file.progress().map(|(position, length)| Progress { position, length }),
        }
    }

    #[inline]
    fn packet(&self, record: &Record) -> Packet<'_> {
        let data = match &self.source {
            Source::File(file) => file.data(record),
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

    #[inline]
    fn advance(&mut self, ticks: bool) -> Result<Advance, Error> {
        if self.over || self.wake.stopped() {
            self.over = true;
            return Ok(Advance::End);
        }
        let next = match &mut self.source {
            Source::File(file) => file.next(ticks && self.read > 0),
        };
        match next {
            Ok(Next::Record(record)) => {
                self.read += 1;
                self.last = record.timestamp;
                self.passed += 1;
                Ok(Advance::Record(record))
            }
            Ok(Next::Idle) => Ok(Advance::Tick),
            Ok(Next::End) => {
                self.over = true;
                Ok(Advance::End)
            }
            Err(error) => {
                self.over = true;
                Err(error)
            }
        }
    }
}

enum Advance {
    Record(Record),
    Tick,
    End,
}
