//! The options of `egret packets`: tcpdump's letters.

use clap::Args;

use super::{Form, Input};

#[derive(Debug, Args)]
pub(crate) struct Packets {
    /// Show the layers of each packet below its line (twice is the same: there is no more to show)
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Show the bytes in hexadecimal, from the network header on; twice: from the link header on
    #[arg(short = 'x', action = clap::ArgAction::Count)]
    pub(crate) hex: u8,
    /// Show the bytes in hexadecimal and ASCII; twice: from the link header on
    #[arg(short = 'X', action = clap::ArgAction::Count)]
    pub(crate) hex_ascii: u8,
    /// Show the bytes in ASCII
    #[arg(short = 'A')]
    pub(crate) ascii: bool,
    /// Accepted for tcpdump's sake: sequence numbers are always those of the wire
    #[arg(short = 'S', action = clap::ArgAction::Count)]
    pub(crate) absolute: u8,
    #[command(flatten)]
    pub(crate) form: Form,
    #[command(flatten)]
    pub(crate) input: Input,
}
