//! Every fixture has its results, every result its fixture, and every anomaly a fixture that shows it.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use crate::workspace::{self, files, read, shown};

/// The ends of the names of golden results.
const GOLDEN: [&str; 3] = ["layers", "events", "exchanges"];

/// Closed lists of oddities, with the kind of golden result that must show each of them.
const ANOMALIES: [(&str, &str, &str); 2] = [
    ("crates/reassembly/src/stream.rs", "Anomaly", "events"),
    ("crates/http/src/anomaly.rs", "MessageAnomaly", "exchanges"),
];

/// Shown by tests of the crate instead: a head or trailers longer than the limit are a quarter of a megabyte.
const TOO_BIG_FOR_A_FIXTURE: [&str; 2] = ["head-too-long", "trailers-too-long"];

pub(super) fn check() -> Result<Vec<String>> {
    let folder = workspace::root().join("fixtures");
    let mut names = BTreeSet::new();
    for extension in ["pcap", "pcapng", "script"].iter().chain(&GOLDEN) {
        names.extend(files(&folder, extension)?.iter().map(|path| shown(path)));
    }
    let mut complaints = pairs(&names, &read(&folder.join("README.md"))?);
    for (source, kind, golden) in ANOMALIES {
        let names = stable_names(&read(&workspace::root().join(source))?, kind);
        if names.is_empty() {
            complaints.push(format!(
                "{source}: no `impl {kind}` with a `name` was found; tell xtask/src/tidy/fixtures.rs"
            ));
        }
        let mut shown_words = BTreeSet::new();
        for path in files(&folder, golden)? {
            shown_words.extend(words(&read(Path::new(&path))?));
        }
        let is_due =
            |name: &String| !shown_words.contains(name) && !TOO_BIG_FOR_A_FIXTURE.contains(&name.as_str());
        for name in names.into_iter().filter(is_due) {
            complaints.push(format!(
                "{source}: no fixture shows the anomaly `{name}`: write a script for it, and bless its .{golden}"
            ));
        }
    }
    Ok(complaints)
}

/// `names` are the files, from the top of the project; `readme` is that of the fixtures.
fn pairs(names: &BTreeSet<String>, readme: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for name in names {
        let Some((stem, extension)) = name.rsplit_once('.') else { continue };
        let has = |extension: &str| names.contains(&format!("{stem}.{extension}"));
        match extension {
            "pcap" | "pcapng" => {
                for golden in GOLDEN.iter().filter(|golden| !has(golden)) {
                    complaints.push(format!(
                        "{name}: has no .{golden} beside it; run `cargo xtask bless` and read it"
                    ));
                }
                let short = name.trim_start_matches("fixtures/");
                if !has("script") && !readme.contains(&format!("* `{short}`:")) {
                    complaints.push(format!(
                        "{name}: nobody knows where it is from; fixtures/README.md needs a line \"* `{short}`: …\""
                    ));
                }
            }
            "script" if !has("pcap") => {
                complaints.push(format!("{name}: is not compiled; run `cargo xtask fixtures`"));
            }
            _ if !has("pcap") && !has("pcapng") && extension != "script" => {
                complaints.push(format!("{name}: belongs to no capture; remove it"));
            }
            _ => {}
        }
    }
    complaints
}

/// The texts that `impl KIND` gives for its variants: those behind `=>`.
fn stable_names(source: &str, kind: &str) -> Vec<String> {
    let begins = format!("impl {kind} {{");
    let lines = source.lines().skip_while(|line| *line != begins).take_while(|line| *line != "}");
    lines.filter_map(|line| line.split_once("=> \"")?.1.split('"').next()).map(str::to_string).collect()
}

/// Words with their hyphens, as anomalies are named.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.').map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(names: &[&str], readme: &str) -> Vec<String> {
        pairs(&names.iter().map(ToString::to_string).collect(), readme)
    }

    #[test]
    fn a_fixture_is_complete() {
        let all =
            ["layers", "events", "exchanges", "script", "pcap"].map(|end| format!("fixtures/a/b.{end}"));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(complaints(&all, ""), [""; 0]);
        for (gone, wanted) in [
            ("layers", "b.pcap: has no .layers"),
            ("script", "b.pcap: nobody knows"),
            ("pcap", "b.script: is not compiled"),
        ] {
            let rest: Vec<&str> = all.iter().copied().filter(|name| !name.ends_with(gone)).collect();
            let complaints = complaints(&rest, "");
            assert!(complaints.iter().any(|line| line.contains(wanted)), "{gone}: {complaints:?}");
        }
        assert!(complaints(&["fixtures/a/b.events"], "")[0].contains("belongs to no capture"));
    }

    #[test]
    fn a_real_capture_has_a_provenance() {
        let names =
            ["fixtures/r/x.pcapng", "fixtures/r/x.layers", "fixtures/r/x.events", "fixtures/r/x.exchanges"];
        assert_eq!(complaints(&names, "* `r/x.pcapng`: by hand"), [""; 0]);
        assert_eq!(complaints(&names, "").len(), 1);
    }

    #[test]
    fn names_are_found_in_their_impl() {
        let source = "impl Other {\n A => \"a\",\n}\nimpl Odd {\n    fn x() {\n    B { .. } => \"b-c\",\n    }\n}\nD => \"d\"";
        assert_eq!(stable_names(source, "Odd"), ["b-c"]);
        assert!(words("1 c>s refused x, b-c\n").any(|word| word == "b-c"));
    }
}
