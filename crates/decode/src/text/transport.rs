//! TCP and UDP, with the first line of what text protocols say and DNS messages in full, in tcpdump's words.

use std::fmt::{self, Write};

use crate::dns::Message;
use crate::layers::Layer;
use crate::link::Hardware;
use crate::{Decoded, StopReason, Tcp, TcpFlags, TcpOption, TcpOptions, Udp};

pub(super) fn tcp(
    header: &Tcp<'_>,
    layer: &Layer<'_>,
    decoded: &Decoded<'_>,
    shows_text: bool,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let Tcp { seq, ack, flags, window, urgent, options, .. } = header;
    // Of a header that was cut, the stop knows how long it is.
    let header_length = match decoded.stop.map(|stop| stop.reason) {
        Some(StopReason::Truncated { needed, .. }) => needed as usize,
        _ => layer.range().len(),
    };
    let length = layer.total().saturating_sub(header_length);
    write!(f, "Flags [{flags}]")?;
    if length > 0 || flags.has(TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST) {
        write!(f, ", seq {seq}")?;
        if length > 0 {
            write!(f, ":{}", seq.wrapping_add(u32::try_from(length).unwrap_or(u32::MAX)))?;
        }
    }
    if flags.has(TcpFlags::ACK) {
        write!(f, ", ack {ack}")?;
    }
    write!(f, ", win {window}")?;
    if flags.has(TcpFlags::URG) {
        write!(f, ", urg {urgent}")?;
    }
    if options.iter().next().is_some() {
        write!(f, ", options [{}]", Options(options))?;
    }
    if decoded.stop.is_some() {
        return write!(f, " [|tcp], length {length}");
    }
    write!(f, ", length {length}")?;
    if length == 0 {
        return Ok(());
    }
    let ports = (header.source_port, header.destination_port);
    match protocol(ports) {
        // In TCP two bytes with the length are in front of each message (RFC 1035 §4.2.2).
        Some("domain") => match decoded.payload.get(2..).and_then(Message::new) {
            Some(message) => write!(f, " {message} ({})", length.saturating_sub(2)),
            None => Ok(()),
        },
        Some(name) if !shows_text => write!(f, ": {name}"),
        Some(name) => text(name, decoded.payload, f),
        None => Ok(()),
    }
}

pub(super) fn udp(header: &Udp, decoded: &Decoded<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let length = usize::from(header.length).checked_sub(8);
    let length = length.unwrap_or(decoded.payload.len() + decoded.cut as usize);
    let is = |port: u16| header.source_port == port || header.destination_port == port;
    let message = Message::new(decoded.payload);
    match message {
        Some(message) if is(53) => write!(f, "{message} ({length})"),
        Some(message) if is(5353) => write!(f, "{} ({length})", message.multicast()),
        _ if is(67) || is(68) => dynamic_configuration(decoded.payload, length, f),
        _ if is(123) => time(decoded.payload, length, f),
        _ => write!(f, "UDP, length {length}"),
    }
}

/// DHCP, as far as tcpdump tells without `-v`: who asks.
fn dynamic_configuration(payload: &[u8], length: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let address = payload.get(28..).and_then(|rest| rest.first_chunk::<6>());
    match (payload, address) {
        ([1, 1, 6, ..], Some(address)) => {
            write!(f, "BOOTP/DHCP, Request from {}, length {length}", Hardware(address))
        }
        ([1, ..], _) => write!(f, "BOOTP/DHCP, Request, length {length}"),
        ([2, ..], _) => write!(f, "BOOTP/DHCP, Reply, length {length}"),
        _ => write!(f, "UDP, length {length}"),
    }
}

/// NTP: its version and who speaks.
fn time(payload: &[u8], length: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(first) = payload.first() else { return write!(f, "UDP, length {length}") };
    let modes = [
        "unspecified",
        "symmetric active",
        "symmetric passive",
        "Client",
        "Server",
        "Broadcast",
        "Control Message",
        "Reserved",
    ];
    let mode = modes.get(usize::from(first & 0b111)).copied().unwrap_or_default();
    write!(f, "NTPv{}, {mode}, length {length}", first >> 3 & 0b111)
}

/// What the ports mean, of the protocols whose first line is shown.
fn protocol((source, destination): (u16, u16)) -> Option<&'static str> {
    let by_port = |port: u16| {
        Some(match port {
            21 => "FTP",
            25 => "SMTP",
            53 => "domain",
            80 | 8080 => "HTTP",
            554 | 8554 => "RTSP",
            _ => return None,
        })
    };
    by_port(source).or_else(|| by_port(destination))
}

/// Methods that begin a request.
const METHODS: [&[u8]; 21] = [
    b"GET",
    b"PUT",
    b"HEAD",
    b"POST",
    b"DELETE",
    b"CONNECT",
    b"OPTIONS",
    b"TRACE",
    b"COPY",
    b"LOCK",
    b"MOVE",
    b"MKCOL",
    b"LABEL",
    b"MERGE",
    b"SEARCH",
    b"UNLOCK",
    b"REPORT",
    b"NOTIFY",
    b"PROPFIND",
    b"SUBSCRIBE",
    b"PROPPATCH",
];

/// The name of a text protocol, and the first line if it is one.
fn text(name: &str, payload: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, ": {name}")?;
    if payload.is_empty() {
        return write!(f, " [|{}]", name.to_ascii_lowercase());
    }
    let end = payload.iter().position(|byte| byte.is_ascii_whitespace());
    let word = end.and_then(|end| payload.get(..end));
    let opens = match (name, word) {
        ("HTTP" | "RTSP", Some(word)) => {
            METHODS.iter().any(|method| word.eq_ignore_ascii_case(method)) || is_response(payload)
        }
        ("HTTP" | "RTSP", None) => false,
        _ => true,
    };
    let line = payload.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let ends = line.len() < payload.len();
    let line = match line.strip_suffix(b"\r") {
        Some(line) if ends => line,
        _ => line,
    };
    let printable = |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t');
    if !opens || !line.iter().all(printable) {
        return Ok(());
    }
    f.write_str(": ")?;
    line.iter().try_for_each(|byte| f.write_char(char::from(*byte)))?;
    if ends { Ok(()) } else { write!(f, " [|{}]", name.to_ascii_lowercase()) }
}

/// Whether the second word is a number of three digits.
fn is_response(payload: &[u8]) -> bool {
    let mut words = payload.splitn(3, |byte| byte.is_ascii_whitespace());
    words.nth(1).is_some_and(|code| code.len() == 3 && code.iter().all(u8::is_ascii_digit))
}

/// TCP options in tcpdump's words.
struct Options<'a>(&'a TcpOptions<'a>);

impl fmt::Display for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, option) in self.0.iter().enumerate() {
            f.write_str(if index > 0 { "," } else { "" })?;
            match option {
                TcpOption::SackPermitted => f.write_str("sackOK")?,
                TcpOption::Timestamps { value, echo } => write!(f, "TS val {value} ecr {echo}")?,
                TcpOption::Sack(blocks) => {
                    write!(f, "sack {} ", blocks.into_iter().count())?;
                    blocks.into_iter().try_for_each(|(start, end)| write!(f, "{{{start}:{end}}}"))?;
                }
                TcpOption::Unknown { kind: 34, data } if !data.is_empty() => {
                    f.write_str("tfo  cookie ")?;
                    data.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                }
                TcpOption::Unknown { kind: 34, .. } => f.write_str("tfo  cookiereq")?,
                TcpOption::Unknown { kind, data } => {
                    write!(f, "unknown-{kind}")?;
                    f.write_str(if data.is_empty() { "" } else { " 0x" })?;
                    data.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                }
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}
