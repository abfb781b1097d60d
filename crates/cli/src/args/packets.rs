//! The options of `egret packets`: tcpdump's letters.

use clap::Args;

use super::{Form, Input};

#[derive(Debug, Args)]
pub(crate) struct Packets {
    /// Show the layers of each packet below its line (twice is the same: there is no more to show)
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Show the link header at the front of each line
    #[arg(short = 'e')]
    pub(crate) link_header: bool,
    /// Show no time; twice: seconds since 1970; three times: since the packet before; four times: with the date;
    /// five times: since the first packet
    #[arg(short = 't', action = clap::ArgAction::Count)]
    pub(crate) time: u8,
    /// Show the bytes in hexadecimal, from the network header on; twice: from the link header on
    #[arg(short = 'x', action = clap::ArgAction::Count)]
    pub(crate) hex: u8,
    /// Show the bytes in hexadecimal and ASCII; twice: from the link header on
    #[arg(short = 'X', action = clap::ArgAction::Count)]
    pub(crate) hex_ascii: u8,
    /// Show the bytes in ASCII, from the network header on; twice: from the link header on
    #[arg(short = 'A', action = clap::ArgAction::Count)]
    pub(crate) ascii: u8,
    /// Accepted for tcpdump's sake: sequence numbers are always those of the wire
    #[arg(short = 'S', action = clap::ArgAction::Count)]
    pub(crate) absolute: u8,
    /// List the interfaces, as `egret interfaces` does, and read no packets
    #[arg(short = 'D', long, conflicts_with_all = ["read", "interface", "write", "filter", "program"])]
    pub(crate) list_interfaces: bool,
    #[command(flatten)]
    pub(crate) form: Form,
    #[command(flatten)]
    pub(crate) input: Input,
}
