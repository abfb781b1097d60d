//! Servers, clients and files that mean no good: what they send costs no more than it should, and ends.

#![expect(clippy::expect_used, reason = "what is written in a test is there")]

mod play;

use std::fmt::Write as _;

use egret_model::{Model, Options};

use play::{Call, get, learned, numbered, send};

fn described(model: &Model) -> usize {
    let description = model.describe(&Options::default()).expect("something was seen");
    oas3::from_json(description.document().to_json()).expect("it is OpenAPI");
    description.operations().count()
}

#[test]
fn thousands_of_places_that_all_answer_otherwise_are_compared_in_time() {
    let word = |mut number: usize| {
        let mut word = String::new();
        for _ in 0..4 {
            word.push(char::from(b'a' + (number % 26) as u8));
            number /= 26;
        }
        word
    };
    // Every place has fields of its own, and branches of every kind with branches of every kind below them.
    let kinds = ["7", "1.5", "2026-11-05", "a@b.example", "10.0.0.1", "a%20b", "507f1f77bcf86cd799439011"];
    let mut calls = Vec::new();
    for number in 0..1_200 {
        let fields: String = (0..12).map(|n| format!("\"{}{n}\": 1,", word(number * 7 + n))).collect();
        calls.push(get(&format!("/x/{}", word(number)), 200, &format!("{{{fields} \"z\": 1}}")));
        let (one, other) = (kinds[number % kinds.len()], kinds[number / kinds.len() % kinds.len()]);
        let path = format!("/y/{}/{one}/{other}/{one}", word(number % 150));
        calls.push(get(&path, 200, &format!("{{\"{}\": 1}}", word(number))));
    }
    assert!(described(&learned(&numbered(calls))) > 100);
}

#[test]
fn bodies_that_are_nothing_but_large_leave_little() {
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let mut wide = "{".to_owned();
    for number in 0..4_000 {
        write!(wide, "\"k{number}x{number}\": {number}, ").expect("a string takes it");
    }
    wide += "\"end\": null}";
    let long = format!("[{}0]", "1,".repeat(30_000));
    let nested = format!("{}1{}", "{\"a\":[".repeat(60), "]}".repeat(60));
    let names = (0..300).map(|number| {
        let body: String =
            (0..40).map(|n| format!("\"{}\": 1,", format!("{:x}", number * 977 + n).repeat(3))).collect();
        get("/names", 200, &format!("{{{body} \"a\": 1}}"))
    });
    let few = [&deep, &wide, &long, &nested].map(|body| send("POST", "/large", body, body));
    let model = learned(&numbered(names.chain(few).collect()));
    assert!(model.to_bytes().len() < 300_000, "{}", model.to_bytes().len());
    assert_eq!(described(&model), 2);
}

#[test]
fn names_of_everything_are_bounded() {
    let call = |number: u64| {
        let (mut query, mut headers) = (String::new(), String::new());
        for n in 0..30 {
            write!(query, "q{}={n}&", number * 30 + n).expect("a string takes it");
            write!(headers, "X-H{}: {n}\r\nCookie: c{}={n}\r\n", number * 30 + n, number * 30 + n)
                .expect("a string takes it");
        }
        let answered_as = ["text/a", "text/b", "text/c", "text/d", "text/e", "text/f"][number as usize % 6];
        Call { headers, answered_as, ..get(&format!("/a?{query}"), 200 + (number % 90) as u16, "{}") }
    };
    let calls: Vec<_> = (0..300).map(call).collect();
    let model = learned(&numbered(calls));
    assert!(model.to_bytes().len() < 300_000, "{}", model.to_bytes().len());
    assert_eq!(described(&model), 1);
    let hosts = (0..600_u64).map(|number| {
        let host: &'static str = Box::leak(format!("h{number}.example").into_boxed_str());
        Call { host, ..get("/a", 200, "{}") }
    });
    let model = learned(&numbered(hosts.collect()));
    assert_eq!(model.servers().count(), 256);
}

#[test]
fn a_file_is_held_to_the_limits_of_what_is_observed() {
    let calls = numbered((0..20).map(|n| get(&format!("/u/{n}?a=x"), 200, r#"{"name": "x"}"#)).collect());
    let mut value: serde_json::Value =
        serde_json::from_slice(&learned(&calls).to_bytes()).expect("a model is JSON");
    // Whatever is a map of counts or a list of exchanges gets a thousand more.
    fn swell(value: &mut serde_json::Value) {
        if let Some(fields) = value.as_object_mut() {
            for (name, inner) in fields.iter_mut() {
                if let ("values", Some(values)) = (name.as_str(), inner.as_object_mut()) {
                    values.extend((0..1_000).map(|n| (format!("v{n}"), 1.into())));
                } else if let ("witnesses" | "shown" | "sets", Some(items)) =
                    (name.as_str(), inner.as_array_mut())
                {
                    let more: Vec<_> = (0..1_000)
                        .flat_map(|n| items.iter().take(1).map(move |item| (n, item.clone())))
                        .collect();
                    items.extend(more.into_iter().map(|(n, item)| renumbered(item, n)));
                } else if let ("by", Some(all)) = (name.as_str(), inner.as_object_mut()) {
                    let one = all.values().next().cloned();
                    all.extend((0..1_000).filter_map(|n| Some((format!("=name{n}"), one.clone()?))));
                }
                if name != "by" {
                    swell(inner);
                }
            }
        } else if let Some(items) = value.as_array_mut() {
            items.iter_mut().for_each(swell);
        }
    }
    fn renumbered(mut item: serde_json::Value, number: u64) -> serde_json::Value {
        if let Some(fields) = item.as_object_mut() {
            for (name, inner) in fields.iter_mut() {
                match name.as_str() {
                    "connection" => *inner = (number + 100).into(),
                    "names" => *inner = serde_json::json!([number]),
                    _ => {}
                }
            }
        }
        if let Some(items) = item.as_array_mut() {
            items.iter_mut().for_each(|item| *item = renumbered(item.take(), number));
        }
        item
    }
    swell(&mut value);
    let swollen = serde_json::to_vec(&value).expect("JSON");
    let model = Model::from_bytes(&swollen).expect("it is a model still");
    let held = model.to_bytes().len();
    assert!(swollen.len() > 200_000 && held * 3 < swollen.len(), "{held} of {}", swollen.len());
    assert_eq!(Model::from_bytes(&model.to_bytes()).expect("a model"), model);
    let mut twice = model.clone();
    twice.merge(model);
    assert_eq!(described(&twice), 1);
    let deep = format!(
        r#"{{"format":"egret-model","version":1,"model":{{"apis":{{"=a":{{"found":{{"root":{}"#,
        r#"{"n":1,"is":{},"in":{"=a":"#.repeat(100_000)
    );
    assert!(Model::from_bytes(deep.as_bytes()).is_err());
}

#[test]
fn the_deepest_model_is_read_back() {
    let body = format!("{}1{}", "{\"a\":[".repeat(30), "]}".repeat(30));
    let model = learned(&numbered(vec![send("POST", &"/a".repeat(40), &body, &body)]));
    assert_eq!(Model::from_bytes(&model.to_bytes()).expect("a model"), model);
    assert_eq!(described(&model), 1);
}
