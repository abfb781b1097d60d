//! `egret http --host … --status …`: what is selected is printed, in every form; what is not is counted.

use crate::run::{conversation, file, run};

/// Three exchanges of one connection.
fn capture() -> String {
    file(
        "select.pcap",
        &conversation(&[
            (true, b"GET /a HTTP/1.1\r\nHost: one.example\r\n\r\n"),
            (false, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
            (true, b"POST /b?c=d HTTP/1.1\r\nHost: two.example:8080\r\nContent-Length: 1\r\n\r\nx"),
            (false, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
            (true, b"GET /c HTTP/1.1\r\nHost: one.example\r\n\r\n"),
        ]),
    )
}

#[test]
fn what_is_selected_is_printed_and_what_is_not_is_counted() {
    let capture = capture();
    for (options, targets) in [
        ("", &["/a", "/b?c=d", "/c"][..]),
        ("--host one.example", &["/a", "/c"]),
        ("--host one.example,two.example:8080", &["/a", "/b?c=d", "/c"]),
        ("--host ONE.* --host nobody", &["/a", "/c"]),
        ("--path /b", &["/b?c=d"]),
        ("--path '/[ac]'", &["/a", "/c"]),
        ("--method post", &["/b?c=d"]),
        ("--status 4xx,5xx", &["/b?c=d"]),
        ("--status 2xx --method POST", &[]),
        ("--incomplete", &["/c"]),
    ] {
        let done = run(&format!("http {options} --json -r {capture}"));
        let records = done.records();
        let found: Vec<_> = records.iter().map(|record| record["request"]["target"].as_str()).collect();
        assert_eq!(found, targets.iter().copied().map(Some).collect::<Vec<_>>(), "{options}");
        let left_out = match options {
            "" => String::new(),
            _ => format!(", {} not selected", 3 - targets.len()),
        };
        assert!(
            done.err.contains(&format!("3 exchanges (1 incomplete){left_out}\n")),
            "{options}: {}",
            done.err
        );
        let text = run(&format!("http {options} -r {capture}"));
        assert_eq!(text.text().lines().count(), targets.len(), "{options}");
    }
}

#[test]
fn patterns_that_make_no_sense_are_errors_of_usage() {
    for options in ["--status 4x", "--status ok", "--host :80", "--host a:b"] {
        let done = run(&format!("http {options} -r fixtures/http/get.pcap"));
        assert_eq!(done.code, Some(2), "{options}: {}", done.err);
    }
}
