//! Writing captures: pcapng, or classic pcap where a file's name asks for it.
//!
//! Promises: what was written reads back as the same packets, with nanoseconds and interfaces; every failure of the
//! disk is an error, at the latest from [`Writer::finish`]; whole records are handed to the system, so that the file of a
//! program that was killed reads to its end, but for the one record that a kill in the middle of a system call cut.
//! Refuses: a second link type in a classic file, and to write a packet that no reader would take. Times before 1970, which neither format has, are written as 1970; a classic file
//! ends in 2106.

mod files;
mod pcap;
mod pcapng;

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

pub use files::Rotation;

use crate::file::MAX_PACKET;
use crate::interface::InterfaceTable;
use crate::notes::Notes;
use crate::{Error, Packet, SourceStatistics, Timestamp};
use files::Files;

/// The file formats that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Classic pcap with nanoseconds: one link type, no interfaces.
    Pcap,
    /// pcapng: any number of interfaces, each with its name, link type and snap length.
    Pcapng,
}

impl Format {
    /// What a file of this name should be: classic if it ends in `.pcap`, else pcapng.
    pub fn for_path(path: &Path) -> Self {
        match path.extension() {
            Some(extension) if extension.eq_ignore_ascii_case("pcap") => Self::Pcap,
            _ => Self::Pcapng,
        }
    }
}

/// Writes packets to a capture file.
///
/// Call [`write`](Self::write) for each packet and [`finish`](Self::finish) at the end: a writer that is merely dropped
/// tries to write what it holds, but has nobody to tell if that fails.
///
/// ```no_run
/// use egret_capture::{Capture, Writer};
///
/// let mut capture = Capture::open("all.pcap")?;
/// let mut writer = Writer::create("large.pcapng", capture.interface_table())?;
/// while let Some(packet) = capture.next_packet()? {
///     if packet.wire_len > 1000 {
///         writer.write(&packet)?;
///     }
/// }
/// writer.finish()?;
/// # Ok::<(), egret_capture::Error>(())
/// ```
pub struct Writer {
    name: String,
    output: Option<Box<dyn Write + Send>>,
    /// What is not handed to the system yet: whole records only, so that a file whose writer was killed can be read.
    buffer: Vec<u8>,
    /// What was handed to the system, of this file.
    written: u64,
    encoder: Encoder,
    source: Origin,
    files: Option<Files>,
}

/// What every file of a writer begins with.
#[derive(Debug, Clone)]
struct Origin {
    format: Format,
    interfaces: InterfaceTable,
    notes: Notes,
    comments: Vec<String>,
    part: bool,
}

enum Encoder {
    Pcap(pcap::Pcap),
    Pcapng(pcapng::Pcapng),
}

/// So much is gathered before it is handed to the system.
const BUFFER: usize = 128 * 1024;

impl Writer {
    /// Creates (or empties) a file; its name decides the [`Format`]. `-` is standard output.
    ///
    /// `interfaces` tells what the packets' [`interface`](Packet::interface) numbers mean: the table of the capture they
    /// come from, or `InterfaceTable::default()` for interfaces without names.
    ///
    /// # Errors
    /// The file cannot be created, or its name asks for compression.
    pub fn create(path: impl AsRef<Path>, interfaces: InterfaceTable) -> Result<Self, Error> {
        let path = path.as_ref();
        if path.as_os_str() == "-" {
            let output = Box::new(standard_output()?);
            return Ok(Self::start("standard output".to_owned(), Some(output), Format::Pcapng, interfaces));
        }
        let (name, file) = create(path)?;
        Ok(Self::start(name, Some(file), Format::for_path(path), interfaces))
    }

    /// Writes a series of files, going on to the next one as [`Rotation`] says.
    ///
    /// The first is created at once, unless its name has a time in it: then with the first packet.
    ///
    /// # Errors
    /// The file cannot be created, its name asks for compression, or it has a conversion that is not known.
    pub fn rotating(
        path: impl AsRef<Path>,
        rotation: Rotation,
        interfaces: InterfaceTable,
    ) -> Result<Self, Error> {
        let path = path.as_ref();
        let mut files = Files::new(path, rotation)?;
        let (name, output) = match files.first() {
            Some(path) => {
                let (name, file) = create(&path)?;
                (name, Some(file))
            }
            None => (path.display().to_string(), None),
        };
        let mut writer = Self::start(name, output, Format::for_path(path), interfaces);
        writer.files = Some(files);
        Ok(writer)
    }

    /// Writes to anything that takes bytes.
    pub fn new(output: impl Write + Send + 'static, format: Format, interfaces: InterfaceTable) -> Self {
        Self::start("output".to_owned(), Some(Box::new(output)), format, interfaces)
    }

    fn start(
        name: String,
        output: Option<Box<dyn Write + Send>>,
        format: Format,
        interfaces: InterfaceTable,
    ) -> Self {
        let source =
            Origin { format, interfaces, notes: Notes::default(), comments: Vec::new(), part: false };
        let buffer = Vec::with_capacity(BUFFER * 2);
        Self { name, output, buffer, written: 0, encoder: Encoder::new(&source), source, files: None }
    }

    /// Writes what a capture says besides its packets, too: comments, names, secrets (pcapng only). Each comes before the
    /// packets that it came before; comments on sections after the first have no place.
    ///
    /// To be called before the first packet is written.
    pub fn carry(&mut self, notes: Notes) {
        self.source.notes = notes;
        self.encoder = Encoder::new(&self.source);
    }

    /// Adds a comment on the whole file (pcapng only), to be called before the first packet is written.
    pub fn comment(&mut self, text: &str) {
        self.source.comments.push(text.to_owned());
        self.encoder = Encoder::new(&self.source);
    }

    /// Makes it a part of the capture that the packets come from (pcapng only), to be called before the first packet is
    /// written: it keeps the packets' [`number`](Packet::number)s, which must go up, and [`Capture`](crate::Capture) gives
    /// them back when it reads the part alone.
    pub fn as_part(&mut self) {
        self.source.part = true;
        self.encoder = Encoder::new(&self.source);
    }

    /// Writes into a part what time it is in the whole, where the part's packets do not show it: reading it, a
    /// [`Tick`](crate::Event::Tick) comes in front of the next packet. Nothing else keeps such a time.
    ///
    /// # Errors
    /// The disk is full or failing.
    pub fn time(&mut self, time: Timestamp) -> Result<(), Error> {
        if let Encoder::Pcapng(pcapng) = &mut self.encoder
            && self.source.part
        {
            pcapng.time(time, &mut self.buffer);
        }
        if self.buffer.len() >= BUFFER { self.hand_over() } else { Ok(()) }
    }

    /// Writes one packet. Its number counts in a part alone, and the packets before it do not matter.
    ///
    /// # Errors
    /// The disk is full or failing, the next file cannot be created, a classic file is given a second link type, or the
    /// packet is longer than 16 MiB.
    pub fn write(&mut self, packet: &Packet<'_>) -> Result<(), Error> {
        if packet.data.len() > MAX_PACKET {
            let name = self.name.clone();
            return Err(Error::PacketTooLong { name, length: packet.data.len(), limit: MAX_PACKET });
        }
        if self.files.is_some() {
            self.rotate(packet)?;
        }
        if self.is_full() {
            return Ok(());
        }
        match &mut self.encoder {
            Encoder::Pcap(pcap) => {
                if let Some(first) = pcap.other_link_type(packet) {
                    let name = self.name.clone();
                    return Err(Error::SecondLinkType { name, first, second: packet.link_type });
                }
                pcap.write(packet, &mut self.buffer);
            }
            Encoder::Pcapng(pcapng) => pcapng.write(packet, &mut self.buffer),
        }
        if self.buffer.len() >= BUFFER { self.hand_over() } else { Ok(()) }
    }

    /// Whether the last of a limited number of files is over ([`Rotation::files`] with an interval): what is
    /// written from now on is left out.
    pub fn is_full(&self) -> bool {
        self.files.as_ref().is_some_and(Files::is_over)
    }

    /// Writes what was counted of one of the source's interfaces up to `time` (pcapng only), usually at the end.
    ///
    /// # Errors
    /// The disk is full or failing.
    pub fn statistics(
        &mut self,
        interface: u32,
        time: Timestamp,
        counted: &SourceStatistics,
    ) -> Result<(), Error> {
        if let Encoder::Pcapng(pcapng) = &mut self.encoder {
            pcapng.statistics(interface, time, counted, &mut self.buffer);
        }
        if self.buffer.len() >= BUFFER { self.hand_over() } else { Ok(()) }
    }

    /// Hands everything written so far to the operating system, so that a reader of the file sees it.
    ///
    /// # Errors
    /// The disk is full or failing.
    pub fn flush(&mut self) -> Result<(), Error> {
        if let Encoder::Pcapng(pcapng) = &mut self.encoder {
            pcapng.begin(&mut self.buffer);
        }
        self.hand_over()
    }

    /// Ends the file: a capture without packets gets its header, and everything is handed to the operating system.
    ///
    /// # Errors
    /// The disk is full or failing.
    pub fn finish(mut self) -> Result<(), Error> {
        self.end()
    }

    fn end(&mut self) -> Result<(), Error> {
        match &mut self.encoder {
            Encoder::Pcap(pcap) => pcap.begin_empty(&mut self.buffer),
            Encoder::Pcapng(pcapng) => pcapng.begin(&mut self.buffer),
        }
        self.hand_over()
    }

    /// Goes on to the next file, if this packet is to be in it.
    fn rotate(&mut self, packet: &Packet<'_>) -> Result<(), Error> {
        let size = self.written + self.buffer.len() as u64;
        let Some(path) = self.files.as_mut().and_then(|files| files.next(packet.timestamp, size)) else {
            return Ok(());
        };
        if self.output.is_some() {
            self.end()?;
        }
        let (name, file) = create(&path)?;
        (self.name, self.output, self.written) = (name, Some(file), 0);
        self.encoder = Encoder::new(&self.source);
        Ok(())
    }

    /// Hands the buffer to the system. What could not be written is not tried again.
    fn hand_over(&mut self) -> Result<(), Error> {
        let Some(output) = &mut self.output else { return Ok(()) };
        let result = output.write_all(&self.buffer).and_then(|()| output.flush());
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        result.map_err(|source| Error::Write { name: self.name.clone(), source })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.hand_over();
    }
}

impl Encoder {
    fn new(source: &Origin) -> Self {
        let Origin { format, interfaces, notes, comments, part } = source.clone();
        match format {
            Format::Pcap => Self::Pcap(pcap::Pcap::new(interfaces)),
            Format::Pcapng => Self::Pcapng(pcapng::Pcapng::new(interfaces, notes, comments, part)),
        }
    }
}

/// Creates or empties a file.
fn create(path: &Path) -> Result<(String, Box<dyn Write + Send>), Error> {
    let name = path.display().to_string();
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")) {
        return Err(Error::CompressedName { name });
    }
    match File::create(path) {
        Ok(file) => Ok((name, Box::new(file))),
        Err(source) => Err(Error::Open { name, source }),
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Standard output without the line buffer that the standard library puts before it.
fn standard_output() -> Result<File, Error> {
    #[cfg(unix)]
    let file = {
        use std::os::fd::AsFd;
        io::stdout().as_fd().try_clone_to_owned()
    };
    #[cfg(windows)]
    let file = {
        use std::os::windows::io::AsHandle;
        io::stdout().as_handle().try_clone_to_owned()
    };
    file.map(File::from).map_err(|source| Error::Open { name: "standard output".to_owned(), source })
}
