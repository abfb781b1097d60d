//! Whether a RST that egret believed was believed by the one it was sent to.
//!
//! Without this, every byte behind a RST that egret is wrong about would pass for a known fault of its peers.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

use super::ours::{Connection, Direction};

/// A packet as `egret packets --json` prints it.
#[derive(Debug, Deserialize)]
pub(super) struct Packet {
    number: u64,
    time: String,
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
    source_port: Option<u16>,
    destination_port: Option<u16>,
    tcp: Option<Tcp>,
}

#[derive(Debug, Deserialize)]
struct Tcp {
    seq: u32,
    ack: u32,
    flags: String,
    payload: u32,
}

/// One direction of a connection, and the number behind what its sender had said before the RST.
type Said<'a> = (&'a Connection, Option<u32>);

/// Looks for those that went on after their RST: somebody acknowledged what was sent behind it.
pub(super) struct Watch<'a> {
    /// All that have the addresses of one with a RST, by sender and receiver, in the order of their ids.
    said: HashMap<(SocketAddr, SocketAddr), Vec<Said<'a>>>,
    pub(super) went_on: HashSet<u64>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(connections: &'a [Connection]) -> Self {
        let reset = connections.iter().filter(|connection| connection.closed == "reset");
        let watched: HashSet<_> = reset
            .flat_map(|connection| Direction::BOTH.map(|direction| connection.ends(direction)))
            .collect();
        let mut said: HashMap<_, Vec<_>> = HashMap::new();
        for connection in connections {
            for ends in Direction::BOTH.map(|direction| connection.ends(direction)) {
                if watched.contains(&ends) {
                    said.entry(ends).or_default().push((connection, None));
                }
            }
        }
        Self { said, went_on: HashSet::new() }
    }

    pub(super) fn has_work(&self) -> bool {
        !self.said.is_empty()
    }

    /// Takes the next packet of the capture.
    pub(super) fn packet(&mut self, packet: &Packet) {
        let Packet { number, time, source: Some(source), destination: Some(destination), .. } = packet else {
            return;
        };
        let (Some(from), Some(to), Some(tcp)) = (packet.source_port, packet.destination_port, &packet.tcp)
        else {
            return;
        };
        let (from, to) = (SocketAddr::new(*source, from), SocketAddr::new(*destination, to));
        let has = |flag| tcp.flags.contains(flag);
        if has('R') {
            return;
        }
        if let Some((connection, said)) = self.current(from, to, *number)
            && *time <= connection.ended
        {
            let taken = u32::from(has('S')) + u32::from(has('F'));
            let end = tcp.seq.wrapping_add(tcp.payload).wrapping_add(taken);
            *said = said.filter(|said| !is_behind(end, *said)).or(Some(end));
        }
        if has('.')
            && !has('S')
            && let Some((connection, Some(said))) = self.current(to, from, *number)
            && connection.closed == "reset"
            && *time > connection.ended
            && is_behind(tcp.ack, *said)
        {
            let id = connection.id;
            self.went_on.insert(id);
        }
    }

    /// The connection that a packet is of: the last one that had begun.
    fn current(&mut self, from: SocketAddr, to: SocketAddr, number: u64) -> Option<&mut Said<'a>> {
        let list = self.said.get_mut(&(from, to))?;
        let index = list.iter().rposition(|(connection, _)| connection.id <= number)?;
        list.get_mut(index)
    }
}

/// Whether one sequence number is behind another in the stream, which wraps around.
fn is_behind(one: u32, other: u32) -> bool {
    (1..1 << 31).contains(&one.wrapping_sub(other))
}

#[cfg(test)]
mod tests {
    use super::super::ours::tests::connection;
    use super::*;

    const SIDE: &str =
        r#""bytes":0,"gaps":[],"retransmitted":0,"discarded":0,"conflicts":[],"anomalies":{},"sha256":"e3""#;

    fn went_on(packets: &[(u64, &str, u64, u32, u32, &str, u32)]) -> bool {
        let connections = [connection(1, "reset", SIDE)];
        let mut watch = Watch::new(&connections);
        assert!(watch.has_work());
        for (number, from, second, seq, ack, flags, payload) in packets {
            let (source, port, destination, to) = if *from == "client" {
                ("10.0.0.1", 1000, "10.0.0.2", 80)
            } else {
                ("10.0.0.2", 80, "10.0.0.1", 1000)
            };
            let text = format!(
                r#"{{"number":{number},"time":"2026-01-01T00:00:{second:02}.000000000Z","source":"{source}",
                "destination":"{destination}","source_port":{port},"destination_port":{to},
                "tcp":{{"seq":{seq},"ack":{ack},"flags":"{flags}","window":9,"payload":{payload}}}}}"#
            );
            watch.packet(&serde_json::from_str(&text).unwrap());
        }
        watch.went_on.contains(&1)
    }

    #[test]
    fn an_answer_to_what_came_behind_the_rst_shows_that_it_was_not_believed() {
        let before = [(1, "client", 1, u32::MAX, 0, "S", 0), (2, "client", 2, 0, 9, "P.", 10)];
        let with = |more: &[_]| went_on(&[&before[..], more].concat());
        assert!(!with(&[(5, "server", 6, 9, 10, ".", 0)]), "it was on its way");
        assert!(!with(&[(4, "client", 6, 10, 9, "P.", 5), (5, "server", 7, 9, 15, "R.", 0)]));
        assert!(with(&[(4, "client", 6, 10, 9, "P.", 5), (5, "server", 7, 9, 15, ".", 0)]));
    }
}
