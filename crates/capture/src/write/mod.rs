//! Writing captures: pcapng, or classic pcap where a file's name asks for it.
//!
//! Promises: what was written reads back as the same packets, with nanoseconds and interfaces; every failure of the
//! disk is an error, at the latest from [`Writer::finish`]. Refuses: a second link type in a classic file, and to write
//! a packet that no reader would take. Times before 1970, which neither format has, are written as 1970; a classic file
//! ends in 2106.

mod pcap;
mod pcapng;

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::file::MAX_PACKET;
use crate::interface::InterfaceTable;
use crate::{Error, Packet};

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
    output: BufWriter<Box<dyn Write + Send>>,
    encoder: Encoder,
}

enum Encoder {
    Pcap(pcap::Pcap),
    Pcapng(pcapng::Pcapng),
}

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
            return Self::start(
                "standard output".to_owned(),
                Box::new(standard_output()?),
                Format::Pcapng,
                interfaces,
            );
        }
        let name = path.display().to_string();
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")) {
            return Err(Error::CompressedName { name });
        }
        let file = File::create(path).map_err(|source| Error::Open { name: name.clone(), source })?;
        Self::start(name, Box::new(file), Format::for_path(path), interfaces)
    }

    /// Writes to anything that takes bytes.
    ///
    /// # Errors
    /// The first bytes cannot be written.
    pub fn new(
        output: impl Write + Send + 'static,
        format: Format,
        interfaces: InterfaceTable,
    ) -> Result<Self, Error> {
        Self::start("output".to_owned(), Box::new(output), format, interfaces)
    }

    fn start(
        name: String,
        output: Box<dyn Write + Send>,
        format: Format,
        interfaces: InterfaceTable,
    ) -> Result<Self, Error> {
        let encoder = match format {
            Format::Pcap => Encoder::Pcap(pcap::Pcap::new(interfaces)),
            Format::Pcapng => Encoder::Pcapng(pcapng::Pcapng::new(interfaces)),
        };
        let mut writer = Self { name, output: BufWriter::with_capacity(128 * 1024, output), encoder };
        writer.attempt(|encoder, output| match encoder {
            // Its header holds the link type of the first packet.
            Encoder::Pcap(_) => Ok(()),
            Encoder::Pcapng(_) => pcapng::Pcapng::begin(output),
        })?;
        Ok(writer)
    }

    /// Writes one packet; its number and the packets before it do not matter.
    ///
    /// # Errors
    /// The disk is full or failing, a classic file is given a second link type, or the packet is longer than
    /// 16 MiB.
    pub fn write(&mut self, packet: &Packet<'_>) -> Result<(), Error> {
        if packet.data.len() > MAX_PACKET {
            let name = self.name.clone();
            return Err(Error::PacketTooLong { name, length: packet.data.len(), limit: MAX_PACKET });
        }
        if let Encoder::Pcap(pcap) = &self.encoder
            && let Some(first) = pcap.other_link_type(packet)
        {
            let name = self.name.clone();
            return Err(Error::SecondLinkType { name, first, second: packet.link_type });
        }
        self.attempt(|encoder, output| match encoder {
            Encoder::Pcap(pcap) => pcap.write(packet, output),
            Encoder::Pcapng(pcapng) => pcapng.write(packet, output),
        })
    }

    /// Hands everything written so far to the operating system, so that a reader of the file sees it.
    ///
    /// # Errors
    /// The disk is full or failing.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.attempt(|_, output| output.flush())
    }

    /// Ends the file: a capture without packets gets its header, and everything is handed to the operating system.
    ///
    /// # Errors
    /// The disk is full or failing.
    pub fn finish(mut self) -> Result<(), Error> {
        self.attempt(|encoder, output| {
            if let Encoder::Pcap(pcap) = encoder {
                pcap.begin_empty(output)?;
            }
            output.flush()
        })
    }

    fn attempt(
        &mut self,
        action: impl FnOnce(&mut Encoder, &mut BufWriter<Box<dyn Write + Send>>) -> io::Result<()>,
    ) -> Result<(), Error> {
        action(&mut self.encoder, &mut self.output)
            .map_err(|source| Error::Write { name: self.name.clone(), source })
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
