//! Capture files, pipes and readers: from bytes to records.
//!
//! Promises: one pass, no allocation for a packet, no copy of its bytes; everything before a cut or a damage is
//! delivered, then one error with its offset. Refuses: records of more than [`MAX_RECORD`] bytes.

mod advice;
mod blocks;
mod buffer;
mod clock;
mod input;
mod pcap;
mod pcapng;

use std::io;
use std::path::Path;

pub(crate) use input::{Followed, Input};

use crate::compressed::{Compression, Source};
use crate::interface::Interfaces;
use crate::notes::Notes;
use crate::stop::Wake;
use crate::{Batch, Error, Fault, LinkType, Position, Timestamp};
use buffer::Buffer;

/// The longest record that is believed, in bytes, and with it the most memory that a file can make the reader
/// take: 16 MiB of data that really arrived, in a buffer of at most twice that. Ethernet frames are at most 64 KiB long even
/// after the network card has joined them; the longest records anyone writes (USB, D-Bus) have some MiB.
pub(crate) const MAX_RECORD: usize = 16 * 1024 * 1024;

/// The longest packet that is written, so that it can be read back in either format.
pub(crate) const MAX_PACKET: usize = MAX_RECORD - 64;

/// One packet found in the buffer: everything but its bytes, and where they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub(crate) timestamp: Timestamp,
    pub(crate) interface: u32,
    pub(crate) link_type: LinkType,
    /// Where the packet's bytes begin in the buffer.
    pub(crate) start: usize,
    pub(crate) length: usize,
    pub(crate) wire_len: u32,
    /// The number that the file gives it, if it is a part of another capture; 0 if it gives none.
    pub(crate) number: u64,
    /// The file has comments on it.
    pub(crate) commented: bool,
}

/// What a format found in the unread bytes.
pub(crate) enum Step {
    Record(Record),
    /// In the capture that this is a part of, it was this time.
    Time(Timestamp),
    /// At least so many unread bytes are needed.
    More(usize),
    /// The unread bytes are the beginning of another file, behind this one.
    Restart,
}

/// What a format found wrong, not knowing the file's name.
#[derive(Debug)]
pub(crate) enum Problem {
    NotACapture,
    Version { format: &'static str, major: u16, minor: u16 },
    Fault(Fault),
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What a file gives next.
pub(crate) enum Next {
    Record(Record),
    /// No packet is waiting; the time, if there is a better one than that of the last packet.
    Idle(Option<Timestamp>),
    /// No packet that comes later is to be taken before this time, whatever its own.
    Time(Timestamp),
    /// To read on, what is held would have to be moved.
    Full,
    End,
}

enum Format {
    /// The first bytes have not been seen yet.
    Unknown,
    Pcap(pcap::Pcap),
    Pcapng(pcapng::Pcapng),
}

/// A capture file being read.
pub(crate) struct FileCapture {
    name: String,
    source: Source,
    buffer: Buffer,
    format: Format,
    interfaces: Interfaces,
    notes: Notes,
    /// The caller has been told that the pipe is idle since its last bytes came.
    told_idle: bool,
    /// What was found must stay where it is.
    held: bool,
}

impl FileCapture {
    pub(crate) fn open(path: &Path, wake: Wake, notes: Notes) -> Result<Self, Error> {
        let (input, name) = Input::open(path)?;
        // A pipe's first bytes may be long in coming: they are waited for where the wait can be stopped.
        let eager = !input.waits();
        let mut capture = Self::new(input, name, wake, notes);
        if eager {
            capture.begin()?;
        }
        Ok(capture)
    }

    /// Reads a file that still grows: its end is waited at.
    pub(crate) fn tail(path: &Path, wake: Wake, notes: Notes) -> Result<Self, Error> {
        let (input, name) = Input::tail(path)?;
        Ok(Self::new(input, name, wake, notes))
    }

    pub(crate) fn from_reader(input: Input, name: String, wake: Wake, notes: Notes) -> Result<Self, Error> {
        let mut capture = Self::new(input, name, wake, notes);
        capture.begin()?;
        Ok(capture)
    }

    fn new(input: Input, name: String, wake: Wake, notes: Notes) -> Self {
        Self {
            name,
            source: Source::Plain(input, wake),
            buffer: Buffer::new(),
            format: Format::Unknown,
            interfaces: Interfaces::default(),
            notes,
            told_idle: false,
            held: false,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn interfaces(&self) -> &Interfaces {
        &self.interfaces
    }

    /// What the file says was dropped when it was captured: by the kernel, and by the interfaces.
    pub(crate) fn drops(&self) -> [Option<u64>; 2] {
        if let Format::Pcapng(pcapng) = &self.format { pcapng.drops() } else { [None; 2] }
    }

    /// The comments on the record that was found last.
    pub(crate) fn take_comments(&mut self) -> Vec<String> {
        if let Format::Pcapng(pcapng) = &mut self.format { pcapng.take_comments() } else { Vec::new() }
    }

    /// The bytes of the record that was found last.
    #[inline]
    pub(crate) fn data(&self, record: &Record) -> &[u8] {
        self.buffer.slice(record.start, record.length)
    }

    pub(crate) fn progress(&self) -> Option<(u64, u64)> {
        self.source.input().0.progress()
    }

    /// The next packet; `Idle` at most once before each wait, and only if asked for.
    #[inline]
    pub(crate) fn next(&mut self, tell_idle: bool) -> Result<Next, Error> {
        loop {
            let step = match &mut self.format {
                Format::Pcap(pcap) => pcap.next(&mut self.buffer),
                Format::Pcapng(pcapng) => pcapng.next(&mut self.buffer, &mut self.interfaces, &self.notes),
                Format::Unknown => {
                    if self.held {
                        return Ok(Next::Full);
                    }
                    if !self.begin()? {
                        return Ok(Next::End);
                    }
                    continue;
                }
            };
            match step {
                Ok(Step::Record(record)) => return Ok(Next::Record(record)),
                Ok(Step::Time(time)) => return Ok(Next::Time(time)),
                Ok(Step::More(needed)) => {
                    if tell_idle && !self.told_idle && self.is_idle() {
                        self.told_idle = true;
                        return Ok(Next::Idle(None));
                    }
                    if self.held && !self.buffer.has_room() {
                        return Ok(Next::Full);
                    }
                    if !self.more(needed)? {
                        return Ok(Next::End);
                    }
                }
                Ok(Step::Restart) => self.format = Format::Unknown,
                Err(problem) => return Err(self.error(problem)),
            }
        }
    }

    /// Whether what was found can be held in its place: not where one file may take the place of another at any time.
    pub(crate) fn can_hold(&self) -> bool {
        !self.source.input().0.follows()
    }

    /// Puts the records that are whole in what was read into a batch, up to so many packets, as long as there is nothing but
    /// records, numbered from behind `number`, of which the last number is returned. What comes next is found by
    /// [`next`](Self::next).
    pub(crate) fn lend(&mut self, batch: &mut Batch, most: usize, mut number: u64) -> u64 {
        match &mut self.format {
            Format::Pcap(pcap) => {
                while batch.len() < most
                    && let Ok(Step::Record(record)) = pcap.next(&mut self.buffer)
                {
                    number += 1;
                    batch.lend(number, &record);
                }
            }
            Format::Pcapng(pcapng) => {
                while batch.len() < most
                    && let Some(record) = pcapng.plain(&mut self.buffer)
                {
                    // Numbers go up, whatever a file says.
                    number = record.number.max(number + 1);
                    batch.lend(number, &record);
                }
            }
            Format::Unknown => {}
        }
        number
    }

    /// Says whether what was found must stay where it is.
    pub(crate) fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// Gives away what is held, in exchange for other memory, and holds nothing.
    pub(crate) fn exchange(&mut self, block: &mut Vec<u8>) {
        self.held = false;
        self.buffer.exchange(block);
    }

    /// Whether the next read would wait.
    fn is_idle(&self) -> bool {
        let (input, wake) = self.source.input();
        input.would_wait(wake)
    }

    /// Reads on; `false` at the end of the data, which is an error inside a record.
    #[cold]
    fn more(&mut self, needed: usize) -> Result<bool, Error> {
        match self.buffer.fill(&mut self.source, self.held) {
            Ok(0) if self.source.input().0.follows() => self.follow(),
            Ok(0) => self.end(needed),
            Ok(_) => {
                self.told_idle = false;
                Ok(true)
            }
            // A decompressor whose input ends early says so; for the reader it is a file that was cut.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                if self.stopped() {
                    return Ok(false);
                }
                Err(self.truncated(needed))
            }
            Err(source) => {
                let at = self.position(self.buffer.offset() + self.buffer.unread().len() as u64);
                Err(Error::Read { name: self.name.clone(), at, source })
            }
        }
    }

    /// Waits at the end of a growing file; `false` when the capture was stopped. What is left of a record when another
    /// file has taken this one's place will not be completed: its writer ended in the middle of it.
    fn follow(&mut self) -> Result<bool, Error> {
        let followed = self.source.follow().map_err(|source| {
            let at = self.position(self.buffer.offset() + self.buffer.unread().len() as u64);
            Error::Read { name: self.name.clone(), at, source }
        })?;
        if followed == Followed::Replaced {
            self.buffer.restart();
            self.format = Format::Unknown;
        }
        self.told_idle = false;
        Ok(followed != Followed::Stopped)
    }

    fn stopped(&self) -> bool {
        self.source.input().1.stopped()
    }

    /// The data is at its end: between two records that is the end of the capture.
    fn end(&self, needed: usize) -> Result<bool, Error> {
        let passing_over = matches!(&self.format, Format::Pcapng(pcapng) if pcapng.passing_over().is_some());
        if self.stopped() || (self.buffer.unread().is_empty() && !passing_over) {
            return Ok(false);
        }
        Err(self.truncated(needed))
    }

    fn truncated(&self, needed: usize) -> Error {
        let here = self.buffer.offset();
        let (from, needed) = match &self.format {
            Format::Pcapng(pcapng) => pcapng.passing_over().unwrap_or((here, needed as u64)),
            _ => (here, needed as u64),
        };
        let had = here.saturating_sub(from) + self.buffer.unread().len() as u64;
        Error::Truncated { name: self.name.clone(), at: self.position(from), had, needed }
    }

    /// Reads until the format is known; `false` when the capture was stopped before that.
    fn begin(&mut self) -> Result<bool, Error> {
        while matches!(self.format, Format::Unknown) {
            let head = self.buffer.unread();
            if !self.source.is_compressed()
                && let Some(compression) = Compression::recognise(head)
            {
                if self.source.input().0.follows() {
                    return Err(Error::CompressedTail { name: self.name.clone() });
                }
                let head = self.buffer.take();
                self.source.decompress(compression, head);
                continue;
            }
            let is_pcap = head.first_chunk::<4>().is_some_and(|&magic| pcap::recognise(magic).is_some());
            let is_pcapng = head.starts_with(&pcap_parser::pcapng::SHB_MAGIC.to_le_bytes());
            if is_pcapng {
                self.format = Format::Pcapng(pcapng::Pcapng::default());
            } else if is_pcap && let Some(header) = head.first_chunk() {
                let opened = pcap::Pcap::open(header, &mut self.interfaces);
                self.format = Format::Pcap(opened.map_err(|problem| self.error(problem))?);
                self.buffer.consume(pcap::HEADER);
            } else if head.len() >= advice::SHOWN && !is_pcap {
                return Err(self.error(Problem::NotACapture));
            } else if !self.more_to_begin(is_pcap)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads on before the format is known.
    fn more_to_begin(&mut self, is_pcap: bool) -> Result<bool, Error> {
        let before = self.buffer.unread().len();
        match self.more(pcap::HEADER) {
            Err(Error::Truncated { .. }) if !is_pcap && before > 0 => Err(self.error(Problem::NotACapture)),
            Ok(false) if !self.stopped() => Err(Error::Empty { name: self.name.clone() }),
            result => result,
        }
    }

    fn position(&self, offset: u64) -> Position {
        Position { offset, uncompressed: self.source.is_compressed() }
    }

    #[cold]
    fn error(&self, problem: Problem) -> Error {
        let name = self.name.clone();
        let at = self.position(self.buffer.offset());
        match problem {
            Problem::NotACapture => {
                let head = self.buffer.unread();
                Error::NotACapture { name, first: advice::first_bytes(head), advice: advice::advice(head) }
            }
            Problem::Version { format, major, minor } => {
                Error::UnsupportedVersion { name, at, format, major, minor }
            }
            Problem::Fault(fault) => {
                let from = match &self.format {
                    Format::Pcapng(pcapng) => pcapng.passing_over().map(|(from, _)| from),
                    _ => None,
                };
                Error::BadRecord { name, at: from.map_or(at, |from| self.position(from)), fault }
            }
        }
    }
}
