//! Where packets come from: several files as one.

use std::fs;

use crate::run::{conversation, file, header, record, root, run};

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
        let packets = run(&format!("packets --json {line} tcp")).records();
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
