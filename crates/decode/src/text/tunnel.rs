//! The headers of tunnels, in front of the packet inside.

use std::fmt::{self, Write};

use crate::layers::{Fields, Layer};
use crate::text::link::EtherType;

/// Writes the header of a tunnel; `stacked` when the one in front of it was of the same kind. Says whether a brace was opened.
pub(super) fn header(
    fields: &Fields<'_>,
    layer: &Layer<'_>,
    stacked: bool,
    link_header: bool,
    f: &mut fmt::Formatter<'_>,
) -> Result<bool, fmt::Error> {
    let length = layer.total();
    match fields {
        Fields::Gre(header) => {
            write!(f, "GREv{}", header.version())?;
            match (header.version(), header.key) {
                (1, Some(key)) => write!(f, ", call {}", key & 0xffff)?,
                (_, Some(key)) => write!(f, ", key={key:#x}")?,
                (_, None) => {}
            }
            if let Some(sequence) = header.sequence {
                write!(f, ", seq {sequence}")?;
            }
            if let Some(acknowledgment) = header.acknowledgment {
                write!(f, ", ack {acknowledgment}")?;
            }
            if header.has_checksum() {
                f.write_str(", off 0x0")?;
            }
            if link_header {
                write!(f, ", proto {}", EtherType(header.protocol))?;
            }
            write!(f, ", length {length}: ")?;
        }
        Fields::Mpls(header) => {
            let bottom = if header.bottom { ", [S]" } else { "" };
            // Labels of one stack stand behind each other.
            f.write_str(if stacked { "" } else { "MPLS" })?;
            write!(f, " (label {}, tc {}{bottom}, ttl {})", header.label, header.class, header.ttl)?;
            f.write_str(if header.bottom { " " } else { "" })?;
        }
        Fields::Pppoe(header) if header.code == 0 => write!(f, "PPPoE  [ses {:#x}] ", header.session)?,
        Fields::Pppoe(header) => {
            f.write_str("PPPoE ")?;
            match header.code {
                0x09 => f.write_str("PADI")?,
                0x07 => f.write_str("PADO")?,
                0x19 => f.write_str("PADR")?,
                0x65 => f.write_str("PADS")?,
                0xa7 => f.write_str("PADT")?,
                other => write!(f, "PAD-{other:X}")?,
            }
            if header.session != 0 {
                write!(f, " [ses {:#x}]", header.session)?;
            }
            f.write_str(" ")?;
        }
        Fields::Vxlan(header) => {
            let flag = if header.flags & 0x08 != 0 { "I" } else { "." };
            write!(f, "VXLAN, flags [{flag}] ({:#04x}), vni {}: ", header.flags, header.vni)?;
        }
        Fields::Geneve(header) => {
            f.write_str("Geneve, Flags [")?;
            f.write_str(match header.flags >> 6 {
                0b10 => "O",
                0b01 => "C",
                0b11 => "OC",
                _ => "none",
            })?;
            write!(f, "], vni {:#x}", header.vni)?;
            if link_header {
                write!(f, ", proto {}", EtherType(header.protocol))?;
            }
            if header.options_length > 0 {
                write!(f, ", options [{} bytes]", header.options_length)?;
            }
            f.write_str(": ")?;
        }
        Fields::Gtp(header) => write!(f, "GTP-U, teid {:#x}: ", header.endpoint)?,
        Fields::Origin(origin) => write!(f, "Teredo, origin {origin}: ")?,
        Fields::L2tp(header) => {
            f.write_str(" l2tp:[")?;
            header.letters().try_for_each(|letter| f.write_char(letter))?;
            write!(f, "]({}/{}) {{", header.tunnel, header.session)?;
            return Ok(true);
        }
        Fields::Erspan(header) => {
            write!(
                f,
                "ERSPAN, version {}, vlan {}, session {}: ",
                header.version, header.vlan, header.session
            )?;
        }
        Fields::Backbone(header) => write!(f, "I-SID {}, p {}: ", header.service, header.priority)?,
        Fields::Vntag(header) => write!(f, "VN-tag {header}: ")?,
        Fields::Security(header) => match header.next {
            Some(_) => write!(f, "AH(spi={:#010x},seq={:#x}): ", header.index, header.sequence)?,
            None => write!(f, "ESP(spi={:#010x},seq={:#x}), length {length}", header.index, header.sequence)?,
        },
        _ => {}
    }
    Ok(false)
}
