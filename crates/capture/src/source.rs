//! One thing that packets come from, and what is counted of it: a file or a live interface.
//!
//! Promises: the same questions for both, answered by a `match`; nothing here costs a packet more than that.

use std::path::Path;

use crate::SourceStatistics;
use crate::file::{FileCapture, Input, Next, Record};
use crate::interface::Interfaces;
#[cfg(feature = "libpcap")]
use crate::live::{Live, LiveOptions, Polled};
use crate::notes::Notes;
use crate::stop::Wake;
use crate::{Error, Progress};

/// A source with its place in a capture.
pub(crate) struct Source {
    kind: Kind,
    /// Packets read from it.
    pub(crate) read: u64,
    /// Its interfaces' numbers in a capture of several sources.
    pub(crate) renumbered: Vec<u32>,
}

enum Kind {
    File(Box<FileCapture>),
    #[cfg(feature = "libpcap")]
    Live(Box<Live>),
}

impl Source {
    pub(crate) fn open(path: &Path, wake: Wake, notes: Notes) -> Result<Self, Error> {
        Ok(Self::new(Kind::File(Box::new(FileCapture::open(path, wake, notes)?))))
    }

    pub(crate) fn tail(path: &Path, wake: Wake, notes: Notes) -> Result<Self, Error> {
        Ok(Self::new(Kind::File(Box::new(FileCapture::tail(path, wake, notes)?))))
    }

    pub(crate) fn from_reader(input: Input, name: &str, wake: Wake, notes: Notes) -> Result<Self, Error> {
        let file = FileCapture::from_reader(input, name.to_owned(), wake, notes)?;
        Ok(Self::new(Kind::File(Box::new(file))))
    }

    #[cfg(feature = "libpcap")]
    pub(crate) fn live(interface: &str, options: &LiveOptions, wake: Wake) -> Result<Self, Error> {
        Ok(Self::new(Kind::Live(Box::new(Live::open(interface, options, wake)?))))
    }

    fn new(kind: Kind) -> Self {
        Self { kind, read: 0, renumbered: Vec::new() }
    }

    /// The next packet of a file; waits for a pipe.
    #[inline]
    pub(crate) fn next(&mut self, tell_idle: bool) -> Result<Next, Error> {
        match &mut self.kind {
            Kind::File(file) => file.next(tell_idle),
            #[cfg(feature = "libpcap")]
            Kind::Live(_) => Ok(Next::End),
        }
    }

    /// The next packet of an interface; waits for nothing.
    #[cfg(feature = "libpcap")]
    #[inline]
    pub(crate) fn poll(&mut self) -> Result<Polled, Error> {
        match &mut self.kind {
            Kind::Live(live) => live.poll(),
            Kind::File(_) => Ok(Polled::End),
        }
    }

    #[cfg(feature = "libpcap")]
    pub(crate) fn as_live(&self) -> Option<&Live> {
        match &self.kind {
            Kind::Live(live) => Some(live),
            Kind::File(_) => None,
        }
    }

    #[cfg(feature = "libpcap")]
    pub(crate) fn as_live_mut(&mut self) -> Option<&mut Live> {
        match &mut self.kind {
            Kind::Live(live) => Some(live),
            Kind::File(_) => None,
        }
    }

    /// The bytes of the record that was found last.
    #[inline]
    pub(crate) fn data(&self, record: &Record) -> &[u8] {
        match &self.kind {
            Kind::File(file) => file.data(record),
            #[cfg(feature = "libpcap")]
            Kind::Live(live) => live.data(record),
        }
    }

    /// The file, if its packets can be held where they were read.
    pub(crate) fn as_holding(&mut self) -> Option<&mut FileCapture> {
        match &mut self.kind {
            Kind::File(file) => file.can_hold().then_some(&mut **file),
            #[cfg(feature = "libpcap")]
            Kind::Live(_) => None,
        }
    }

    /// The comments on the record that was found last.
    pub(crate) fn take_comments(&mut self) -> Vec<String> {
        match &mut self.kind {
            Kind::File(file) => file.take_comments(),
            #[cfg(feature = "libpcap")]
            Kind::Live(_) => Vec::new(),
        }
    }

    /// As the source itself numbers them.
    pub(crate) fn interfaces(&self) -> &Interfaces {
        match &self.kind {
            Kind::File(file) => file.interfaces(),
            #[cfg(feature = "libpcap")]
            Kind::Live(live) => live.interfaces(),
        }
    }

    pub(crate) fn progress(&self) -> Option<Progress> {
        match &self.kind {
            Kind::File(file) => file.progress().map(|(position, length)| Progress { position, length }),
            #[cfg(feature = "libpcap")]
            Kind::Live(_) => None,
        }
    }

    /// What was counted so far; asks the kernel for its drop counters.
    pub(crate) fn statistics(&mut self) -> SourceStatistics {
        let (name, [dropped_by_kernel, dropped_by_interface]) = match &mut self.kind {
            Kind::File(file) => (file.name(), file.drops()),
            #[cfg(feature = "libpcap")]
            Kind::Live(live) => {
                let drops = live.drops();
                (live.name(), drops)
            }
        };
        SourceStatistics { name: name.to_owned(), read: self.read, dropped_by_kernel, dropped_by_interface }
    }
}
