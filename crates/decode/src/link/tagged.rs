//! Ethernet as the chips of a switch hand it to their processor, with a tag that says which port it came from; and FDDI.

use std::fmt;

use super::{Hardware, llc};
use crate::layers::Fields;
use crate::walk::{Next, Stopped, Visitor, Walk};

const FDDI: &str = "fddi";

/// The fields of an Ethernet header with a switch's tag in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tagged {
    pub(crate) destination: [u8; 6],
    pub(crate) source: [u8; 6],
    pub(crate) ethertype: u16,
    /// Of FDDI: the frame control.
    pub(crate) control: Option<u8>,
}

/// Addresses, a tag of `tag` bytes, an ethertype.
#[inline(never)]
pub(crate) fn walk<'a, V: Visitor<'a>>(
    walk: &mut Walk<'a, '_, V>,
    name: &'static str,
    tag: usize,
) -> Result<Next, Stopped> {
    let length = 12 + tag + 2;
    let bytes = walk.view(name, length as u32, |bytes| bytes.get(..length))?;
    let (destination, source) = addresses(bytes);
    let ethertype = bytes.last_chunk::<2>().map_or(0, |bytes| u16::from_be_bytes(*bytes));
    walk.enter(name, length, |_| Fields::Tagged(Tagged { destination, source, ethertype, control: None }))?;
    Ok(Next::EtherType(ethertype))
}

/// A tag of four bytes in front of the frame.
pub(crate) fn walk_in_front<'a, V: Visitor<'a>>(
    walk: &mut Walk<'a, '_, V>,
    name: &'static str,
) -> Result<Next, Stopped> {
    walk.enter(name, 4, |_| Fields::Bytes(4))?;
    Ok(Next::Ethernet)
}

/// One byte of control in front of the addresses; frames with data in them go on with LLC.
pub(crate) fn walk_fddi<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let bytes = walk.view(FDDI, 13, |bytes| bytes.first_chunk::<13>())?;
    let [control, addressed @ ..] = bytes;
    let (destination, source) = addresses(addressed);
    let is_llc = control & 0xf0 == 0x50;
    let header = Tagged { destination, source, ethertype: 0, control: Some(*control) };
    walk.enter(FDDI, 13, |_| Fields::Tagged(header))?;
    if is_llc { llc::walk(walk) } else { Err(walk.unsupported("fddi frame", (*control).into())) }
}

/// Destination and source at the front of a frame.
fn addresses(bytes: &[u8]) -> ([u8; 6], [u8; 6]) {
    let destination = bytes.first_chunk().copied().unwrap_or_default();
    let source = bytes.get(6..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
    (destination, source)
}

impl fmt::Display for Tagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} > {}", Hardware(&self.source), Hardware(&self.destination))?;
        if self.ethertype == 0 { Ok(()) } else { write!(f, ", type {:#06x}", self.ethertype) }
    }
}
