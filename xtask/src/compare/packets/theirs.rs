//! What `tshark -T fields` says of each packet.
//!
//! A field of a protocol has a value for each header of it on the way. The list of protocols tells which of them is the
//! innermost, and which are only quoted by an ICMP message.

use std::net::IpAddr;
use std::path::Path;

use anyhow::{Result, bail};

use super::{Seen, Transport};
use crate::compare::account::Scratch;
use crate::compare::{first_complaint, quietly};
use crate::shell::Program;

const FIELDS: [&str; 16] = [
    "frame.protocols",
    "frame.time_epoch",
    "frame.len",
    "frame.cap_len",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "tcp.srcport",
    "tcp.dstport",
    "udp.srcport",
    "udp.dstport",
    "tcp.seq_raw",
    "tcp.flags",
    "tcp.len",
    "frame.number",
];

/// Each packet for itself: no stream is put together, no datagram, no relative number.
const OPTIONS: [&str; 5] = [
    "ip.defragment:FALSE",
    "ipv6.defragment:FALSE",
    "tcp.desegment_tcp_streams:FALSE",
    "tcp.analyze_sequence_numbers:FALSE",
    "tcp.relative_sequence_numbers:FALSE",
];

/// A frame.
#[derive(Debug)]
pub(super) struct Theirs {
    pub(super) seen: Seen,
    pub(super) protocols: String,
}

impl Theirs {
    /// Whether this is a block that is no packet: it has neither time nor link layer.
    pub(super) fn is_block(&self) -> bool {
        self.seen.time.is_none() && self.protocols == "data"
    }

    /// Whether something behind the network layer was found.
    pub(super) fn has_transport(&self) -> bool {
        let mut protocols = self.protocols.split(':');
        protocols.any(|protocol| matches!(protocol, "tcp" | "udp" | "icmp" | "icmpv6" | "gre"))
    }
}

/// All frames, and what tshark complained of.
pub(super) fn frames(capture: &Path, scratch: &Scratch) -> Result<(Vec<Theirs>, Option<String>)> {
    let mut program = Program::new("tshark", "-n -T fields -E occurrence=a -E separator=/t -E aggregator=,");
    for option in OPTIONS {
        program = program.words("-o").arg(option);
    }
    for field in FIELDS {
        program = program.words("-e").arg(field);
    }
    let mut frames = Vec::new();
    let status = quietly(program.arg("-r").arg(capture), scratch)?.lines(&mut |line| {
        frames.push(frame(&String::from_utf8_lossy(line)));
        Ok(())
    })?;
    if status.code().is_none() {
        bail!("tshark broke ({status})");
    }
    let said = std::fs::read_to_string(scratch.path("complaints")).unwrap_or_default();
    Ok((frames, first_complaint(&said)))
}

fn frame(line: &str) -> Theirs {
    let fields: Vec<Vec<&str>> =
        line.split('\t').map(|field| field.split(',').filter(|value| !value.is_empty()).collect()).collect();
    let value = |field: usize, index: usize| fields.get(field).and_then(|values| values.get(index)).copied();
    let address = |field, index| value(field, index).and_then(|text| text.parse::<IpAddr>().ok());
    let number = |field, index| {
        let text = value(field, index)?;
        match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        }
    };
    let port = |field, index| number(field, index).and_then(|port| u16::try_from(port).ok());
    let protocols = value(0, 0).unwrap_or_default().to_owned();
    let mut seen = Seen {
        time: value(1, 0).and_then(nanos),
        length: number(2, 0).unwrap_or_default(),
        captured: number(3, 0).unwrap_or_default(),
        ..Seen::default()
    };
    // How many of each there were so far.
    let (mut ipv4, mut ipv6, mut tcp, mut udp) = (0, 0, 0, 0);
    for protocol in protocols.split(':') {
        match protocol {
            "ip" => {
                (seen.addresses, seen.transport) = (address(4, ipv4).zip(address(5, ipv4)), None);
                ipv4 += 1;
            }
            "ipv6" => {
                (seen.addresses, seen.transport) = (address(6, ipv6).zip(address(7, ipv6)), None);
                ipv6 += 1;
            }
            "tcp" => {
                let ports = port(8, tcp).zip(port(9, tcp));
                let numbers = number(12, tcp).zip(number(13, tcp)).zip(number(14, tcp));
                seen.transport = ports.zip(numbers).map(|(ports, ((seq, flags), payload))| Transport::Tcp {
                    ports,
                    seq: seq as u32,
                    // Beyond these there are only the reserved ones, and the one of accurate ECN.
                    flags: flags as u8,
                    payload,
                });
                tcp += 1;
            }
            "udp" => {
                seen.transport = port(10, udp).zip(port(11, udp)).map(|ports| Transport::Udp { ports });
                udp += 1;
            }
            // What follows is quoted.
            "icmp" | "icmpv6" => break,
            _ => {}
        }
    }
    Theirs { seen, protocols }
}

/// Seconds with a fraction, which is counted in nanoseconds and may be more than a second.
fn nanos(text: &str) -> Option<i128> {
    let (seconds, fraction) = text.split_once('.')?;
    let before = seconds.starts_with('-');
    let (seconds, fraction) = (seconds.parse::<i128>().ok()? * 1_000_000_000, fraction.parse::<i128>().ok()?);
    Some(if before { seconds - fraction } else { seconds + fraction })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_headers_count_and_quoted_ones_do_not() {
        let line = "eth:ethertype:ip:gre:ip:tcp\t1.500000000\t60\t58\t1.1.1.1,10.0.0.1\t2.2.2.2,10.0.0.2\t\t\t5\t80\t\t\t\
            7\t0x0012\t0\t1";
        let Theirs { seen, .. } = frame(line);
        assert_eq!(seen.addresses, Some(("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap())));
        let tcp = Transport::Tcp { ports: (5, 80), seq: 7, flags: 0x12, payload: 0 };
        assert_eq!((seen.transport, seen.time), (Some(tcp), Some(1_500_000_000)));
        let quoted = "eth:ethertype:ip:icmp:ip:udp\t1.1000000000\t60\t60\t1.1.1.1,10.0.0.1\t2.2.2.2,10.0.0.2\t\t\t\t\t7\t8\t\t\t\t2";
        let Theirs { seen, .. } = frame(quoted);
        assert_eq!(seen.addresses, Some(("1.1.1.1".parse().unwrap(), "2.2.2.2".parse().unwrap())));
        assert_eq!((seen.transport, seen.time), (None, Some(2_000_000_000)));
        assert!(frame("data\t\t24\t24\t").is_block());
    }
}
