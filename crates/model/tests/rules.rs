//! Rules of the inference one by one: each test fails when its rule is broken.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "what is written in a test is there")]

mod play;

use egret_model::{Method, Model, Options};
use serde_json::{Value, json};

use play::{Call, get, learned, numbered, play, send, templates};

const USER: &str = r#"{"id": 1, "name": "x", "mail": "a@b.example"}"#;

fn document(calls: Vec<Call>) -> Value {
    let description = learned(&numbered(calls)).describe(&Options::default()).expect("something was seen");
    serde_json::from_str(&description.document().to_json()).expect("it is JSON")
}

fn with(options: &Options, calls: Vec<Call>) -> Vec<String> {
    let description = learned(&numbered(calls)).describe(options).expect("something was seen");
    description.operations().map(|(method, path)| format!("{} {path}", method.name())).collect()
}

/// The schema of what `GET /s` answers.
fn answered(bodies: &[Value]) -> Value {
    let calls = bodies.iter().map(|body| get("/s", 200, &body.to_string())).collect();
    document(calls)["paths"]["/s"]["get"]["responses"]["200"]["content"]["application/json"]["schema"].clone()
}

#[test]
fn paths_are_read_as_paths() {
    assert_eq!(templates(vec![get("/a+b", 200, "{}")]), ["GET /a+b"]);
    // A number at the top that is called itself is no version.
    assert_eq!(templates(vec![get("/7", 200, "{}"), get("/7/x", 200, "{}")]), ["GET /{id}", "GET /{id}/x"]);
    // What was refused without a value was not refused of the parameter.
    let users = document(vec![get("/u/1", 200, USER), get("/u/2", 200, USER), get("/u/", 404, "{}")]);
    assert!(users["paths"]["/u/{uId}"]["get"]["responses"]["404"].is_null());
}

#[test]
fn a_server_is_one_with_and_without_the_port_that_everybody_knows() {
    let on = |host: &'static str, path: &str| Call { host, ..get(path, 200, "{}") };
    let model =
        learned(&numbered(vec![on("Api.example:80", "/a"), on("api.example", "/b"), on("other", "/c")]));
    assert_eq!(model.servers().collect::<Vec<_>>(), [("api.example", 2), ("other", 1)]);
    // The one with most exchanges is described, or those that are asked for.
    let calls = || vec![on("aaa", "/c"), on("zzz:81", "/a"), on("zzz:81", "/b")];
    assert_eq!(with(&Options::default(), calls()), ["GET /a", "GET /b"]);
    let hosts = |names: &[&str]| Options {
        hosts: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Options::default()
    };
    assert_eq!(with(&hosts(&["AAA"]), calls()), ["GET /c"]);
    assert_eq!(with(&hosts(&["zzz", "aaa"]), calls()), ["GET /a", "GET /b", "GET /c"]);
}

#[test]
fn what_is_not_the_apis_is_no_operation() {
    let preflight = Call {
        method: "OPTIONS",
        headers: "Access-Control-Request-Method: PUT\r\n".into(),
        ..get("/a", 204, "")
    };
    let head = Call { method: "HEAD", ..get("/a", 200, "") };
    assert_eq!(templates(vec![get("/a", 200, "{}"), preflight, head.clone()]), ["GET /a"]);
    assert_eq!(templates(vec![head]), ["HEAD /a"]);
    let page = |path: &str| Call { answered_as: "text/css", ..get(path, 200, "x") };
    let calls = || vec![get("/healthz", 200, "{}"), page("/site.css"), get("/a", 200, "{}")];
    assert_eq!(with(&Options::default(), calls()).len(), 3);
    assert_eq!(with(&Options { no_files: true, ..Options::default() }, calls()), ["GET /a", "GET /healthz"]);
    assert_eq!(
        with(&Options { no_health: true, ..Options::default() }, calls()),
        ["GET /a", "GET /site.css"]
    );
}

#[test]
fn words_are_places_until_enough_speaks_against_it() {
    let users = |names: &[&str], at: &str| -> Vec<Call> {
        names.iter().map(|name| get(&format!("{at}/{name}"), 200, USER)).collect()
    };
    // A word that people give to places, whatever it answers.
    let calls = users(&["a@b.example", "c@d.example", "summary", "xyzzy"], "/users");
    assert_eq!(templates(calls), ["GET /users/summary", "GET /users/{userName}"]);
    // At the top there are places, but where they say themselves that they are values.
    let names = ["alice", "bob", "carol", "dan", "erin", "frank", "grace", "heidi", "ivan"];
    assert_eq!(templates(users(&names[..3], "")).len(), 3);
    assert_eq!(templates(users(&names, "")).len(), 9);
    let echo = |name: &&str| get(&format!("/{name}"), 200, &format!(r#"{{"id": 1, "login": "{name}"}}"#));
    assert_eq!(templates(names.iter().map(echo).collect()), ["GET /{name}"]);
    // Another media type is another thing.
    let mut calls = users(&["alice", "bob", "carol"], "/users");
    calls.push(Call { answered_as: "text/html", ..get("/users/xyzzy", 200, "<p>") });
    assert_eq!(templates(calls), ["GET /users/xyzzy", "GET /users/{userName}"]);
    // Places that are alike in nothing but what is below them, whatever it is called.
    let calls = ["alice/red", "bob/green", "carol/blue"].map(|path| get(&format!("/v/{path}"), 200, USER));
    assert_eq!(templates(calls.into()), ["GET /v/{vName}/{name}"]);
}

#[test]
fn a_hint_says_nothing_of_a_place_that_another_keeps() {
    let hints = ["/users/^me", "/users/{n}/{x}"].map(|hint| hint.parse().expect("a hint"));
    let options = Options { hints: hints.into(), ..Options::default() };
    let calls = vec![get("/users/me/zzz", 200, "{}"), get("/users/ann/zzz", 200, "{}")];
    assert_eq!(with(&options, calls), ["GET /users/me/zzz", "GET /users/{n}/{x}"]);
}

#[test]
fn what_next_to_nobody_sends_and_what_everybody_does_is_no_parameter() {
    let mut calls: Vec<_> = (0..30).map(|_| get("/list?page=1", 200, "[]")).collect();
    calls.push(Call {
        headers: "User-Agent: x\r\nX-Own: 1\r\n".into(),
        ..get("/list?page=1&zzz=1", 200, "[]")
    });
    let found = document(calls);
    let parameters = found["paths"]["/list"]["get"]["parameters"].as_array().expect("parameters");
    let names: Vec<_> = parameters.iter().map(|parameter| &parameter["name"]).collect();
    assert_eq!(names, ["page"]);
    let calls =
        (0..3).map(|_| Call { headers: "User-Agent: x\r\nX-Own: 1\r\n".into(), ..get("/a", 200, "[]") });
    let found = document(calls.collect());
    assert_eq!(found["paths"]["/a"]["get"]["parameters"].as_array().map(Vec::len), Some(1));
    let posts = [send("POST", "/p", "{}", "{}"), Call { method: "POST", ..get("/p", 200, "{}") }];
    assert_eq!(document(posts.into())["paths"]["/p"]["post"]["requestBody"]["required"], false);
}

#[test]
fn schemas_claim_what_all_values_say() {
    assert_eq!(
        answered(&[json!({"a": 4, "b": 4.0}), json!({"a": 4.0, "b": 5.0})])["properties"]["a"]["type"],
        "integer"
    );
    assert_eq!(answered(&[json!({"b": 4.0}), json!({"b": 5.0})])["properties"]["b"]["type"], "number");
    let states = |all: &[&str]| answered(&[json!(all.repeat(10))])["items"]["enum"].clone();
    assert_eq!(states(&["open", "shut"]), json!(["open", "shut"]));
    assert!(states(&["open", "shut", ""]).is_null() && states(&["open", "a b"]).is_null());
    assert!(answered(&[json!(["2026-11-05", ""])])["items"]["format"].is_null());
    let bytes = ["aGVyb24gYW5kIGVncmV0IDE=", "aGVyb24gYW5kIGVncmV0IDI=", "aGVyb24gYW5kIGVncmV0IDM="];
    assert!(answered(&[json!(bytes[..2])])["items"]["format"].is_null());
    assert_eq!(answered(&[json!(bytes)])["items"]["format"], "byte");
    let one = json!({"x": 1, "y": 2});
    let map = answered(&[json!({"north": one, "south": one, "west": one})]);
    assert!(map["properties"].is_null() && map["additionalProperties"].is_object(), "{map}");
}

#[test]
fn too_many_values_leave_none_and_too_many_sorts_of_objects_neither() {
    let words = (b'a'..=b'z').map(|letter| format!("word{}", char::from(letter)));
    let calls = words.clone().map(|word| get("/s", 200, &json!({ "v": word }).to_string()));
    let model = learned(&numbered(calls.collect()));
    assert!(!String::from_utf8_lossy(&model.to_bytes()).contains("worda"));
    let calls: Vec<_> = words.map(|word| get("/s", 200, &json!({ "v": 1, (word): 1 }).to_string())).collect();
    let claims = |calls: &[Call]| {
        learned(&numbered(calls.to_vec()))
            .explain(&Options::default(), Method::Get, "/s", Some("worda"))
            .len()
    };
    assert_eq!((claims(&calls[..5]), claims(&calls)), (2, 1));
}

#[test]
fn who_asks_for_examples_keeps_asking_when_models_are_put_together() {
    let mut model = Model::default();
    model.merge(Model::with_examples());
    play(1, &get("/a", 200, r#"{"bird": "grey heron"}"#), |exchange| model.observe("a.pcap", exchange));
    assert!(String::from_utf8_lossy(&model.to_bytes()).contains("grey heron"));
}

#[test]
fn a_way_to_another_slash_is_no_answer() {
    let there = Call { answered_as: "text/plain\r\nLocation: /a/", ..get("/a", 307, "") };
    assert_eq!(templates(vec![there, get("/a/", 200, "{}")]), ["GET /a/"]);
    let elsewhere = Call { answered_as: "text/plain\r\nLocation: /b", ..get("/a", 307, "") };
    assert_eq!(templates(vec![elsewhere]), ["GET /a"]);
}
