//! Models of whole exchanges: the order does not matter, merging is observing together, files give models back, and
//! no input makes it panic.

mod play;

use egret_model::{Checker, Document, Finding, Method, Model, Options, diff};
use proptest::prelude::*;

use play::{Call, get, learned, numbered, play, templates};

fn call() -> impl Strategy<Value = Call> {
    let segment = prop_oneof![
        Just("users".to_owned()),
        Just("orders".to_owned()),
        "[0-9]{1,3}",
        "[a-z]{1,3}",
        "[a-z]-[0-9]{4}",
        Just("%C3%A9".to_owned()),
        prop_oneof![
            Just("orderItems"),
            Just("order-items"),
            Just("order"),
            Just("Items"),
            Just("v2.0"),
            Just("2.0")
        ]
        .prop_map(str::to_owned),
    ];
    let target = (prop::collection::vec(segment, 0..4), prop::option::of("[a-c]=[0-9a-z]{0,2}"));
    let target = target.prop_map(|(path, query)| {
        format!("/{}{}", path.join("/"), query.map(|query| format!("?{query}")).unwrap_or_default())
    });
    let json = prop_oneof![
        Just("[]".to_owned()),
        Just("{".to_owned()),
        Just(r#"{"id": 1, "name": null}"#.to_owned()),
        "[a-z]{1,2}".prop_map(|name| format!(r#"{{"id": 1.5, "{name}": ["2026-11-05", true]}}"#)),
        "[1-9][0-9]{0,3}".prop_map(|number| format!(r#"[{{"{number}": {{"a": {number}}}}}]"#)),
    ];
    let method = prop_oneof![Just("GET"), Just("POST"), Just("OPTIONS"), Just("PURGE")];
    let host = prop_oneof![Just("api.example"), Just("other.example:81")];
    let status = prop_oneof![Just(200_u16), Just(201), Just(404), Just(422), Just(307)];
    (method, target, host, status, prop::option::of(json.clone()), json).prop_map(
        |(method, target, host, status, sent, answered)| Call {
            method,
            target,
            host,
            status,
            sent,
            answered,
            headers: "Authorization: Bearer canary-1234567890\r\nCookie: sessionid=canary-cookie\r\n".into(),
            ..Call::default()
        },
    )
}

proptest! {
    #[test]
    fn the_order_does_not_matter(calls in prop::collection::vec(call(), 0..30), turn in 0_usize..30) {
        let calls = numbered(calls);
        let mut turned = calls.clone();
        turned.rotate_left(turn.min(calls.len()));
        turned.reverse();
        let (one, other) = (learned(&calls), learned(&turned));
        prop_assert_eq!(one.to_bytes(), other.to_bytes());
        let document =
            |model: &Model| model.describe(&Options::default()).map(|found| found.document().to_yaml());
        prop_assert_eq!(document(&one), document(&other));
    }

    #[test]
    fn merging_is_observing_together(
        calls in prop::collection::vec(call(), 0..30),
        cuts in (0_usize..30, 0_usize..30),
    ) {
        let calls = numbered(calls);
        let cut = |at: usize| at.min(calls.len());
        let (first, second) = (cut(cuts.0.min(cuts.1)), cut(cuts.0.max(cuts.1)));
        let parts = [&calls[..first], &calls[first..second], &calls[second..]].map(learned);
        let merged = |one: &Model, other: &Model| {
            let mut sum = one.clone();
            sum.merge(other.clone());
            sum
        };
        let whole = learned(&calls);
        prop_assert_eq!(&merged(&merged(&parts[0], &parts[1]), &parts[2]), &whole);
        prop_assert_eq!(&merged(&parts[0], &merged(&parts[1], &parts[2])), &whole);
        prop_assert_eq!(&merged(&merged(&parts[2], &parts[0]), &parts[1]), &whole);
        prop_assert_eq!(&merged(&Model::default(), &whole), &whole);
        prop_assert_eq!(&Model::from_bytes(&whole.to_bytes()).unwrap(), &whole);
    }

    #[test]
    fn what_is_described_is_valid_and_covers_its_traffic(calls in prop::collection::vec(call(), 1..30)) {
        let calls = numbered(calls);
        let model = learned(&calls);
        let Some(description) = model.describe(&Options::default()) else { return Ok(()) };
        let document = description.document();
        let read = oas3::from_json(document.to_json());
        prop_assert!(read.is_ok(), "{:?}\n{}", read.err(), document.to_yaml());
        let json = document.to_json();
        let ids: Vec<_> = json.lines().filter(|line| line.contains("\"operationId\"")).collect();
        prop_assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len(), "{}", json);
        prop_assert_eq!(&Document::parse(&document.to_yaml()).unwrap(), &document);
        prop_assert_eq!(diff(&document, &document), []);
        for text in [document.to_yaml(), String::from_utf8(model.to_bytes()).unwrap()] {
            prop_assert!(!text.contains("canary"));
        }
        let mut checker = Checker::new(document);
        for (number, call) in &calls {
            play(*number, call, |exchange| checker.observe("a.pcap", exchange));
        }
        prop_assert_eq!(checker.report().unseen, Vec::<String>::new());
    }

    #[test]
    fn no_file_makes_it_panic(
        calls in prop::collection::vec(call(), 1..8),
        at in any::<prop::sample::Index>(),
        byte: u8,
    ) {
        let mut bytes = learned(&numbered(calls)).to_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(model) = Model::from_bytes(&bytes)
            && let Some(description) = model.describe(&Options::default())
        {
            prop_assert!(description.document().to_yaml().starts_with("openapi"));
        }
    }
}

#[test]
fn counts_of_a_file_may_be_as_large_as_they_like() {
    let calls =
        numbered((0..9).map(|id| get(&format!("/u/{id}/x"), 200, r#"{"a": [1, "b"], "c": 1}"#)).collect());
    let text = String::from_utf8(learned(&calls).to_bytes()).unwrap();
    let digit = |letter: char| letter.is_ascii_digit();
    let mut parts = text.split("\":");
    let mut large = parts.next().unwrap().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(digit);
        let number = if rest.len() < part.len() && !large.ends_with("version") {
            u64::MAX.to_string()
        } else {
            part.strip_suffix(rest).unwrap().to_owned()
        };
        large += &format!("\":{number}{rest}");
    }
    let mut model = Model::from_bytes(large.as_bytes()).unwrap();
    model.merge(Model::from_bytes(large.as_bytes()).unwrap());
    for (number, call) in &calls {
        play(*number, call, |exchange| model.observe("a.pcap", exchange));
    }
    assert!(model.servers().all(|(_, calls)| calls == u64::MAX));
    let yaml = model.describe(&Options::default()).unwrap().document().to_yaml();
    assert!(yaml.contains("/u/{uId}/x"), "{yaml}");
    assert!(!model.explain(&Options::default(), Method::Get, "/u/1/x", None).is_empty());
}

#[test]
fn files_of_other_versions_are_refused_with_a_message() {
    let text = String::from_utf8(Model::default().to_bytes()).unwrap();
    let newer = text.replace("\"version\":1", "\"version\":2");
    assert!(Model::from_bytes(newer.as_bytes()).unwrap_err().to_string().contains("version 2"));
    assert!(Model::from_bytes(b"{}").unwrap_err().to_string().starts_with("not a model"));
    assert!(Model::from_bytes(b"").is_err());
}

#[test]
fn templates_are_inferred() {
    let user = |id: u32| format!(r#"{{"id": {id}, "name": "x", "email": "a@b.example"}}"#);
    let mut calls: Vec<_> = (1..4).map(|id| get(&format!("/users/{id}"), 200, &user(id))).collect();
    calls.push(get("/users/me", 200, &user(1)));
    calls.push(get("/users/99", 404, r#"{"error": "none"}"#));
    calls.push(get("/scan.php", 404, "{}"));
    for name in ["egret", "heron", "stork"] {
        calls.push(get(&format!("/birds/{name}"), 200, &format!(r#"{{"kind": "{name}", "legs": 2}}"#)));
    }
    for name in ["daily", "weekly", "monthly"] {
        calls.push(get(&format!("/stats/{name}"), 200, r#"{"open": 1, "close": 2}"#));
    }
    assert_eq!(
        templates(calls),
        [
            "GET /birds/{birdName}",
            "GET /stats/daily",
            "GET /stats/monthly",
            "GET /stats/weekly",
            "GET /users/me",
            "GET /users/{userId}",
        ]
    );
}

#[test]
fn one_sample_of_a_word_is_no_parameter_unless_a_hint_says_so() {
    let model = learned(&numbered(vec![get("/users/alice", 200, r#"{"a": 1, "b": 2}"#)]));
    let paths = |options: &Options| {
        let description = model.describe(options).unwrap();
        description.operations().map(|(_, path)| path).collect::<Vec<_>>()
    };
    assert_eq!(paths(&Options::default()), ["/users/alice"]);
    let hints = vec!["/users/{name}/**".parse().unwrap()];
    assert_eq!(paths(&Options { hints, ..Options::default() }), ["/users/{name}"]);
}

#[test]
fn many_names_are_one_template_and_little_memory() {
    let name = |number| format!("/articles/a-title-{number}-of-one/{}", number * 7_919);
    let answer = |number| format!(r#"{{"id": {number}, "k{}": 1}}"#, number % 500);
    let mut calls: Vec<_> = (0..6_000).map(|number| get(&name(number), 200, &answer(number))).collect();
    calls.push(get("/articles/feed", 200, "[]"));
    let model = learned(&numbered(calls.clone()));
    assert!(model.to_bytes().len() < 1 << 20, "{}", model.to_bytes().len());
    assert_eq!(templates(calls), ["GET /articles/feed", "GET /articles/{articleName}/{id}"]);
}

#[test]
fn a_claim_has_its_witnesses() {
    let calls = (1..5).map(|id| get(&format!("/users/{id}"), 200, r#"{"id": 1}"#)).collect();
    let model = learned(&numbered(calls));
    let claims = model.explain(&Options::default(), Method::Get, "/users/3", Some("id"));
    assert_eq!(claims.len(), 1);
    assert!(claims[0].text.contains("is required: in all of 4 objects"), "{}", claims[0].text);
    assert_eq!(model.source(claims[0].witnesses[0].source), Some("a.pcap"));
    assert!(model.explain(&Options::default(), Method::Get, "/nothing", None).is_empty());
}

#[test]
fn a_cut_body_is_no_evidence() {
    let mut model = Model::default();
    let long = format!(r#"{{"a": "{}"}}"#, "x".repeat(1 << 17));
    play(1, &get("/a", 200, &long), |exchange| model.observe("a.pcap", exchange));
    let yaml = model.describe(&Options::default()).unwrap().document().to_yaml();
    assert!(yaml.contains("x-egret-unread: 1") && !yaml.contains("properties"), "{yaml}");
}

#[test]
fn traffic_is_held_against_a_document() {
    let document = Document::parse(
        r#"{"openapi": "3.1.0", "paths": {
            "/users/{id}": {"get": {"responses": {"200": {"content": {"application/json": {"schema":
                {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}}}}}}},
            "/zombie": {"get": {"responses": {"200": {}}}}}}"#,
    );
    let mut checker = Checker::new(document.unwrap());
    for (number, call) in numbered(vec![
        get("/users/1", 200, r#"{"id": 1}"#),
        get("/users/2", 200, r#"{"id": "two"}"#),
        get("/users/3?q=1", 418, "{}"),
        get("/shadow/7", 200, "{}"),
        get("/nowhere", 404, "{}"),
    ]) {
        play(number, &call, |exchange| checker.observe("a.pcap", exchange));
    }
    let report = checker.report();
    assert_eq!((report.operations, report.seen, report.exchanges), (2, 1, 5));
    assert_eq!(report.unseen, ["GET /zombie"]);
    let shown = |findings: &[Finding]| -> Vec<String> {
        let each = findings.iter().map(|finding| format!("{} {}", finding.place, finding.what));
        each.map(|text| text.trim_end().to_owned()).collect()
    };
    assert_eq!(shown(&report.undocumented), ["GET /shadow/{integer}"]);
    assert_eq!(
        shown(&report.violations),
        [
            "GET /users/{id} 200 application/json .id is string, not integer",
            "GET /users/{id} 418 status is not described",
        ]
    );
    assert_eq!(report.violations[0].witness.connection, 1);
}
