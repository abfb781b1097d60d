//! `egret http --bodies`: a file for each body, whole or named as what it is, and nothing else touched.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{conversation, file, run};

/// A folder of this test run, which is not there yet.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    path
}

fn held(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    let name =
        |path: &Path| path.file_name().and_then(|name| name.to_str()).expect("a plain name").to_owned();
    entries.map(|path| (name(&path), fs::read(&path).expect("it can be read"))).collect()
}

#[test]
fn each_body_is_a_file() {
    let big: Vec<u8> = (0..200_000_u32).map(|number| (number.wrapping_mul(number) >> 7) as u8).collect();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {}\r\n\r\n", big.len());
    let pieces: Vec<_> = big.chunks(1_400).collect();
    let mut said: Vec<(bool, &[u8])> = vec![
        (true, b"POST /a HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}"),
        (false, b"HTTP/1.1 200 OK\r\nContent-Type: ../../x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
        (true, b"GET /b HTTP/1.1\r\n\r\n"),
        (false, head.as_bytes()),
    ];
    said.extend(pieces.iter().map(|piece| (false, *piece)));
    said.extend([
        (true, &b"GET /c HTTP/1.1\r\n\r\n"[..]),
        (false, b"HTTP/1.1 404 No\r\nContent-Encoding: rot13\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nabcd"),
        (true, b"GET /d HTTP/1.1\r\n\r\n"),
        (false, b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nto be"),
    ]);
    let capture = file("files.pcap", &conversation(&said));
    let to = folder("files");
    let done = run(&format!("http --bodies {} -r {capture}", to.display()));
    assert_eq!(done.code, Some(0), "{}", done.err);
    let expected: [(&str, &[u8]); 5] = [
        ("1-0-request.json", b"{\"a\":1}"),
        ("1-0-response.bin", b"hello"),
        ("1-1-response.png", &big),
        ("1-2-response.html.coded", b"abcd"),
        // It goes on, but not in this capture.
        ("1-3-response.txt.part", b"to be"),
    ];
    let expected = expected.map(|(name, body)| (name.to_owned(), body.to_vec()));
    assert!(held(&to) == BTreeMap::from(expected), "{:?}", held(&to).keys());
    // Only what is selected.
    let some = folder("files-some");
    run(&format!("http --bodies {} --status 4xx -r {capture}", some.display()));
    assert_eq!(held(&some).into_keys().collect::<Vec<_>>(), ["1-2-response.html.coded"]);
}

#[test]
fn bodies_are_decoded_and_holes_are_told() {
    let to = folder("decoded");
    run(&format!("http --bodies {} -r fixtures/http/gzip.pcap", to.display()));
    let [(name, body)] = &held(&to).into_iter().collect::<Vec<_>>()[..] else { panic!("one file") };
    assert_eq!((name.ends_with("-0-response.txt"), body.len()), (true, 96), "{name}");
    for (capture, name, length) in [
        ("gzip-truncated", "1-0-response.bin.part", None),
        ("gap-in-sized-body", "1-0-response.bin.part", Some(10)),
    ] {
        let to = folder(capture);
        run(&format!("http --bodies {} -r fixtures/http/{capture}.pcap", to.display()));
        let held = held(&to);
        let body = held.get(name).unwrap_or_else(|| panic!("{capture}: {:?}", held.keys()));
        assert!(length.is_none_or(|length| length == body.len()), "{capture}: {} bytes", body.len());
    }
}

#[test]
fn nothing_is_written_over() {
    let to = folder("taken");
    fs::create_dir(&to).expect("it can be made");
    fs::write(to.join("mine"), "mine").expect("it can be written");
    let done = run(&format!("http --bodies {} -r fixtures/http/get.pcap", to.display()));
    assert!(done.code == Some(1) && done.err.contains("not empty"), "{}", done.err);
    assert_eq!(held(&to).len(), 1);
}
