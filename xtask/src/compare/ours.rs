//! What egret says: `egret streams --json --digest` for all connections, `egret follow` for the bytes of one side, and
//! `egret packets --json` for what happened after a RST.

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::account::{self, Scratch};
use super::resets::Watch;
use super::{first_complaint, quietly};
use crate::shell::Program;
use crate::{setup, workspace};

/// Connections beyond this many are not compared; the report says so.
const MOST: usize = 10_000;

/// A connection as `egret streams --json` prints it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Connection {
    pub(super) id: u64,
    client: Endpoint,
    server: Endpoint,
    #[serde(default)]
    pub(super) path: Vec<String>,
    pub(super) opened: String,
    pub(super) closed: String,
    pub(super) ended: String,
    client_to_server: Side,
    server_to_client: Side,
}

#[derive(Debug, Clone, Deserialize)]
struct Endpoint {
    ip: IpAddr,
    port: u16,
}

/// One direction of it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Side {
    pub(super) bytes: u64,
    pub(super) gaps: Vec<(u64, u64, String)>,
    pub(super) retransmitted: u64,
    pub(super) discarded: u64,
    pub(super) conflicts: Vec<(u64, u64, u64, u64)>,
    pub(super) anomalies: BTreeMap<String, u64>,
    pub(super) sha256: String,
}

impl Side {
    /// How many anomalies of this name there were.
    pub(super) fn count(&self, anomaly: &str) -> u64 {
        self.anomalies.get(anomaly).copied().unwrap_or(0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Direction {
    ClientToServer,
    ServerToClient,
}

impl Direction {
    pub(super) const BOTH: [Self; 2] = [Self::ClientToServer, Self::ServerToClient];

    /// The option of `egret follow`.
    pub(super) const fn option(self) -> &'static str {
        match self {
            Self::ClientToServer => "--client",
            Self::ServerToClient => "--server",
        }
    }
}

impl Connection {
    pub(super) fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::ClientToServer => &self.client_to_server,
            Direction::ServerToClient => &self.server_to_client,
        }
    }

    /// Who sends and who receives.
    pub(super) fn ends(&self, direction: Direction) -> (SocketAddr, SocketAddr) {
        let [client, server] = [&self.client, &self.server].map(|end| SocketAddr::new(end.ip, end.port));
        match direction {
            Direction::ClientToServer => (client, server),
            Direction::ServerToClient => (server, client),
        }
    }
}

/// All connections of a capture, in the order of their ids.
pub(super) struct Ours {
    pub(super) connections: Vec<Connection>,
    pub(super) complaint: Option<String>,
    /// Those that were not over where egret believed a RST: somebody acknowledged what was sent after it.
    pub(super) went_on: HashSet<u64>,
}

/// The command, and what it is run on.
pub(super) struct Egret<'a> {
    pub(super) program: &'a Path,
    pub(super) capture: &'a Path,
    pub(super) scratch: &'a Scratch,
}

/// Builds the command, once for all captures.
pub(super) fn build() -> Result<PathBuf> {
    let mut build = Program::cargo("build --quiet --package egret");
    if setup::libpcap().is_err() {
        build = build.arg("--no-default-features");
    }
    build.run()?;
    workspace::built("egret")
}

impl Egret<'_> {
    fn run(&self, arguments: &str) -> Result<Program> {
        quietly(Program::new(self.program, arguments).arg("-r").arg(self.capture), self.scratch)
    }

    /// What egret said, if it did not read the capture to its end; an error if it broke.
    fn complaint(&self, status: ExitStatus) -> Result<Option<String>> {
        let said = std::fs::read_to_string(self.scratch.path("complaints")).unwrap_or_default();
        match status.code() {
            Some(0) => Ok(None),
            Some(1) => Ok(first_complaint(&said)),
            _ => bail!("egret broke ({status}): {said}"),
        }
    }

    pub(super) fn connections(&self) -> Result<Ours> {
        let mut connections = Vec::new();
        let mut left_out = 0;
        let status = self.run("streams --json --digest --quiet")?.lines(&mut |line| {
            if connections.len() < MOST {
                connections.push(serde_json::from_slice::<Connection>(line).context("cannot read egret")?);
            } else {
                left_out += 1;
            }
            Ok(())
        })?;
        let mut complaint = self.complaint(status)?;
        if left_out > 0 {
            complaint = Some(format!("{left_out} more connections, which are not compared"));
        }
        connections.sort_by_key(|connection| connection.id);
        let went_on = self.went_on(&connections)?;
        Ok(Ours { connections, complaint, went_on })
    }

    /// The bytes of one side, if they are few enough to be looked at.
    pub(super) fn bytes(&self, id: u64, direction: Direction, overlap: &str) -> Result<Option<Vec<u8>>> {
        let name = "followed";
        let arguments = format!("follow {id} --raw {} --quiet --overlap {overlap}", direction.option());
        let status = self.run(&arguments)?.output_to(self.scratch.create(name)?)?;
        self.complaint(status)?;
        account::load(&self.scratch.path(name))
    }

    fn went_on(&self, connections: &[Connection]) -> Result<HashSet<u64>> {
        let mut watch = Watch::new(connections);
        if watch.has_work() {
            self.run("packets --json --quiet")?.lines(&mut |line| {
                watch.packet(&serde_json::from_slice(line).context("cannot read egret")?);
                Ok(())
            })?;
        }
        Ok(watch.went_on)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A connection from 10.0.0.1:1000 to 10.0.0.2:80 of which this side said so many bytes.
    pub(in crate::compare) fn connection(id: u64, closed: &str, side: &str) -> Connection {
        let other = r#"{"bytes":0,"gaps":[],"retransmitted":0,"discarded":0,"conflicts":[],"anomalies":{},"sha256":"e3"}"#;
        let text = format!(
            r#"{{"id":{id},"client":{{"ip":"10.0.0.1","port":1000}},"server":{{"ip":"10.0.0.2","port":80}},
            "opened":"handshake","closed":"{closed}","ended":"2026-01-01T00:00:05.000000000Z","new":1,
            "client_to_server":{{{side}}},"server_to_client":{other}}}"#
        );
        serde_json::from_str(&text).expect("it is as egret prints it")
    }

    #[test]
    fn a_connection_is_read() {
        let connection = connection(
            7,
            "reset",
            r#""packets":3,"bytes":5,"missing":2,"gaps":[[3,2,"acknowledged"]],"retransmitted":0,"discarded":1,
            "conflicts":[[0,1,4,5]],"anomalies":{"urgent":1},"sha256":"00""#,
        );
        let side = connection.side(Direction::ClientToServer);
        assert_eq!((side.bytes, side.count("urgent"), side.count("late")), (5, 1, 0));
        assert_eq!(side.gaps, [(3, 2, "acknowledged".to_owned())]);
        let (from, to) = connection.ends(Direction::ServerToClient);
        assert_eq!((from.to_string(), to.to_string()), ("10.0.0.2:80".into(), "10.0.0.1:1000".into()));
        assert!(connection.path.is_empty());
    }
}
