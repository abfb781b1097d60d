//! `cargo xtask test`: every check and every test, in the order that finds most mistakes soonest.
//!
//! Names each step with the time it took, stops at the first failure with what to do, and leaves nothing out: a
//! step that cannot run is a failure, except a live capture that this user may not make, which is said.

use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::shell::Program;
use crate::workspace::LIBRARIES;
use crate::{examples, fixtures, setup, tidy};

type Step = (&'static str, fn() -> Result<()>, &'static str);

/// What each step is called, what it does, and what to do when it fails.
const STEPS: [Step; 10] = [
    ("setup", setup::run, "install what is named above"),
    ("format", format, "run `cargo fmt`"),
    ("tidy", tidy::run, "each line above says the fix; `cargo xtask tidy` runs this step alone"),
    (
        "fixtures",
        fixtures::check,
        "run `cargo xtask fixtures`, then `cargo xtask bless`, and read the difference",
    ),
    ("clippy", clippy, "each message above says the fix; an exception is an `#[expect(…, reason = \"…\")]`"),
    (
        "tests",
        tests,
        "where a golden result differs on purpose: `cargo xtask bless`, and read the difference",
    ),
    ("examples", examples::run, "run the command above by hand"),
    ("alone", alone, "a library crate must build and pass without the others' features, and without C"),
    ("docs", docs, "mend the documentation that is named above"),
    ("package", package, "a crate on its own must hold all that its build reads"),
];

pub(crate) fn run() -> Result<()> {
    let start = now();
    for (name, step, advice) in STEPS {
        println!("\n==> {name}");
        let start = now();
        step().with_context(|| format!("the step `{name}` failed: {advice}"))?;
        println!("==> {name}: ok, {:.1} s", start.elapsed().as_secs_f64());
    }
    println!("\ntest: all {} steps passed in {:.1} s", STEPS.len(), start.elapsed().as_secs_f64());
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "how long a step took is wall time, and only shown")]
fn now() -> Instant {
    Instant::now()
}

fn format() -> Result<()> {
    Program::cargo("fmt --all --check").run()
}

fn clippy() -> Result<()> {
    Program::cargo("clippy --quiet --workspace --all-targets --all-features -- -D warnings").run()?;
    // What only one set of features shows: a name that is unused, or missing, without libpcap.
    Program::cargo("clippy --quiet --workspace --all-targets --no-default-features -- -D warnings").run()
}

fn tests() -> Result<()> {
    Program::cargo("test --quiet --workspace --all-features").run()
}

/// Each library crate as its user gets it: without the command, and so without what the command switches on.
fn alone() -> Result<()> {
    for name in LIBRARIES {
        let package = format!("egret-{name}");
        Program::cargo("test --quiet --no-default-features --package").arg(&package).run()?;
        let tree = Program::cargo("tree --edges normal,build --prefix none --no-default-features --package")
            .arg(&package)
            .output()?;
        if let Some(line) = links_c(&tree) {
            bail!(
                "{package} depends on `{line}`, which links C: put it behind the feature `libpcap` of egret-capture"
            );
        }
    }
    // The command for reading files only, which `demo` falls back to.
    Program::cargo("test --quiet --no-default-features --package egret").run()
}

/// The first dependency in `cargo tree`'s list that brings C with it, by the customs of naming such crates.
fn links_c(tree: &str) -> Option<&str> {
    // Declarations of what the kernel and the system's own libraries offer: nothing is compiled or linked for them.
    let declares = |name: &str| matches!(name, "linux-raw-sys" | "windows-sys");
    tree.lines().find(|line| {
        let name = line.split(' ').next().unwrap_or_default();
        matches!(name, "pcap" | "cc" | "cmake" | "pkg-config") || (name.ends_with("-sys") && !declares(name))
    })
}

fn docs() -> Result<()> {
    Program::cargo("doc --quiet --workspace --all-features --no-deps")
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()
}

fn package() -> Result<()> {
    // Without building each package once more: `cargo package --workspace` by hand does that before a release.
    Program::cargo("package --quiet --workspace --no-verify --allow-dirty").run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_is_told_by_the_names_of_crates() {
        assert_eq!(links_c("egret-http v0.1.0 (x)\nzlib-rs v0.5.0\nlinux-raw-sys v0.12.1\n"), None);
        assert_eq!(links_c("flate2 v1.1.5\nlibz-sys v1.1.0\n"), Some("libz-sys v1.1.0"));
        assert_eq!(links_c("pcap v2.5.0\n"), Some("pcap v2.5.0"));
        assert_eq!(links_c("pcap-parser v0.17.0\n"), None);
    }
}
