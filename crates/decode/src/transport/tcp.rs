//! TCP (RFC 9293).
//!
//! Where the snap length cut the header's options, the fixed fields are given all the same: sequence number and
//! length of the segment are known, so a reassembler can say exactly what is missing.

use std::fmt;

use pnet_packet::tcp::TcpPacket;

use super::{TcpOptions, Transport};
use crate::layers::Fields;
use crate::walk::{Next, Stopped, Visitor, Walk};

const NAME: &str = "tcp";
const MIN_LENGTH: usize = 20;

/// The fields of a TCP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tcp<'a> {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Sequence number of the first byte (of the SYN, if there is one).
    pub seq: u32,
    /// The next sequence number the sender expects; means nothing without the ACK flag.
    pub ack: u32,
    /// The flags.
    pub flags: TcpFlags,
    /// Window, not scaled.
    pub window: u16,
    /// Checksum, as sent.
    pub checksum: u16,
    /// Urgent pointer; means nothing without the URG flag.
    pub urgent: u16,
    /// The options.
    pub options: TcpOptions<'a>,
}

#[inline]
pub(crate) fn walk<'a, V: Visitor<'a>>(walk: &mut Walk<'a, '_, V>) -> Result<Next, Stopped> {
    let view = walk.view(NAME, MIN_LENGTH as u32, TcpPacket::new)?;
    let length = usize::from(view.get_data_offset()) * 4;
    if length < MIN_LENGTH {
        return Err(walk.malformed(NAME, "the data offset is below 20 bytes"));
    }
    let segment = walk.rest();
    let missing = u32::try_from(length.saturating_sub(segment.len())).unwrap_or(u32::MAX);
    if missing > walk.cut() {
        return Err(walk.malformed(NAME, "the data offset points behind the end of the segment"));
    }
    let captured = length.min(segment.len());
    let header = Tcp {
        source_port: view.get_source(),
        destination_port: view.get_destination(),
        seq: view.get_sequence(),
        ack: view.get_acknowledgement(),
        flags: TcpFlags(view.get_flags()),
        window: view.get_window(),
        checksum: view.get_checksum(),
        urgent: view.get_urgent_ptr(),
        options: TcpOptions::new(segment.get(MIN_LENGTH..captured).unwrap_or_default()),
    };
    let stop = (missing > 0).then(|| walk.truncated(NAME, length as u32));
    walk.found_segment();
    walk.enter(NAME, captured, |_| Fields::Tcp(header))?;
    walk.ports = (header.source_port, header.destination_port);
    walk.transport = Some(Transport::Tcp(header));
    match stop {
        None => Ok(Next::Payload),
        Some(stop) => {
            walk.skip_cut(missing);
            Err(stop)
        }
    }
}

/// The TCP flags, of which [`Display`](std::fmt::Display) gives tcpdump's letters (`S.`, `P.`, `F.`, `R`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgment field means something.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer means something.
    pub const URG: u8 = 0x20;
    /// Congestion was echoed (RFC 3168).
    pub const ECE: u8 = 0x40;
    /// The congestion window was reduced (RFC 3168).
    pub const CWR: u8 = 0x80;

    /// Whether any of these flags is set.
    pub const fn has(self, flags: u8) -> bool {
        self.0 & flags != 0
    }
}

impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("none");
        }
        for (bit, letter) in ["F", "S", "R", "P", ".", "U", "E", "W"].into_iter().enumerate() {
            if self.0 >> bit & 1 == 1 {
                f.write_str(letter)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Tcp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source_port, destination_port, seq, ack, flags, window, checksum, urgent, options } = self;
        write!(f, "{source_port} > {destination_port}, flags {flags}, seq {seq}, ack {ack}")?;
        write!(f, ", window {window}, checksum {checksum:#06x}")?;
        if flags.has(TcpFlags::URG) {
            write!(f, ", urgent {urgent}")?;
        }
        if options.iter().next().is_some() {
            write!(f, ", options [{options}]")?;
        }
        Ok(())
    }
}
