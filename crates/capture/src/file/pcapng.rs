//! pcapng: sections of blocks, with interfaces of their own
//! ([format](https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/)).
//!
//! Promises: several sections, each in its byte order; several interfaces, each with its link type, snap length and
//! clock; enhanced, simple and obsolete packet blocks; comments, names, secrets and drop counts; whatever else is in the
//! file (custom blocks, system journals) is passed over, however long, and is no packet.
//! Refuses: lengths that do not fit each other, and packets of interfaces that were not described.
//! Section headers and interface descriptions are read by pcap-parser. Packet blocks are read here: it knows no obsolete
//! ones, allocates a list for the options of each packet, and takes a packet longer than its block for one not yet read.

use pcap_parser::pcapng;

use crate::file::blocks::{self, Endian};
use crate::file::buffer::Buffer;
use crate::file::clock::Clock;
use crate::file::{MAX_RECORD, Problem, Record, Step, pcap};
use crate::interface::Interfaces;
use crate::notes::Notes;
use crate::{Fault, Interface, LinkType, Note, Timestamp};

/// The type of the packet block that came before the enhanced one; pcap-parser does not know it.
const OBSOLETE_PACKET: u32 = 2;
/// Type and length before a block's body, and the length again behind it.
const FRAME: u32 = 12;
/// The longest section header or interface description that is read, in bytes: pcap-parser takes ten bytes of memory
/// for each byte of options, so its list stays below 10 MiB. Real ones have some hundred bytes.
const MAX_DESCRIPTION: u32 = 1024 * 1024;

/// Where in the file we are, and what the current section has said.
#[derive(Debug, Default)]
pub(crate) struct Pcapng {
    endian: Endian,
    /// The current section is a part of a capture.
    part: bool,
    /// The interfaces of the current section.
    section: Vec<Source>,
    /// What each interface of the capture is said to have dropped: in the kernel, and itself.
    drops: Vec<[Option<u64>; 2]>,
    /// The comments on the latest packet.
    comments: Vec<String>,
    /// A block that is being passed over.
    skip: Option<Skip>,
    /// The latest packet's time: what a simple packet block gets, which has none.
    last: Timestamp,
}

/// What a packet block must know of its interface.
#[derive(Debug, Clone, Copy)]
struct Source {
    index: u32,
    link_type: LinkType,
    snap_length: u32,
    clock: Clock,
}

#[derive(Debug, Clone, Copy)]
struct Skip {
    /// Where the block begins in the data.
    from: u64,
    /// How many of its bytes are still to come, without the closing length.
    left: u64,
    length: u32,
}

impl Pcapng {
    /// Where the block that is being passed over begins, and its length: its bytes are no longer in the buffer.
    pub(crate) fn passing_over(&self) -> Option<(u64, u64)> {
        self.skip.map(|skip| (skip.from, u64::from(skip.length)))
    }

    /// What the file says was dropped, over all interfaces: by the kernel, and by the interfaces.
    pub(crate) fn drops(&self) -> [Option<u64>; 2] {
        self.drops.iter().fold([None; 2], |sums, drops| {
            let add = |sum: Option<u64>, more: Option<u64>| {
                more.map_or(sum, |more| Some(sum.unwrap_or(0).saturating_add(more)))
            };
            [add(sums[0], drops[0]), add(sums[1], drops[1])]
        })
    }

    /// The comments on the packet that was found last.
    pub(crate) fn take_comments(&mut self) -> Vec<String> {
        std::mem::take(&mut self.comments)
    }

    /// The next packet, or how many unread bytes are needed to get on.
    #[inline]
    pub(crate) fn next(
        &mut self,
        buffer: &mut Buffer,
        interfaces: &mut Interfaces,
        notes: &Notes,
    ) -> Result<Step, Problem> {
        loop {
            if let Some(step) = self.pass_over(buffer)? {
                return Ok(step);
            }
            let unread = buffer.unread();
            let Some((&[kind, length, third], _)) =
                unread.first_chunk::<12>().and_then(|head| head.as_chunks::<4>().0.split_first_chunk::<3>())
            else {
                return Ok(Step::More(FRAME as usize));
            };
            // The type of a section header reads the same in both orders; its order is told by the third word.
            let section = u32::from_le_bytes(kind) == pcapng::SHB_MAGIC;
            if section {
                self.endian.big = byte_order(third).ok_or(Fault::SectionHeader)?;
            }
            if pcap::recognise(kind).is_some() {
                return Ok(Step::Restart);
            }
            let (kind, length) = (self.endian.u32(kind), self.endian.u32(length));
            if length < FRAME || length % 4 != 0 {
                return Err(Fault::BlockLength { kind, length }.into());
            }
            let (limit, needed) = match kind {
                pcapng::SHB_MAGIC | pcapng::IDB_MAGIC => (MAX_DESCRIPTION, true),
                pcapng::EPB_MAGIC | pcapng::SPB_MAGIC | OBSOLETE_PACKET => (MAX_RECORD as u32, true),
                blocks::NAMES | blocks::SECRETS | blocks::STATISTICS => (MAX_RECORD as u32, false),
                _ => (0, false),
            };
            if length > limit && !needed {
                if limit > 0 {
                    notes.leave_out();
                }
                let left = u64::from(length) - 4;
                self.skip = Some(Skip { from: buffer.offset(), left, length });
                continue;
            }
            if length > limit {
                return Err(Fault::TooLong { length: u64::from(length), limit: u64::from(limit) }.into());
            }
            let Some(block) = unread.get(..length as usize) else {
                return Ok(Step::More(length as usize));
            };
            let last = block.last_chunk::<4>().map_or(0, |&bytes| self.endian.u32(bytes));
            if last != length {
                return Err(Fault::LengthsDiffer { first: length, last }.into());
            }
            let record = match kind {
                pcapng::SHB_MAGIC => {
                    self.begin_section(block, notes)?;
                    None
                }
                pcapng::IDB_MAGIC => {
                    let source = self.describe(block, interfaces)?;
                    self.section.push(source);
                    None
                }
                pcapng::SPB_MAGIC => Some(self.simple(block)?),
                blocks::STATISTICS if self.part => {
                    let time = self.time(block);
                    buffer.consume(length as usize);
                    match time {
                        Some(time) => return Ok(Step::Time(time)),
                        None => continue,
                    }
                }
                blocks::NAMES | blocks::SECRETS | blocks::STATISTICS => {
                    self.note(kind, block, notes);
                    None
                }
                _ => Some(self.packet(kind, block)?),
            };
            let start = buffer.start();
            buffer.consume(length as usize);
            if let Some(record) = record {
                self.last = record.timestamp;
                return Ok(Step::Record(Record { start: start.saturating_add(record.start), ..record }));
            }
        }
    }

    /// The next packet, if it is a whole enhanced block about which there is nothing to say but, in a part, its number: as
    /// [`next`](Self::next) finds it, in a third of the instructions. Everything else, and what is wrong, is left to that.
    #[inline]
    pub(crate) fn plain(&mut self, buffer: &mut Buffer) -> Option<Record> {
        const HEADER: usize = 28;
        let unread = buffer.unread();
        let words = unread.first_chunk::<HEADER>()?.as_chunks::<4>().0.first_chunk::<7>()?;
        let [kind, length, interface, high, low, captured, original] =
            words.map(|word| self.endian.u32(word));
        let size = length as usize;
        if self.skip.is_some() || kind != pcapng::EPB_MAGIC || length % 4 != 0 || size > MAX_RECORD {
            return None;
        }
        let (body, end) = unread.get(HEADER..size)?.split_last_chunk::<4>()?;
        let options = body.get((captured as usize).checked_next_multiple_of(4)?..)?;
        let number = match options {
            [] => 0,
            &[a, b, c, d, ref number @ .., 0, 0, 0, 0] if self.part => {
                self.endian.plain_number([a, b, c, d], number)?
            }
            _ => return None,
        };
        let source = self.section.get(interface as usize).filter(|_| self.endian.u32(*end) == length)?;
        let timestamp = source.clock.timestamp(u64::from(high) << 32 | u64::from(low));
        let start = buffer.start().saturating_add(HEADER);
        let record = Record { number, ..source.record(timestamp, start, captured, original) };
        self.last = timestamp;
        buffer.consume(size);
        Some(record)
    }

    /// A section header must be of version 1: 1.0, or 1.2, which is the same.
    fn begin_section(&mut self, block: &[u8], notes: &Notes) -> Result<(), Problem> {
        let (_, header) = pcapng::parse_sectionheaderblock(block).map_err(|_| Fault::SectionHeader)?;
        if header.major_version != 1 {
            let (major, minor) = (header.major_version, header.minor_version);
            return Err(Problem::Version { format: "pcapng", major, minor });
        }
        self.section.clear();
        // Behind frame, magic, version and length.
        let options = body(block).get(16..).unwrap_or_default();
        self.part = self.endian.is_part(options);
        for comment in self.endian.comments(options) {
            notes.push(Note::Comment(comment));
        }
        Ok(())
    }

    /// A block that is no packet but worth keeping.
    #[cold]
    fn note(&mut self, kind: u32, block: &[u8], notes: &Notes) {
        let body = body(block);
        match kind {
            blocks::NAMES => self.endian.names(body, notes),
            blocks::SECRETS => self.endian.secrets(body, notes),
            _ => {
                let Some((interface, drops)) = self.endian.statistics(body) else { return };
                let Ok(Source { index, .. }) = self.source(interface) else { return };
                let index = index as usize;
                if self.drops.len() <= index {
                    self.drops.resize(index + 1, [None; 2]);
                }
                // Counted from the start of the capture: the latest is the sum.
                if let Some(known) = self.drops.get_mut(index) {
                    *known = drops;
                }
            }
        }
    }

    /// What time it was in the whole of which this is a part.
    #[cold]
    fn time(&self, block: &[u8]) -> Option<Timestamp> {
        let (interface, units) = self.endian.statistics_time(body(block))?;
        Some(self.source(interface).ok()?.clock.timestamp(units))
    }

    /// Passes over the block that nobody wants, without ever holding it; `Some` when more bytes are needed.
    fn pass_over(&mut self, buffer: &mut Buffer) -> Result<Option<Step>, Problem> {
        let Some(skip) = &mut self.skip else { return Ok(None) };
        let count = buffer.unread().len().min(usize::try_from(skip.left).unwrap_or(usize::MAX));
        buffer.consume(count);
        skip.left -= count as u64;
        let (left, first) = (skip.left, skip.length);
        let Some(&closing) = buffer.unread().first_chunk::<4>().filter(|_| left == 0) else {
            return Ok(Some(Step::More(4)));
        };
        let last = self.endian.u32(closing);
        if last != first {
            return Err(Fault::LengthsDiffer { first, last }.into());
        }
        buffer.consume(4);
        self.skip = None;
        Ok(None)
    }

    /// An enhanced or an obsolete packet block: they differ in how the interface is written (32 bits, or 16 and 16
    /// bits of drop count).
    #[inline]
    fn packet(&mut self, kind: u32, block: &[u8]) -> Result<Record, Problem> {
        const HEADER: usize = 28;
        let Some(&[_, _, interface, high, low, captured, original]) =
            block.first_chunk::<HEADER>().and_then(|head| head.as_chunks::<4>().0.first_chunk::<7>())
        else {
            return Err(Fault::BlockLength { kind, length: block.len() as u32 }.into());
        };
        let interface = match (kind, interface) {
            (OBSOLETE_PACKET, [a, b, _, _]) => u32::from(self.endian.u16([a, b])),
            (_, bytes) => self.endian.u32(bytes),
        };
        let source = self.source(interface)?;
        let (captured, original) = (self.endian.u32(captured), self.endian.u32(original));
        // In a block too short for its own header the closing length was read as the last field.
        let room = (block.len() as u32)
            .checked_sub(HEADER as u32 + 4)
            .ok_or(Fault::BlockLength { kind, length: block.len() as u32 })?;
        if captured > room {
            return Err(Fault::PacketBeyondBlock { length: captured, room }.into());
        }
        let units = u64::from(self.endian.u32(high)) << 32 | u64::from(self.endian.u32(low));
        let mut record = source.record(source.clock.timestamp(units), HEADER, captured, original);
        // Most packets have no options; an option needs four bytes at least.
        let options = captured.next_multiple_of(4);
        if room >= options.saturating_add(4) {
            let options = body(block).get(20 + options as usize..).unwrap_or_default();
            if self.part {
                record.number = self.endian.packet_number(options);
            }
            self.comments = self.endian.comments(options);
            record.commented = !self.comments.is_empty();
        }
        Ok(record)
    }

    /// A simple packet block: interface 0, no time, and no word of how much was captured.
    fn simple(&self, block: &[u8]) -> Result<Record, Problem> {
        const HEADER: usize = 12;
        let Some(&original) =
            block.get(8..).and_then(|rest| rest.first_chunk::<4>()).filter(|_| block.len() >= 16)
        else {
            return Err(Fault::BlockLength { kind: pcapng::SPB_MAGIC, length: block.len() as u32 }.into());
        };
        let source = self.source(0)?;
        let original = self.endian.u32(original);
        let room = (block.len() as u32).saturating_sub(HEADER as u32 + 4);
        let limit = if source.snap_length == 0 { u32::MAX } else { source.snap_length };
        let captured = original.min(limit);
        if captured > room {
            return Err(Fault::PacketBeyondBlock { length: captured, room }.into());
        }
        Ok(source.record(self.last, HEADER, captured, original))
    }

    #[inline]
    fn source(&self, interface: u32) -> Result<Source, Problem> {
        let known = self.section.len() as u32;
        let source = usize::try_from(interface).ok().and_then(|interface| self.section.get(interface));
        Ok(*source.ok_or(Fault::UnknownInterface { interface, known })?)
    }

    /// Reads an interface description and enters it into the table of the whole capture.
    fn describe(&self, block: &[u8], interfaces: &mut Interfaces) -> Result<Source, Problem> {
        let parsed = if self.endian.big {
            pcapng::parse_interfacedescriptionblock_be(block)
        } else {
            pcapng::parse_interfacedescriptionblock_le(block)
        };
        let (_, description) = parsed.map_err(|_| Fault::InterfaceDescription)?;
        let link_type = LinkType::from_raw(description.linktype.0 as u32);
        let mut clock = Clock::default();
        let mut interface = Interface { snap_length: description.snaplen, ..Interface::new(link_type) };
        for option in &description.options {
            let Ok(value) = option.as_bytes() else { continue };
            match (option.code, value) {
                // pcap-parser reads on behind the end of the options.
                (pcapng::OptionCode::EndOfOpt, _) => break,
                (pcapng::OptionCode::Comment, _) => interface.comment = Some(text(value)),
                (pcapng::OptionCode::IfName, _) => interface.name = Some(text(value)),
                (pcapng::OptionCode::IfDescription, _) => interface.description = Some(text(value)),
                (pcapng::OptionCode::IfTsresol, &[resolution]) => clock.set_resolution(resolution),
                // pcap-parser reads this one as little-endian in every file.
                (pcapng::OptionCode::IfTsoffset, _) => {
                    if let Ok(bytes) = <[u8; 8]>::try_from(value) {
                        let seconds = if self.endian.big { i64::from_be_bytes } else { i64::from_le_bytes };
                        clock.set_offset(seconds(bytes));
                    }
                }
                _ => {}
            }
        }
        let snap_length = interface.snap_length;
        let index =
            interfaces.push(interface).ok_or(Fault::TooManyInterfaces { limit: Interfaces::LIMIT })?;
        Ok(Source { index, link_type, snap_length, clock })
    }
}

impl Source {
    /// A record whose data begins `start` bytes into its block.
    #[inline]
    fn record(&self, timestamp: Timestamp, start: usize, captured: u32, original: u32) -> Record {
        Record {
            timestamp,
            interface: self.index,
            link_type: self.link_type,
            start,
            length: captured as usize,
            wire_len: original.max(captured),
            number: 0,
            commented: false,
        }
    }
}

/// Whether the byte-order magic of a section header is that of a big-endian file; `None` if it is none.
fn byte_order(magic: [u8; 4]) -> Option<bool> {
    match (u32::from_le_bytes(magic), u32::from_be_bytes(magic)) {
        (pcapng::BOM_MAGIC, _) => Some(false),
        (_, pcapng::BOM_MAGIC) => Some(true),
        _ => None,
    }
}

/// What is between the lengths that enclose a block.
fn body(block: &[u8]) -> &[u8] {
    block.get(8..block.len().saturating_sub(4)).unwrap_or_default()
}

/// The text of an option: UTF-8 by the specification, and cut to a length that no real name has.
fn text(bytes: &[u8]) -> String {
    // Some writers close their strings with a zero, which is not part of the name.
    let bytes = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes.get(..Interfaces::MAX_TEXT).unwrap_or(bytes)).into_owned()
}
