//! Live capture, end to end, over the loopback interface: where this user may capture.
#![cfg(all(feature = "libpcap", target_os = "linux"))]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::run::{Done, catches_signals, egret, run, signal};

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

/// Waits until the command captures: it catches signals from then on. What is said earlier may be seen in part, and a request
/// whose answer alone is seen is another record than what is asked for here.
fn wait_for(child: &Child) {
    while !catches_signals(child) {
        thread::sleep(Duration::from_millis(10));
    }
}

/// Makes a request once the command captures: the line that it prints for it, while nothing else happens.
fn first_line(port: u16, child: &Child, lines: &Receiver<String>) -> String {
    wait_for(child);
    get(port);
    lines.recv_timeout(PATIENCE).expect("a line is printed")
}

#[test]
fn exchanges_are_printed_as_they_happen_and_a_signal_ends_cleanly() {
    if !permitted() {
        return;
    }
    for name in ["-INT", "-TERM"] {
        let port = serve();
        let (child, lines) = start(&["http", "-i", "lo", "--json", &format!("tcp port {port}")]);
        let exchange: serde_json::Value =
            serde_json::from_str(&first_line(port, &child, &lines)).expect("JSON");
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
    first_line(port, &child, &lines);
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
fn a_description_is_written_anew_and_always_whole() {
    if !permitted() {
        return;
    }
    let port = serve();
    let file = crate::run::file("live.yaml", b"");
    let filter = format!("tcp port {port}");
    // The server that is asked for comes after others: nothing is written until then, and nothing ends.
    let line = ["api", "-q", "-i", "lo", "-o", &file, "--host", "localhost", &filter];
    let (child, _) = start(&line);
    let mut counts = Vec::new();
    for _ in 0..PATIENCE.as_millis() / 50 {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
        stream.write_all(b"GET /live HTTP/1.1\r\nHost: elsewhere\r\n\r\n").expect("the server reads");
        let _ = stream.read_to_end(&mut Vec::new());
        get(port);
        let text = std::fs::read_to_string(&file).expect("it is there at any time");
        if let Some((_, count)) = text.rsplit_once("      x-egret-count: ") {
            assert!(text.starts_with("openapi: 3.1.0\n") && text.ends_with('\n'), "{text}");
            counts.push(count.lines().next().and_then(|count| count.parse::<u64>().ok()).expect("a count"));
            counts.dedup();
        }
        if counts.len() >= 2 {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    assert!(counts.len() >= 2 && counts.is_sorted(), "{counts:?}");
    let (code, errors) = signal("-INT", child);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
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
        wait_for(&child);
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

/// Not a test, but the program that the next one runs: makes a request to the port that the environment names.
#[test]
#[ignore = "run by another test"]
fn client() {
    let port = std::env::var_os("EGRET_TEST_PORT").expect("it is set").into_string().expect("a number");
    get(port.parse().expect("a number"));
}

#[test]
fn a_program_is_captured_while_it_runs_and_its_exit_code_is_ours() {
    if !permitted() {
        return;
    }
    let port = serve();
    let this = std::env::current_exe().expect("a path").into_os_string().into_string().expect("a plain path");
    let filter = format!("tcp port {port}");
    let mut command =
        egret(&["http", "-i", "lo", "--json", &filter, "--", &this, "--exact", "live::client", "--ignored"]);
    let done = Done::from(command.env("EGRET_TEST_PORT", port.to_string()).output().expect("it starts"));
    assert_eq!(done.code, Some(0), "{}", done.err);
    let records = done.records();
    assert_eq!(records.len(), 1, "{}", done.err);
    assert_eq!(records[0]["verdict"], "complete");
    // What the program prints is not among the records.
    assert!(done.err.contains("1 passed"), "{}", done.err);

    for (program, code) in [("exit 7", 7), ("kill -9 $$", 137)] {
        let done: Done = egret(&["packets", "-i", "lo", "-q", &filter, "--", "sh", "-c", program])
            .output()
            .expect("it starts")
            .into();
        assert_eq!((done.code, done.err.as_str()), (Some(code), ""));
    }
    let done = run("packets -i lo -- no-such-program-as-this");
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("no-such-program-as-this cannot be started"), "{}", done.err);
    // A capture that is over first waits for the program.
    let done = run("packets -i lo -q -c 1 -- sh -c 'ping -qc1 127.0.0.1; sleep 0.5; exit 3'");
    assert!(done.code == Some(3), "{}", done.err);
}

#[test]
fn several_interfaces_are_captured_at_once() {
    if !permitted() {
        return;
    }
    let port = serve();
    let copy = crate::run::file("several.pcapng", b"");
    let line = format!("packets -i lo -i any -w {copy}");
    let filter = format!("tcp port {port}");
    let words: Vec<&str> = line.split(' ').chain([filter.as_str()]).collect();
    let (child, _) = start(&words);
    wait_for(&child);
    get(port);
    thread::sleep(Duration::from_millis(300));
    let (code, said) = signal("-INT", child);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("capturing on lo, any;"), "{said}");
    let packets = run(&format!("packets --json -r {copy}")).records();
    let of = |interface: u64| packets.iter().filter(|packet| packet["interface"] == interface).count();
    assert!(of(0) > 5 && of(0) == of(1), "{} and {}", of(0), of(1));
    // What was counted is in the file, for those who read it later.
    assert_eq!(run(&format!("stats --json -r {copy}")).records()[0]["dropped"]["kernel"], 0);
}

#[test]
fn privileges_are_given_up_when_the_interface_is_open() {
    let status = std::fs::read_to_string("/proc/self/status").expect("the file is there");
    if !permitted() || !status.contains("Uid:\t0\t0\t0\t0") {
        eprintln!("skipped: only root has privileges to give up");
        return;
    }
    let program = "grep -E '^(Uid|Gid|NoNewPrivs|CapEff):' /proc/self/status | tr -s '\t ' '  '";
    let done: Done = egret(&["packets", "-q", "-i", "lo", "-Z", "12345:12346", "--", "sh", "-c", program])
        .output()
        .expect("it starts")
        .into();
    assert_eq!(done.code, Some(0), "{}", done.err);
    let expected = "Uid: 12345 12345 12345 12345\nGid: 12346 12346 12346 12346\nCapEff: 0000000000000000\nNoNewPrivs: 1\n";
    assert_eq!(done.err, expected);
    // A file is created by the user that it is.
    let refused = run("packets -q -i lo -Z 12345:12346 -w /proc/egret.pcapng");
    assert_eq!(refused.code, Some(1));
    let unknown = run("packets -q -i lo -Z no-such-user-as-this");
    assert!(unknown.code == Some(1) && unknown.err.contains("no such user"), "{}", unknown.err);
}

#[test]
fn what_is_written_live_is_readable_after_a_kill() {
    if !permitted() {
        return;
    }
    let port = serve();
    let copy = crate::run::file("killed.pcapng", b"");
    let (mut child, _) = start(&["packets", "-i", "lo", "-w", &copy, &format!("tcp port {port}")]);
    wait_for(&child);
    let mut written = 0;
    for _ in 0..100 {
        get(port);
        thread::sleep(Duration::from_millis(50));
        written = std::fs::metadata(&copy).expect("the file").len();
        if written > 2000 {
            break;
        }
    }
    child.kill().expect("a child");
    child.wait().expect("a child");
    let read = run(&format!("packets -r {copy}"));
    assert_eq!(read.code, Some(0), "{}", read.err);
    assert!(written > 2000 && read.text().lines().count() > 5);
}
