//! `egret api`: what it writes, and how it ends.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::run;

const CAPTURE: &str = "fixtures/http/api.pcap";

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
