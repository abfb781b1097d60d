//! The examples of the README: each command in a `console` block is run, and prints what stands below it.
//!
//! `UPDATE_EXPECT=1 cargo test -p egret --test command readme` writes the output anew; read it before you keep it.

use std::fs;
use std::path::Path;

use crate::run::run;

const BEGIN: &str = "```console\n";
const END: &str = "```\n";
const PROMPT: &str = "$ egret ";
/// A folder that examples write to: each run of the test has its own.
const FOLDER: &str = "/tmp/parts";

#[test]
fn the_examples_are_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let scratch = format!("{}/readme-parts", env!("CARGO_TARGET_TMPDIR"));
    let _ = fs::remove_dir_all(&scratch);
    let written = fs::read_to_string(&path).expect("the README");
    let mut renewed = String::new();
    let mut rest = written.as_str();
    let mut examples = 0;
    while let Some((before, from)) = rest.split_once(BEGIN) {
        let (block, after) = from.split_once(END).expect("a block that ends");
        renewed.push_str(before);
        renewed.push_str(BEGIN);
        for line in block.lines().filter_map(|line| line.strip_prefix(PROMPT)) {
            // What is said on standard error comes last, as on a terminal.
            let done = run(&line.replace(FOLDER, &scratch));
            renewed.push_str(&format!("{PROMPT}{line}\n{}{}", done.text(), done.err));
            examples += 1;
        }
        renewed.push_str(END);
        rest = after;
    }
    renewed.push_str(rest);
    assert!(examples >= 8, "only {examples} examples");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, renewed).expect("the README can be written");
    } else {
        assert_eq!(written, renewed, "set UPDATE_EXPECT=1 to take what the command prints now");
    }
}
