//! Runs the examples of every crate, as a reader of their first lines would, and looks at what they print.
//!
//! Each example must be listed here with what it is run on and what it must say: an example that nobody runs is
//! soon wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
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

const OFFLINE: [Example; 3] = [
    Example { name: "offline", arguments: "fixtures/real/nginx-keep-alive.pcapng", prints: &["GET /"] },
    Example { name: "stream", arguments: "fixtures/tcp/lines.pcap", prints: &["hello"] },
    Example { name: "http", arguments: "fixtures/http/get.pcap", prints: &["GET /", "200"] },
];
/// The example that captures; it is given an interface and a filter, and some traffic to see.
const LIVE: &str = "live";

pub(crate) fn run() -> Result<()> {
    Program::cargo("build --quiet --workspace --all-features --examples").run()?;
    for path in files(&workspace::root().join("crates"), "rs")? {
        if path.parent().is_some_and(|folder| folder.ends_with("examples")) {
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
    let output = Program::new(&program.to_string_lossy(), example.arguments).output()?;
    for wanted in example.prints {
        if !output.contains(wanted) {
            bail!("{} {}: `{wanted}` is not in what it printed:\n{output}", shown(path), example.arguments);
        }
    }
    println!("{name} {}: {} lines", example.arguments, output.lines().count());
    Ok(())
}

/// How long the live example may take to show a request. Only a failure waits that long.
const PATIENCE: Duration = Duration::from_secs(20);

fn live() -> Result<()> {
    let server = TcpListener::bind("127.0.0.1:0").context("cannot open a port on the loopback interface")?;
    let port = server.local_addr()?.port();
    let filter = format!("port {port}");
    let mut child = Command::new(workspace::built("examples/live")?)
        .args(["lo", &filter])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start the example `live`")?;
    let outcome = watch(&mut child, server, port);
    // It captures until it is interrupted; when it has ended by itself there is nothing to end.
    drop(child.kill());
    child.wait()?;
    match outcome? {
        Some(line) => println!("live lo '{filter}': {line}"),
        None => println!("live: NOT RUN, this user may not capture (root may, or a user with CAP_NET_RAW)"),
    }
    Ok(())
}

/// Makes one request after the other until the example shows one: it may not be listening yet at the first.
fn watch(child: &mut Child, server: TcpListener, port: u16) -> Result<Option<String>> {
    let (sender, lines) = mpsc::channel();
    let stdout = child.stdout.take().context("the example has no standard output")?;
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for stream in server.incoming().flatten() {
            drop(answer(stream));
        }
    });
    let pause = Duration::from_millis(200);
    let mut printed = String::new();
    for _ in 0..PATIENCE.as_millis() / pause.as_millis() {
        drop(ask(port));
        match lines.recv_timeout(pause) {
            Ok(line) if line.contains("/egret-test") => return Ok(Some(line)),
            Ok(line) => printed = format!("{printed}{line}\n"),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return ended(child),
        }
    }
    bail!("the example `live` did not show a request for /egret-test in {PATIENCE:?}; it printed:\n{printed}")
}

fn ended(child: &mut Child) -> Result<Option<String>> {
    let mut error = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut error)?;
    }
    let may_not =
        ["permission", "permitted", "setcap"].iter().any(|word| error.to_lowercase().contains(word));
    if may_not { Ok(None) } else { bail!("the example `live` ended: {}", error.trim()) }
}

fn ask(port: u16) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(b"GET /egret-test HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    stream.read_to_end(&mut Vec::new()).map(drop)
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = [0; 512];
    while stream.read(&mut request)? == request.len() {}
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nhi\n")
}
