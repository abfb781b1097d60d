//! `cargo xtask record`: makes the real captures anew — nginx answers, curl asks, egret captures — and notes in
//! fixtures/README.md when and with what. Run by hand, as one who may capture; never part of `test`.

mod nginx;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::setup;
use crate::shell::Program;
use crate::workspace::{self, read};
use nginx::Nginx;

/// A conversation to record: curl is run once for each line, with `URL` replaced by the server's.
struct Session {
    name: &'static str,
    /// What was done, for the line of provenance.
    what: &'static str,
    host: &'static str,
    curl: &'static [&'static str],
}

/// Several transfers in one run of curl, set off by `--next`, share a connection.
const SESSIONS: [Session; 3] = [
    Session {
        name: "nginx-keep-alive",
        what: "one connection: two GETs, a HEAD, a range, two ranges at once, a 404, a 304, a redirect",
        host: "127.0.0.1",
        curl: &["URL/ --next -s URL/birds.json --next -s -I URL/birds.json --next -s -r 0-99 URL/poem.txt \
                 --next -s -r 0-9,20-29 URL/poem.txt --next -s URL/missing \
                 --next -s -H If-None-Match:ETAG URL/birds.json --next -s URL/moved"],
    },
    Session {
        name: "nginx-chunked-gzip",
        what: "over IPv6: gzip in chunks, chunks, chunks with a trailer, a request in chunks, and HTTP/1.0 until the end",
        host: "[::1]",
        curl: &[
            "--compressed URL/birds.json --next -s URL/list/ --next -s -H TE:trailers URL/trailer/poem.txt \
             --next -s -H Transfer-Encoding:chunked --data-binary @poem.txt URL/form",
            "--http1.0 URL/list/",
        ],
    },
    Session {
        name: "nginx-post",
        what: "a form, 100-continue with 40 kB, 413 to a body that was announced, DELETE with 204, 500, 502, 401",
        host: "127.0.0.1",
        curl: &[
            "-d name=egret&size=60 URL/form --next -s -T big.bin -H Expect:100-continue URL/upload/big.bin",
            "-T big.bin -H Expect:100-continue URL/small/big.bin",
            "-X DELETE URL/thing --next -s URL/broken --next -s URL/nobody --next -s URL/private",
        ],
    },
];

pub(crate) fn run() -> Result<()> {
    setup::libpcap()?;
    setup::program("nginx", &setup::NGINX)?;
    setup::program("curl", &setup::CURL)?;
    Program::cargo("build --quiet --package egret").run()?;
    let folder = workspace::root().join("fixtures/real");
    fs::create_dir_all(&folder).context("cannot make fixtures/real")?;
    let nginx = Nginx::start()?;
    for session in &SESSIONS {
        let file = folder.join(session.name).with_extension("pcapng");
        record(session, &nginx, &file)?;
        let size = fs::metadata(&file)?.len();
        if size > 100_000 {
            bail!("{} has {size} bytes; a fixture has at most 100,000", workspace::shown(&file));
        }
        println!("wrote {}, {size} bytes", workspace::shown(&file));
        note(session, &nginx)?;
    }
    println!("record: now run `cargo xtask bless`, and read what the new captures give");
    Ok(())
}

fn record(session: &Session, nginx: &Nginx, file: &Path) -> Result<()> {
    let filter = format!("tcp port {}", nginx.port());
    let mut egret = Command::new(workspace::built("egret")?)
        .args(["packets", "-i", "lo", "-w"])
        .arg(file)
        .arg(&filter)
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start egret")?;
    // There is no sign from outside that a capture has begun, nor that its last packet has been read.
    sleep(Duration::from_secs(1));
    let outcome = session.curl.iter().try_for_each(|line| curl(line, session, nginx));
    sleep(Duration::from_millis(500));
    interrupt(&mut egret)?;
    outcome
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

fn curl(line: &str, session: &Session, nginx: &Nginx) -> Result<()> {
    let url = format!("http://{}:{}", session.host, nginx.port());
    let line = line.replace("URL", &url).replace("ETAG", &nginx.etag());
    let status = Command::new("curl")
        .args(["--silent", "--noproxy", "*"])
        .args(line.split_whitespace())
        .current_dir(nginx.documents())
        .stdout(Stdio::null())
        .status()
        .context("cannot run curl")?;
    if !status.success() {
        bail!("`curl {line}` failed ({status})");
    }
    Ok(())
}

/// Replaces the capture's line of provenance, or adds one.
fn note(session: &Session, nginx: &Nginx) -> Result<()> {
    let path = workspace::root().join("fixtures/README.md");
    let date = Program::new("date", "--utc +%Y-%m-%d").output()?;
    let curl = Program::new("curl", "--version").output()?;
    let curl = curl.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let line = format!(
        "* `real/{}.pcapng`: {}. {}, {curl}, {}.",
        session.name,
        session.what,
        nginx.version()?,
        date.trim()
    );
    let text = with_line(&read(&path)?, &format!("* `real/{}.pcapng`:", session.name), &line);
    fs::write(&path, text).context("cannot write fixtures/README.md")
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
