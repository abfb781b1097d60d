//! Everything that can go wrong: what it was, where it was, and what to do about it.
//!
//! Promises: each message is one line that names the file or device, the byte where that makes sense, and a way
//! out. Refuses: to hide the operating system's or libpcap's own words; they are part of the message.

use std::fmt;
use std::io;

use crate::LinkType;

/// Why packets could not be read or written.
///
/// An error ends the capture it came from: the next call of [`Capture::next_packet`](crate::Capture::next_packet)
/// returns `Ok(None)`. Every packet before the damage has been delivered by then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be opened.
    #[error("{name}: {source}; check the path and its permissions")]
    Open {
        /// The file.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A directory was given for a file.
    #[error("{name}: this is a directory; name one capture file in it")]
    Directory {
        /// The directory.
        name: String,
    },
    /// There is not one byte to read.
    #[error("{name}: the file is empty; nothing was captured into it, or writing it failed")]
    Empty {
        /// The file.
        name: String,
    },
    /// The first bytes are those of no format this crate reads.
    #[error("{name}: not a capture: it begins with {first}; {advice}")]
    NotACapture {
        /// The file.
        name: String,
        /// The first bytes, as hexadecimal and text.
        first: String,
        /// What the bytes look like and what can be read.
        advice: &'static str,
    },
    /// A capture of a known family in a version this crate does not know.
    #[error(
        "{name}: {at}: {format} version {major}.{minor} is not known; convert the file with editcap or tcpdump"
    )]
    UnsupportedVersion {
        /// The file.
        name: String,
        /// Where the header is.
        at: Position,
        /// `pcap` or `pcapng`.
        format: &'static str,
        /// The major version found.
        major: u16,
        /// The minor version found.
        minor: u16,
    },
    /// The file ends in the middle of a record.
    #[error(
        "{name}: {at}: the file ends in the middle of this record ({had} bytes of at least {needed}); \
         all packets before it were read"
    )]
    Truncated {
        /// The file.
        name: String,
        /// Where the record that is cut begins.
        at: Position,
        /// How many bytes of it are there.
        had: u64,
        /// How many bytes it needs, as far as the bytes that are there tell.
        needed: u64,
    },
    /// A record that cannot be right.
    #[error("{name}: {at}: {fault}; all packets before it were read, what follows cannot be trusted")]
    BadRecord {
        /// The file.
        name: String,
        /// Where the record begins.
        at: Position,
        /// What is wrong with it.
        fault: Fault,
    },
    /// Reading failed, or the compressed data is damaged.
    #[error("{name}: {at}: reading failed: {source}; all packets before it were read")]
    Read {
        /// The file.
        name: String,
        /// Where the unreadable data begins.
        at: Position,
        /// What the operating system or the decompressor said.
        source: io::Error,
    },
    /// The pipe that stops a blocked read cannot be made, or waiting on it failed.
    #[error("{name}: cannot wait for input: {source}; too many open files is the usual reason")]
    Wait {
        /// The file or device.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// Writing failed.
    #[error("{name}: writing failed: {source}; what was written before is incomplete")]
    Write {
        /// The file.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A classic pcap file has room for one link type only.
    #[error(
        "{name}: a .pcap file holds one link type, {first}, but this packet is {second}; \
         give the file a name that ends in .pcapng"
    )]
    SecondLinkType {
        /// The file.
        name: String,
        /// The link type of the packets written so far.
        first: LinkType,
        /// The link type of the packet refused.
        second: LinkType,
    },
    /// A packet that no capture file can hold.
    #[error("{name}: a packet of {length} bytes is too long; a record holds at most {limit}")]
    PacketTooLong {
        /// The file.
        name: String,
        /// The packet's length in bytes.
        length: usize,
        /// The longest that can be read back.
        limit: usize,
    },
    /// A compressed file was to be read as it grows.
    #[error(
        "{name}: a compressed file cannot be read as it grows; read it without --tail when it is complete"
    )]
    CompressedTail {
        /// The file.
        name: String,
    },
    /// The file's name asks for a compression that is not written.
    #[error("{name}: captures are written uncompressed; drop the .gz and compress the file afterwards")]
    CompressedName {
        /// The file.
        name: String,
    },
    /// The name of a series of files has something behind a `%` that is not known.
    #[error(
        "{name}: '{conversion}' is no part of a time: there are %Y %y %m %d %j %H %M %S %s %F %T, and %% for a %"
    )]
    FileName {
        /// The name.
        name: String,
        /// The percent sign and what is behind it.
        conversion: String,
    },
    /// No interface has this name.
    #[error("{interface}: no such interface; there are: {}", list(available))]
    NoSuchInterface {
        /// The name that was asked for.
        interface: String,
        /// The names there are.
        available: Vec<String>,
    },
    /// This user may not capture.
    #[error(
        "{interface}: no permission to capture ({message}); run it with sudo, or allow the program once with: \
         sudo setcap cap_net_raw,cap_net_admin=eip {program}"
    )]
    NotPermitted {
        /// The interface.
        interface: String,
        /// What libpcap said.
        message: String,
        /// The path of the running program.
        program: String,
    },
    /// Privileges cannot be given up.
    #[error("cannot become the user '{user}': {message}; only root can become another user")]
    Privileges {
        /// The user, as given.
        user: String,
        /// What is wrong.
        message: String,
    },
    /// Capturing failed for another reason: the interface is down, or it vanished.
    #[error("{interface}: capturing failed: {message}; see that the interface exists and is up (ip link)")]
    Live {
        /// The interface.
        interface: String,
        /// What libpcap said.
        message: String,
    },
    /// The filter expression is wrong, or means nothing for this link type.
    #[error("filter '{expression}': {message}{} (for {link_type}); see pcap-filter(7)", column(*position))]
    Filter {
        /// The expression.
        expression: String,
        /// What libpcap said.
        message: String,
        /// Where in the expression the trouble is, in characters from 0, where that can be told.
        position: Option<usize>,
        /// The link type it was compiled for.
        link_type: LinkType,
    },
}

/// A place in a capture file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Bytes from the start of the data.
    pub offset: u64,
    /// The data was compressed: the offset counts what came out of the decompressor.
    pub uncompressed: bool,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}{}", self.offset, if self.uncompressed { " of the uncompressed data" } else { "" })
    }
}

/// What is wrong with a record of a capture file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A length above the limit.
    #[error("a record claims {length} bytes, {limit} is the most that is believed")]
    TooLong {
        /// The length claimed.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// A pcapng block with an impossible length.
    #[error("a block of type {kind:#x} claims {length} bytes, too few or not a multiple of 4")]
    BlockLength {
        /// The block type.
        kind: u32,
        /// The length claimed.
        length: u32,
    },
    /// The two lengths that enclose a pcapng block differ.
    #[error("a block begins with the length {first} and ends with the length {last}")]
    LengthsDiffer {
        /// The length before the block's body.
        first: u32,
        /// The length after it.
        last: u32,
    },
    /// A section header without the byte-order magic, or one that does not parse.
    #[error("a section header that is not one")]
    SectionHeader,
    /// An interface description that does not parse.
    #[error("an interface description that is not one")]
    InterfaceDescription,
    /// A packet from an interface that this section has not described.
    #[error("a packet of interface {interface}, but this section describes only {known}")]
    UnknownInterface {
        /// The interface named.
        interface: u32,
        /// How many the section has described so far.
        known: u32,
    },
    /// A packet that is longer than the block it is in.
    #[error("a packet of {length} bytes in a block with room for {room}")]
    PacketBeyondBlock {
        /// The packet's captured length.
        length: u32,
        /// The room for it.
        room: u32,
    },
    /// More interfaces than any machine has: the table would grow with the file.
    #[error("more than {limit} interfaces are described")]
    TooManyInterfaces {
        /// The limit.
        limit: u32,
    },
}

/// The names of a list, or a word for its being empty.
fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// ` at character N`, counted as people do, from 1.
fn column(position: Option<usize>) -> String {
    position.map(|at| format!(" at character {}", at.saturating_add(1))).unwrap_or_default()
}
