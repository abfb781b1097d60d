//! What goes wrong before, while and after a capture is read: the message, the exit code, and what was printed.

use std::fs;

use crate::run::{file, root, run};

const GOOD: &str = "fixtures/http/keep-alive.pcap";

/// Runs a line that must fail with exit code 1 and a message with these words in it.
fn fails(line: &str, words: &[&str]) {
    let done = run(line);
    assert_eq!(done.code, Some(1), "{line}: {}", done.err);
    for word in words {
        assert!(done.err.contains(word), "{line}: `{word}` is not in: {}", done.err);
    }
}

#[test]
fn files_that_are_no_captures() {
    fails("http -r no/such/file.pcap", &["no/such/file.pcap", "No such file"]);
    fails("packets -r fixtures", &["fixtures", "directory"]);
    let empty = file("empty.pcap", b"");
    fails(&format!("streams -r {empty}"), &["empty.pcap", "empty"]);
    let text = file("text.pcap", b"this is no capture, but a letter to whom it may concern");
    fails(&format!("stats -r {text}"), &["text.pcap", "not a capture"]);
}

#[test]
fn a_truncated_capture_is_read_up_to_the_cut() {
    let whole = fs::read(root().join(GOOD)).expect("the fixture");
    let cut = file("cut.pcap", &whole[..whole.len() - 5]);
    let all = run(&format!("packets -r {GOOD}"));
    let lines: Vec<_> = all.text().lines().collect();
    let done = run(&format!("packets -r {cut}"));
    assert_eq!(done.code, Some(1));
    assert_eq!(done.text().lines().collect::<Vec<_>>(), lines[..lines.len() - 1]);
    assert!(done.err.contains("cut.pcap: byte "), "{}", done.err);
    // What was seen of exchanges is printed as well.
    let exchanges = run(&format!("http -r {cut} --json"));
    assert_eq!((exchanges.code, exchanges.records().len()), (Some(1), 3));
}

#[test]
fn arguments_that_contradict_each_other_are_errors_of_usage() {
    for line in [
        "",
        "nonsense",
        "http --nonsense",
        "http -r a -i b",
        "http -r - -r a -r -",
        "http --tail",
        "packets -r - --stream 1",
        "packets -r a --stream 1 --exchange 1:0",
        "packets -r a --exchange 1",
        "packets -i lo --stream 1",
        "packets -i lo --tail",
        "http --tail -r a -r b",
        "http -r a -- true",
        "http -r a --promiscuous",
        "http -G 1",
        "packets -r a -w - -C 1",
        "follow",
        "follow one",
        "follow 1 --raw --hex",
        "streams --digest",
        "http -c 0",
        "http --max-memory lots",
        "http --patience 5d",
        &format!("streams -r {GOOD} -w -"),
        &format!("packets -r {GOOD} -w ./{GOOD}"),
    ] {
        let done = run(line);
        assert_eq!(done.code, Some(2), "{line}: {}", done.err);
        assert!(done.out.is_empty());
    }
}

#[test]
fn a_connection_that_is_not_there() {
    fails(&format!("follow 7 -r {GOOD}"), &["no connection 7", "egret streams", " 1;"]);
    fails("follow 1 -r fixtures/tcp/no-such.pcap", &["No such file"]);
}

#[test]
fn a_full_disk_is_an_error() {
    if !std::path::Path::new("/dev/full").exists() {
        return eprintln!("skipped: there is no /dev/full");
    }
    fails(&format!("packets -r {GOOD} -w /dev/full"), &["/dev/full", "No space left"]);
    for line in
        ["packets", "streams", "streams --json", "http", "http --json", "stats", "follow 1", "follow 1 --raw"]
    {
        let mut command = crate::run::egret(&crate::run::words(&format!("{line} -r {GOOD}")));
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("it can be opened");
        let output = command.stdout(full).output().expect("the command starts");
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("standard output failed: No space left"),
            "{line}"
        );
    }
    for line in ["completions bash", "man", "man http"] {
        let mut command = crate::run::egret(&crate::run::words(line));
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("it can be opened");
        let output = command.stdout(full).output().expect("the command starts");
        assert_eq!(output.status.code(), Some(1), "{line}");
    }
}

#[test]
#[cfg(feature = "libpcap")]
fn filters_and_interfaces_that_do_not_exist() {
    fails(&format!("http -r {GOOD} 'tcp port prt'"), &["tcp port prt", "prt", "character"]);
    fails("http -i no-such-interface", &["no-such-interface", "lo"]);
}

#[test]
#[cfg(all(feature = "libpcap", target_os = "linux"))]
fn without_permission_the_way_to_it_is_told() {
    use std::os::unix::process::CommandExt;

    // As root, become nobody; as anyone else, be oneself.
    let nobody = 65_534;
    let mut command = crate::run::egret(&["packets", "-i", "lo", "-c", "1"]);
    command.current_dir("/").uid(nobody).gid(nobody);
    let Ok(output) = command.output() else {
        return eprintln!("skipped: cannot run the command as another user");
    };
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("setcap") && message.contains("sudo"), "{message}");
}

#[test]
#[cfg(not(feature = "libpcap"))]
fn without_libpcap_the_way_to_it_is_told() {
    fails("http -i lo", &["without libpcap", "libpcap-dev", "-r FILE"]);
    fails(&format!("http -r {GOOD} port 80"), &["without libpcap", "port 80"]);
    fails("interfaces", &["without libpcap"]);
}
