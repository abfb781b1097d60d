//! A source of packets, whatever it is: the one type that users of this crate hold.
//!
//! Promises: packets come in the order of the capture, numbered from 1 before any filter for files, those of a part as in
//! the whole; an error comes
//! once, after everything before it, and then the capture is over. Refuses: to copy a packet, and to hide an error
//! behind the end.

mod batches;

use std::fmt;
use std::io::Read;
use std::path::Path;

use crate::file::{Input, Next, Record};
#[cfg(feature = "libpcap")]
use crate::filter::{Decision, Filter};
use crate::interface::{Interface, InterfaceTable};
#[cfg(feature = "libpcap")]
use crate::live::LiveOptions;
use crate::merge::Merge;
use crate::notes::Notes;
use crate::source::Source;
use crate::statistics::add;
use crate::stop::{Stopper, Wake};
use crate::{Error, Event, Packet, Progress, SourceStatistics, Statistics, Timestamp};

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
    /// All files or all interfaces; never none.
    sources: Vec<Source>,
    merge: Merge,
    /// The source of the packet that was delivered last.
    current: usize,
    wake: Wake,
    notes: Notes,
    /// For files; a live capture is filtered by the kernel.
    #[cfg(feature = "libpcap")]
    filter: Option<Box<Filter>>,
    #[cfg(feature = "libpcap")]
    live: bool,
    read: u64,
    passed: u64,
    /// The number of the last packet.
    number: u64,
    unfilterable: u64,
    /// The time of the last packet or tick.
    last: Timestamp,
    /// An error that came behind packets of a batch.
    late: Option<Error>,
    over: bool,
}

impl Capture {
    /// Opens a capture file: pcap or pcapng, plain or in gzip or zstd, recognised by its first bytes. `-` is standard input.
    ///
    /// A pipe is not read before the first packet is asked for.
    ///
    /// # Errors
    /// The file cannot be opened, is a directory, is empty, or is no capture.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_all([path])
    }

    /// Opens several capture files and reads them as one: packets come in the order of their times (of the same time, in
    /// the order of the files), are numbered over all of them, and have
    /// [`interface`](Packet::interface) numbers over all of them.
    ///
    /// A file whose own packets are out of order stays so. A file that is cut or damaged ends early; the others are
    /// read to their ends, then the errors are told, one with each call.
    ///
    /// # Errors
    /// One of the files cannot be opened, is a directory, is empty, or is no capture.
    pub fn open_all<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> Result<Self, Error> {
        let wake = Self::wake("input")?;
        let notes = Notes::default();
        let open = |path: P| Source::open(path.as_ref(), wake.clone(), notes.clone());
        let sources: Result<_, _> = paths.into_iter().map(open).collect();
        Ok(Self::new(sources?, wake, notes))
    }

    /// Reads a capture file that is still being written, and waits at its end for more until it is stopped.
    ///
    /// When the file's name comes to mean another file, or the file is cut short (as writers do that rotate), that one is
    /// read from its beginning; a record that was not complete then is left out. Before each wait there is a
    /// [`Tick`](Event::Tick). Nothing is read before the first packet is asked for.
    ///
    /// # Errors
    /// The file cannot be opened or is a directory. That it is no capture, or compressed, is told with the first packet.
    pub fn tail(path: impl AsRef<Path>) -> Result<Self, Error> {
        let (wake, notes) = (Self::wake("input")?, Notes::default());
        let source = Source::tail(path.as_ref(), wake.clone(), notes.clone())?;
        Ok(Self::new(vec![source], wake, notes))
    }

    /// Reads a capture from any reader; `name` is what errors call it.
    ///
    /// The header is read at once. A stop is noticed between reads only: nobody can end a read of an unknown reader.
    ///
    /// # Errors
    /// There is nothing to read, or it is no capture.
    pub fn from_reader(reader: impl Read + Send + 'static, name: &str) -> Result<Self, Error> {
        let wake = Self::wake(name)?;
        let notes = Notes::default();
        let source = Source::from_reader(Input::from_reader(reader), name, wake.clone(), notes.clone())?;
        Ok(Self::new(vec![source], wake, notes))
    }

    /// Captures on an interface of this machine, by its name; `any` is all of them (Linux).
    ///
    /// # Errors
    /// There is no such interface (the error names those there are), this user may not capture (the error says how to
    /// allow it), or the interface is down.
    #[cfg(feature = "libpcap")]
    #[cfg_attr(docsrs, doc(cfg(feature = "libpcap")))]
    pub fn live(interface: &str, options: LiveOptions) -> Result<Self, Error> {
        Self::live_all([interface], options)
    }

    /// Captures on several interfaces at once, as one capture in the order of time.
    ///
    /// A packet may come up to 20 ms later than from one interface alone: that long it takes to know that no other has
    /// an older one. An interface that vanishes ends the whole capture, with an error behind the packets that all had.
    ///
    /// # Errors
    /// As [`live`](Self::live), for the first of the interfaces of which it is true.
    #[cfg(feature = "libpcap")]
    #[cfg_attr(docsrs, doc(cfg(feature = "libpcap")))]
    pub fn live_all<N: AsRef<str>>(
        interfaces: impl IntoIterator<Item = N>,
        options: LiveOptions,
    ) -> Result<Self, Error> {
        let wake = Self::wake("live capture")?;
        let open = |name: N| Source::live(name.as_ref(), &options, wake.clone());
        let sources: Result<_, _> = interfaces.into_iter().map(open).collect();
        Ok(Self { live: true, ..Self::new(sources?, wake, Notes::default()) })
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
        if self.live {
            let mut interfaces = self.sources.iter_mut().filter_map(Source::as_live_mut);
            return interfaces.try_for_each(|live| live.set_filter(expression));
        }
        let interfaces = self.sources.iter().flat_map(|source| source.interfaces().list());
        self.filter = Some(Box::new(Filter::new(expression, interfaces.map(|known| known.link_type))?));
        Ok(())
    }

    fn new(mut sources: Vec<Source>, wake: Wake, notes: Notes) -> Self {
        Self {
            merge: Merge::new(&mut sources),
            sources,
            current: 0,
            wake,
            notes,
            #[cfg(feature = "libpcap")]
            filter: None,
            #[cfg(feature = "libpcap")]
            live: false,
            read: 0,
            passed: 0,
            number: 0,
            unfilterable: 0,
            last: Timestamp::EPOCH,
            late: None,
            over: false,
        }
    }

    fn wake(name: &str) -> Result<Wake, Error> {
        Wake::new().map_err(|source| Error::Wait { name: name.to_owned(), source })
    }

    /// The next packet that passes the filter; `Ok(None)` at the end of the file or after a stop.
    ///
    /// # Errors
    /// What [`Error`] lists for reading. An error comes once; the calls after it return `Ok(None)`.
    #[inline]
    pub fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        Ok(match self.advance(false)? {
            Advance::Record(record) => Some(self.packet(&record)),
            // Ticks were not asked for, and nothing is held.
            Advance::Tick | Advance::Full | Advance::End => None,
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
            Advance::Full | Advance::End => None,
        })
    }

    /// The interfaces described so far, over all sources and all their sections; [`Packet::interface`] is an index into
    /// them.
    pub fn interfaces(&self) -> &[Interface] {
        match self.only() {
            Some(source) => source.interfaces().list(),
            None => self.merge.interfaces(),
        }
    }

    /// The same interfaces, to be asked while a packet is borrowed; a [`Writer`](crate::Writer) takes it.
    pub fn interface_table(&self) -> InterfaceTable {
        match self.only() {
            Some(source) => source.interfaces().shared(),
            None => self.merge.interface_table(),
        }
    }

    /// What the files say besides their packets: comments, names, secrets.
    pub fn notes(&self) -> Notes {
        self.notes.clone()
    }

    /// The one source, if there are no others: its numbers are those of the capture.
    fn only(&self) -> Option<&Source> {
        if let [source] = self.sources.as_slice() { Some(source) } else { None }
    }

    /// A handle that ends this capture from another thread or a signal handler.
    pub fn stopper(&self) -> Stopper {
        self.wake.stopper()
    }

    /// What was counted so far, over all sources; asks the kernel for its drop counters if the capture is live.
    pub fn statistics(&mut self) -> Statistics {
        let mut sum = Statistics {
            read: self.read,
            passed: self.passed,
            unfilterable: self.unfilterable,
            ..Statistics::default()
        };
        for source in self.sources() {
            add(&mut sum.dropped_by_kernel, source.dropped_by_kernel);
            add(&mut sum.dropped_by_interface, source.dropped_by_interface);
        }
        sum
    }

    /// The same of each source, in their order.
    pub fn sources(&mut self) -> Vec<SourceStatistics> {
        self.sources.iter_mut().map(Source::statistics).collect()
    }

    /// How far regular files have been read, all together; `None` where a source is anything else.
    pub fn progress(&self) -> Option<Progress> {
        self.sources.iter().try_fold(Progress { position: 0, length: 0 }, |sum, source| {
            let Progress { position, length } = source.progress()?;
            Some(Progress {
                position: sum.position.saturating_add(position),
                length: sum.length.saturating_add(length),
            })
        })
    }

    #[inline]
    fn packet(&self, record: &Record) -> Packet<'_> {
        let data = self.sources.get(self.current).map_or(&[][..], |source| source.data(record));
        Packet {
            number: self.number,
            timestamp: record.timestamp,
            link_type: record.link_type,
            interface: record.interface,
            data,
            wire_len: record.wire_len,
        }
    }

    /// Goes on to the next packet that passes the filter, and remembers that the capture is over when it is. Inlined into
    /// the few loops over packets, so that a record is not copied on its way.
    #[inline(always)]
    fn advance(&mut self, ticks: bool) -> Result<Advance, Error> {
        if self.over {
            return Ok(Advance::End);
        }
        let result = self.find(ticks);
        if matches!(result, Ok(Advance::End) | Err(_)) {
            self.over = !self.merge.has_errors();
        }
        result
    }

    #[inline]
    fn find(&mut self, ticks: bool) -> Result<Advance, Error> {
        loop {
            match self.next(ticks)? {
                Next::Record(mut record) => {
                    self.read += 1;
                    // Numbers go up, whatever a file says.
                    self.number = record.number.max(self.number + 1);
                    self.last = record.timestamp;
                    self.count(&mut record);
                    if self.passes(&record)? {
                        self.passed += 1;
                        if record.commented {
                            self.take_comments();
                        }
                        return Ok(Advance::Record(record));
                    }
                }
                Next::Idle(time) => {
                    self.last = self.last.max(time.unwrap_or(self.last));
                    return Ok(Advance::Tick);
                }
                Next::Time(time) => {
                    self.last = time;
                    if ticks {
                        return Ok(Advance::Tick);
                    }
                }
                Next::Full => return Ok(Advance::Full),
                Next::End => return Ok(Advance::End),
            }
        }
    }

    /// The next packet of all sources, before any filter.
    #[inline]
    fn next(&mut self, ticks: bool) -> Result<Next, Error> {
        #[cfg(feature = "libpcap")]
        if self.live {
            let (current, next) = self.merge.next_live(&mut self.sources, &self.wake, ticks)?;
            self.current = current;
            return Ok(next);
        }
        if self.wake.stopped() {
            return Ok(Next::End);
        }
        // Before the first packet there is no time to tell.
        let ticks = ticks && self.read > 0;
        if let [source] = self.sources.as_mut_slice() {
            return source.next(ticks);
        }
        let (current, next) = self.merge.next(&mut self.sources, ticks)?;
        self.current = current;
        Ok(next)
    }

    /// Puts the comments on the packet that is about to be delivered where they can be asked for.
    #[cold]
    fn take_comments(&mut self) {
        if let Some(source) = self.sources.get_mut(self.current) {
            self.notes.comment(self.number, source.take_comments());
        }
    }

    /// Counts a packet to its source, and gives it the number that its interface has in the whole capture.
    #[inline]
    fn count(&mut self, record: &mut Record) {
        let Some(source) = self.sources.get_mut(self.current) else { return };
        source.read += 1;
        // One source's numbers are those of the capture: it has no list of new ones.
        if let Some(&number) =
            usize::try_from(record.interface).ok().and_then(|index| source.renumbered.get(index))
        {
            record.interface = number;
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
    /// What is held is in the way.
    Full,
    End,
}
