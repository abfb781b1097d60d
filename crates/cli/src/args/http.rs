//! The options of `egret http`.

use clap::Args;

use super::values::size;
use super::{Form, Input, LimitArgs};

#[derive(Debug, Args)]
pub(crate) struct Http {
    /// Show the heads below each line; twice: the bodies too
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Show up to this many bytes of each body, decoded [default: 0 with --json, 64K with -vv]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) body_bytes: Option<usize>,
    /// Add the SHA-256 of each body, as sent and decoded (with --json)
    #[arg(long, requires = "json")]
    pub(crate) digest: bool,
    #[command(flatten)]
    pub(crate) form: Form,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) input: Input,
}
