//! Runs the examples of every crate, as a reader of their first lines would, and looks at what they print.
//!
//! Each example must be listed here with what it is run on and what it must say: an example that nobody runs is
//! soon wrong.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::shell::Program;
use crate::workspace::{self, files, shown};

/// An example that reads a file: its name, its arguments, and what it must print.
struct Example {
    name: &'static str,
    arguments: &'static str,
    prints: &'static [&'static str],
}

const OFFLINE: [Example; 4] = [
    Example { name: "offline", arguments: "fixtures/real/nginx-keep-alive.pcapng", prints: &["1 ", "26 "] },
    Example { name: "stream", arguments: "fixtures/tcp/lines.pcap", prints: &["hello"] },
    Example { name: "http", arguments: "fixtures/http/get.pcap", prints: &["GET /", "200"] },
    Example { name: "million", arguments: "2000", prints: &["2000 exchanges", "GET /users/{userId}/orders"] },
];
/// The example that captures; it is given an interface and a filter, and some traffic to see.
const LIVE: &str = "live";

pub(crate) fn run() -> Result<()> {
    Program::cargo("build --quiet --workspace --all-features --examples").run()?;
    for path in files(&workspace::root().join("crates"), "rs")? {
        let folder = path.parent();
        // The fuzz targets are no part of the workspace; `cargo xtask fuzz` runs what makes their first inputs.
        let is_example = |folder: &Path| folder.ends_with("examples") && !folder.ends_with("fuzz/examples");
        if folder.is_some_and(is_example) {
            run_one(&path)?;
        }
    }
    Ok(())
}

fn run_one(path: &Path) -> Result<()> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    if name == LIVE {
        return live();
    }
    let Some(example) = OFFLINE.iter().find(|example| example.name == name) else {
        bail!("{} is run by nobody: add it to xtask/src/examples.rs, with what it must print", shown(path));
    };
    let program = workspace::built(&format!("examples/{name}"))?;
    let output = Program::new(program, example.arguments).output()?;
    for wanted in example.prints {
        if !output.contains(wanted) {
            bail!("{} {}: `{wanted}` is not in what it printed:\n{output}", shown(path), example.arguments);
        }
    }
    println!("{name} {}: {} lines", example.arguments, output.lines().count());
    Ok(())
}

/// How many packets the live example is to show, and how many seconds it may take: only a failure takes that long.
const UNTIL: [&str; 2] = ["4", "20"];

fn live() -> Result<()> {
    let server = TcpListener::bind("127.0.0.1:0").context("cannot open a port on the loopback interface")?;
    let port = server.local_addr()?.port();
    thread::spawn(move || {
        for stream in server.incoming().flatten() {
            drop(answer(stream));
        }
    });
    let ended = Arc::new(AtomicBool::new(false));
    let asker = thread::spawn({
        let ended = Arc::clone(&ended);
        // Once is not enough: the example may not be listening yet.
        move || {
            while !ended.load(Ordering::Relaxed) {
                drop(ask(port));
                thread::sleep(Duration::from_millis(100));
            }
        }
    });
    let filter = format!("tcp port {port}");
    let output = Command::new(workspace::built("examples/live")?).args(["lo", &filter]).args(UNTIL).output();
    ended.store(true, Ordering::Relaxed);
    drop(asker.join());
    let output = output.context("cannot run the example `live`")?;
    let (lines, notes) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() && notes.starts_with("skipped") {
        println!("live: NOT RUN, this user may not capture (root may, or one with CAP_NET_RAW)");
    } else if output.status.success() && lines.lines().count() == 4 {
        println!("live lo '{filter}': 4 packets");
    } else {
        bail!("the example `live` did not show 4 packets ({}):\n{lines}{notes}", output.status);
    }
    Ok(())
}

fn ask(port: u16) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    stream.read_to_end(&mut Vec::new()).map(drop)
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = [0; 512];
    while stream.read(&mut request)? == request.len() {}
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nhi\n")
}
