//! What tcpflow writes: a file for each direction of each connection, named after its addresses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context, Result};

use super::account::{self, Heard, LOOKED_AT, Scratch};
use super::{first_complaint, quietly};
use crate::shell::Program;

pub(super) fn accounts(capture: &Path, scratch: &Scratch) -> Result<Heard> {
    let folder = scratch.path("tcpflow");
    // It writes wherever a sequence number points, so a file is bounded by its length, not by what was captured.
    let program = Program::new("tcpflow", "-q -S enable_report=NO -b").arg((LOOKED_AT + 1).to_string());
    let program = program.arg("-o").arg(&folder).arg("-r").arg(capture);
    let status = quietly(program, scratch)?.lines(&mut |_| Ok(()))?;
    let said = std::fs::read_to_string(scratch.path("complaints")).unwrap_or_default();
    let complaint = if status.success() { None } else { first_complaint(&said).or(Some(status.to_string())) };
    let mut found = Vec::new();
    if folder.is_dir() {
        for entry in folder.read_dir().context("cannot list what tcpflow wrote")? {
            let path = entry.context("cannot list what tcpflow wrote")?.path();
            if let Some(name) = path.file_name().and_then(|name| name.to_str()).and_then(Name::read) {
                found.push((name, path));
            }
        }
    }
    found.sort_by_key(|(name, _)| (name.from, name.to, name.count));
    let account = |(name, path): (Name, std::path::PathBuf)| {
        let label = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        account::of_file(path, name.from, name.to, label)
    };
    Ok(Heard { accounts: found.into_iter().map(account).collect::<Result<_>>()?, complaint })
}

/// `010.000.000.001.51234-010.000.000.002.00080--7c2`: from, to, the VLAN, and which connection between the two.
#[derive(Debug, PartialEq, Eq)]
struct Name {
    from: SocketAddr,
    to: SocketAddr,
    count: u32,
}

impl Name {
    fn read(name: &str) -> Option<Self> {
        let (from, rest) = name.split_once('-')?;
        let (host, rest) = rest.rsplit_once('.')?;
        let (port, rest) = rest.split_at_checked(5)?;
        let count = match rest.rsplit_once('c') {
            Some((_, count)) => count.parse().ok()?,
            None => 0,
        };
        let (from_host, from_port) = from.rsplit_once('.')?;
        let end = |host: &str, port: &str| Some(SocketAddr::new(address(host)?, port.parse().ok()?));
        Some(Self { from: end(from_host, from_port)?, to: end(host, port)?, count })
    }
}

/// IPv4 addresses are written with leading zeros, which nobody else reads.
fn address(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        return text.parse().ok();
    }
    let parts: Vec<u8> = text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    <[u8; 4]>::try_from(parts).ok().map(|octets| IpAddr::V4(Ipv4Addr::from(octets)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_files_are_read() {
        let name =
            |text| Name::read(text).map(|name| (name.from.to_string(), name.to.to_string(), name.count));
        let expected = |from: &str, to: &str, count| Some((from.to_owned(), to.to_owned(), count));
        assert_eq!(
            name("010.000.000.001.51234-010.000.000.002.00080"),
            expected("10.0.0.1:51234", "10.0.0.2:80", 0)
        );
        assert_eq!(
            name("010.000.000.001.51234-010.000.000.002.00080--7c2"),
            expected("10.0.0.1:51234", "10.0.0.2:80", 2)
        );
        assert_eq!(
            name("2001:db8:1::1.00080-2001:db8:1::2.36951"),
            expected("[2001:db8:1::1]:80", "[2001:db8:1::2]:36951", 0)
        );
        assert_eq!(name("report.xml"), None);
        assert_eq!(name("010.000.000.001.51234-010.000.000.300.00080"), None);
    }
}
