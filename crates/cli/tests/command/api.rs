//! `egret api`: what it writes, and how it ends.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::run;

const CAPTURE: &str = "fixtures/http/api.pcap";

/// What is secret in `fixtures/http/secrets.pcap`.
const SECRETS: [&str; 4] = ["hunter2", "k-1234", "abc.def", "31d4d96e407aad42"];

/// An empty folder for what a test writes.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

#[test]
fn models_add_up_to_what_the_captures_say() {
    let folder = folder("api-models");
    let at = |name: &str| folder.join(name).display().to_string();
    let [one, other, both] = ["one.egret-model", "other.egret-model", "both.yaml"].map(at);
    assert_eq!(run(&format!("api -q -r {CAPTURE} -o {one}")).code, Some(0));
    assert_eq!(run(&format!("api -q -r fixtures/http/get.pcap -o {other}")).code, Some(0));
    assert_eq!(
        run(&format!("api -q --model {other} --model {one} --host birds.test -o {both}")).code,
        Some(0)
    );
    let merged = fs::read_to_string(&both).expect("it was written");
    assert_eq!(merged, run(&format!("api -q -r {CAPTURE}")).text());
    assert!(run(&format!("api -q --model {one} --json")).text().starts_with("{\n  \"openapi\": \"3.1.0\""));
    let left: Vec<_> = fs::read_dir(&folder).expect("the folder").collect();
    assert_eq!(left.len(), 3, "nothing but what was asked for: {left:?}");
}

#[test]
fn whatever_the_order_the_bytes_are_the_same() {
    let folder = folder("api-order");
    let at = |name: &str| folder.join(name).display().to_string();
    // Of other times and addresses: packets of one connection cannot be told apart, whoever captured them.
    let captures = [CAPTURE, "fixtures/real/nginx-keep-alive.pcapng", "fixtures/real/nginx-post.pcapng"];
    for (number, capture) in captures.iter().enumerate() {
        let model = at(&format!("{number}.egret-model"));
        assert_eq!(run(&format!("api -q -r {capture} -o {model}")).code, Some(0));
    }
    let models = |order: [usize; 3]| {
        let all: String =
            order.iter().map(|n| format!(" --model {}", at(&format!("{n}.egret-model")))).collect();
        assert_eq!(run(&format!("api -q{all} -o {}", at("all.egret-model"))).code, Some(0));
        fs::read(at("all.egret-model")).expect("it was written")
    };
    let files = |order: [usize; 3]| {
        let all: String = order.iter().map(|n| format!(" -r {}", captures[*n])).collect();
        (run(&format!("api -q{all}")).out, run(&format!("api -q{all} --json --host birds.test")).out)
    };
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert_eq!(models(order), models([0, 1, 2]));
        assert_eq!(files(order), files([0, 1, 2]));
    }
    // Captures that are read together, and models that are put together, say the same.
    let all = at("all.egret-model");
    models([0, 1, 2]);
    assert_eq!(run(&format!("api -q --model {all}")).out, files([0, 1, 2]).0);
}

#[cfg(feature = "libpcap")]
#[test]
fn the_last_words_are_the_filter() {
    let none = run(&format!("api -q -r {CAPTURE} 'port 81'"));
    assert_eq!((none.code, none.text()), (Some(1), ""));
    assert_eq!(run(&format!("api -q -r {CAPTURE} 'port 80'")).out, run(&format!("api -q -r {CAPTURE}")).out);
    let explained = run(&format!("api explain GET /birds/1 '' -r {CAPTURE} 'port 80'"));
    assert!(explained.text().contains(&format!("{CAPTURE} connection 1 exchange 0: packets 4-4, 5-5")));
}

#[test]
fn what_is_no_file_is_written_to_and_stays() {
    let done = run(&format!("api -q -r {CAPTURE}"));
    assert_eq!(run(&format!("api -q -r {CAPTURE} -o -")).out, done.out);
    assert_eq!(run(&format!("api -q -r {CAPTURE} -o /dev/null")).code, Some(0));
    let kept = fs::metadata("/dev/null").is_ok_and(|null| !null.is_file());
    assert!(kept, "/dev/null is a file now");
    let folder = folder("api-link");
    let at = |name: &str| folder.join(name).display().to_string();
    fs::write(at("victim"), "mine").expect("it can be written");
    std::os::unix::fs::symlink(at("victim"), at("api.yaml")).expect("a link");
    assert_eq!(run(&format!("api -q -r {CAPTURE} -o {}", at("api.yaml"))).code, Some(0));
    assert_eq!(fs::read_to_string(at("victim")).expect("it is there"), "mine");
    assert_eq!(fs::read(at("api.yaml")).expect("it is there"), done.out);
}

#[test]
fn no_secret_of_a_capture_is_in_what_is_written() {
    let folder = folder("api-secrets");
    let model = folder.join("secrets.egret-model").display().to_string();
    let capture = "fixtures/http/secrets.pcap";
    let mut written = Vec::new();
    for examples in ["", "--examples"] {
        written.push(run(&format!("api -q {examples} -r {capture}")).text().to_owned());
        assert_eq!(run(&format!("api -q {examples} -r {capture} -o {model}")).code, Some(0));
        written.push(fs::read_to_string(&model).expect("it was written"));
        written.push(run(&format!("api explain POST /login --model {model}")).text().to_owned());
    }
    assert!(written.iter().all(|text| text.contains("login")));
    for secret in SECRETS {
        assert!(written.iter().all(|text| !text.contains(secret)), "{secret}");
    }
}

#[test]
fn what_breaks_clients_is_told_by_the_exit_code() {
    let folder = folder("api-diff");
    let spec = "fixtures/http/api.openapi.yaml";
    assert_eq!(run(&format!("api diff {spec} {spec}")).code, Some(0));
    let text =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/http/api.openapi.yaml"));
    let without = text.expect("the fixture").replace("    delete:", "    patch:");
    let changed = folder.join("changed.yaml");
    fs::write(&changed, without).expect("it can be written");
    let done = run(&format!("api diff {spec} {}", changed.display()));
    assert_eq!(done.code, Some(1));
    assert_eq!(
        done.text(),
        "removed  DELETE /birds/{}  operation  (breaking)\nadded    PATCH /birds/{}  operation\n"
    );
}

#[test]
fn what_cannot_be_done_is_said() {
    for (line, said) in [
        (format!("api -q -r {CAPTURE} --host nobody.test"), "there were: birds.test"),
        ("api -q -r fixtures/tcp/not-tcp.pcap".to_owned(), "there is nothing to describe"),
        (format!("api -q --model {CAPTURE}"), "not a model"),
        (format!("api explain GET /fish -r {CAPTURE}"), "GET /birds/{birdId}"),
        (format!("api check {CAPTURE} -r {CAPTURE}"), "fixtures/http/api.pcap"),
    ] {
        let done = run(&line);
        assert_eq!(done.code, Some(1), "{line}: {}", done.err);
        assert!(done.err.contains(said), "{line}: {}", done.err);
    }
    assert_eq!(run(&format!("api -r {CAPTURE} --template users")).code, Some(2));
}
