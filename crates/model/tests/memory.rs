//! What a model may take, whatever a server and its clients send: measured by an allocator that counts. And that a large
//! API is kept whole all the same.

#![expect(clippy::expect_used, reason = "what is written in a test is there")]

mod play;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use egret_model::{Model, Options};

use play::{Call, get, play, send};

/// The documented bound.
const BOUND: usize = 256 << 20;

struct Measuring;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on unchanged to the system's allocator.
#[expect(unsafe_code, reason = "an allocator that measures can only be written with unsafe")]
unsafe impl GlobalAlloc for Measuring {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Measuring = Measuring;

/// A word that is no number of another base, for each number another.
fn word(mut number: usize) -> String {
    let mut word = String::new();
    for _ in 0..5 {
        word.push(char::from(b'g' + (number % 20) as u8));
        number /= 20;
    }
    word
}

/// An object with `count` fields that no other object has, each with an object of its own.
fn body(number: usize, count: usize) -> String {
    let mut body = String::from("{");
    for n in 0..count {
        let name = word(number * count + n);
        let _ = write!(body, r#""{name}": {{"{name}x": "{name}", "{name}y": [{n}, "{name}z"]}}, "#);
    }
    body + r#""end": null}"#
}

/// The model of calls, how much memory it took at most, and how much it takes.
fn measured(calls: impl Iterator<Item = Call>) -> (Model, usize, usize) {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let mut model = Model::default();
    for (number, call) in calls.enumerate() {
        play(number as u64, &call, |exchange| model.observe("a.pcap", exchange));
    }
    (model, PEAK.load(Ordering::Relaxed) - before, LIVE.load(Ordering::Relaxed) - before)
}

fn held(name: &str, limited: bool, calls: impl Iterator<Item = Call>) {
    let (model, peak, live) = measured(calls);
    assert!(peak < BOUND, "{name}: {} MiB", peak >> 20);
    let description = model.describe(&Options::default()).expect("something was seen");
    let document = description.document();
    assert_eq!(document.to_json().contains("x-egret-limited"), limited, "{name}");
    oas3::from_json(document.to_json()).expect("it is OpenAPI");
    assert_eq!(model.limited().count() > 0, limited);
    #[expect(clippy::print_stdout, reason = "the peaks are for people")]
    {
        println!("{name}: {} MiB at most, {} MiB at the end", peak >> 20, live >> 20);
    }
}

#[test]
fn no_server_makes_it_take_more_than_it_may() {
    // One after the other, because the allocator measures the whole process.
    let place = |n: usize| format!("/{}/{}", word(n / 60), word(n));
    held("bodies", true, (0..4_000).map(|n| get(&place(n), 200, &body(n, 60))));
    let parameters = (0..4_000).map(|n| {
        let query = (0..60).fold(String::new(), |all, m| all + &word(n * 60 + m) + "=1&");
        let headers =
            (0..30).fold(String::new(), |all, m| all + &format!("X-{}: {m}\r\n", word(n + m * 7_919)));
        Call { headers, ..get(&format!("{}?{query}", place(n)), 200, "[]") }
    });
    held("parameters", true, parameters);
    let statuses = (0..10_000_usize).map(|n| {
        let media = ["a/a+json", "b/b+json", "c/c+json", "d/d+json", "e/e+json"];
        let answered_as = media.get(n / 700 % 5).copied().unwrap_or_default();
        Call { answered_as, ..get(&place(n % 250), 200 + (n / 250) as u16 % 40, &body(n, 8)) }
    });
    held("statuses and media types", true, statuses);
    let refused = (0..3_000).map(|n| get(&place(n), 404, &body(n, 60)));
    held("what is refused", true, refused.chain([get("/a", 200, "{}")]));
    let shapes = (0..16_000).map(|n| {
        let numbers = (0..20).fold(String::new(), |all, m| all + &format!("\"{}\": 1, ", n * 20 + m));
        get(&format!("/{}", word(n % 4_000)), 200, &format!("{{{numbers}\"x\": \"{}\"}}", word(n)))
    });
    held("shapes", false, shapes);
    let hosts: Vec<&'static str> =
        (0..300).map(|n| &*Box::leak(format!("{}.example", word(n)).into_boxed_str())).collect();
    let many = (0..6_000).map(|n| {
        let host = hosts.get(n % 300).copied().unwrap_or_default();
        Call { host, ..send("POST", &place(n), &body(n, 20), &body(n, 20)) }
    });
    held("hosts", true, many);
    a_large_api_is_whole();
}

/// 1,600 operations with some 60 fields each way.
fn a_large_api_is_whole() {
    let item = |n: usize| {
        let mut body = String::from("{");
        for m in 0..12 {
            let name = word(n * 12 + m);
            let _ = write!(
                body,
                r#""{name}": {{"one": {m}, "two": "x", "three": {{"four": [{{"five": null}}]}}}}, "#
            );
        }
        body + r#""id": 7}"#
    };
    let calls = (0..400_usize).flat_map(|n| {
        let base = format!("/api/v1/{}s", word(n));
        [
            get(&base, 200, &format!("[{}]", item(n))),
            send("POST", &base, &item(n), &item(n)),
            get(&format!("{base}/7"), 200, &item(n)),
            Call { method: "DELETE", ..get(&format!("{base}/7"), 204, "") },
        ]
    });
    let (model, peak, _) = measured(calls);
    assert!(peak < BOUND, "{} MiB", peak >> 20);
    assert_eq!(model.limited().count(), 0);
    let document = model.describe(&Options::default()).expect("something was seen").document().to_json();
    let names: std::collections::BTreeSet<_> = document.split('"').collect();
    assert!((0..4_800).all(|n| names.contains(word(n).as_str())), "every field is there");
    assert!(document.matches("\"operationId\"").count() == 1_600 && !document.contains("x-egret-limited"));
}
