//! `cargo xtask soak [--minutes N] [--seed S] [--case N]`: every fixture, damaged in every way, through capture, decoding,
//! reassembly and HTTP, for as long as it is told; or one case again.
//!
//! What is done and what must hold is the test `soak` of egret-http, since nothing here knows the crates. It is built
//! as tests are, with the checks of arithmetic that a release leaves out.

use anyhow::{Context, Result, bail};

use crate::shell::Program;

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    minutes: u64,
    seed: u64,
    case: Option<u64>,
}

pub(crate) fn run(words: &[String]) -> Result<()> {
    let Wanted { minutes, seed, case } = arguments(words)?;
    let command = "test --quiet --package egret-http --test soak -- --ignored --nocapture";
    let mut soak = Program::cargo(command)
        .env("EGRET_SOAK_MINUTES", &minutes.to_string())
        .env("EGRET_SOAK_SEED", &seed.to_string());
    if let Some(case) = case {
        soak = soak.env("EGRET_SOAK_CASE", &case.to_string());
    }
    soak.run()
}

fn arguments(words: &[String]) -> Result<Wanted> {
    let mut wanted = Wanted { minutes: 1, seed: 1, case: None };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut number = || {
            let number = words.next().and_then(|number| number.parse::<u64>().ok());
            number.with_context(|| format!("`{word}` wants a number"))
        };
        match word.as_str() {
            "--minutes" => wanted.minutes = number()?,
            "--seed" => wanted.seed = number()?,
            "--case" => wanted.case = Some(number()?),
            _ => bail!("`soak` takes `--minutes N`, `--seed S` and `--case N`, not `{word}`"),
        }
    }
    if wanted.minutes == 0 {
        bail!("`--minutes` wants one or more");
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_numbers() {
        let words = |text: &str| text.split_whitespace().map(str::to_string).collect::<Vec<_>>();
        let wanted = |text: &str| arguments(&words(text));
        assert_eq!(wanted("").expect("good"), Wanted { minutes: 1, seed: 1, case: None });
        let all = Wanted { minutes: 3, seed: 7, case: Some(9) };
        assert_eq!(wanted("--seed 7 --minutes 3 --case 9").expect("good"), all);
        for wrong in ["--minutes", "--minutes 0", "--seed x", "--case -1", "tcp"] {
            assert!(wanted(wrong).is_err(), "{wrong}");
        }
    }
}
