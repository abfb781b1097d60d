//! The options of `egret split`.

use std::path::PathBuf;

use clap::Args;

use super::Input;
use super::decoding::Decoding;

#[derive(Debug, Args)]
pub(crate) struct Split {
    /// How many parts, at most 256
    #[arg(value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) parts: u32,
    /// Write the parts to this folder, which must be new or empty: DIR/0-of-N.pcapng and so on
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// The captures; `-` is standard input. Of several, packets are merged by time
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) decoding: Decoding,
    /// On standard error, only what went wrong: no progress bar, no summary
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl Split {
    /// What is read.
    pub(crate) fn input(&self) -> Input {
        Input { read: self.files.clone(), decoding: self.decoding.clone(), ..Input::default() }
    }
}
