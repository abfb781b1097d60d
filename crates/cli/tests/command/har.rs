//! `egret http --har`: archives that others read, complete or cut short.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use har::v1_2::Entries;
use serde_json::Value;

use crate::run::{conversation, egret, file, fixtures, header, record, run, signal};

/// The entries of an archive, as the `har` crate reads them.
fn entries(archive: &str) -> Vec<Entries> {
    let read = har::from_slice(archive.as_bytes()).unwrap_or_else(|error| panic!("{error}: {archive}"));
    match read.log {
        har::Spec::V1_2(log) => {
            assert_eq!(log.creator.name, "egret");
            log.entries
        }
        other => panic!("an archive of another version: {other:?}"),
    }
}

/// The same, as plain JSON: what is egret's own is in it too.
fn plain(archive: &str) -> Vec<Value> {
    let archive: Value = serde_json::from_str(archive).expect("JSON");
    archive["log"]["entries"].as_array().expect("a list").clone()
}

fn scratch(name: &str) -> String {
    file(name, b"what was here before is not in the way")
}

#[test]
fn every_exchange_is_an_entry() {
    for capture in fixtures() {
        let path = scratch("every.har");
        let done = run(&format!("http --json --body-bytes 1M --har {path} -r {capture}"));
        let archive = fs::read_to_string(&path).expect("it was written");
        let (entries, plain, records) = (entries(&archive), plain(&archive), done.records());
        assert_eq!(entries.len(), records.len(), "{capture}");
        for ((entry, plain), record) in entries.iter().zip(&plain).zip(&records) {
            let (request, response) = (&record["request"], &record["response"]);
            assert_eq!(entry.request.method, request["method"].as_str().unwrap_or_default());
            let target = request["target"].as_str().unwrap_or_default();
            assert!(
                entry.request.url.ends_with(target) || !target.starts_with('/'),
                "{} {target}",
                entry.request.url
            );
            assert_eq!(entry.response.status, response["status"].as_i64().unwrap_or(0));
            assert_eq!(entry.response.body_size, response["body"]["size"].as_i64().unwrap_or(0));
            assert_eq!(entry.started_date_time, record["started"].as_str().expect("a time"));
            let whole = record["timing"]["wait_ms"].as_f64().unwrap_or(0.0);
            assert!(entry.timings.wait >= 0.0 && (entry.timings.wait - whole).abs() < 1e-9);
            let fields = request["headers"].as_array().map_or(0, Vec::len);
            assert_eq!(entry.request.headers.len(), fields, "{capture}");
            for (ours, theirs) in
                [("_connection", "connection"), ("_index", "index"), ("_verdict", "verdict"), ("_why", "why")]
            {
                assert_eq!(plain.get(ours), record.get(theirs), "{capture}");
            }
            assert_eq!(plain["_packets"].get("response"), response.get("packets"));
            let content = &entry.response.content;
            let (text, base64) = (response["body"].get("text"), response["body"].get("base64"));
            assert_eq!(content.text.as_deref(), text.or(base64).and_then(Value::as_str));
            assert_eq!(content.encoding.as_deref(), base64.map(|_| "base64"));
        }
        // On standard output there is the archive, and nothing else.
        let alone = run(&format!("http --body-bytes 1M --har - -r {capture}"));
        assert_eq!((alone.text(), alone.code), (archive.as_str(), Some(0)));
    }
}

#[test]
fn what_browsers_show_is_there() {
    let body = b"user=heron&note=a+b%26c";
    let request = format!(
        "POST /form?q=a%20b&flag HTTP/1.1\r\nHost: a.example:8080\r\nCookie: sid=1; theme=dark\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let said = [
        (true, [request.as_bytes(), body].concat()),
        (
            false,
            b"HTTP/1.1 302 Found\r\nLocation: /done\r\nSet-Cookie: sid=2; Path=/; HttpOnly\r\n\
              Content-Type: image/png\r\nContent-Length: 4\r\n\r\n\x89PNG"
                .to_vec(),
        ),
        (true, b"GET http://u@b.example HTTP/1.1\r\nHost: b.example\r\n\r\n".to_vec()),
    ];
    let said: Vec<_> = said.iter().map(|(client, bytes)| (*client, bytes.as_slice())).collect();
    let capture = file("browsers.pcap", &conversation(&said));
    let done = run(&format!("http --har - -r {capture}"));
    let entries = entries(done.text());
    let (request, response) = (&entries[0].request, &entries[0].response);
    assert_eq!(request.url, "http://a.example:8080/form?q=a%20b&flag");
    let query: Vec<_> =
        request.query_string.iter().map(|pair| (pair.name.as_str(), pair.value.as_str())).collect();
    assert_eq!(query, [("q", "a b"), ("flag", "")]);
    let cookies: Vec<_> =
        request.cookies.iter().map(|pair| (pair.name.as_str(), pair.value.as_str())).collect();
    assert_eq!(cookies, [("sid", "1"), ("theme", "dark")]);
    let posted = request.post_data.as_ref().expect("a body");
    assert_eq!(posted.text.as_deref(), Some("user=heron&note=a+b%26c"));
    let params = posted.params.as_ref().expect("a form");
    assert_eq!((params[1].name.as_str(), params[1].value.as_deref()), ("note", Some("a b&c")));
    assert_eq!((response.status, response.redirect_url.as_deref()), (302, Some("/done")));
    let cookie = &response.cookies[0];
    assert_eq!(
        (cookie.value.as_str(), cookie.path.as_deref(), cookie.http_only),
        ("2", Some("/"), Some(true))
    );
    let content = &response.content;
    assert_eq!((content.text.as_deref(), content.encoding.as_deref()), (Some("iVBORw=="), Some("base64")));
    assert_eq!(content.mime_type.as_deref(), Some("image/png"));
    // Nobody answered the second.
    assert_eq!((entries[1].request.url.as_str(), entries[1].response.status), ("http://u@b.example", 0));
    // Bodies are kept as far as it is asked for, and what is missing is said.
    let cut = plain(run(&format!("http --har - --body-bytes 4 -r {capture}")).text())[0].clone();
    assert_eq!(cut["request"]["postData"]["text"], "user");
    assert_eq!(cut["request"]["postData"]["comment"], "4 of 23 bytes");
    assert_eq!(cut["request"]["postData"].get("params"), None);
}

#[test]
fn an_archive_is_valid_at_any_time() {
    // The signals that end the command, and the one that nobody can catch.
    for (name, code) in [("-INT", Some(0)), ("-TERM", Some(0)), ("-KILL", None)] {
        let path = scratch(&format!("cut{name}.har"));
        let mut command = egret(&["http", "--har", &path]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command starts");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(&header()).expect("it reads");
        let (mut asked, mut answered) = (1, 1);
        for second in 0..40 {
            let (request, response) =
                (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
            input.write_all(&record(second, true, asked, answered, request)).expect("it reads");
            asked += u32::try_from(request.len()).expect("a short message");
            input.write_all(&record(second, false, answered, asked, response)).expect("it reads");
            answered += u32::try_from(response.len()).expect("a short message");
        }
        // When no packet waits, what there is is written.
        let begun = || {
            fs::read_to_string(&path).is_ok_and(|archive| archive.starts_with('{') && archive.len() > 1_000)
        };
        for _ in 0..1_000 {
            if begun() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let (ended, err) = signal(name, child);
        assert_eq!(ended, code, "{name}: {err}");
        drop(input);
        let entries = entries(&fs::read_to_string(&path).expect("it was written"));
        assert!(entries.len() > 30, "{name}: {} entries", entries.len());
    }
}

#[test]
fn what_cannot_be_written_is_said() {
    const GOOD: &str = "fixtures/http/get.pcap";
    let same = file("same.pcap", &fs::read(crate::run::root().join(GOOD)).expect("the fixture"));
    let done = run(&format!("http --har {same} -r {same}"));
    assert!(done.code == Some(2) && done.err.contains("--har names the file that -r reads"), "{}", done.err);
    let done = run(&format!("http --har no/such/folder.har -r {GOOD}"));
    assert!(done.code == Some(1) && done.err.contains("no/such/folder.har"), "{}", done.err);
    // What was there stays if there is nothing to put in its place.
    let kept = scratch("kept.har");
    assert_eq!(run(&format!("http --har {kept} -r no-such.pcap")).code, Some(1));
    assert!(fs::read_to_string(&kept).expect("it is there").starts_with("what was here"));
    // A capture without exchanges is an archive without entries.
    run(&format!("http --har {kept} -r fixtures/tcp/lines.pcap"));
    assert!(entries(&fs::read_to_string(&kept).expect("it is there")).is_empty());
    if Path::new("/dev/full").exists() {
        let done = run(&format!("http --har /dev/full -r {GOOD}"));
        assert!(done.code == Some(1) && done.err.contains("/dev/full failed"), "{}", done.err);
    }
}
