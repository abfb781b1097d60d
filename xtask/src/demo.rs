//! `cargo xtask demo`: the shortest way from a clone to something on the screen.
//!
//! Promises to succeed without libpcap and without the right to install it: then the command reads files only, and
//! says what live capture needs. Standard output is egret's alone, so that it can be piped on.

use anyhow::{Result, bail};

use crate::shell::Program;
use crate::{setup, workspace};

/// What `egret http` is shown on: requests over one connection, answered by nginx.
const CAPTURE: &str = "fixtures/real/nginx-keep-alive.pcapng";

pub(crate) fn run(rest: &[String]) -> Result<()> {
    let arguments = match rest.split_first() {
        None => vec!["http".to_string(), "-r".to_string(), CAPTURE.to_string()],
        Some((dashes, arguments)) if dashes == "--" => arguments.to_vec(),
        Some((word, _)) => bail!("put `--` before what is meant for egret: cargo xtask demo -- {word} …"),
    };
    let missing = setup::libpcap().err();
    let mut program = Program::cargo("run --quiet --package egret");
    if missing.is_some() {
        eprintln!("demo: libpcap is missing, so this egret reads files only");
        program = program.arg("--no-default-features");
    }
    program = program.arg("--");
    // Cargo is quiet, so that its lines do not stand among egret's; silence for minutes would look like a fault.
    eprintln!("demo: building egret; the first time takes a minute or two\n$ egret {}", arguments.join(" "));
    for argument in arguments {
        program = program.arg(argument);
    }
    program.run()?;
    match missing {
        // Who asked for more than the capture was told by egret itself what that needs.
        _ if !rest.is_empty() => {}
        Some(missing) => eprintln!("\nThat was {CAPTURE}. For live capture: {missing:#}"),
        None => eprintln!(
            "\nThat was {CAPTURE}. For what goes on now: cargo xtask demo -- http -i lo\n\
             (as root, or after: sudo setcap cap_net_raw,cap_net_admin=eip {})",
            workspace::built("egret")?.display()
        ),
    }
    Ok(())
}
