//! The machine-readable forms: every line of every command on every fixture, and the fields that are promised.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::run::{conversation, file, fixtures, run};

/// Checks what holds for all records: no null, times in RFC 3339, milliseconds as numbers.
fn check(value: &Value, name: &str) {
    match value {
        Value::Null => panic!("{name} is null"),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| check(value, name)),
        Value::Array(items) => items.iter().for_each(|value| check(value, name)),
        Value::String(text) if ["time", "started", "ended", "first", "last"].contains(&name) => {
            assert!(text.len() == 30 && text.ends_with('Z'), "{name}: {text}");
        }
        value if name.ends_with("_ms") => assert!(value.as_f64() >= Some(0.0), "{name}: {value}"),
        _ => {}
    }
}

/// Checks that the named fields are there.
fn has(record: &Value, fields: &[&str]) {
    for field in fields {
        assert!(record.pointer(field).is_some(), "{field} is not in {record}");
    }
}

fn odd(message: &Value, name: &str) -> bool {
    message["anomalies"].as_array().expect("a list").iter().any(|anomaly| anomaly == name)
}

#[test]
fn what_was_not_seen_or_not_kept_is_said() {
    let cut = "-r fixtures/http/keep-alive.pcap -s 60";
    for exchange in run(&format!("http --json {cut}")).records() {
        for (message, word) in
            [("request", "version"), ("response", "version"), ("response", "status"), ("response", "reason")]
        {
            assert!(exchange[message].get(word).is_none(), "{word} in {exchange}");
        }
    }
    let shown = run(&format!("http {cut}"));
    assert!(shown.text().contains("GET /o  ? 0 B"), "{}", shown.text());

    let none = "stats -r fixtures/http/keep-alive.pcap --max-memory 0";
    let stats = &run(&format!("{none} --json")).records()[0];
    assert_eq!(stats["exchanges"]["incomplete"]["limit"], stats["exchanges"]["total"]);
    assert_eq!((&stats["exchanges"]["limits_hit"], &stats["not_http"]), (&6.into(), &serde_json::json!({})));
    assert!(run(none).text().contains("limits     were reached 6 times"));
}

#[test]
fn every_record_of_every_fixture_has_its_fields() {
    for capture in fixtures() {
        for packet in run(&format!("packets --json -r {capture}")).records() {
            check(&packet, "");
            has(&packet, &["/number", "/time", "/length", "/captured", "/interface", "/layers"]);
        }
        for stream in run(&format!("streams --json --digest -r {capture}")).records() {
            check(&stream, "");
            has(
                &stream,
                &["/id", "/client/ip", "/client/port", "/server/ip", "/server/port", "/opened", "/closed"],
            );
            has(&stream, &["/started", "/ended"]);
            for side in ["client_to_server", "server_to_client"] {
                let side = &stream[side];
                has(side, &["/packets", "/bytes", "/missing", "/gaps", "/retransmitted", "/discarded"]);
                has(side, &["/conflicts", "/anomalies", "/sha256"]);
                let gaps = side["gaps"].as_array().expect("a list");
                let missing: u64 = gaps.iter().map(|gap| gap[1].as_u64().expect("a length")).sum();
                assert_eq!(side["missing"].as_u64(), Some(missing), "{capture}: {stream}");
            }
        }
        for exchange in run(&format!("http --json --digest --body-bytes 1K -r {capture}")).records() {
            check(&exchange, "");
            has(
                &exchange,
                &["/connection", "/index", "/client/ip", "/server/port", "/started", "/timing", "/verdict"],
            );
            if let Some(request) = exchange.get("request") {
                has(request, &["/method", "/headers", "/body/size", "/packets/1", "/anomalies"]);
                if !odd(request, "empty-target") {
                    has(request, &["/target"]);
                }
                let old = odd(request, "http-0.9") || odd(request, "bad-start-line");
                if exchange["part"] != "request-head" && !old {
                    has(request, &["/version"]);
                }
            }
            if let Some(response) = exchange.get("response") {
                has(response, &["/headers", "/body/size", "/packets/1"]);
                // Of a body with a hole in it there is no digest.
                assert_eq!(
                    response["body"].get("sha256").is_none(),
                    response["body"].get("missing").is_some()
                );
                let whole = exchange["part"] != "request-head" && exchange["part"] != "response-head";
                // HTTP/0.9 has no heads.
                if whole && !odd(response, "http-0.9") {
                    has(response, &["/version", "/reason"]);
                    let told = response.get("status").is_some();
                    assert!(
                        told || odd(response, "bad-status") || odd(response, "bad-start-line"),
                        "{response}"
                    );
                }
            }
            let incomplete = exchange["verdict"] == "incomplete";
            assert_eq!(
                exchange.get("why").is_some() && exchange.get("part").is_some(),
                incomplete,
                "{exchange}"
            );
        }
        let stats = run(&format!("stats --json -r {capture}")).records();
        assert_eq!(stats.len(), 1);
        check(&stats[0], "");
        has(
            &stats[0],
            &["/packets", "/bytes", "/link_types", "/protocols", "/dropped", "/undecodable", "/fragments"],
        );
        has(
            &stats[0],
            &["/connections/opened", "/connections/closed", "/streams/delivered", "/streams/discarded"],
        );
        has(&stats[0], &["/exchanges/complete", "/exchanges/incomplete", "/not_http"]);
        let streams = &stats[0]["streams"];
        let bytes = |name: &str| streams[name].as_u64().unwrap();
        let discarded: u64 =
            streams["discarded"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        assert_eq!(bytes("seen"), bytes("delivered") + bytes("retransmitted") + discarded, "{streams}");
    }
}

#[test]
fn digests_are_of_the_bytes_that_follow_prints() {
    for capture in fixtures() {
        for stream in run(&format!("streams --json --digest -r {capture}")).records() {
            for (side, field) in [("client", "client_to_server"), ("server", "server_to_client")] {
                let raw = run(&format!("follow {} --raw --{side} -r {capture}", stream["id"]));
                let digest: [u8; 32] = Sha256::digest(&raw.out).into();
                let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(stream[field]["sha256"], digest, "{capture}: {stream}");
                assert_eq!(stream[field]["bytes"], raw.out.len());
            }
        }
    }
}

#[test]
fn what_follow_prints_has_its_place_and_its_packet() {
    let capture = file("follow.pcap", &conversation(&[(true, b"caf\xc3\xa9"), (false, b"\xff\x00")]));
    let records = run(&format!("follow 1 --json -r {capture}")).records();
    assert_eq!((&records[0]["direction"], &records[0]["text"]), (&"client-to-server".into(), &"café".into()));
    assert_eq!(
        (&records[1]["direction"], &records[1]["base64"]),
        (&"server-to-client".into(), &"/wA=".into())
    );
    let gaps = run("follow 1 --json --client -r fixtures/tcp/gap-acknowledged.pcap").records();
    let place = |record: &Value| (record["offset"].as_u64(), record["missing"].as_u64());
    assert_eq!(gaps.iter().map(place).collect::<Vec<_>>()[..2], [(Some(0), None), (Some(6), Some(15))]);
    assert!(run("follow 1 --json --server -r fixtures/tcp/gap-acknowledged.pcap").out.is_empty());
}

#[test]
fn a_stream_says_what_is_odd_about_it() {
    let [open] = &run("streams --json -r fixtures/tcp/simultaneous-open.pcap").records()[..] else {
        panic!()
    };
    assert_eq!(open["simultaneous_open"], true);
    assert!(open.get("duplicate_captures").is_none(), "{open}");
    let [twice] = &run("streams --json -r fixtures/tcp/duplicate-capture.pcap").records()[..] else {
        panic!()
    };
    assert_eq!((&twice["duplicate_captures"], twice.get("simultaneous_open")), (&1.into(), None));
    let [tail] = &run("streams --json -r fixtures/tcp/gap-end.pcap").records()[..] else { panic!() };
    assert!(tail["client_to_server"]["unacknowledged"].as_u64() > Some(0), "{tail}");
}

#[test]
fn the_slack_is_an_option() {
    let first_gap = |options: &str| {
        let records =
            run(&format!("follow 1 --json {options} -r fixtures/tcp/gap-acknowledged.pcap")).records();
        records.iter().find(|record| record.get("missing").is_some()).unwrap()["packet"].as_u64().unwrap()
    };
    assert!(first_gap("--slack-packets 0") < first_gap(""));
    assert!(first_gap("--slack 0ms") < first_gap(""));
}

#[test]
fn a_packet_is_told_as_documented() {
    let records = run("packets --json -r fixtures/tcp/not-tcp.pcap").records();
    let syn = &records[0];
    assert_eq!(syn["layers"], serde_json::json!(["ethernet", "ipv4", "tcp"]));
    assert_eq!(syn["protocol"], "tcp");
    assert_eq!(
        syn["tcp"],
        serde_json::json!({"seq": 1000, "ack": 0, "flags": "S", "window": 65535, "payload": 0})
    );
    assert!(records.iter().any(|packet| packet["icmp"] == serde_json::json!({"type": 8, "code": 0})));
    assert!(records.iter().any(|packet| packet["udp"]["payload"] == 10));
    assert!(records.iter().any(|packet| packet["arp"]["operation"] == 1 && packet["protocol"] == "arp"));
    assert!(records.iter().any(|packet| packet["stopped"] == "ipv4: 1 bytes of 20"));
    let fragments = run("packets --json -r fixtures/tcp/fragments.pcap").records();
    assert!(fragments.iter().any(|packet| packet["fragment"]["more"] == true && packet["protocol"] == "tcp"));
}

#[test]
fn bytes_become_text_and_back() {
    let capture = file(
        "bytes.pcap",
        &conversation(&[
            (true, b"GET /caf\xe9\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n"),
            (false, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\xff\x00ab"),
            (true, b"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n"),
            (false, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ncaf\xc3\xa9"),
        ]),
    );
    let records = run(&format!("http --json --body-bytes 4 -r {capture}")).records();
    let [latin, utf8] = &records[..] else { panic!("two exchanges, not {records:?}") };
    // Each byte one character, throughout the head; the body in base64.
    assert_eq!(latin["request"]["target"], "/caf\u{e9}\u{c3}\u{a9}");
    assert_eq!(latin["request"]["anomalies"], serde_json::json!(["latin-1"]));
    assert_eq!(latin["response"]["body"]["base64"], "/wBhYg==");
    assert_eq!(latin["response"]["body"].get("text"), None);
    // UTF-8 is text, also when the limit on kept bytes cuts a character.
    assert_eq!(utf8["request"]["target"], "/café");
    assert_eq!(utf8["response"]["body"], serde_json::json!({"size": 5, "kept": 4, "text": "caf"}));
}

#[test]
fn lists_are_bounded_and_say_so() {
    // Each packet acknowledges bytes of the other side that are not in the capture: a gap each.
    let mut capture = crate::run::header().to_vec();
    for second in 0..1_200_u32 {
        capture.extend(crate::run::record(second, true, 1 + second * 20, 1, b"0123456789"));
        capture.extend(crate::run::record(second, false, 1, 1 + (second + 1) * 20, b""));
    }
    let capture = file("gaps.pcap", &capture);
    let records = run(&format!("streams --json -r {capture}")).records();
    let side = &records[0]["client_to_server"];
    let listed = side["gaps"].as_array().expect("a list").len() as u64;
    assert_eq!(listed, 1_000);
    assert!(side["gaps_left_out"].as_u64() >= Some(199), "{}", side["gaps_left_out"]);
}
