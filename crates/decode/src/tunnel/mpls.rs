//! MPLS (RFC 3032): a stack of labels that says nowhere what is below it.
//!
//! What follows the last label is taken for IP if it looks like it, else for an Ethernet frame, behind a control word
//! (RFC 4448) if there seems to be one. Labels differ by direction and are not part of the path.

use std::fmt;

use crate::layers::Fields;
use crate::net;
use crate::walk::{Next, Stopped, Visitor, Walk};

const NAME: &str = "mpls";
const CONTROL_WORD: &str = "pseudowire";

/// One label of the stack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mpls {
    pub(crate) label: u32,
    pub(crate) class: u8,
    /// Whether it is the last one.
    pub(crate) bottom: bool,
    pub(crate) ttl: u8,
}

#[inline(never)]
pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    walk.enter_tunnel();
    loop {
        let entry = u32::from_be_bytes(*walk.view(NAME, 4, |bytes| bytes.first_chunk::<4>())?);
        let header = Mpls {
            label: entry >> 12,
            class: (entry >> 9 & 0b111) as u8,
            bottom: entry >> 8 & 1 == 1,
            ttl: entry as u8,
        };
        walk.enter(NAME, 4, |_| Fields::Mpls(header))?;
        if header.bottom {
            break;
        }
    }
    let (bytes, length) = (walk.rest(), walk.rest().len() + walk.cut() as usize);
    match bytes.first().map(|byte| byte >> 4) {
        None => Ok(Next::Payload),
        Some(4 | 6) if !is_frame(bytes, length) || is_ip(bytes, length) => Ok(Next::Ip),
        // The control word begins with four bits that are 0, and so do many addresses: the ethertypes behind tell.
        Some(0)
            if !is_frame(bytes, length)
                || is_frame(bytes.get(4..).unwrap_or_default(), length.saturating_sub(4)) =>
        {
            walk.enter(CONTROL_WORD, 4, |bytes| Fields::Bytes(bytes.len()))?;
            Ok(Next::Ethernet)
        }
        Some(1) if !is_frame(bytes, length) => Err(walk.unsupported("pseudowire channel", 1)),
        Some(_) => Ok(Next::Ethernet),
    }
}

/// Whether there is a common ethertype, or the length of a frame that fits into `length`, where Ethernet has it.
fn is_frame(bytes: &[u8], length: usize) -> bool {
    let Some(kind) = bytes.get(12..).and_then(|rest| rest.first_chunk::<2>()) else { return false };
    match u16::from_be_bytes(*kind) {
        net::IPV4 | net::IPV6 | net::ARP | 0x8100 | 0x88a8 | 0x8847 | 0x8863 | 0x8864 => true,
        inside => (3..=1500).contains(&inside) && 14 + usize::from(inside) <= length,
    }
}

/// Whether the lengths of an IP header fit into `length` bytes.
fn is_ip(bytes: &[u8], length: usize) -> bool {
    let Some([first, _, t0, t1, p0, p1]) = bytes.first_chunk::<6>() else { return false };
    match first >> 4 {
        4 => {
            let total = usize::from(u16::from_be_bytes([*t0, *t1]));
            first & 0xf >= 5 && (20..=length).contains(&total)
        }
        _ => 40 + usize::from(u16::from_be_bytes([*p0, *p1])) <= length,
    }
}

impl fmt::Display for Mpls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "label {}, class {}, ttl {}", self.label, self.class, self.ttl)?;
        if self.bottom { f.write_str(", last") } else { Ok(()) }
    }
}
