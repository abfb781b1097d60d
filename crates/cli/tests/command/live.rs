//! Live capture, end to end, over the loopback interface: where this user may capture.
#![cfg(all(feature = "libpcap", target_os = "linux"))]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::run::{catches_signals, egret, run, signal};

/// Long enough for a machine that does ten other things.
const PATIENCE: Duration = Duration::from_secs(30);

fn permitted() -> bool {
    let devices = run("interfaces --json").records();
    let lo = devices.iter().find(|device| device["name"] == "lo");
    let permitted = lo.is_some_and(|lo| lo["permitted"] == true);
    if !permitted {
        eprintln!("skipped: this user may not capture on lo (sudo, or setcap, would allow it)");
    }
    permitted
}

/// A server on a free port that answers every request with `hello`.
fn serve() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut head = [0; 1024];
            let _ = stream.read(&mut head);
            let _ =
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
        }
    });
    port
}

fn get(port: u16) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
    stream.write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("the server reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server answers");
}

/// Starts a command; its lines come through the channel as it prints them.
fn start(line: &[&str]) -> (Child, Receiver<String>) {
    let mut command = egret(line);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    (child, lines)
}

/// Makes requests until the command, which may still be starting, prints a line.
fn first_line(port: u16, lines: &Receiver<String>) -> String {
    for _ in 0..PATIENCE.as_millis() / 200 {
        get(port);
        if let Ok(line) = lines.recv_timeout(Duration::from_millis(200)) {
            return line;
        }
    }
    panic!("nothing was printed")
}

#[test]
fn exchanges_are_printed_as_they_happen_and_a_signal_ends_cleanly() {
    if !permitted() {
        return;
    }
    for name in ["-INT", "-TERM"] {
        let port = serve();
        let (child, lines) = start(&["http", "-i", "lo", "--json", &format!("tcp port {port}")]);
        let exchange: serde_json::Value = serde_json::from_str(&first_line(port, &lines)).expect("JSON");
        assert_eq!(exchange["request"]["target"], "/live");
        assert_eq!(exchange["response"]["body"]["size"], 5);
        assert_eq!(exchange["verdict"], "complete");
        let (code, summary) = signal(name, child);
        assert_eq!(code, Some(0), "{summary}");
        assert!(summary.contains(" exchange") && summary.contains(" dropped"), "{summary}");
    }
}

#[test]
fn a_capture_is_counted_written_and_read_back() {
    if !permitted() {
        return;
    }
    let port = serve();
    let copy = crate::run::file("live.pcapng", b"");
    let (child, lines) = start(&["streams", "-i", "lo", "-w", &copy, &format!("tcp port {port}")]);
    first_line(port, &lines);
    let (code, summary) = signal("-INT", child);
    assert_eq!(code, Some(0), "{summary}");
    let read = run(&format!("http --json -r {copy}"));
    assert_eq!(read.code, Some(0), "{}", read.err);
    assert_eq!(read.records()[0]["response"]["status"], 200);
    let named = egret(&["packets", "-i", "any", "-c", "2", &format!("tcp port {port}")]);
    let mut named =
        { named }.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the command starts");
    let ended = (0..100).any(|_| {
        get(port);
        thread::sleep(Duration::from_millis(100));
        named.try_wait().expect("a child").is_some()
    });
    assert!(ended, "-c 2 did not end the capture");
}

#[test]
fn a_quiet_capture_ends_at_once_on_a_signal() {
    if !permitted() {
        return;
    }
    // Nothing ever passes this filter: the command is asleep when the signal comes.
    let line = ["packets", "-i", "lo", "tcp src port 1 and dst port 1"];
    let said = "egret: capturing on lo; Ctrl-C ends it\negret: 0 packets, 0 dropped\n";
    for (quiet, expected) in [(None, said), (Some("--quiet"), "")] {
        let (child, _) = start(&line.into_iter().chain(quiet).collect::<Vec<_>>());
        while !catches_signals(&child) {
            thread::sleep(Duration::from_millis(10));
        }
        let (code, errors) = signal("-INT", child);
        assert_eq!((code, errors.as_str()), (Some(0), expected));
    }
}

#[test]
fn a_quiet_capture_ends_when_nobody_reads_any_more() {
    if !permitted() {
        return;
    }
    let mut command = egret(&["http", "-i", "lo", "tcp src port 1 and dst port 1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the command starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("the command ends").code(), Some(0));
}
