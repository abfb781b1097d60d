//! A server of our own: one process that is ended by its id, on a port of the loopback interface that was free, with
//! all its files in a folder that goes when it goes.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::check::Told;

/// A running server; dropping it ends the process and removes the folder.
pub(super) struct Server {
    process: Child,
    folder: PathBuf,
    port: u16,
    version: String,
}

impl Server {
    /// Starts it, and waits until it answers.
    pub(super) fn start(mut program: Command, folder: PathBuf, port: u16, version: &str) -> Result<Self> {
        let name = program.get_program().to_string_lossy().into_owned();
        let process = program.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let process = process.with_context(|| format!("cannot start {name}"))?;
        let mut server = Self { process, folder, port, version: version.to_string() };
        for _ in 0..100 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(server);
            }
            if let Some(status) = server.process.try_wait()? {
                bail!("{name} ended before its time ({status})");
            }
            sleep(Duration::from_millis(100));
        }
        bail!("{name} does not answer on port {port} of the loopback interface")
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// As it names itself: `nginx/1.22.1`.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Where curl finds what it sends.
    pub(super) fn documents(&self) -> PathBuf {
        self.folder.join("documents")
    }

    /// What it has told of its exchanges since it was asked last, if it tells.
    pub(super) fn told(&self) -> Result<Option<Vec<Told>>> {
        let log = self.folder.join("told.log");
        let Ok(text) = fs::read_to_string(&log) else { return Ok(None) };
        fs::File::options().write(true).open(&log)?.set_len(0)?;
        // Both servers append, so that a log that was emptied goes on at its start.
        Told::read(&text).map(Some)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Each fails only when it is gone already.
        drop(self.process.kill());
        drop(self.process.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// An empty folder for the files of a server.
pub(super) fn new_folder(name: &str) -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("egret-record-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

pub(super) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}
