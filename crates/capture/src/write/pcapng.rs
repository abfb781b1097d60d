//! pcapng, little-endian: one section; an interface is described just before its first packet, and what the source says
//! besides its packets is written before the packet it came before.

use std::collections::HashMap;
use std::mem;
use std::net::IpAddr;

use pcap_parser::pcapng::{BOM_MAGIC, EPB_MAGIC, IDB_MAGIC, SHB_MAGIC};

use crate::interface::InterfaceTable;
use crate::notes::{Note, Notes};
use crate::{Interface, LinkType, Packet, SourceStatistics, Timestamp, part};

const PROGRAM: &str = concat!("egret ", env!("CARGO_PKG_VERSION"));

// Option codes of the blocks they stand in.
const END: u16 = 0;
const COMMENT: u16 = 1;
const SHB_USERAPPL: u16 = 4;
const EPB_PACKETID: u16 = 5;
const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_TSRESOL: u16 = 9;
const ISB_IFRECV: u16 = 4;
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;

const NAMES: u32 = 4;
const STATISTICS: u32 = 5;
const SECRETS: u32 = 10;

/// The most bytes of names in one block.
const MAX_NAMES: usize = 512 * 1024;

pub(super) struct Pcapng {
    interfaces: InterfaceTable,
    /// What the source says besides its packets, how often it had changed when it was last looked at, and how much of it
    /// is written.
    notes: Notes,
    changes: usize,
    carried: usize,
    /// Comments on the section; taken when its header is written.
    comments: Vec<String>,
    /// It is a part of a capture.
    part: bool,
    /// The time in the whole, which has no interface to be told of yet.
    time: Option<Timestamp>,
    begun: bool,
    /// The number in this file for an interface of the source. The link type is part of the key, because a table may
    /// know less than the packets do.
    written: HashMap<(u32, LinkType), u32>,
    /// The interface of the packet before: nearly always this packet's too.
    last: Option<((u32, LinkType), u32)>,
}

impl Pcapng {
    pub(super) fn new(interfaces: InterfaceTable, notes: Notes, comments: Vec<String>, part: bool) -> Self {
        Self {
            interfaces,
            notes,
            changes: 0,
            carried: 0,
            comments,
            part,
            time: None,
            begun: false,
            written: HashMap::new(),
            last: None,
        }
    }

    /// Writes the section header, unless it is written, and what the source has said since.
    pub(super) fn begin(&mut self, output: &mut Vec<u8>) {
        let notes = self.notes.since(self.carried);
        self.carried += notes.len();
        if !mem::replace(&mut self.begun, true) {
            let mut body = Vec::new();
            body.extend(BOM_MAGIC.to_le_bytes());
            body.extend(1_u16.to_le_bytes());
            body.extend(0_u16.to_le_bytes());
            // The section's length is not known in advance; -1 says so.
            body.extend((-1_i64).to_le_bytes());
            let said = notes.iter().filter_map(|note| match note {
                Note::Comment(comment) => Some(comment),
                _ => None,
            });
            for comment in self.comments.iter().chain(said) {
                option(&mut body, COMMENT, comment.as_bytes());
            }
            let program = if self.part { part::PROGRAM } else { PROGRAM };
            option(&mut body, SHB_USERAPPL, program.as_bytes());
            option(&mut body, END, &[]);
            block(output, SHB_MAGIC, &body);
        }
        let mut names = Vec::new();
        for note in &notes {
            match note {
                Note::Name { address, name } => {
                    if names.len() > MAX_NAMES {
                        write_names(&mem::take(&mut names), output);
                    }
                    self::name(&mut names, *address, name);
                }
                Note::Secrets { kind, data } => {
                    let mut body = [kind.to_le_bytes(), (data.len() as u32).to_le_bytes()].concat();
                    body.extend_from_slice(data);
                    body.resize(body.len().next_multiple_of(4), 0);
                    block(output, SECRETS, &body);
                }
                // Of a section that this file has no header for: it stays in the header, or is left out.
                Note::Comment(_) => {}
            }
        }
        write_names(&names, output)
    }

    pub(super) fn write(&mut self, packet: &Packet<'_>, output: &mut Vec<u8>) {
        let mut options = Vec::new();
        let changes = self.notes.changes();
        if changes != self.changes || !self.begun {
            self.changes = changes;
            self.begin(output);
            for comment in self.notes.comments(packet.number) {
                option(&mut options, COMMENT, comment.as_bytes());
            }
            if !options.is_empty() && !self.part {
                option(&mut options, END, &[]);
            }
        }
        let interface = self.interface(packet, output);
        if let Some(time) = self.time.take() {
            self.time(time, output);
        }
        let units = units(packet.timestamp);
        let padding = packet.data.len().wrapping_neg() % 4;
        // Behind the comments the number, and the end of the options.
        let more = if self.part { 16 } else { 0 };
        let length = (32 + packet.data.len() + padding + options.len() + more) as u32;
        let (high, low) = ((units >> 32) as u32, units as u32);
        let captured = packet.data.len() as u32;
        let head = [EPB_MAGIC, length, interface, high, low, captured, packet.wire_len].map(u32::to_le_bytes);
        output.extend_from_slice(head.as_flattened());
        output.extend_from_slice(packet.data);
        output.extend_from_slice([0; 3].get(..padding).unwrap_or_default());
        output.extend_from_slice(&options);
        if self.part {
            let [a, b] = EPB_PACKETID.to_le_bytes();
            output.extend_from_slice(&[a, b, 8, 0]);
            output.extend_from_slice(&packet.number.to_le_bytes());
            output.extend_from_slice(&[0; 4]);
        }
        output.extend_from_slice(&length.to_le_bytes());
    }

    /// Writes what time it is in the whole of which this is a part: before the next packet, if it is the first.
    pub(super) fn time(&mut self, time: Timestamp, output: &mut Vec<u8>) {
        let Some((_, interface)) = self.last else {
            self.time = Some(time);
            return;
        };
        let units = units(time);
        let mut body = Vec::with_capacity(12);
        for number in [interface, (units >> 32) as u32, units as u32] {
            body.extend(number.to_le_bytes());
        }
        block(output, STATISTICS, &body)
    }

    /// Writes what was counted of an interface of the source, described first if no packet came from it.
    pub(super) fn statistics(
        &mut self,
        interface: u32,
        time: Timestamp,
        counted: &SourceStatistics,
        output: &mut Vec<u8>,
    ) {
        self.begin(output);
        let link_type = self.interfaces.get(interface).map_or(LinkType::ETHERNET, |known| known.link_type);
        let interface = self.number(interface, link_type, output);
        let mut body = interface.to_le_bytes().to_vec();
        body.extend(((units(time) >> 32) as u32).to_le_bytes());
        body.extend((units(time) as u32).to_le_bytes());
        let SourceStatistics { read, dropped_by_kernel, dropped_by_interface, .. } = counted;
        for (code, count) in
            [(ISB_IFRECV, Some(*read)), (ISB_IFDROP, *dropped_by_interface), (ISB_OSDROP, *dropped_by_kernel)]
        {
            if let Some(count) = count {
                option(&mut body, code, &count.to_le_bytes());
            }
        }
        option(&mut body, END, &[]);
        block(output, STATISTICS, &body)
    }

    /// The number of the packet's interface in this file; describes it if it is new.
    fn interface(&mut self, packet: &Packet<'_>, output: &mut Vec<u8>) -> u32 {
        let key = (packet.interface, packet.link_type);
        if let Some((last, number)) = self.last
            && last == key
        {
            return number;
        }
        let number = self.number(packet.interface, packet.link_type, output);
        self.last = Some((key, number));
        number
    }

    fn number(&mut self, interface: u32, link_type: LinkType, output: &mut Vec<u8>) -> u32 {
        if let Some(&number) = self.written.get(&(interface, link_type)) {
            return number;
        }
        describe(output, link_type, self.interfaces.get(interface));
        let number = self.written.len() as u32;
        self.written.insert((interface, link_type), number);
        number
    }
}

/// Nanoseconds since 1970: what time stamps count here.
fn units(time: Timestamp) -> u64 {
    u64::try_from(time.nanos()).unwrap_or(0)
}

/// Appends a record of a name block.
fn name(records: &mut Vec<u8>, address: IpAddr, name: &str) {
    let (code, address) = match address {
        IpAddr::V4(address) => (1, address.octets().to_vec()),
        IpAddr::V6(address) => (2, address.octets().to_vec()),
    };
    option(records, code, &[&address, name.as_bytes(), &[0]].concat());
}

fn write_names(records: &[u8], output: &mut Vec<u8>) {
    if records.is_empty() {
        return;
    }
    let mut body = records.to_vec();
    option(&mut body, END, &[]);
    block(output, NAMES, &body)
}

/// Writes an interface description.
fn describe(output: &mut Vec<u8>, link_type: LinkType, known: Option<Interface>) {
    let known = known.unwrap_or_else(|| Interface::new(link_type));
    let mut body = Vec::new();
    body.extend(link_type.0.to_le_bytes());
    body.extend([0; 2]);
    body.extend(known.snap_length.to_le_bytes());
    let texts = [(COMMENT, known.comment), (IF_NAME, known.name), (IF_DESCRIPTION, known.description)];
    for (code, text) in texts {
        if let Some(text) = text {
            option(&mut body, code, text.as_bytes());
        }
    }
    // Time stamps count nanoseconds: 10 to the power of -9.
    option(&mut body, IF_TSRESOL, &[9]);
    option(&mut body, END, &[]);
    block(output, IDB_MAGIC, &body)
}

/// Appends an option, padded to 32 bits; a value beyond 65,535 bytes is cut, for its length has 16 bits.
fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    let value = value.get(..usize::from(length)).unwrap_or(value);
    body.extend(code.to_le_bytes());
    body.extend(length.to_le_bytes());
    body.extend(value);
    body.extend(std::iter::repeat_n(0, value.len().wrapping_neg() % 4));
}

/// Writes a block whose body is a multiple of 32 bits.
fn block(output: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let length = (12 + body.len()) as u32;
    for bytes in [&kind.to_le_bytes(), &length.to_le_bytes(), body, &length.to_le_bytes()] as [&[u8]; 4] {
        output.extend_from_slice(bytes);
    }
}
