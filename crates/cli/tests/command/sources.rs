//! Where packets come from and where they go: several files as one, files that grow, files that follow each other.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use egret_capture::{Capture, Note};

use crate::run::{catches_signals, conversation, egret, file, header, record, root, run, signal};

#[test]
fn several_files_are_one_capture_in_the_order_of_time() {
    // The two sides of a conversation, captured apart.
    let mut client = header().to_vec();
    client.extend(record(0, true, 1, 1, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    let mut server = header().to_vec();
    server.extend(record(1, false, 1, 28, b"HTTP/1.1 204 No Content\r\n\r\n"));
    let (client, server) = (file("client.pcap", &client), file("server.pcap", &server));
    for line in [format!("-r {client} -r {server}"), format!("-r {server} -r {client}")] {
        let done = run(&format!("http --json {line}"));
        assert_eq!(done.code, Some(0), "{}", done.err);
        let exchange = &done.records()[0];
        assert_eq!(exchange["response"]["status"], 204);
        assert_eq!(exchange["request"]["packets"][0], 1);
        let packets = run(&format!("packets --json {line}")).records();
        assert_eq!((&packets[0]["number"], &packets[1]["number"]), (&1.into(), &2.into()));
        assert_ne!(packets[0]["interface"], packets[1]["interface"]);
    }
}

#[test]
fn every_damaged_file_of_several_is_named() {
    let whole = conversation(&[(true, b"one"), (false, b"two")]);
    let cut = &whole[..whole.len() - 1];
    let files = [file("damaged-1.pcap", cut), file("fine.pcap", &whole), file("damaged-2.pcap", cut)];
    let done = run(&format!("packets -r {} -r {} -r {}", files[0], files[1], files[2]));
    assert_eq!(done.code, Some(1));
    assert_eq!(done.text().lines().count(), 4);
    assert!(done.err.contains("damaged-1.pcap: byte 83") && done.err.contains("damaged-2.pcap: byte 83"));
    assert!(!done.err.contains("fine.pcap"), "{}", done.err);
}

#[test]
fn what_is_written_of_several_files_can_be_read() {
    let (one, two) = ("fixtures/http/keep-alive.pcap", "fixtures/http/chunked.pcap");
    let target = file("merged.pcapng", b"");
    assert_eq!(run(&format!("packets -r {one} -r {two} -w {target}")).code, Some(0));
    assert!(
        fs::metadata(&target).expect("a file").len() > fs::metadata(root().join(one)).expect("a file").len()
    );
    let merged = run(&format!("packets -r {one} -r {two}"));
    assert_eq!(run(&format!("packets -r {target}")).text(), merged.text());
}

#[test]
fn a_file_that_grows_is_followed_until_a_signal() {
    let whole = conversation(&[(true, b"one"), (false, b"two"), (true, b"three")]);
    let (before, after) = whole.split_at(24 + 59);
    let growing = file("growing.pcap", before);
    let mut command = egret(&["packets", "--tail", "-r", &growing]);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    assert!(lines.next().expect("a line").contains("length 3"));
    let mut writer = OpenOptions::new().append(true).open(&growing).expect("the file");
    writer.write_all(after).expect("room");
    assert!(lines.next().is_some());
    assert!(lines.next().expect("a line").contains("length 5"));
    fs::rename(&growing, format!("{growing}.1")).expect("the folder can be written to");
    file("growing.pcap", &conversation(&[(true, b"a new file")]));
    assert!(lines.next().expect("a line").contains("length 10"));
    assert!(catches_signals(&child));
    let (code, said) = signal("-INT", child);
    assert_eq!((code, said.as_str()), (Some(0), "egret: 4 packets\n"));
}

#[test]
fn files_follow_each_other_by_size_and_by_time() {
    let input =
        file("rotate.pcap", &conversation(&[(true, &[b'x'; 1000]), (false, b"two"), (true, b"three")]));
    let target = file("rotated.pcap", b"");
    let names = |pattern: &str| {
        let folder =
            fs::read_dir(std::path::Path::new(&target).parent().expect("a folder")).expect("a folder");
        let names = folder.filter_map(|entry| entry.expect("an entry").file_name().into_string().ok());
        let mut names: Vec<_> = names.filter(|name| name.starts_with(pattern)).collect();
        names.sort();
        names
    };
    // The packet that makes a file too large is the last in it.
    assert_eq!(run(&format!("packets -r {input} -w {target} -C 1k")).code, Some(0));
    assert_eq!(names("rotated.pcap"), ["rotated.pcap", "rotated.pcap1"]);
    assert_eq!(run(&format!("packets -r {target}1")).text().lines().count(), 2);
    // A file a second, named with the times of the packets.
    let pattern = target.replace("rotated", "at-%s");
    assert_eq!(run(&format!("packets -r {input} -w {pattern} -G 1")).code, Some(0));
    assert_eq!(names("at-"), ["at-0.pcap", "at-1.pcap", "at-2.pcap"]);
    // With a number of files it ends after them.
    let done = run(&format!("packets -r {input} -w {} -G 1 -W 2", pattern.replace("at-", "few-")));
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(names("few-"), ["few-0.pcap", "few-1.pcap"]);
    let wrong = run(&format!("packets -r {input} -w {} -G 1", pattern.replace("%s", "%Q")));
    assert!(wrong.code == Some(1) && wrong.err.contains("'%Q' is no part of a time"), "{}", wrong.err);
}

#[test]
fn comments_are_carried_and_added() {
    let [first, second] = ["commented.pcapng", "again.pcapng"].map(|name| file(name, b""));
    let input = "fixtures/http/keep-alive.pcap";
    assert_eq!(run(&format!("packets -r {input} -w {first} --comment 'a word'")).code, Some(0));
    assert_eq!(run(&format!("streams -r {first} -w {second} --comment more")).code, Some(0));
    let mut capture = Capture::open(&second).expect("a capture");
    while capture.next_packet().expect("a capture").is_some() {}
    let comments = ["more", "a word"].map(|text| Note::Comment(text.to_owned()));
    assert_eq!(capture.notes().since(0), comments);
}

#[test]
fn a_full_disk_is_told() {
    let done = run("packets -r fixtures/http/keep-alive.pcap -w /dev/full");
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("/dev/full: writing failed: No space left"), "{}", done.err);
}

#[test]
fn the_packets_of_a_connection_or_an_exchange_are_cut_out() {
    // Two connections in one file.
    let (one, two) = ("fixtures/http/keep-alive.pcap", "fixtures/http/chunked.pcap");
    let both = file("both.pcapng", b"");
    run(&format!("packets -r {one} -w {both}"));
    let connections = run(&format!("streams --json -r {one} -r {two}")).records();
    assert_eq!(connections.len(), 1, "the same addresses: one connection");

    let cut = file("cut-out.pcapng", b"");
    let exchanges = run(&format!("http --json -r {both}")).records();
    assert_eq!(exchanges.len(), 3);
    let id = &exchanges[1]["connection"];
    let done = run(&format!("packets -r {both} -w {cut} --exchange {id}:1"));
    assert_eq!(done.code, Some(0), "{}", done.err);
    let alone = run(&format!("http --json -r {cut}")).records();
    assert_eq!(alone.len(), 1);
    for field in ["method", "target", "headers", "body"] {
        assert_eq!(alone[0]["request"][field], exchanges[1]["request"][field]);
    }
    assert_eq!(alone[0]["response"]["status"], exchanges[1]["response"]["status"]);

    let mixed = "fixtures/tcp/not-tcp.pcap";
    let packets = run(&format!("packets -r {mixed}"));
    let stream = run(&format!("packets -r {mixed} --stream 1"));
    let expected: Vec<_> = packets.text().lines().filter(|line| line.contains("Flags")).collect();
    assert_eq!(stream.text().lines().collect::<Vec<_>>(), expected);
    // A filter narrows it down.
    if cfg!(feature = "libpcap") {
        let some = run(&format!("packets -r {mixed} --stream 1 'dst port 80'"));
        assert!(!some.text().is_empty() && some.text().lines().count() < expected.len());
    }

    for (line, words) in [
        (format!("packets -r {mixed} --stream 4"), "no connection has the id 4"),
        (format!("packets -r {both} --exchange {id}:3"), "has no exchange 3"),
    ] {
        let done = run(&line);
        assert!(done.code == Some(1) && done.err.contains(words), "{line}: {}", done.err);
    }
}

#[test]
fn fragments_around_and_inside_a_tunnel_are_cut_out_and_vlans_are_ignored_if_asked() {
    let line = "packets -r fixtures/tcp/tunnel-fragments.pcap";
    assert_eq!(run(&format!("{line} --stream 1")).text(), run(line).text());
    // The three connections are one that ends with the first two; what is left of the third comes behind its end.
    let line = "packets --ignore-vlan -r fixtures/tcp/vlan-twins.pcap";
    let (all, stream) = (run(line), run(&format!("{line} --stream 1")));
    assert!(all.text().starts_with(stream.text()));
    assert_eq!((all.text().lines().count(), stream.text().lines().count()), (24, 20));
    let alone = run("packets -r fixtures/tcp/vlan-twins.pcap --stream 1");
    assert!(
        alone.text().lines().count() < run("packets -r fixtures/tcp/vlan-twins.pcap").text().lines().count()
    );
}

#[test]
fn an_exchange_begins_with_the_first_fragment_of_its_request() {
    let segment = |ports: [u8; 4], seq_ack: [u8; 8], text: &str| {
        [&ports[..], &seq_ack, &[0x50, 0x18, 255, 255, 0, 0, 0, 0], text.as_bytes()].concat()
    };
    let request = segment([0xc0, 0, 0, 80], [0, 0, 0, 1, 0, 0, 0, 1], "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let response = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let response = segment([0, 80, 0xc0, 0], [0, 0, 0, 1, 0, 0, 0, 28], response);
    let (first, last) = request.split_at(24);
    let mut capture = header().to_vec();
    capture[20] = 228; // Packets begin with their IPv4 header.
    let packets = [([1, 2], [0x20, 0], first), ([1, 2], [0, 3], last), ([2, 1], [0, 0], &response)];
    for ([from, to], place, payload) in packets {
        let length = 20 + payload.len() as u8;
        let header =
            [0x45, 0, 0, length, 0, from, place[0], place[1], 64, 6, 0, 0, 10, 0, 0, from, 10, 0, 0, to];
        for field in [1, 0, length.into(), u32::from(length)] {
            capture.extend(field.to_le_bytes());
        }
        capture.extend(header);
        capture.extend(payload);
    }
    let capture = file("fragmented-request.pcap", &capture);
    let exchanges = run(&format!("http --json -r {capture}")).records();
    assert_eq!((exchanges.len(), &exchanges[0]["response"]["status"]), (1, &200.into()));
    let cut = run(&format!("packets -r {capture} --exchange {}:0", exchanges[0]["connection"]));
    assert_eq!(cut.text(), run(&format!("packets -r {capture}")).text(), "{}", cut.err);
}

#[test]
fn the_fragments_of_a_connection_are_cut_out_with_it() {
    let whole = "fixtures/tcp/fragments.pcap";
    let all = run(&format!("streams --json --digest -r {whole}")).records();
    for connection in &all {
        let cut = file("cut-fragments.pcapng", b"");
        let done = run(&format!("packets -r {whole} -w {cut} --stream {}", connection["id"]));
        assert_eq!(done.code, Some(0), "{}", done.err);
        let alone = run(&format!("streams --json --digest -r {cut}")).records();
        assert_eq!(alone.len(), 1);
        for side in ["client_to_server", "server_to_client"] {
            assert_eq!(alone[0][side]["sha256"], connection[side]["sha256"]);
        }
    }
}
