//! `cargo xtask record [NAME…]`: makes the real captures anew — servers answer, clients ask, egret captures — and notes
//! in fixtures/README.md when and with what. What the servers and clients told of their exchanges is compared with what
//! egret makes of each capture. Run by hand, as one who may capture; never part of `test`.

mod apache;
mod check;
mod nginx;
mod programs;
mod server;
mod sessions;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::setup;
use crate::shell::Program;
use crate::workspace::{self, read};
use check::Told;
use server::Server;
use sessions::{Client, Host, SESSIONS, Session};

/// A fixture has at most so many bytes.
const LARGEST: u64 = 60_000;

pub(crate) fn run(names: &[String]) -> Result<()> {
    if let Some(name) = names.iter().find(|name| !SESSIONS.iter().any(|session| session.name == *name)) {
        let known: Vec<&str> = SESSIONS.iter().map(|session| session.name).collect();
        bail!("there is no session `{name}`; there are {}", known.join(", "));
    }
    setup::libpcap()?;
    Program::cargo("build --quiet --package egret").run()?;
    let folder = workspace::root().join("fixtures/real");
    fs::create_dir_all(&folder).context("cannot make fixtures/real")?;
    let wanted = |session: &&Session| names.is_empty() || names.iter().any(|name| name == session.name);
    for session in SESSIONS.iter().filter(wanted) {
        session.record(&folder)?;
    }
    println!("record: now run `cargo xtask bless`, and read what the new captures give");
    Ok(())
}

impl Session {
    fn record(&self, folder: &Path) -> Result<()> {
        let server = self.server()?;
        let folder = if self.kept { folder } else { &std::env::temp_dir() };
        let file = folder.join(self.name).with_extension("pcapng");
        let told = self.capture(&server, &file)?;
        let size = fs::metadata(&file)?.len();
        let (mut checked, name) = (0, self.name);
        for told in &told {
            checked += check::check(&file, told)?;
        }
        println!("{name}: {size} bytes; {checked} times an exchange was told, and egret found the same");
        if !self.kept {
            return fs::remove_file(&file).context("cannot remove the capture");
        }
        if size > LARGEST {
            bail!("{} has {size} bytes; a fixture has at most {LARGEST}", workspace::shown(&file));
        }
        self.note(&server)
    }

    fn server(&self) -> Result<Server> {
        match self.server {
            Host::Nginx => {
                setup::program("nginx", &setup::NGINX)?;
                nginx::start()
            }
            Host::Apache => {
                setup::program("apache2", &setup::APACHE)?;
                apache::start()
            }
            Host::Program(language) => language.server(),
        }
    }

    /// Captures what the clients ask and the server answers; what each of them told.
    fn capture(&self, server: &Server, file: &Path) -> Result<Vec<Vec<Told>>> {
        if self.clients.iter().any(|client| matches!(client, Client::Curl(_))) {
            setup::program("curl", &setup::CURL)?;
        }
        // What a program needs is installed now, not while it is captured.
        self.clients.iter().try_for_each(Client::prepare)?;
        let filter = format!("tcp port {}", server.port());
        let mut egret = Command::new(workspace::built("egret")?)
            .args(["packets", "-i", "lo", "-w"])
            .arg(file)
            .arg(&filter)
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start egret")?;
        // There is no sign from outside that a capture has begun, nor that its last packet has been read.
        sleep(Duration::from_secs(1));
        drop(server.told()?);
        let mut told = Vec::new();
        let outcome: Result<()> = self.clients.iter().try_for_each(|client| {
            told.extend(client.run(&format!("http://{}:{}", self.host, server.port()), server)?);
            Ok(())
        });
        sleep(Duration::from_millis(800));
        interrupt(&mut egret)?;
        outcome?;
        // What all clients told together, and what the server did.
        let clients = told.concat();
        let mut all = if told.is_empty() { Vec::new() } else { vec![clients] };
        all.extend(server.told()?);
        Ok(all)
    }

    /// Replaces the capture's line of provenance, or adds one.
    fn note(&self, server: &Server) -> Result<()> {
        let path = workspace::root().join("fixtures/README.md");
        let date = Program::new("date", "--utc +%Y-%m-%d").output()?;
        let mut clients = Vec::new();
        for client in self.clients {
            let version = client.version()?;
            if version != server.version() && !clients.contains(&version) {
                clients.push(version);
            }
        }
        let with = [&[server.version().to_string()], clients.as_slice()].concat().join(", ");
        let line = format!("* `real/{}.pcapng`: {}. {with}, {}.", self.name, self.what, date.trim());
        let text = with_line(&read(&path)?, &format!("* `real/{}.pcapng`:", self.name), &line);
        fs::write(&path, text).context("cannot write fixtures/README.md")
    }
}

impl Client {
    /// Installs what it needs, before anything is captured.
    fn prepare(&self) -> Result<()> {
        self.version().map(drop)
    }

    /// Asks; what it told of its exchanges, if it tells.
    fn run(&self, url: &str, server: &Server) -> Result<Option<Vec<Told>>> {
        match self {
            Self::Curl(line) => curl(line, url, server).map(|()| None),
            Self::Program(language, part) => language.client(part, url).map(Some),
        }
    }

    fn version(&self) -> Result<String> {
        match self {
            Self::Curl(_) => {
                let text = Program::new("curl", "--version").output()?;
                Ok(text.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
            }
            Self::Program(language, _) => language.version(),
        }
    }
}

/// Ends a capture in good order, and waits for it to have written everything.
fn interrupt(egret: &mut Child) -> Result<()> {
    if let Some(status) = egret.try_wait()? {
        bail!("egret ended before its time ({status}): run this as root, or as one who may capture");
    }
    Program::new("kill", "-TERM").arg(egret.id().to_string()).run()?;
    let status = egret.wait()?;
    if !status.success() {
        bail!("egret failed ({status})");
    }
    Ok(())
}

fn curl(line: &str, url: &str, server: &Server) -> Result<()> {
    let line = line.replace("URL", url).replace("ETAG", &nginx::etag());
    let status = Command::new("curl")
        .args(["--silent", "--noproxy", "*"])
        .args(line.split_whitespace())
        .current_dir(server.documents())
        .stdout(Stdio::null())
        .status()
        .context("cannot run curl")?;
    if !status.success() {
        bail!("`curl {line}` failed ({status})");
    }
    Ok(())
}

const HEADING: &str = "## Real captures\n";

/// `text` with the line that begins with `start` replaced by `line`; behind the heading's paragraph if there was none.
fn with_line(text: &str, start: &str, line: &str) -> String {
    if text.lines().any(|old| old.starts_with(start)) {
        let lines = text.lines().map(|old| if old.starts_with(start) { line } else { old });
        return lines.fold(String::new(), |text, line| text + line + "\n");
    }
    let Some((before, section)) = text.split_once(HEADING) else { return format!("{text}\n{line}\n") };
    let (section, after) = section.split_once("\n## ").map_or((section, None), |(a, b)| (a, Some(b)));
    let gap = if section.trim_end().lines().last().is_some_and(|last| last.starts_with("* ")) {
        "\n"
    } else {
        "\n\n"
    };
    let after = after.map_or_else(String::new, |after| format!("\n## {after}"));
    format!("{before}{HEADING}{}{gap}{line}\n{after}", section.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_added_once_and_then_replaced() {
        let text = "# F\n\n## Real captures\n\nMade so.\n\n## The language\n\nx\n";
        let one = with_line(text, "* `a`:", "* `a`: 1");
        assert_eq!(one, "# F\n\n## Real captures\n\nMade so.\n\n* `a`: 1\n\n## The language\n\nx\n");
        let two = with_line(&one, "* `b`:", "* `b`: 2");
        assert_eq!(
            two,
            "# F\n\n## Real captures\n\nMade so.\n\n* `a`: 1\n* `b`: 2\n\n## The language\n\nx\n"
        );
        assert_eq!(with_line(&two, "* `a`:", "* `a`: 3"), two.replace("1", "3"));
    }
}
