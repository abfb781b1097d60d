//! Servers and clients in Python and JavaScript, whose sources are in `programs/`. Node needs nothing but itself; what
//! Python needs is installed in an environment beside what cargo builds.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::check::Told;
use super::server::{Server, free_port, new_folder};
use crate::shell::Program;
use crate::workspace;

/// What the Python programs import, in the versions that they were written with.
const PACKAGES: &str = "aiohttp==3.14.5 httpx==0.28.1 requests==2.34.2 brotli==1.2.1 zstandard==0.25.0";

/// One of the two languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Python,
    Node,
}

impl Language {
    /// The interpreter, and one of the programs.
    fn program(self, name: &str) -> Result<(PathBuf, PathBuf)> {
        let (interpreter, end) = match self {
            Self::Python => (environment()?.join("bin/python"), "py"),
            Self::Node => ("node".into(), "js"),
        };
        Ok((interpreter, workspace::root().join("xtask/src/record/programs").join(name).with_extension(end)))
    }

    /// Starts the server in this language.
    pub(super) fn server(self) -> Result<Server> {
        let (interpreter, program) = self.program("server")?;
        let (folder, port) = (new_folder(self.name())?, free_port()?);
        let mut server = Command::new(interpreter);
        server.arg(program).arg(port.to_string());
        Server::start(server, folder, port, &self.version()?)
    }

    /// Runs a part of the client in this language; what it told of its exchanges.
    pub(super) fn client(self, part: &str, url: &str) -> Result<Vec<Told>> {
        let (interpreter, program) = self.program("client")?;
        Told::read(&Program::new(interpreter, "").arg(program).arg(part).arg(url).output()?)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
        }
    }

    /// With the version of what does the work: `Node v20.1.0`, `Python 3.11.7 (aiohttp 3.14.5, …)`.
    pub(super) fn version(self) -> Result<String> {
        Ok(match self {
            Self::Node => format!("Node {}", Program::new("node", "--version").output()?.trim()),
            Self::Python => {
                let python = Program::new(self.program("server")?.0, "--version").output()?;
                let packages = PACKAGES.split(' ').take(3).collect::<Vec<_>>().join(", ").replace("==", " ");
                format!("{} ({packages})", python.trim())
            }
        })
    }
}

/// An environment with the packages, made if it is not there.
fn environment() -> Result<PathBuf> {
    let built = workspace::built("xtask")?;
    let place = built.ancestors().nth(2).context("cannot tell where cargo builds")?.join("record-python");
    let done = place.join("packages");
    if std::fs::read_to_string(&done).is_ok_and(|packages| packages == PACKAGES) {
        return Ok(place);
    }
    println!("record: installing {PACKAGES} in {}", place.display());
    Program::new("python3", "-m venv").arg(&place).run()?;
    Program::new(place.join("bin/python"), "-m pip install --quiet")
        .arg("--no-input")
        .words(PACKAGES)
        .run()?;
    std::fs::write(done, PACKAGES)?;
    Ok(place)
}
