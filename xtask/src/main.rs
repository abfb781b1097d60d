//! The project's own commands: `cargo xtask COMMAND`.
//!
//! Depends on no crate of the project and on nothing that links C, so that it builds on a machine where the
//! project itself does not build yet, and `setup` can repair that. One `match`; each command is a module.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "these commands talk to a person at a terminal"
)]

mod bench;
mod bless;
mod compare;
mod demo;
mod examples;
mod fixtures;
mod fuzz;
#[cfg(target_os = "linux")]
mod loss;
mod model_score;
mod record;
mod script;
mod setup;
mod shell;
mod soak;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask COMMAND

  demo [-- ARGS]   build egret and run `egret http` on a bundled capture, or `egret ARGS`
  test             every check and every test, as a submission must pass them
  setup            find or install what is needed: libpcap's development file, rustfmt, clippy
  fixtures         compile fixtures/*/*.script into captures
  bless            rewrite the golden results of the fixtures and show what changed
  tidy             the rules of the house that a compiler does not check
  compare [--packets] FILE…
                   what tshark and tcpflow make of captures, beside what egret makes of them; or of each packet
  fuzz [TARGET…] [--minutes N]
                   run the fuzz targets of crates/*/fuzz, all or these, for so long each
  soak [--minutes N] [--seed S] [--case N]
                   damage every fixture in every way and check what all layers make of it, for so long; or do one case again
  loss FILE        how much is captured on a link without losing a packet, beside tcpdump and dumpcap
  record [NAME…]   make the real captures anew, all or these, with web servers, clients and egret itself
  model-score      what `egret api` infers of servers beside what they publish of themselves, and mitmproxy2swagger
  bench            make captures of which all is known, check what egret says of them, and measure it
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<()> {
    let Some((command, rest)) = words.split_first() else {
        print!("{HELP}");
        return Ok(());
    };
    if !matches!(command.as_str(), "demo" | "compare" | "fuzz" | "soak" | "bench" | "record" | "loss")
        && !rest.is_empty()
    {
        bail!("`{command}` takes no arguments\n\n{HELP}");
    }
    match command.as_str() {
        "demo" => demo::run(rest),
        "test" => test::run(),
        "setup" => setup::run(),
        "fixtures" => fixtures::run(),
        "bless" => bless::run(),
        "tidy" => tidy::run(),
        "compare" => compare::run(rest),
        "fuzz" => fuzz::run(rest),
        #[cfg(target_os = "linux")]
        "loss" => loss::run(rest),
        "soak" => soak::run(rest),
        "record" => record::run(rest),
        "bench" => bench::run(rest),
        "model-score" => model_score::run(),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => bail!("there is no command `{other}`\n\n{HELP}"),
    }
}
