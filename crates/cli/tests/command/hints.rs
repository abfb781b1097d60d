//! "Why did I see nothing?": said on standard error by `egret http`, and in the record of `egret stats`.

use crate::run::{file, header, run};

#[test]
fn who_sees_nothing_is_told_what_there_was() {
    let empty = file("nothing.pcap", &header());
    for (options, id, words) in [
        ("-r fixtures/http/http2-preface.pcap", "http2", "HTTP/2 without TLS"),
        ("-r fixtures/tcp/not-tcp.pcap", "not-http", "something else than HTTP"),
        (&format!("-r {empty}"), "no-packets", "no packet in it"),
        #[cfg(feature = "libpcap")]
        ("-r fixtures/http/get.pcap 'port 1'", "filter-matched-nothing", "none of 8 packets"),
    ] {
        let stats = run(&format!("stats --json {options}"));
        let hint = &stats.records()[0]["hints"][0];
        assert_eq!(hint["id"], id, "{options}: {hint}");
        let text = hint["text"].as_str().expect("text");
        assert!(text.contains(words), "{text}");
        let told = format!("egret: hint: {text}\n");
        assert!(run(&format!("http {options}")).err.contains(&told), "{options}");
        assert!(run(&format!("stats {options}")).text().contains(text), "{options}");
        assert_eq!(run(&format!("http -q {options}")).err, "", "{options}");
    }
    let tls = run("stats --json -r fixtures/http/tls.pcap").records().remove(0);
    assert_eq!((&tls["not_http"]["tls"], &tls["hints"][0]["id"]), (&1.into(), &"tls".into()), "{tls}");
    assert!(tls["tls"]["server_names"].is_array() && tls["tls"]["versions"].is_object(), "{tls}");
    let chosen = run("http --host nobody -r fixtures/http/get.pcap");
    assert!(chosen.err.contains("hint: 1 exchange, none of them selected"), "{}", chosen.err);
    let found = run("stats --json -r fixtures/http/get.pcap");
    assert_eq!(found.records()[0]["hints"], serde_json::json!([]));
}
