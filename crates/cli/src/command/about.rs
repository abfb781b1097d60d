//! `egret completions` and `egret man`: what the arguments say about themselves, for shells and for `man`.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::args::Arguments;
use crate::output::Output;

pub(crate) fn completions(shell: Shell) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "egret", &mut script);
    print(&script)
}

/// The page of egret, or of the command of that name.
pub(crate) fn manual(name: Option<&str>) -> Result<ExitCode> {
    let mut arguments = Arguments::command();
    arguments.build();
    let page = match name {
        None => arguments,
        Some(name) => match arguments.find_subcommand(name) {
            Some(command) => command.clone(),
            None => bail!("no command is called {name}: `egret --help` lists them"),
        },
    };
    let mut text = Vec::new();
    Man::new(page).render(&mut text)?;
    print(&text)
}

fn print(bytes: &[u8]) -> Result<ExitCode> {
    let mut out = Output::plain()?;
    out.record(|to| to.write_all(bytes));
    out.flush();
    out.check()?;
    Ok(ExitCode::SUCCESS)
}
