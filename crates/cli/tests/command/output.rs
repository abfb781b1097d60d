//! How output behaves: pipes that close, input from pipes, escapes, written captures, the options of tcpdump.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::run::{
    catches_signals, conversation, egret, file, fixtures, header, record, root, run, run_with, signal, words,
};

const GOOD: &str = "fixtures/http/keep-alive.pcap";

#[test]
fn a_closed_pipe_is_success() {
    for line in
        ["packets", "packets --json", "packets -w -", "streams", "http", "http --json", "stats", "follow 1"]
    {
        let mut command = egret(&words(&format!("{line} -r {GOOD}")));
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("the command ends");
        assert_eq!(output.status.code(), Some(0), "{line}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("failed"), "{line}");
    }
}

#[test]
fn a_closed_pipe_ends_the_command_although_the_input_goes_on() {
    let mut command = egret(&["packets"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the command starts");
    drop(child.stdout.take());
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(&header()).expect("the command reads");
    // Packets without end: only the end of the command ends this loop.
    let packet = record(0, true, 1, 1, b"hello");
    while input.write_all(&packet).is_ok() {}
    assert_eq!(child.wait().expect("the command ends").code(), Some(0));
}

#[test]
#[cfg(unix)]
fn a_closed_pipe_ends_all_threads_although_nothing_more_comes() {
    for threads in ["1", "2"] {
        let mut command = egret(&["http", "--threads", threads]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the command starts");
        drop(child.stdout.take());
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(&fs::read(root().join(GOOD)).expect("the fixture")).expect("the command reads");
        // The pipe stays open, and nobody writes to it any more.
        let ended = (0..1_000).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            child.try_wait().expect("it can be asked")
        });
        let _ = child.kill();
        assert_eq!(ended.and_then(|status| status.code()), Some(0), "with {threads} threads");
        drop(input);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_ends_the_reading_of_a_file_and_what_was_read_is_printed() {
    let mut capture = header().to_vec();
    let packet = record(0, true, 1, 1, &[0; 1000]);
    (0..8_000).for_each(|_| capture.extend(&packet));
    let capture = file("long.pcap", &capture);
    for (name, expected) in [("-INT", 130), ("-TERM", 143)] {
        let mut command = egret(&["packets", "-r", &capture]);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
        while !catches_signals(&child) {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        // Nobody reads yet, so the command cannot have come to the end of the file when the signal is there.
        let mut stdout = child.stdout.take().expect("a pipe");
        let reader = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(300));
            let mut text = String::new();
            std::io::Read::read_to_string(&mut stdout, &mut text).map(|_| text)
        });
        let (code, summary) = signal(name, child);
        let text = reader.join().expect("the reader ends").expect("the output is text");
        assert_eq!(code, Some(expected), "{summary}");
        let printed = text.lines().count();
        assert!(printed < 8_000 && text.ends_with('\n'), "{printed} lines");
        assert_eq!(summary, format!("egret: {printed} packets; interrupted before the end of the file\n"));
    }
}

#[test]
fn standard_input_is_read_without_being_asked_for() {
    let capture = fs::read(root().join(GOOD)).expect("the fixture");
    let expected = run(&format!("http -r {GOOD}"));
    for line in ["http", "http -r -"] {
        let done = run_with(line, &capture);
        assert_eq!((done.code, done.text()), (Some(0), expected.text()), "{line}");
    }
    let redirected = egret(&["http"]).stdin(fs::File::open(root().join(GOOD)).expect("the fixture")).output();
    assert_eq!(redirected.expect("the command starts").stdout, expected.out);
}

#[test]
fn nothing_that_disturbs_a_terminal_is_printed() {
    let hostile: &[(bool, &[u8])] = &[
        (true, b"GET /\x1b]0;title\x07?\xe2\x80\xae HTTP/1.1\r\nHost: \x1b[2J\r\nX-\x9b: \xff\r\n\r\n"),
        (false, b"HTTP/1.1 200 O\x1bK\r\nContent-Length: 12\r\nContent-Type: te\x1bxt\r\n\r\n\x1b[31mred\xc2\x9b\r\x08."),
    ];
    let hostile = file("hostile.pcap", &conversation(hostile));
    for capture in fixtures().iter().chain([&hostile]) {
        for line in
            ["packets -v", "packets -X", "packets -A", "streams", "http -vv", "follow 1", "follow 1 --hex"]
        {
            let done = run(&format!("{line} -r {capture}"));
            let disturbing = |c: &char| (c.is_control() && !"\n\t".contains(*c)) || *c == '\u{202e}';
            assert_eq!(done.text().chars().find(disturbing), None, "{line} -r {capture}: {}", done.text());
        }
    }
    let message = run("http -r 'no\x1b]0;title\x07such\negret: 1 packet'");
    let shown = message.err.starts_with("egret: no\\x1b]0;title\\x07such\n  egret: 1 packet");
    assert!(shown, "{}", message.err);
    let shown = run(&format!("http -vv -r {hostile}"));
    assert!(shown.text().contains("\\x1b[31mred"), "{}", shown.text());
}

#[test]
fn raw_is_exactly_what_was_delivered() {
    let binary: Vec<u8> = (0..=255).collect();
    let capture = file("binary.pcap", &conversation(&[(true, b"hello"), (false, &binary), (true, b"bye")]));
    assert_eq!(run(&format!("follow 1 --raw --client -r {capture}")).out, b"hellobye");
    assert_eq!(run(&format!("follow 1 --raw --server -r {capture}")).out, binary);
    let both = run(&format!("follow 1 --raw --color always -r {capture}"));
    assert_eq!(both.out, [b"hello", &binary[..], b"bye"].concat());
    // Gaps go where they cannot be taken for data.
    let gap = run("follow 1 --raw --client -r fixtures/tcp/gap-acknowledged.pcap");
    assert_eq!(gap.out, b"first last and more");
    assert!(gap.err.contains("[15 bytes missing from the client at offset 6: acknowledged]"), "{}", gap.err);
}

#[test]
fn what_was_refused_is_in_the_summary() {
    for line in ["streams", "follow 1", "follow 1 --client", "http"] {
        let done = run(&format!("{line} -r fixtures/tcp/data-after-fin.pcap"));
        assert!(done.err.contains(" bytes refused\n"), "{line}: {}", done.err);
    }
    let other_side = run("follow 1 --server -r fixtures/tcp/data-after-fin.pcap");
    assert!(!other_side.err.contains("refused"), "{}", other_side.err);
}

#[test]
fn a_written_capture_reads_the_same() {
    for name in ["copy.pcapng", "copy.pcap"] {
        let copy = file(name, b"");
        let done = run(&format!("packets -r {GOOD} -w {copy}"));
        assert_eq!((done.code, done.text(), done.err.as_str()), (Some(0), "", "egret: 12 packets\n"));
        for line in ["packets -X", "http -vv", "streams"] {
            assert_eq!(run(&format!("{line} -r {copy}")).text(), run(&format!("{line} -r {GOOD}")).text());
        }
    }
    // By standard output too, and beside the records of another command.
    let written = run(&format!("packets -r {GOOD} -w -"));
    assert_eq!(run_with("http", &written.out).text(), run(&format!("http -r {GOOD}")).text());
    let copy = file("beside.pcapng", b"");
    assert_eq!(run(&format!("http -r {GOOD} -w {copy}")).text(), run(&format!("http -r {copy}")).text());
}

#[test]
fn the_options_of_tcpdump() {
    let all = run(&format!("packets -n -r {GOOD}"));
    assert_eq!(run(&format!("packets -nn -S -U -r {GOOD}")).text(), all.text());
    let layers = run(&format!("packets -v -r {GOOD}"));
    assert_eq!(run(&format!("packets -vvv -r {GOOD}")).text(), layers.text());
    let first = run(&format!("packets -c 2 -r {GOOD}"));
    assert_eq!(first.text().lines().count(), 2);
    assert!(all.text().starts_with(first.text()));
    assert_eq!(first.err, "egret: 2 packets\n");
    assert_eq!(run(&format!("packets -q -c 2 -r {GOOD}")).err, "");
    let cut = run(&format!("packets --json -s 60 -r {GOOD}"));
    assert!(cut.records().iter().all(|packet| packet["captured"].as_u64() <= Some(60)));
    assert!(cut.records().iter().any(|packet| packet["length"].as_u64() > Some(60)));
}

#[test]
#[cfg(feature = "libpcap")]
fn a_filter_is_the_last_words_and_leaves_numbers_alone() {
    let done = run(&format!("packets --json -c 2 -r {GOOD} src port 80"));
    let numbers: Vec<_> = done.records().iter().map(|packet| packet["number"].as_u64()).collect();
    assert_eq!(numbers, [Some(2), Some(5)]);
    assert_eq!(run(&format!("packets -r {GOOD} 'src port 80' -c 2")).text().lines().count(), 2);
    assert_eq!(run(&format!("packets -r {GOOD} udp")).text(), "");
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    for line in ["http", "http -v", "follow 1", "streams", "packets"] {
        assert!(!run(&format!("{line} -r {GOOD}")).text().contains('\x1b'), "{line}");
    }
    assert!(run(&format!("http --color always -r {GOOD}")).text().contains("\x1b[32m"));
    assert!(run(&format!("follow 1 --color always -r {GOOD}")).text().contains("\x1b[36m"));
}

#[test]
#[cfg(feature = "libpcap")]
fn interfaces_stand_in_columns() {
    let done = run("interfaces");
    // However long the names are (`bluetooth-monitor`).
    let columns: Vec<_> = done.text().lines().map(|line| line.find("  capture: ")).collect();
    assert!(columns.iter().all(|column| column.is_some() && *column == columns[0]), "{}", done.text());
}

#[test]
#[cfg(feature = "libpcap")]
fn packets_lists_interfaces_with_tcpdumps_letter() {
    let loopback = |line: &str| {
        let done = run(line);
        let found = done.text().lines().find(|line| line.starts_with("lo")).map(str::to_owned);
        // Columns are as wide as the longest name there is just now.
        found.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    assert!(loopback("packets -D").is_some_and(|line| line.contains("loopback")));
    assert_eq!(loopback("packets -D"), loopback("interfaces"));
    assert!(run("packets -D --json").records().iter().any(|device| device["loopback"] == true));
    assert_eq!(run(&format!("packets -D -r {GOOD}")).code, Some(2));
}

#[test]
fn completions_and_manual_pages() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(run(&format!("completions {shell}")).text().contains("egret"));
    }
    assert!(run("man").text().contains(".TH egret"));
    for command in ["packets", "streams", "follow", "http", "stats", "interfaces", "completions", "man"] {
        assert!(run(&format!("man {command}")).text().contains(&format!(".TH egret-{command}")), "{command}");
    }
    assert_eq!(run("man nonsense").code, Some(1));
}
