//! pcapng, little-endian: one section; an interface is described just before its first packet.

use std::collections::HashMap;
use std::io::{self, Write};

use pcap_parser::pcapng::{BOM_MAGIC, EPB_MAGIC, IDB_MAGIC, SHB_MAGIC};

use crate::interface::InterfaceTable;
use crate::{Interface, LinkType, Packet};

const PROGRAM: &str = concat!("egret ", env!("CARGO_PKG_VERSION"));

// Option codes of the blocks they stand in.
const END: u16 = 0;
const SHB_USERAPPL: u16 = 4;
const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_TSRESOL: u16 = 9;

pub(super) struct Pcapng {
    interfaces: InterfaceTable,
    /// The number in this file for an interface of the source. The link type is part of the key, because a table may
    /// know less than the packets do.
    written: HashMap<(u32, LinkType), u32>,
    /// The interface of the packet before: nearly always this packet's too.
    last: Option<((u32, LinkType), u32)>,
}

impl Pcapng {
    pub(super) fn new(interfaces: InterfaceTable) -> Self {
        Self { interfaces, written: HashMap::new(), last: None }
    }

    /// Writes the section header.
    pub(super) fn begin(output: &mut impl Write) -> io::Result<()> {
        let mut body = Vec::new();
        body.extend(BOM_MAGIC.to_le_bytes());
        body.extend(1_u16.to_le_bytes());
        body.extend(0_u16.to_le_bytes());
        // The section's length is not known in advance; -1 says so.
        body.extend((-1_i64).to_le_bytes());
        option(&mut body, SHB_USERAPPL, PROGRAM.as_bytes());
        option(&mut body, END, &[]);
        block(output, SHB_MAGIC, &body)
    }

    pub(super) fn write(&mut self, packet: &Packet<'_>, output: &mut impl Write) -> io::Result<()> {
        let interface = self.interface(packet, output)?;
        let units = u64::try_from(packet.timestamp.nanos()).unwrap_or(0);
        let padding = packet.data.len().wrapping_neg() % 4;
        let length = (32 + packet.data.len() + padding) as u32;
        let (high, low) = ((units >> 32) as u32, units as u32);
        let captured = packet.data.len() as u32;
        for number in [EPB_MAGIC, length, interface, high, low, captured, packet.wire_len] {
            output.write_all(&number.to_le_bytes())?;
        }
        output.write_all(packet.data)?;
        output.write_all([0; 3].get(..padding).unwrap_or_default())?;
        output.write_all(&length.to_le_bytes())
    }

    /// The number of the packet's interface in this file; describes it if it is new.
    fn interface(&mut self, packet: &Packet<'_>, output: &mut impl Write) -> io::Result<u32> {
        let key = (packet.interface, packet.link_type);
        if let Some((last, number)) = self.last
            && last == key
        {
            return Ok(number);
        }
        let number = match self.written.get(&key) {
            Some(&number) => number,
            None => {
                let known = self.interfaces.get(packet.interface);
                describe(output, packet.link_type, known)?;
                let number = self.written.len() as u32;
                self.written.insert(key, number);
                number
            }
        };
        self.last = Some((key, number));
        Ok(number)
    }
}

/// Writes an interface description.
fn describe(output: &mut impl Write, link_type: LinkType, known: Option<Interface>) -> io::Result<()> {
    let known = known.unwrap_or_else(|| Interface::new(link_type));
    let mut body = Vec::new();
    body.extend(link_type.0.to_le_bytes());
    body.extend([0; 2]);
    body.extend(known.snap_length.to_le_bytes());
    for (code, text) in [(IF_NAME, known.name), (IF_DESCRIPTION, known.description)] {
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
fn block(output: &mut impl Write, kind: u32, body: &[u8]) -> io::Result<()> {
    let length = (12 + body.len()) as u32;
    for bytes in [&kind.to_le_bytes(), &length.to_le_bytes(), body, &length.to_le_bytes()] as [&[u8]; 4] {
        output.write_all(bytes)?;
    }
    Ok(())
}
